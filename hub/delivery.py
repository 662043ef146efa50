"""Delivery: who has something to send gets a turn, and a send that waits gets a task.

Feeds put themselves onto one list, which is worked off in the loop's next turn, each of
them once. A send is driven by hand as far as it goes; only where the transport makes it
wait does it become a task.
"""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Protocol

import msgspec

from hub.clock import Clock
from hub.engines.base import Engine
from hub.metrics import Metrics
from hub.protocol.frames import Heartbeat
from hub.responses import rfc3339

logger = logging.getLogger("hub.delivery")


class Transport(Protocol):
    """Where messages go."""

    def send(self, data: str | bytes) -> Coroutine[Any, Any, None] | None:
        """Send one message; None where it was taken, else what to await until it is."""

    def blocked(self) -> Coroutine[Any, Any, None] | None:
        """Return what to await before a message would be taken; None where one is.

        A transport that cannot know says None; its `send` waits, then.
        """

    def close(self, code: int, reason: str) -> Coroutine[Any, Any, None]:
        """End the conversation."""


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """What feeds are made of.

    Attributes:
        engine: Where the tasks are.
        clock: The time.
        metrics: Counts.
        message_bytes: How much one message gathers.
        frame_bytes: How large one message may be.
        heartbeat_s: After so long without a message there is a ping.
        progress_ms: How often progress is told, where the reader does not say.
    """

    engine: Engine
    clock: Clock
    metrics: Metrics
    message_bytes: int = 16 * 1024
    frame_bytes: int = 256 * 1024
    heartbeat_s: float = 20.0
    progress_ms: int = 100


class Sender(Protocol):
    """Who has something to send.

    Attributes:
        sent_at: When something was sent last, on the loop's clock.
    """

    sent_at: float

    def flush(self) -> None:
        """Send one message, if there is something to send and somebody takes it."""

    def answer(self, frame: msgspec.Struct) -> None:
        """Send a frame before everything that waits."""

    def close_with(self, code: int, reason: str) -> None:
        """Close when everything that waits has been sent."""

    def fail(self) -> None:
        """Close at once, without sending what waits: it cannot be sent."""


class Begun:
    """A coroutine that was driven by hand until it had to wait.

    Awaiting it goes on where it stopped: what it waits for is handed to the task.
    """

    __slots__ = ("_blocked", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, None], blocked: object) -> None:
        self._coroutine = coroutine
        self._blocked = blocked

    def __await__(self) -> Generator[Any, Any, None]:
        """Go on to the end."""
        blocked = self._blocked
        while True:
            value: object = None
            try:
                value = yield blocked
            except BaseException as error:  # noqa: BLE001  # it is the coroutine's
                failure: BaseException | None = error
            else:
                failure = None
            try:
                if failure is None:
                    blocked = self._coroutine.send(value)
                else:
                    blocked = self._coroutine.throw(failure)
            except StopIteration:
                return


class Delivery:
    """All senders of a node, and the list of those that have something to send.

    Args:
        wiring: What senders are made of.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self._all: set[Sender] = set()
        self._ready: list[Sender] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._context = contextvars.copy_context()

    def add(self, sender: Sender) -> None:
        """Take a sender in."""
        self._all.add(sender)

    def discard(self, sender: Sender) -> None:
        """Let a sender go."""
        self._all.discard(sender)
        if not self._all:
            self._empty.set()

    def ready(self, sender: Sender) -> None:
        """Flush a sender in the loop's next turn."""
        if not self._ready:
            # Not in the context of the command that happened to speak first.
            self.wiring.clock.call_soon(self._flush, context=self._context)
        self._ready.append(sender)

    def _flush(self) -> None:
        """Flush every sender that has something to send, once."""
        ready, self._ready = self._ready, []
        for sender in ready:
            try:
                sender.flush()
            except Exception:
                logger.exception("a sender could not be flushed")
                sender.fail()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what a send has left to do, until it is done or the node stops."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def tick(self) -> None:
        """Send a sign of life to whoever has heard nothing for long."""
        clock = self.wiring.clock
        before = clock.now() - self.wiring.heartbeat_s
        for sender in list(self._all):
            if sender.sent_at <= before:
                sender.sent_at = clock.now()
                sender.answer(Heartbeat(now=rfc3339(clock.wall())))

    async def close(
        self, last: Callable[[], msgspec.Struct], code: int, reason: str
    ) -> None:
        """Say goodbye to everybody, and wait until it is said or refused.

        Args:
            last: Makes the last frame, for each one anew.
            code: The close code.
            reason: The close reason.
        """
        for sender in list(self._all):
            sender.answer(last())
            sender.close_with(code, reason)
        if self._all:
            self._empty.clear()
            await self._empty.wait()
