"""The demo plugin: what a task can do, without any data or network."""

import asyncio
import time
from collections.abc import Iterator
from typing import Annotated, Literal, NoReturn

from msgspec import Meta, Struct

from hub import Plugin, TaskContext, TaskError, command

ROUSE_S = 0.05
"""How often a sleeping thread looks whether its task was cancelled."""

Pace = Annotated[
    int,
    Meta(
        title="Pace",
        description="Pause after each one in milliseconds; 0 is as fast as possible.",
        ge=0,
        le=1000,
    ),
]
Seconds = Annotated[
    float, Meta(title="Seconds", description="How long it takes.", ge=0, le=3600)
]


class Counted(Struct, frozen=True, kw_only=True):
    """How far the countdown came."""

    seconds: float
    ticks: int


class Streamed(Struct, frozen=True, kw_only=True):
    """How much was streamed."""

    chunks: int
    bytes: int


class Slept(Struct, frozen=True, kw_only=True):
    """How long it really was."""

    seconds: float


class Row(Struct, frozen=True, kw_only=True):
    """A line of a table of powers."""

    n: int
    square: int
    cube: int


class Demo(Plugin):
    """Small commands that show what a task can do."""

    version = "1.0"

    @command()
    async def echo(
        self,
        ctx: TaskContext,
        value: Annotated[
            object, Meta(title="Value", description="Any JSON value; it comes back.")
        ] = "hello",
    ) -> object:
        """Answer with what was sent."""
        ctx.log("echoed", level="debug")
        return value

    @command(timeout=3660)
    async def countdown(
        self,
        ctx: TaskContext,
        seconds: Seconds = 10.0,
        interval: Annotated[
            float,
            Meta(
                title="Interval", description="Seconds between ticks.", ge=0.01, le=60
            ),
        ] = 1.0,
    ) -> Counted:
        """Count down to zero, with progress and a log line at each tick."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        ticks = 0
        # Each tick has its own moment, so that late ones do not add up.
        while (gone := ticks * interval) < seconds:
            left = f"{seconds - gone:g} s left"
            ctx.progress(gone / seconds, left)
            ctx.log(left)
            ticks += 1
            moment = start + min(ticks * interval, seconds)
            await asyncio.sleep(moment - loop.time())
        ctx.log("lift-off")
        return Counted(seconds=seconds, ticks=ticks)

    @command(timeout=3660)
    async def chunks(
        self,
        ctx: TaskContext,
        count: Annotated[
            int,
            Meta(title="Chunks", description="How many chunks.", ge=0, le=1_000_000),
        ] = 100,
        size: Annotated[
            int,
            Meta(title="Size", description="Bytes in each chunk.", ge=1, le=65_536),
        ] = 100,
        pace_ms: Pace = 0,
    ) -> Streamed:
        """Stream numbered chunks of text, as fast as the watcher can read."""
        for number in range(1, count + 1):
            await ctx.chunk(f"{number} ".ljust(size, ".")[:size], kind="text")
            ctx.progress(number / count, step=number, total=count)
            if pace_ms:
                await asyncio.sleep(pace_ms / 1000)
        return Streamed(chunks=count, bytes=count * size)

    @command(timeout=3660)
    def rows(
        self,
        ctx: TaskContext,
        count: Annotated[
            int, Meta(title="Rows", description="How many rows.", ge=0, le=100_000)
        ] = 20,
        pace_ms: Pace = 100,
    ) -> Iterator[Row]:
        """Stream the rows of a table from a generator that runs in a thread."""
        for n in ctx.track(range(1, count + 1), total=count):
            yield Row(n=n, square=n**2, cube=n**3)
            if ctx.cancelled:
                return
            time.sleep(pace_ms / 1000)
        ctx.result({"rows": count})

    @command(timeout=3660)
    def sleep(self, ctx: TaskContext, seconds: Seconds = 1.0) -> Slept:
        """Sleep in a thread, and wake up early when the task is cancelled."""
        start = time.monotonic()
        while not ctx.cancelled and (gone := time.monotonic() - start) < seconds:
            ctx.progress(gone / seconds)
            time.sleep(min(ROUSE_S, seconds - gone))
        return Slept(seconds=round(time.monotonic() - start, 3))

    @command()
    async def failure(
        self,
        ctx: TaskContext,
        how: Annotated[
            Literal["task_error", "exception"],
            Meta(
                title="How",
                description="An error written for people, or a mistake in the code.",
            ),
        ] = "task_error",
        message: Annotated[
            str,
            Meta(title="Message", description="What the error says.", max_length=500),
        ] = "This was asked for",
        code: Annotated[
            str,
            Meta(
                title="Code",
                description="The plugin's own code, for an error written for people.",
                pattern="^[a-z][a-z0-9_]{0,63}$",
            ),
        ] = "asked_for",
        *,
        retry: Annotated[
            bool,
            Meta(title="Retry", description="Whether trying again may help."),
        ] = False,
    ) -> NoReturn:
        """Fail, in one of the two ways in which a command can."""
        ctx.log("about to fail", level="warning")
        if how == "exception":
            raise RuntimeError(message)
        raise TaskError(message, code=code, retry=retry)
