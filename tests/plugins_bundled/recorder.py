"""A context without a hub, that keeps what a command says."""

import asyncio
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
