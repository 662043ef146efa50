"""Programs of a few lines, and the plugin that may run them."""

import asyncio
import sys
import textwrap
from typing import Any

from hub.plugin.config import config_of
from plugins.process.child import Ended
from plugins.process.main import Process
from tests.plugins_bundled.recorder import Recorder


class Told(Recorder):
    """Keeps output by channel, and lets a test wait for some."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, str] = {"out": "", "err": ""}
        self.kinds: set[str | None] = set()
        self.heard = asyncio.Event()

    async def line(self) -> str:
        """Wait until there is a line of output, and give it."""
        while "\n" not in self.said["out"]:
            self.heard.clear()
            await self.heard.wait()
        return self.said["out"]

    async def text(self, channel: str, kind: str | None, data: str) -> None:
        """Keep a text."""
        self.said[channel] += data
        self.kinds.add(kind)
        self.heard.set()
        await asyncio.sleep(0)


def python(code: str, **more: Any) -> dict[str, Any]:  # Any: keys of a program's table
    """Describe a program that is a few lines of Python."""
    return {"argv": [sys.executable, "-uc", textwrap.dedent(code)], **more}


def process(**programs: dict[str, Any]) -> Process:
    """Make the plugin with some programs, as the configuration would."""
    plugin = Process()
    config = config_of(Process, "process", {"programs": programs})
    assert config is not None
    plugin.config = config  # type: ignore[assignment]  # it is the plugin's own
    return plugin


async def run(plugin: Process, told: Told, **params: Any) -> Ended:  # Any: as given
    """Run the program `it`."""
    return await plugin.run(told.context(), "it", **params)
