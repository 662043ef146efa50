"""Reloading plugins while the hub runs: ``taskhub serve --reload``.

watchfiles says that something may have changed; what it is, two looks find out. They
compare content, so a file that is saved in halves is taken up once it stays the same,
and touching one does nothing. A look is also taken now and then unasked: notices get
lost on network drives, and folders come and go.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from watchfiles import PythonFilter, awatch

from hub.registry import Registry

logger = logging.getLogger("hub.cli")

SWEEP_S: Final = 1.0
"""Seconds between two looks that nothing has asked for."""
SETTLE_S: Final = 0.1
"""For how long code has to stay the same before it is taken up."""
RESTLESS: Final = 50
"""After so many looks that differ, what is there is taken up all the same."""


class Reloader:
    """Keeps the plugins of a registry as they are in their files.

    Args:
        registry: A watchful one that has been loaded.
        sweep_s: Seconds between two looks that nothing has asked for.
        settle_s: For how long code has to stay the same before it is taken up.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        sweep_s: float = SWEEP_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._registry = registry
        self._sweep_s = sweep_s
        self._settle_s = settle_s

    async def run(self) -> None:
        """Watch until cancelled; no trouble of a plugin or a folder ends it."""
        while True:
            try:
                await self._watch()
            except Exception as error:  # noqa: BLE001  # a watch may fail in many ways
                logger.warning("files cannot be watched, so they are polled: %s", error)
            await asyncio.sleep(self._sweep_s)
            await self.look()

    async def _watch(self) -> None:
        """Look whenever something may have changed, as long as the roots stay."""
        roots = self._registry.finder.roots()
        if not roots:
            return
        notices = awatch(
            *roots,
            watch_filter=PythonFilter(),
            step=20,
            debounce=200,
            rust_timeout=round(self._sweep_s * 1000),
            yield_on_timeout=True,
        )
        async for _ in notices:
            await self.look()
            if self._registry.finder.roots() != roots:
                return

    async def look(self) -> None:
        """Take up what has changed, once it has settled."""
        try:
            await self._look()
        except Exception:
            logger.exception("the plugins could not be reloaded")

    async def _look(self) -> None:
        finder, registry = self._registry.finder, self._registry
        look = await asyncio.to_thread(finder.look)
        if not registry.differs(look):
            return
        for _ in range(RESTLESS):
            await asyncio.sleep(self._settle_s)
            before, look = look, await asyncio.to_thread(finder.look)
            if look.prints == before.prints:
                break
        if registry.differs(look):
            await registry.reload(look)


@asynccontextmanager
async def reloading(registry: Registry) -> AsyncIterator[None]:
    """Keep plugins as they are in their files, as long as the context lasts."""
    # It would say of every save that there was one.
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    task = asyncio.create_task(Reloader(registry).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
