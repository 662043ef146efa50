"""A plugin with commands of every sort, for tests of `hub.testing`."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from msgspec import Meta, Struct

from hub.plugin.command import command
from hub.plugin.context import TaskContext
from hub.plugin.errors import TaskError
from hub.plugin.typed import Plugin

DAY_S = 86_400.0


class Lab(Plugin):
    """Commands of a test."""

    class Config(Struct):
        """What can be said about it."""

        word: str = "none"

    runs = 0

    async def start(self) -> None:
        """Begin to count."""
        self.lines: list[str] = []

    @command
    async def word(self, ctx: TaskContext, n: Annotated[int, Meta(ge=1)] = 1) -> str:
        """Say the configured word."""
        return str(self.config.word * n)

    @command
    async def speak(self, ctx: TaskContext) -> dict[str, int]:
        """Say something on all channels."""
        ctx.progress(0.25, "a quarter")
        await ctx.chunk({"n": 1})
        await ctx.write(b"\x00\x01")
        await ctx.chunk("aside", channel="other")
        ctx.log("a word", level="warning")
        logging.getLogger("lab").info("from %s", "logging")
        ctx.progress(step=3, total=4)
        return {"said": 3}

    @command
    def count(self, ctx: TaskContext, to: int = 3) -> Iterator[int]:
        """Count in a thread."""
        for number in ctx.track(range(1, to + 1)):
            yield number
            if ctx.cancelled:
                return
        ctx.result("done")

    @command
    async def rows(self, ctx: TaskContext, to: int = 5) -> AsyncIterator[int]:
        """Stream rows, and note each before it is sent."""
        for number in range(1, to + 1):
            self.lines.append(str(number))
            ctx.progress(number / to, f"row {number}")
            yield number

    @command(timeout=5 * DAY_S)
    async def sleep(self, ctx: TaskContext, seconds: float) -> float:
        """Sleep."""
        await asyncio.sleep(seconds)
        return seconds

    @command(timeout=300)
    async def stuck(self, ctx: TaskContext) -> None:
        """Wait for ever."""
        await ctx.chunk("begun")
        await asyncio.Event().wait()

    @command(timeout=300)
    def blocked(self, ctx: TaskContext) -> float | None:
        """Wait in a thread until told to stop."""
        _ = ctx.chunk("begun")
        while not ctx.cancelled:
            time.sleep(0.001)
        return ctx.deadline

    @command(ttl=60)
    async def cached(self, ctx: TaskContext) -> int:
        """Count runs."""
        type(self).runs += 1
        return self.runs

    @command(join=True)
    async def shared(self, ctx: TaskContext) -> str:
        """Run once for all."""
        await ctx.chunk("begun")
        await asyncio.sleep(1)
        return ctx.task_id

    @command
    async def fail(self, ctx: TaskContext) -> None:
        """Fail for people."""
        raise TaskError("no luck", code="bad_luck", detail={"n": 1})

    @command
    async def stubborn(self, ctx: TaskContext) -> None:
        """Go on talking, whatever happens."""
        try:
            await ctx.chunk("first")
            ctx.log("logged")
        finally:
            ctx.progress(1.0, "too late")
            ctx.log("too late")
            await ctx.chunk("too late")
            await ctx.chunk(["too late"])
            await ctx.write(b"too late")

    @command
    def stubborn_thread(self, ctx: TaskContext) -> None:
        """Do so in a thread, which nobody can interrupt."""
        for number in range(100):
            ctx.progress(number / 100)
            ctx.log(f"line {number}")
            _ = ctx.chunk(number)
