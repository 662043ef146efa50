"""The commands that the benchmark runs."""

import asyncio
import itertools
import time
from typing import Literal

from hub import Plugin, TaskContext, command

TEXT = "x" * 100


def _micros(begun: float, calls: int) -> float:
    return (time.perf_counter() - begun) / calls * 1e6


class Load(Plugin):
    """Loads for the benchmark."""

    version = "1.0"

    @command()
    async def noop(self, ctx: TaskContext) -> None:
        """Do nothing."""

    @command(ttl=3600)
    async def cached(self, ctx: TaskContext) -> str:
        """Answer once, and from the cache ever after."""
        return TEXT

    @command()
    async def chunks(self, ctx: TaskContext, count: int, size: int = 100) -> None:
        """Send chunks as fast as they are taken."""
        text = "x" * size
        for _ in range(count):
            await ctx.chunk(text)

    @command(join=True)
    async def feed(
        self, ctx: TaskContext, hz: int, what: Literal["chunk", "progress"]
    ) -> None:
        """Tell the time, as chunks or as progress, until cancelled."""
        begun = time.monotonic()
        for tick in itertools.count(1):
            stamp = time.monotonic_ns()
            if what == "chunk":
                await ctx.chunk(f"{stamp:<100}")
            else:
                ctx.progress(tick % 100 / 100, str(stamp))
            await asyncio.sleep(begun + tick / hz - time.monotonic())

    @command()
    async def backlog(self, ctx: TaskContext, count: int, size: int) -> None:
        """Write a log, then go on at 20 Hz until cancelled."""
        text = "x" * size
        for _ in range(count):
            await ctx.chunk(text)
        ctx.progress(1.0, "written")
        while True:
            await asyncio.sleep(0.05)
            await ctx.chunk(text)

    @command()
    async def costs(self, ctx: TaskContext, calls: int) -> dict[str, float]:
        """Measure what a call of the context costs an async command, in µs."""
        begun = time.perf_counter()
        for call in range(calls):
            ctx.progress(call / calls)
        progress = _micros(begun, calls)
        begun = time.perf_counter()
        for _ in range(calls):
            await ctx.chunk(TEXT)
        return {"progress": progress, "chunk": _micros(begun, calls)}

    @command()
    def thread_costs(self, ctx: TaskContext, calls: int) -> dict[str, float]:
        """Measure what a call of the context costs a command in a thread, in µs."""
        begun = time.perf_counter()
        for call in range(calls):
            ctx.progress(call / calls)
        progress = _micros(begun, calls)
        begun = time.perf_counter()
        for _ in range(calls):
            _done = ctx.chunk(TEXT)
        return {"progress": progress, "chunk": _micros(begun, calls)}
