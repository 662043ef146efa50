"""Commands for the client's tests: output at any pace, of any size, gates."""

import asyncio
from collections.abc import AsyncIterator

from hub import Plugin, TaskContext, command

_gates: dict[str, asyncio.Event] = {}


class Lab(Plugin):
    """What clients have to cope with."""

    @command
    async def count(self, ctx: TaskContext, n: int, pace_ms: float = 0) -> int:
        """Send numbers; the result is how many."""
        for number in range(1, n + 1):
            ctx.progress(number / n)
            await ctx.chunk(number)
            if pace_ms:
                await asyncio.sleep(pace_ms / 1000)
        return n

    @command
    async def flood(self, ctx: TaskContext, n: int, size: int) -> AsyncIterator[str]:
        """Send many large texts, as fast as they go."""
        for number in range(n):
            yield f"{number} " + "x" * size
        ctx.result({"sent": n})

    @command
    async def large(self, ctx: TaskContext, size: int) -> str:
        """Return a large text."""
        return "é" * size

    @command
    async def wait(self, ctx: TaskContext, name: str) -> str:
        """Wait for a gate."""
        await ctx.chunk("waiting")
        await _gates.setdefault(name, asyncio.Event()).wait()
        return name

    @command
    async def open(self, ctx: TaskContext, name: str) -> None:
        """Open a gate."""
        _gates.setdefault(name, asyncio.Event()).set()

    @command
    async def picture(self, ctx: TaskContext) -> None:
        """Send bytes, and two lines of a log."""
        await ctx.write(b"\x89PNG", kind="image/png")
        ctx.log("careful", level="warning")
        await ctx.chunk({"level": 3}, channel="log2")
