"""Commands that would keep an interpreter from ending."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from hub import Plugin, TaskContext, command

NEVER = threading.Event()


class Holdfast(Plugin):
    """Holds on, each command in its own way, after the chunk `held`."""

    @command()
    async def borrowed(self, ctx: TaskContext) -> None:
        """Wait in a thread of the loop's executor."""
        await ctx.chunk("held")
        await asyncio.to_thread(NEVER.wait)

    @command()
    async def pool(self, ctx: TaskContext) -> None:
        """Leave work in an executor of its own."""
        ThreadPoolExecutor(1).submit(NEVER.wait)
        await ctx.chunk("held")
        await asyncio.Event().wait()

    @command()
    async def thread(self, ctx: TaskContext) -> None:
        """Leave a thread for which interpreters wait."""
        threading.Thread(target=NEVER.wait).start()
        await ctx.chunk("held")
        await asyncio.Event().wait()

    @command()
    async def deaf(self, ctx: TaskContext) -> None:
        """Swallow every cancellation."""
        await ctx.chunk("held")
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
