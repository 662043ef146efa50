"""A client's side of the conversation: requests out, frames to their tasks, resume.

Theory of operation. A `Following` without an id is an `execute` that got no `opened`:
it is sent, and after a lost connection sent again with the same key, so it runs once.
One with an id is a cursor; after every `welcome` each open one is watched from where it
stands. Nothing else has to survive a connection. Nothing here waits or reads a clock:
the owner hands in what happened, and takes what is to be sent.
"""

from collections.abc import Callable
from typing import Final

from msgspec import UNSET, structs

from hub.client.cursor import Unknown
from hub.client.errors import refused
from hub.client.following import Following
from hub.client.wire import Codec, Heard
from hub.errors import FrameTooLargeError, HubError, NotFoundError
from hub.events import Chunk, Gap, Progress, Reset, Result
from hub.protocol.frames import (
    PROTOCOL,
    Cancel,
    ClientFrame,
    ErrorFrame,
    Goaway,
    Hello,
    Ok,
    OpenedFrame,
    Unwatch,
    Watch,
    Welcome,
)

FRAME_BYTES: Final = 256 * 1024
"""How large a message may be, before the hub says so itself."""
AGAIN_MS: Final = 1000
"""When a watch that was refused for now is tried again, where the hub does not say."""


def _nobody() -> None:
    """Wake nobody."""


class Cancelling:
    """A wish to cancel a task, until the hub has answered it.

    Args:
        task_id: Which task.
        reason: For the log.

    Attributes:
        wake: Called when it is answered.
        done: Whether it is.
        error: Why it was refused.
    """

    def __init__(self, task_id: str, reason: str | None = None) -> None:
        self.task_id = task_id
        self.reason = reason
        self.wake: Callable[[], None] = _nobody
        self.done = False
        self.error: HubError | None = None

    def settle(self, error: HubError | None = None) -> None:
        """Take the answer."""
        self.done, self.error = True, error
        self.wake()


