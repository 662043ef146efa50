"""Commands that wait until a test lets them go on, step by step, by name.

`step` lets whoever waits under a name go on once; `tally` tells how often something
happened under a name. So a test waits for events, and never sleeps.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncIterator

from hub import Plugin, TaskContext, command

PATIENCE_S = 30.0


class Gate(Plugin):
    """Work under a test's thumb."""

    async def start(self) -> None:
        """Begin with every gate closed."""
        self.counts: Counter[str] = Counter()
        self.doors: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(0)
        )
        self.locks: defaultdict[str, threading.Semaphore] = defaultdict(
            lambda: threading.Semaphore(0)
        )

    @command()
    async def step(self, ctx: TaskContext, name: str, n: int = 1) -> None:
        """Let go on."""
        for _ in range(n):
            self.doors[name].release()
            self.locks[name].release()

    @command()
    async def tally(self, ctx: TaskContext, name: str) -> dict[str, int]:
        """Tell how often runs of this name began, stopped and ended."""
        return {
            "began": self.counts[f"began {name}"],
            "stopped": self.counts[f"stopped {name}"],
            "ended": self.counts[f"ended {name}"],
        }

    @command()
    async def hold(self, ctx: TaskContext, name: str) -> str:
        """Say that it began, wait for a step, end."""
        return await self._hold(ctx, name)

    @command()
    async def walk(self, ctx: TaskContext, name: str, n: int) -> AsyncIterator[int]:
        """Yield a number for each step."""
        async for i in self._steps(ctx, name, n):
            ctx.progress((i + 1) / n, f"step {i}")
            yield i
        ctx.result(n)

    @command(ttl=60)
    async def shared(self, ctx: TaskContext, name: str, n: int) -> AsyncIterator[int]:
        """Walk, and let the same request share the run and its answer."""
        async for i in self._steps(ctx, name, n):
            yield i
        ctx.result(self.counts[f"began {name}"])

    @command(ttl=60, join=False)
    async def alone(self, ctx: TaskContext, name: str) -> str:
        """Hold, cached when done, but never joined."""
        return await self._hold(ctx, name)

    @command(timeout=0.3)
    async def never(self, ctx: TaskContext) -> None:
        """Wait for ever, under a limit."""
        await asyncio.Event().wait()

    @command(timeout=0.3)
    def never_in_thread(self, ctx: TaskContext) -> None:
        """Wait for ever in a thread, under a limit that it honours."""
        while not ctx.cancelled:
            self.locks["nobody"].acquire(timeout=0.02)

    @command()
    def polite(self, ctx: TaskContext, name: str) -> str:
        """Hold in a thread that looks for the cancel."""
        self._begin(ctx, name)
        while not ctx.cancelled:
            if self.locks[name].acquire(timeout=0.02):
                return name
        self.counts[f"stopped {name}"] += 1
        # After a cancel these do nothing and never raise.
        ctx.progress(0.9, "late")
        ctx.log("late")
        return "late"

    @command()
    def stubborn(self, ctx: TaskContext, name: str) -> str:
        """Hold in a thread that ignores the cancel."""
        self._begin(ctx, name)
        self.locks[name].acquire(timeout=PATIENCE_S)
        self.counts[f"ended {name}"] += 1
        return "late"

    def _begin(self, ctx: TaskContext, name: str) -> None:
        self.counts[f"began {name}"] += 1
        # The same method; in a thread nothing is awaited.
        ctx.chunk("began")  # type: ignore[unused-awaitable]

    async def _hold(self, ctx: TaskContext, name: str) -> str:
        async for _ in self._steps(ctx, name, 1):
            pass
        return name

    async def _steps(self, ctx: TaskContext, name: str, n: int) -> AsyncIterator[int]:
        self.counts[f"began {name}"] += 1
        await ctx.chunk("began")
        try:
            for i in range(n):
                await self.doors[name].acquire()
                yield i
        except asyncio.CancelledError:
            self.counts[f"stopped {name}"] += 1
            raise
        self.counts[f"ended {name}"] += 1
