"""A context without a hub, that keeps what a command says."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Generator
from typing import Any

import msgspec

from hub.plugin.context import Facts, TaskContext


class Recorder:
    """The sink behind a context: all in order, nothing sent."""

    deadline: float | None = None

    def __init__(self) -> None:
        self.cancelled = False
        self.spoken = asyncio.Event()
        self.progressed: list[tuple[float | None, str | None]] = []
        # Any: JSON values, whatever the command says.
        self.chunks: list[tuple[str | None, Any]] = []
        self.logged: list[tuple[str, str]] = []

    def context(self, locale: str = "en") -> TaskContext:
        """Make the context to run a command with."""
        return TaskContext(Facts(run_id="r1", task_id="t1", locale=locale), self)

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Keep what a watcher would see."""
        self.progressed.append((fraction, message))
        self.spoken.set()

    async def chunk(self, channel: str, kind: str | None, data: bytes) -> None:
        """Keep a value."""
        self.chunks.append((kind, msgspec.json.decode(data)))
        await asyncio.sleep(0)

    async def text(self, channel: str, kind: str | None, data: str) -> None:
        """Keep a text."""
        self.chunks.append((kind, data))
        await asyncio.sleep(0)

    async def write(self, channel: str, kind: str, data: bytes) -> None:
        """Keep bytes."""
        self.chunks.append((kind, data))
        await asyncio.sleep(0)

    def log(self, record: bytes) -> None:
        """Keep a log record."""
        fields = msgspec.json.decode(record)
        self.logged.append((fields["level"], fields["message"]))


class _Taken:
    """What a call in a thread gives back: it has waited already."""

    def __await__(self) -> Generator[None, None, None]:
        """Wait no more."""
        yield from ()


class ThreadRecorder(Recorder):
    """The sink behind the context of a command that runs in a thread.

    Attributes:
        rows: The values of each channel, in order.
        on_chunk: Called after each piece of output.
    """

    def __init__(self, on_chunk: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        # Any: JSON values, whatever the command says.
        self.rows: defaultdict[str, list[Any]] = defaultdict(list)
        self.on_chunk = on_chunk
        self.on_progress: Callable[[], None] = lambda: None

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Keep what a watcher would see."""
        self.progressed.append((fraction, message))
        self.on_progress()

    def chunk(  # type: ignore[override]  # a thread's sink waits by itself
        self, channel: str, kind: str | None, data: bytes
    ) -> _Taken:
        """Keep a value."""
        self.rows[channel].append(msgspec.json.decode(data))
        self.chunks.append((kind, self.rows[channel][-1]))
        self.on_chunk()
        return _Taken()
