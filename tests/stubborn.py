"""Commands that do not stop when they are told to."""

import asyncio
import threading

from hub.plugin.context import TaskContext
from tests.stage import PATIENCE_S, Script, Stage, soon


class Stubborn:
    """Scripts that do not stop before the test lets them."""

    def __init__(self, command: str) -> None:
        self.begun = threading.Event()
        self._go = threading.Event()
        self._released = asyncio.Event()
        plain = command.endswith("plain")
        self.script: Script = self._plain if plain else self._coroutine

    async def _coroutine(self, ctx: TaskContext) -> str:
        self.begun.set()
        while not self._released.is_set():
            try:
                await self._released.wait()
            except asyncio.CancelledError:
                await ctx.chunk("not now")
        await ctx.chunk("late")
        return "late"

    def _plain(self, ctx: TaskContext) -> str:
        self.begun.set()
        assert self._go.wait(PATIENCE_S)
        ctx.chunk("late")  # type: ignore[unused-awaitable]  # in a thread
        return "late"

    def release(self) -> None:
        """Let them return."""
        self._go.set()
        self._released.set()


async def idle(hub: Stage) -> None:
    """Wait until no command runs."""
    await soon(lambda: not hub.worker.running)


async def began(hub: Stage, stubborn: Stubborn) -> None:
    """Wait until a stubborn script has begun."""
    assert await asyncio.to_thread(stubborn.begun.wait, PATIENCE_S)
