"""Feeds: tasks' logs on their way to one reader, with one writer and no queue.

Theory of operation. A feed holds watches; a watch is a cursor into a task's log. When a
log moves, the engine marks the watch, the watch puts itself into its feed's set of
dirty ones, and the feed puts itself onto the list that `hub.delivery` works off in the
loop's next turn. Only then is anything read and encoded, as much as one message holds.
A transport that is full keeps its one message; what happens meanwhile costs a mark, and
the reader catches up from its cursors. So a slow reader costs nobody anything.

A message holds, in this order: answers; news of progress; entries and results in turns
by task, a quantum each. A message is whole frames up to `message_bytes` together, or a
single larger frame.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from math import inf
from typing import Any, Final

import msgspec

from hub.answers import Answers
from hub.delivery import Begun, Delivery, Transport
from hub.errors import HubError, NotFoundError
from hub.protocol.cursors import Cursor, Step, What
from hub.protocol.frames import CloseCode, Id
from hub.protocol.writing import JSON, Framing, View
from hub.runs import Opened
from hub.watches import Watch, error_frame, said

logger = logging.getLogger("hub.feeds")

QUANTUM: Final = 16 * 1024
"""How many bytes of one task's entries go out before it is another's turn."""


class Feed:
    """What one reader is sent.

    Args:
        delivery: Works it off.
        framing: How frames are written.
        transport: Where messages go.
        locale: The reader's language.

    Attributes:
        closed: Whether nothing is sent any more.
        watches: What is read, by task.
        sent_at: When something was sent last; infinity while the peer takes nothing.
    """

    def __init__(
        self, delivery: Delivery, framing: Framing, transport: Transport, locale: str
    ) -> None:
        wiring = delivery.wiring
        self.framing = framing
        self.locale = locale
        self.progress_ms = wiring.progress_ms
        self.clock = wiring.clock
        self.frame_bytes = wiring.frame_bytes
        self.watches: dict[str, Watch] = {}
        self.closed = False
        self.sent_at = wiring.clock.now()
        self._wiring = wiring
        self._delivery = delivery
        self._transport = transport
        self._scheduled = False
        self._answers = Answers()
        self._news: list[Watch] = []
        self._reading: deque[Watch] = deque()
        self._loading: deque[Watch] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._closing: tuple[int, str, msgspec.Struct | None] | None = None
        delivery.add(self)

    # What is to be sent

    def answer(self, frame: msgspec.Struct) -> None:
        """Send a frame before everything that waits."""
        self._answer(self.framing.frame(frame), 1)

    def error(
        self, error: HubError, *, id: Id | None = None, task_id: str | None = None
    ) -> None:
        """Say that a request is refused, or that a watch has ended."""
        self.answer(error_frame(error, self.locale, id=id, task_id=task_id))

    def _answer(self, part: bytes, count: int) -> None:
        """Send frames that must leave in one message."""
        if not self.closed:
            self._answers.append(part, count)
            self._schedule()

    def close_with(
        self, code: int, reason: str, last: msgspec.Struct | None = None
    ) -> None:
        """Close when everything that waits has been sent.

        Args:
            code: The close code.
            reason: The close reason.
            last: A frame to send behind everything else.
        """
        if self._closing is None:
            self._closing = (code, reason, last)
            self._schedule()

    def fail(self) -> None:
        """Close at once, without sending what waits: it cannot be sent."""
        self.close()
        self._drive(self._transport.close(CloseCode.INTERNAL, "internal"))

    def dirty(self, watch: Watch) -> None:
        """Take the mark of a watch whose log has moved."""
        self._reading.append(watch)
        self._schedule()

    def newsworthy(self, watch: Watch) -> None:
        """Take the mark of a watch whose progress has changed."""
        self._news.append(watch)
        self._schedule()

    def vanished(self, watch: Watch) -> None:
        """End a watch whose task is gone."""
        self.unwatch(watch.task.id)
        self.error(NotFoundError(), task_id=watch.task.id)

    def _schedule(self) -> None:
        """Have this feed worked off in the loop's next turn."""
        if not self._scheduled:
            self._scheduled = True
            self._delivery.ready(self)

    @property
    def congested(self) -> bool:
        """Whether more answers wait than a reader should have on its way."""
        return self._answers.congested

    def when_relieved(self, call: Callable[[], None]) -> None:
        """Call something once the feed is congested no more, or closed."""
        self._answers.when_relieved(call)

    async def relief(self) -> None:
        """Wait while the feed is congested."""
        relieved = asyncio.Event()
        self.when_relieved(relieved.set)
        if self.congested and not self.closed:
            await relieved.wait()

    # Watching

    def open(
        self,
        opened: Opened,
        *,
        id: Id | msgspec.UnsetType = msgspec.UNSET,
        after: int = 0,
        attempt: int | None = None,
        chunks: bool = True,
    ) -> None:
        """Answer with `opened`, and begin to read; a former watch of the task ends.

        Args:
            opened: The task, and how the reader came to it.
            id: Of the frame that is answered.
            after: The number after which to read.
            attempt: The attempt of the entry of that number, as the reader knows it.
            chunks: Whether chunks are wanted.
        """
        if self.closed:
            return
        task = opened.task
        if task.id in self.watches:
            self.unwatch(task.id)
        view = View(self.locale, self.clock.now(), self.frame_bytes, id)
        if opened.together and self.framing is JSON and task.trace is None:
            self._answer(*JSON.cached(view, task))
            return
        cursor = Cursor(chunks=chunks)
        start = cursor.open(task, after, attempt)
        first = self.framing.opened(view, task, opened.origin, start)
        watch = Watch(self, task, cursor)
        if opened.together:
            self._answer(*watch.whole(first))
        else:
            self._answer(first, 1)
        if not cursor.done:
            # Followed only once it has been read: a task that has ended by then, as
            # many have, needs no follower.
            self.watches[task.id] = watch
            self._wiring.metrics.watches += 1
            watch.queued = True
            self._reading.append(watch)

    def view(self) -> View:
        """Say who reads, and when."""
        return View(self.locale, self.clock.now(), self.frame_bytes)

    def unwatch(self, task_id: str) -> None:
        """Stop reading a task; nothing happens where it is not read."""
        watch = self.watches.pop(task_id, None)
        if watch is not None:
            watch.cursor.done = True
            self._wiring.metrics.watches -= 1
            if watch.followed:
                self._wiring.engine.unfollow(watch)

    # Sending

    def flush(self) -> None:
        """Send one message, if there is something to send and somebody takes it."""
        self._scheduled = False
        if self._sending is not None or self.closed:
            return
        blocked = self._transport.blocked()
        if blocked is not None:
            self._drive(blocked)
            return
        message = self._message()
        if message is not None:
            self._wiring.metrics.bytes_out += len(message)
            self.sent_at = self.clock.now()
            self._send(message)
            if self._answers or self._reading or self._news or self._closing:
                self._schedule()
        elif self._closing is not None and self._loading is None:
            code, reason, last = self._closing
            if last is not None:
                self._closing = (code, reason, None)
                self.answer(last)
                return
            self.closed = True
            self._delivery.discard(self)
            self._drive(self._transport.close(code, reason))

    def _send(self, message: str | bytes) -> None:
        """Send a message."""
        try:
            sending = self._transport.send(message)
        except ConnectionError as error:
            self._lost(error)
        else:
            self._drive(sending)

    def _drive(self, coroutine: Coroutine[Any, Any, None] | None) -> None:
        """Drive a send; leave it to a task where it has to wait."""
        if coroutine is None:
            return
        try:
            blocked = coroutine.send(None)
        except StopIteration:
            return
        except Exception as error:  # noqa: BLE001  # servers raise what they like
            self._lost(error)
        else:
            self.sent_at = inf  # who takes nothing needs no sign of life
            self._sending = self._delivery.spawn(self._wait(Begun(coroutine, blocked)))

    async def _wait(self, begun: Begun) -> None:
        """Wait until the transport has taken a message."""
        try:
            await begun
        except Exception as error:  # noqa: BLE001  # servers raise what they like
            self._lost(error)
        finally:
            self._sending, self.sent_at = None, self.clock.now()
        if not self.closed:
            self._schedule()

    def _lost(self, error: Exception) -> None:
        """Note that the peer is gone: an ordinary end."""
        logger.debug("a peer is gone: %r", error)
        self.close()

    def close(self) -> None:
        """Let go of everything; the tasks go on."""
        self.closed = True
        self._delivery.discard(self)
        for task_id in list(self.watches):
            self.unwatch(task_id)
        self._answers.clear()
        self._news.clear()
        self._reading.clear()
        if self._sending is not None and self._sending is not asyncio.current_task():
            self._sending.cancel()

    # Composing

    def _message(self) -> str | bytes | None:
        """Gather one message; None where there is nothing to send."""
        parts: list[bytes] = []
        count, room = self._answers.gather(parts, self._wiring.message_bytes)
        if self._news and room > 0:
            more, room = self._gather_news(parts, room)
            count += more
        while self._reading and room > 0:
            watch = self._reading.popleft()
            quantum = min(QUANTUM, room) if self._reading else room
            more, used = self._turn(watch, parts, quantum)
            count += more
            room -= used
        if not parts:
            return None
        self._wiring.metrics.frames_out += count
        return self.framing.message(parts, count)

    def _gather_news(self, parts: list[bytes], room: int) -> tuple[int, int]:
        """Gather progress frames; return how many, and the room that is left."""
        count = taken = 0
        for watch in self._news:
            if room <= 0:
                break
            taken += 1
            part = watch.progress()
            if part is not None:
                parts.append(part)
                count += 1
                room -= len(part)
        del self._news[:taken]
        return count, room

    def _turn(self, watch: Watch, parts: list[bytes], quantum: int) -> tuple[int, int]:
        """Gather what one watch reads in its turn; return frames and bytes."""
        task, cursor = watch.task, watch.cursor
        count, used = self._begin_turn(watch, parts)
        while used < quantum:
            step = cursor.step(task, quantum - used, watch.head_bytes)
            if step is None or step.what is What.LOAD:
                watch.queued = False
                if step is not None:
                    self._load(watch, step, quantum)
                return count, used
            part, frames = watch.frames(step)
            if step.what is What.RESULT:
                self.unwatch(task.id)
            if parts and used + len(part) > quantum:
                # It is larger than what fits: it goes first in the next message.
                self._answers.append(part, frames)
                used = self._wiring.message_bytes
                break
            parts.append(part)
            count += frames
            used += len(part)
            if cursor.done:
                return count, used
        if task.end and not cursor.done and task.status is not watch.seen:
            # The news of an end overtakes the output that is still to come.
            parts.append(watch.status())
            count += 1
        self._reading.append(watch)
        return count, used

    def _begin_turn(self, watch: Watch, parts: list[bytes]) -> tuple[int, int]:
        """Follow a task that goes on, and tell of its status; as `_turn` returns."""
        task = watch.task
        if task.end or watch.cursor.done:
            return 0, 0
        news = task.status is not watch.seen
        if not watch.followed:
            watch.followed = True
            self._wiring.engine.follow(watch)
            # What was said between `opened` and now has marked nobody.
            news = news or said(task.run) != watch.since
        if not news:
            return 0, 0
        parts.append(watch.status())
        return 1, len(parts[-1])

    def _load(self, watch: Watch, step: Step, budget: int) -> None:
        """Fetch entries from the store, one page at a time: memory stays bounded."""
        if self._loading is not None:
            self._loading.append(watch)
            return
        self._loading = deque()

        def loaded(tails: Sequence[bytes]) -> None:
            waiting, self._loading = self._loading or deque(), None
            if self.watches.get(watch.task.id) is watch:
                lost = watch.task.run.log.floor >= step.first
                if lost or watch.cursor.last != step.first - 1:
                    watch.moved()  # it went on meanwhile: what came is of no use
                elif found := list(tails[: step.last - step.first + 1]):
                    watch.cursor.last += len(found)
                    self._answer(watch.stored(step.first, found), len(found))
                    watch.moved()
                else:
                    self.vanished(watch)
            for other in waiting:
                other.moved()

        self._wiring.engine.load(watch.task, step.first - 1, budget, loaded)
