"""The context of a running command: how it speaks, and what it may know.

A command gets a `TaskContext`, and so does anything it calls, by `current_task()`. The
verbs are the same in async and in threaded commands; what they do with what they are
given is the business of a `Sink`, which the runner (or a test) puts behind them.
"""

import math
from base64 import b64encode
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Generator,
    Iterable,
    Iterator,
    Sized,
)
from contextvars import ContextVar
from typing import Any, Final, Literal, Protocol, TypeVar, overload

import msgspec

from hub.codec import sayable, to_json

Item = TypeVar("Item")
Level = Literal["debug", "info", "warning", "error", "critical"]

OUT: Final = "out"
"""The channel of a command's own output."""
LOG: Final = "log"
"""The channel of log records."""
_NAME_BYTES: Final = 256
"""How long the name of a channel or a kind may be."""
_MOST: Final = 2**53
"""The largest whole number that JavaScript holds exactly."""
BINARY: Final = "application/octet-stream"
"""The kind of binary chunks that name none."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a command may know of its task.

    Attributes:
        run_id: The work.
        task_id: The first ticket onto it.
        attempt: From 1.
        principal: Who asked; None where the command's results are public.
        locale: The reader's language, or the hub's where the command is not localised.
        key: The idempotency key; None where the command's results are public.
        trace: W3C traceparent; None where the command's results are public.
    """

    run_id: str
    task_id: str
    attempt: int = 1
    principal: str | None = None
    locale: str = "en"
    key: str | None = None
    trace: str | None = None


class _Ready(Awaitable[None]):
    """Something to await that is there already."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        """Return at once."""
        return iter(())  # type: ignore[return-value]  # awaiting an empty iterator


READY: Final = _Ready()
"""What sinks return where there is nothing to wait for."""


class Sink(Protocol):
    """What stands behind a context."""

    @property
    def cancelled(self) -> bool:
        """Whether the command is to stop."""

    @property
    def deadline(self) -> float | None:
        """Seconds that are left; None for no end."""

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Take how far the command is; never waits."""

    def chunk(self, channel: str, kind: str | None, data: bytes) -> Awaitable[None]:
        """Take output, as JSON; what comes back is awaited in async commands."""

    def write(self, channel: str, kind: str, data: bytes) -> Awaitable[None]:
        """Take binary output."""

    def text(self, channel: str, kind: str | None, data: str) -> Awaitable[None]:
        """Take text, which may be cut where it is too long for one chunk."""

    def log(self, record: bytes) -> None:
        """Take a log record, as JSON; never waits."""


class LogRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A chunk of the channel log.

    Attributes:
        level: debug, info, warning, error or critical.
        logger: Who said it, where it came through `logging`.
        message: The text.
    """

    level: str
    logger: str | None = None
    message: str


class TaskContext:
    """A running command's side of its task.

    Args:
        facts: What the command may know.
        sink: Takes what it says.

    Attributes:
        run_id: The work.
        task_id: The first ticket onto it.
        attempt: From 1.
        principal: Who asked; None where the command's results are public.
        locale: The language to speak.
        key: The caller's idempotency key.
        trace: The caller's W3C traceparent.
    """

    __slots__ = (
        "_sink",
        "attempt",
        "key",
        "locale",
        "principal",
        "result_value",
        "run_id",
        "task_id",
        "trace",
    )

    def __init__(self, facts: Facts, sink: Sink) -> None:
        self.run_id = facts.run_id
        self.task_id = facts.task_id
        self.attempt = facts.attempt
        self.principal = facts.principal
        self.locale = facts.locale
        self.key = facts.key
        self.trace = facts.trace
        self.result_value: object = None
        self._sink = sink

    @property
    def deadline(self) -> float | None:
        """Seconds that are left; None where nothing ends the command. It may grow."""
        return self._sink.deadline

    @property
    def cancelled(self) -> bool:
        """Whether the command is to stop: nobody wants it any more, or time is up."""
        return self._sink.cancelled

    def progress(
        self,
        fraction: float | None = None,
        message: str | None = None,
        *,
        step: int | None = None,
        total: int | None = None,
    ) -> None:
        """Say how far the command is; never waits, at any rate.

        Args:
            fraction: 0.0 to 1.0, cut to that; None for unknown, unless `step` and
                `total` tell.
            message: For people.
            step: Which step of `total`.
            total: How many steps there are.
        """
        if fraction is None:
            if step is not None and total:
                fraction = min(1.0, max(0.0, step / total))
        else:
            fraction = _fraction(fraction)
        if message is not None:
            message = sayable(str(message))
        if step is not None:
            step = _whole(step)
        if total is not None:
            total = _whole(total)
        self._sink.progress(fraction, message, step, total)

    @overload
    def track(
        self,
        iterable: AsyncIterable[Item],
        total: int | None = None,
        message: str | None = None,
    ) -> AsyncIterator[Item]: ...

    @overload
    def track(
        self,
        iterable: Iterable[Item],
        total: int | None = None,
        message: str | None = None,
    ) -> Iterator[Item]: ...

    def track(
        self,
        iterable: Iterable[Item] | AsyncIterable[Item],
        total: int | None = None,
        message: str | None = None,
    ) -> Iterator[Item] | AsyncIterator[Item]:
        """Yield the items, and report progress after each.

        Args:
            iterable: What to go through; an async one is gone through with `async for`.
            total: How many items there are; by default its length, where it has one.
            message: For people.
        """
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        if isinstance(iterable, AsyncIterable):
            return self._track_async(iterable, total, message)
        return self._track(iterable, total, message)

    def _track(
        self, items: Iterable[Item], total: int | None, message: str | None
    ) -> Iterator[Item]:
        for step, item in enumerate(items, 1):
            yield item
            self.progress(None, message, step=step, total=total)

    async def _track_async(
        self, items: AsyncIterable[Item], total: int | None, message: str | None
    ) -> AsyncIterator[Item]:
        step = 0
        async for item in items:
            yield item
            step += 1
            self.progress(None, message, step=step, total=total)

    def chunk(
        self, data: object, channel: str = OUT, kind: str | None = None
    ) -> Awaitable[None]:
        """Send a piece of output; waits while too much of it is on its way.

        `await` it in async commands; in threads the call itself waits.

        Args:
            data: Any JSON value, or what msgspec can encode as one; bytes become
                base64. Text and bytes that are too long for one chunk are cut into
                several, each of which can be read by itself.
            channel: out, or the command's own.
            kind: text, ansi, json, row, number, or a media type.

        Raises:
            TaskError: With code chunk_too_large, where it is too large for one chunk.
            ValueError: It is no JSON value.
        """
        if channel is not OUT or kind is not None:
            _check_words(channel, kind)
        if isinstance(data, bytes | bytearray | memoryview):
            data = b64encode(data).decode()
        if isinstance(data, str):
            return self._sink.text(channel, kind, data)
        return self._sink.chunk(channel, kind, to_json(data))

    def write(
        self, data: bytes, kind: str = BINARY, channel: str = OUT
    ) -> Awaitable[None]:
        """Send binary output; large data is cut into several chunks.

        `await` it in async commands; in threads the call itself waits.

        Args:
            data: The bytes.
            kind: A media type.
            channel: out, or the command's own.
        """
        if channel is not OUT or kind is not BINARY:
            _check_words(channel, kind)
        return self._sink.write(channel, kind, bytes(data))

    def log(self, message: str, level: Level = "info") -> None:
        """Write a record to the task's log channel; never waits."""
        said = LogRecord(level=level, message=sayable(str(message)))
        self._sink.log(to_json(said))

    def log_record(self, record: bytes) -> None:
        """Write a record that is JSON of a `LogRecord` already."""
        self._sink.log(record)

    def result(self, value: object) -> None:
        """Set the result of a generator command; the last call counts."""
        self.result_value = value


def _fraction(given: float) -> float | None:
    """Return a fraction within its bounds; None where it is no number."""
    fraction = float(given)
    if 0.0 <= fraction <= 1.0:
        return fraction
    return None if math.isnan(fraction) else min(1.0, max(0.0, fraction))


def _whole(given: int) -> int:
    """Return a whole number that every client can hold."""
    return max(-_MOST, min(_MOST, int(given)))


def _check_words(channel: object, kind: object) -> None:
    """Refuse names that are no text, in the command that gave them."""
    for name, word in (("channel", channel), ("kind", kind)):
        if word is None and name == "kind":
            continue
        if not isinstance(word, str):
            raise TypeError(f"{name}: expected text, got {type(word).__name__}")
        # Encoding raises a ValueError, too, for a lone surrogate.
        if len(word.encode()) > _NAME_BYTES:
            raise ValueError(f"{name}: longer than {_NAME_BYTES} bytes")


current: ContextVar[TaskContext] = ContextVar("taskhub_task")
"""The context of the command that is running here."""


def current_task() -> TaskContext:
    """Return the context of the command that is running here.

    Raises:
        RuntimeError: None is: this is not the inside of a command.
    """
    try:
        return current.get()
    except LookupError:
        raise RuntimeError(
            "current_task() works inside of a command only; there is none here"
        ) from None


__all__ = [
    "BINARY",
    "LOG",
    "OUT",
    "READY",
    "Facts",
    "Level",
    "LogRecord",
    "Sink",
    "TaskContext",
    "current",
    "current_task",
]
