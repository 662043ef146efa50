"""Commands that the tests of HTTP call."""

import asyncio
from collections.abc import AsyncIterator

from hub import Plugin, TaskContext, TaskError, command


class Lab(Plugin):
    """Small things."""

    version = "1.5"

    @command
    async def add(self, ctx: TaskContext, a: int, b: int = 0) -> int:
        """Add two numbers."""
        return a + b

    @command
    async def wait(self, ctx: TaskContext) -> None:
        """Begin, and wait for ever."""
        await ctx.chunk("begun")
        await asyncio.Event().wait()

    @command
    async def fail(self, ctx: TaskContext) -> None:
        """Fail with a text for people."""
        raise TaskError("No such city", code="no_city", retry=True)

    @command
    async def count(self, ctx: TaskContext, n: int) -> AsyncIterator[int]:
        """Stream numbers."""
        for number in range(n):
            yield number
        ctx.result(n)

    @command
    async def large(self, ctx: TaskContext, size: int) -> str:
        """Return a long text."""
        return "x" * size

    @command(ttl=60, unit="unit")
    async def cached(self, ctx: TaskContext, unit: str = "K") -> str:
        """Return what is kept for a minute."""
        await ctx.chunk(unit)
        return unit
