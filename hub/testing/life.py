"""One life of a hub under test: from its start to its end, or its death."""

import asyncio
import time
from pathlib import Path
from typing import Final, Self

import msgspec

from hub.clock import Clock
from hub.node import Node, Parts
from hub.plugin.command import Defaults
from hub.registry import Registry, Sources
from hub.settings import Settings
from hub.testing.loops import VirtualLoop
from hub.testing.pulse import Pulse
from hub.testing.wishes import Given

NEVER_S: Final = 3e9
"""The period of a node's own tick where the pulse takes its place: 95 years."""


class Life:
    """A node in a task of its own, whoever begins and ends it.

    Args:
        settings: Everything that can be chosen.
        given: The plugins.
        parts: Time, store and context.

    Attributes:
        node: The parts of the hub.
    """

    def __init__(self, settings: Settings, given: Given, parts: Parts) -> None:
        timing = settings.timing
        self._tick_s = timing.tick_s
        if isinstance(asyncio.get_running_loop(), VirtualLoop):
            own = msgspec.structs.replace(timing, tick_s=NEVER_S)
            settings = msgspec.structs.replace(settings, timing=own)
        sources = Sources(
            given=given.candidates, folders=given.folders, entry_points=tuple
        )
        registry = Registry(
            sources,
            config=settings.plugin,
            defaults=Defaults(ttl_s=settings.cache.ttl_s, timeout_s=timing.timeout_s),
            strict=True,
        )
        parts = msgspec.structs.replace(parts, registry=registry)
        self.node = Node(settings, Path(), parts=parts)
        self._pulse: Pulse | None = None
        self._leave = asyncio.Event()
        self._begun = asyncio.Event()
        self._task = asyncio.create_task(self._live())

    async def _live(self) -> None:
        async with self.node:
            self._begun.set()
            await self._leave.wait()

    async def begin(self) -> Self:
        """Wait until the node is there.

        Raises:
            PluginRefusedError: A plugin was refused.
        """
        begun = asyncio.create_task(self._begun.wait())
        await asyncio.wait({begun, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not begun.done():
            begun.cancel()
            await self._task
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualLoop):
            loop.heed(lambda: self.node.busy_threads)
            self._pulse = Pulse(self.node.tick, self._tick_s)
        return self

    def stir(self) -> None:
        """Note that something happens: what is due soon is to be met."""
        if self._pulse is not None:
            self._pulse.stir()

    def due_in(self, seconds: float) -> None:
        """Note that something is due exactly then."""
        if self._pulse is not None:
            self._pulse.at(seconds)

    async def end(self) -> None:
        """Stop the node."""
        if self._pulse is not None:
            self._pulse.stop()
        self._leave.set()
        await self._task


def clock_of(loop: asyncio.AbstractEventLoop) -> Clock:
    """Return the time of a loop: its own, where it has one."""
    if not isinstance(loop, VirtualLoop):
        return Clock(loop)
    began, zero = time.time(), loop.time()
    return Clock(loop, wall=lambda: began + loop.time() - zero, now=loop.time)
