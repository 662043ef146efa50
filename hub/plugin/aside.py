"""Loading a plugin beside the loop: its module may compute, wait, or never end.

The thread is a daemon, since there is no way to end an import: one that was given up
goes on until the hub stops, and what it comes to is forgotten. Modules of plugins have
names of their own at each load, so a later one does not wait for its lock.
"""

import asyncio
import threading
from contextlib import suppress

from hub.errors import PluginRefusedError
from hub.plugin.contract import PluginBase
from hub.plugin.loading import forget
from hub.plugin.sources import Candidate


async def load_aside(candidate: Candidate, within_s: float) -> type[PluginBase]:
    """Load a candidate's class in a thread.

    Args:
        candidate: What to load.
        within_s: How long that may take, in seconds.

    Raises:
        PluginRefusedError: It cannot be loaded, or takes too long.
    """
    loop = asyncio.get_running_loop()
    loaded: asyncio.Future[type[PluginBase]] = loop.create_future()

    def settle(result: type[PluginBase] | BaseException) -> None:
        if loaded.done():
            if isinstance(result, type):
                forget(result)
        elif isinstance(result, type):
            loaded.set_result(result)
        else:
            loaded.set_exception(result)

    def load() -> None:
        try:
            result: type[PluginBase] | BaseException = candidate.load()
        except BaseException as error:  # noqa: BLE001  # whoever waits is told
            result = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=load, name="taskhub-import", daemon=True).start()
    try:
        async with asyncio.timeout(within_s):
            return await loaded
    except TimeoutError:
        reason = f"it was still being imported after {within_s} s"
        raise PluginRefusedError(reason, file=str(candidate.file)) from None
