"""Points in a run's life at which a test cancels it, or kills the hub."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from hub.plugin.context import READY, LogRecord, Sink

TURNS: Final = 3
"""How many turns of the loop a cancellation needs to reach its command, at most."""
GLANCE_S: Final = 0.05
"""How often a thread that waits looks whether it is to stop."""
LONG_S: Final = 5.0
"""For how long a thread waits to be cancelled."""


class Point(Struct, frozen=True, kw_only=True):
    """A point in a run's life: made by `after_chunk` and the like."""

    what: Literal["chunk", "progress", "message", "finish"]
    count: int = 1
    fraction: float = 0.0
    text: str = ""

    def met(self, fraction: float | None, message: str | None) -> bool:
        """Whether a word about the progress, or a log record, is this point."""
        if self.what == "progress":
            return fraction is not None and fraction >= self.fraction
        return self.what == "message" and self.text in (message or "")


def after_chunk(count: int = 1) -> Point:
    """Return the point at which so many chunks have been sent, log records apart."""
    return Point(what="chunk", count=count)


def at_progress(fraction: float) -> Point:
    """Return the point at which the command has said that it is so far, or farther."""
    return Point(what="progress", fraction=fraction)


def at_message(text: str) -> Point:
    """Return the point at which a log record or a progress message holds a text."""
    return Point(what="message", text=text)


def before_finish() -> Point:
    """Return the point at which the command has returned, and nobody knows it yet."""
    return Point(what="finish")


class Killed(BaseException):  # no error: the end of everything
    """The hub died at this point of the command."""


class _Turns:
    """Something to await that gives the loop a few turns."""

    def __await__(self) -> Generator[Any, None, None]:
        for _ in range(TURNS):
            yield


NOWHERE: Final = Point(what="finish")
"""A point that no word of a command is."""


class PointedSink:
    """Passes on what a command says, up to a point.

    A thread that tells its progress waits until that was heard: otherwise only the
    latest of several words would be, by chance.

    Args:
        sink: What stands behind.
        point: Which point.
        act: What happens there, called on the loop's thread or in the command's.
        deadly: Whether nothing of the command's is heard afterwards.
    """

    def __init__(
        self, sink: Sink, point: Point, act: Callable[[], None], *, deadly: bool
    ) -> None:
        self._sink = sink
        self._point = point
        self._act = act
        self._deadly = deadly
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._chunks = 0
        self._reached = False

    @property
    def cancelled(self) -> bool:
        """Whether the command is to stop."""
        return self._sink.cancelled

    @property
    def deadline(self) -> float | None:
        """Seconds that are left."""
        return self._sink.deadline

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Take how far the command is."""
        if self._dead:
            return
        self._sink.progress(fraction, message, step, total)
        if self._is_thread:
            self._be_heard()
        if self._point.met(fraction, message):
            _ = self._reach()

    def chunk(self, channel: str, kind: str | None, data: bytes) -> Awaitable[None]:
        """Take output, as JSON."""
        if self._dead:
            return READY
        return self._count(self._sink.chunk(channel, kind, data))

    def text(self, channel: str, kind: str | None, data: str) -> Awaitable[None]:
        """Take text."""
        if self._dead:
            return READY
        return self._count(self._sink.text(channel, kind, data))

    def write(self, channel: str, kind: str, data: bytes) -> Awaitable[None]:
        """Take binary output."""
        if self._dead:
            return READY
        return self._count(self._sink.write(channel, kind, data))

    def log(self, record: bytes) -> None:
        """Take a log record."""
        if self._dead:
            return
        self._sink.log(record)
        said = msgspec.json.decode(record, type=LogRecord).message
        if self._point.met(None, said):
            _ = self._reach()

    def _be_heard(self) -> None:
        """Wait until the loop has taken what was said, as long as there is a loop."""
        heard = threading.Event()
        try:
            self._loop.call_soon_threadsafe(heard.set)
        except RuntimeError:
            return
        while not (heard.wait(GLANCE_S) or self._sink.cancelled):
            pass

    @property
    def _dead(self) -> bool:
        """Whether nobody hears the command any more."""
        return self._reached and self._deadly

    def _count(self, waits: Awaitable[None]) -> Awaitable[None]:
        """Count a chunk."""
        self._chunks += 1
        if self._point.what == "chunk" and self._chunks == self._point.count:
            return self._reach()
        # A point that was reached by a call that waits for nothing, such as progress.
        return _Turns() if self._reached and not self._is_thread else waits

    @property
    def _is_thread(self) -> bool:
        """Whether the command runs in a thread."""
        return threading.get_ident() != self._loop_thread

    def _reach(self) -> Awaitable[None]:
        """Act, once; return what to await in an async command.

        Raises:
            Killed: The hub is dead.
        """
        if self._reached:
            return READY
        self._reached = True
        self._act()
        if self._deadly:
            raise Killed
        if not self._is_thread:
            return _Turns()
        until = time.monotonic() + LONG_S
        while not self._sink.cancelled and time.monotonic() < until:
            time.sleep(0.001)
        return READY
