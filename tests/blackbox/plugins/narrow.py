"""Commands with limits and pools of their own, which wait until a test lets them go."""

import asyncio
from collections import Counter, defaultdict

from hub import Plugin, TaskContext, command


class Narrow(Plugin):
    """Little room."""

    async def start(self) -> None:
        """Begin with every gate closed."""
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.doors: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(0)
        )

    @command(concurrency=2)
    async def two(self, ctx: TaskContext, name: str) -> int:
        """Hold, two at once; return how many there ever were at once."""
        self.running[name] += 1
        self.most[name] = max(self.most[name], self.running[name])
        await ctx.chunk("began")
        try:
            await self.doors[name].acquire()
        finally:
            self.running[name] -= 1
        return self.most[name]

    @command
    async def step(self, ctx: TaskContext, name: str, n: int = 1) -> None:
        """Let so many go on."""
        for _ in range(n):
            self.doors[name].release()

    @command
    async def nap(self, ctx: TaskContext, s: float) -> None:
        """Take so many seconds."""
        await asyncio.sleep(s)

    @command(pool="far")
    async def distant(self, ctx: TaskContext) -> str:
        """Run where the pool is served."""
        return "arrived"

    @command(join=True)
    async def shared(self, ctx: TaskContext, name: str) -> str:
        """Share a run with whoever asks for the same."""
        return name