class Conversation:
    """What one client and its hub have to say to each other.

    Args:
        codec: How messages are written.
        hello: How every connection begins.

    Attributes:
        wake: Called when there is something to send, or to do later.
        settled: Called when the hub knows what is not wanted any more.
        welcome: What the hub said of this connection; None before it did.
        met: Whether a hub was ever there.
        is_foreign: Whether the hub of this connection speaks another version.
        going: What the hub said when it began to leave.
        later: Tasks to watch again, each with the milliseconds to wait before that.
    """

    def __init__(self, codec: Codec, hello: Hello) -> None:
        self.wake: Callable[[], None] = _nobody
        self.settled: Callable[[], None] = _nobody
        self.welcome: Welcome | None = None
        self.met = self.is_foreign = False
        self.going: Goaway | None = None
        self.later: list[tuple[int, Following]] = []
        self._codec = codec
        self._hello = hello
        self._frame_bytes = FRAME_BYTES
        self._open: dict[Following, None] = {}
        self._by_id: dict[str, Following] = {}
        self._cancels: dict[Cancelling, None] = {}
        self._asked: dict[int, Following | Cancelling] = {}
        self._abandoned: set[Following] = set()
        self._requests = 0
        self._outbox: list[bytes] = []

    # What the owner does.

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way that needs a connection."""
        return not self._open and not self._cancels

    @property
    def is_settled(self) -> bool:
        """Whether the hub knows what is not wanted any more."""
        return not self._abandoned and not self._cancels

    @property
    def is_drained(self) -> bool:
        """Whether the hub is leaving, and nothing here holds it up."""
        return self.going is not None and not self._by_id and not self._asked

    def connected(self) -> list[str | bytes]:
        """Begin a connection; return what is sent first."""
        hello = self._hello
        return self._codec.messages([self._codec.encode(hello)], self._frame_bytes)

    def lost(self) -> None:
        """Learn that the connection is gone: no answer comes, nothing leaves."""
        self.welcome = self.going = None
        self.is_foreign = False
        self._asked.clear()
        self._outbox.clear()
        self.later.clear()
        for following in self._open:
            following.cut()

    def take(self) -> list[str | bytes]:
        """Return the messages to send now, each with as much as it can hold."""
        parts, self._outbox = self._outbox, []
        return self._codec.messages(parts, self._frame_bytes)

    def begin(self, following: Following) -> None:
        """Follow a task from now on: execute it, or watch it."""
        self._open[following] = None
        if following.task_id is not None:
            self._by_id[following.task_id] = following
        self._go_on(following)
        self.wake()

    def follow(self, following: Following) -> None:
        """Follow a task, unless it is followed already."""
        if following not in self._open:
            self.begin(following)

    def find(self, task_id: str) -> Following | None:
        """Return a task that is followed already."""
        return self._by_id.get(task_id)

    def read(self, following: Following) -> None:
        """Read a task's output, too; go on where reading has stopped."""
        following.want()
        following.took()
        if following.is_over or not following.is_misread:
            return
        if following in self._open:
            self._watch(following)
        else:
            self.begin(following)  # its end is known, its output is not

    def forget(self, following: Following) -> None:
        """Follow a task no longer; it goes on."""
        if following in self._open and following.task_id is not None and self.welcome:
            self._say(Unwatch(task_id=following.task_id))
        self._close(following)

    def abandon(self, following: Following) -> None:
        """Have nothing more to do with a request that got no answer yet.

        What the hub has accepted of it is cancelled, unless the caller's own key says
        that others may have asked for the same.
        """
        if following.task_id is not None:
            self.cancel(Cancelling(following.task_id, "abandoned"))
            self.forget(following)
        elif following.sent:
            self._abandoned.add(following)
        else:
            self._close(following)

    def cancel(self, cancelling: Cancelling) -> None:
        """Cancel a task; the wish is repeated until it is answered."""
        self._cancels[cancelling] = None
        self._cancel(cancelling)
        self.wake()

    def fail(self, verdict: Callable[[bool], HubError]) -> None:
        """Give up: nothing more will be known of what is under way.

        Args:
            verdict: Makes the error, from whether something may have reached a hub.
        """
        self.lost()
        for following in list(self._open):
            self._close(following)
            following.fail(verdict(following.sent or following.task_id is not None))
        for cancelling in list(self._cancels):
            del self._cancels[cancelling]
            cancelling.settle(verdict(True))  # noqa: FBT003  # the contract's only argument

    def again(self, following: Following) -> None:
        """Watch a task whose watch was refused for a time."""
        if following in self._open:
            self._go_on(following)

    # What the hub says.

    def receive(self, frame: Heard, weight: int) -> None:
        """Take one frame.

        Args:
            frame: What the hub said.
            weight: How many bytes of its message were this frame's.
        """
        if isinstance(frame, Chunk | Gap | Reset | Result | Unknown):
            self._numbered(frame, weight)
        elif isinstance(frame, Progress):
            if following := self._by_id.get(frame.task_id):
                following.advance(frame)
        elif isinstance(frame, OpenedFrame):
            self._opened(frame)
        else:
            self._control(frame)

    def _control(self, frame: Heard) -> None:
        """Take a frame that is about no task's log."""
        if isinstance(frame, Welcome):
            self._welcomed(frame)
        elif isinstance(frame, ErrorFrame):
            self._error(frame)
        elif isinstance(frame, Ok):
            asked = self._asked.pop(_number(frame.id), None)
            if isinstance(asked, Cancelling):
                self._settle(asked)
        elif isinstance(frame, Goaway):
            self.going = frame
            self.wake()

    def _welcomed(self, frame: Welcome) -> None:
        """Take up everything on a fresh connection."""
        if frame.protocol != PROTOCOL:
            self.is_foreign = True
            return
        self.met = True
        before, self.welcome = self.welcome, frame
        self._frame_bytes = frame.limits.frame_bytes
        if frame.session is not UNSET:
            self._hello = structs.replace(self._hello, session=frame.session)
        # The greeting is answered by a welcome that replaces the one of the upgrade.
        if before is not None and before.hub == frame.hub:
            return
        for following in list(self._open):
            self._go_on(following)
        for cancelling in self._cancels:
            self._cancel(cancelling)
        self.wake()

    def _numbered(
        self, frame: Chunk | Gap | Reset | Result | Unknown, weight: int
    ) -> None:
        """Take an entry of a log."""
        if frame.task_id is None or (isinstance(frame, Unknown) and frame.seq is None):
            return
        following = self._by_id.get(frame.task_id)
        if following is None:
            return
        again = following.receive(frame, weight)
        if following.is_over:
            self._close(following)
            self.wake()  # a hub that is leaving may have waited for this end
        elif again:
            self._watch(following)

    def _opened(self, frame: OpenedFrame) -> None:
        """Take the answer to an `execute` or a `watch`."""
        asked = None if frame.id is UNSET else self._asked.pop(_number(frame.id), None)
        if not isinstance(asked, Following):
            return
        if asked not in self._open:
            # Nobody wanted it any more when the hub answered.
            self._say(Unwatch(task_id=frame.task_id))
            return
        self._by_id[frame.task_id] = asked
        asked.opened(frame, self.welcome.hub if self.welcome else None)
        if asked in self._abandoned:
            self.abandon(asked)
        elif asked.is_misread:
            self._watch(asked)

    def _error(self, frame: ErrorFrame) -> None:
        """Take a refusal, or the end of a watch."""
        asked = None if frame.id is UNSET else self._asked.pop(_number(frame.id), None)
        if asked is None and frame.id is UNSET and frame.task_id is not UNSET:
            asked = self._by_id.get(frame.task_id)
        if isinstance(asked, Cancelling):
            self._settle(asked, refused(frame))
        elif asked is not None and asked in self._open:
            self._refused(asked, frame)

    def _refused(self, following: Following, frame: ErrorFrame) -> None:
        """Learn that a task was not accepted, or cannot be read."""
        if following.task_id is not None and frame.retry:
            after = AGAIN_MS if frame.retry_after_ms is UNSET else frame.retry_after_ms
            self.later.append((after, following))
            self.wake()
            return
        self._close(following)
        following.fail(refused(frame))

    # What the hub is asked.

    def _go_on(self, following: Following) -> None:
        """Take a task up on this connection."""
        if self.welcome is None:
            return
        if following.task_id is None:
            if self.going is None:
                self._execute(following)
        elif following.hub not in (None, self.welcome.hub):
            self._close(following)
            following.fail(NotFoundError("The hub has lost the store of this task."))
        else:
            self._watch(following)

    def _execute(self, following: Following) -> None:
        """Send a request."""
        if following.request is None:
            raise AssertionError("a task without an id is one that is asked for")
        id = self._ask(following)
        size = self._say(structs.replace(following.request, id=id))
        if size > self._frame_bytes:
            self._outbox.pop()
            del self._asked[id]
            self._close(following)
            detail: dict[str, object] = {"limit": self._frame_bytes, "size": size}
            following.fail(FrameTooLargeError(detail=detail))
            return
        following.ask(id)

    def _watch(self, following: Following) -> None:
        """Read a task from where it stands."""
        if self.welcome is None or following.task_id is None:
            return
        id = self._ask(following)
        fields = following.place(id)
        self._say(Watch(id=id, task_id=following.task_id, **fields))

    def _cancel(self, cancelling: Cancelling) -> None:
        """Ask for a cancellation."""
        if self.welcome is not None:
            id = self._ask(cancelling)
            task_id, reason = cancelling.task_id, cancelling.reason
            self._say(Cancel(id=id, task_id=task_id, reason=reason))

    def _ask(self, asked: Following | Cancelling) -> int:
        """Return the id of a request that is answered."""
        self._requests += 1
        self._asked[self._requests] = asked
        return self._requests

    def _say(self, frame: ClientFrame) -> int:
        """Let a frame leave; return its size."""
        part = self._codec.encode(frame)
        self._outbox.append(part)
        self.wake()
        return len(part)

    def _settle(self, cancelling: Cancelling, error: HubError | None = None) -> None:
        """Close a wish to cancel."""
        self._cancels.pop(cancelling, None)
        cancelling.settle(error)
        if self.is_settled:
            self.settled()

    def _close(self, following: Following) -> None:
        """Have done with a task."""
        if following in self._abandoned:
            self._abandoned.discard(following)
            if self.is_settled:
                self.settled()
        self._open.pop(following, None)
        task_id = following.task_id
        if task_id is not None and self._by_id.get(task_id) is following:
            del self._by_id[task_id]


def _number(id: object) -> int:
    """Return the number of a request; 0, which none has, for what is no number."""
    return id if isinstance(id, int) else 0
