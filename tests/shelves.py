"""Plugins in folders, and registries that find them."""

import asyncio
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from hub.plugin.direct import run_directly
from hub.registry import Registry, Sources

IMPORTS = """
import asyncio, sys, threading
from hub.plugin.command import command
from hub.plugin.contract import PluginBase
from hub.plugin.typed import Plugin
from msgspec import Struct
"""

TYPED = '''
class Typed(Plugin):
    """A typed plugin.

    More about it."""

    version = "1.0"

    class Config(Struct):
        """Settings."""

        word: str = "w"

    async def start(self):
        """Prepare."""
        {start}

    async def stop(self):
        """Finish."""
        {stop}

    async def healthy(self):
        """Answer."""
        {healthy}

    @command(ttl=True, public=True)
    async def say(self, ctx, n: int = 1) -> str:
        """Say the word."""
        return self.config.word * n

    @command(retries=2)
    async def again(self, ctx) -> None:
        """Wait for a later version."""
'''

CLASSIC = '''
class Classic(PluginBase):
    """A classic plugin."""

    def initialize(self, config):
        self.config = config
        {initialize}

    def execute(self, command, params):
        return {{"success": True, "result": [command, params, self.config]}}

    def get_info(self):
        {get_info}

    def cleanup(self):
        {cleanup}

    def is_healthy(self):
        {healthy}
'''


def typed(**bodies: str) -> str:
    """Return the source of a typed plugin."""
    usual = {"start": "pass", "stop": "pass", "healthy": "return True"}
    return IMPORTS + TYPED.format(**usual | bodies)


def classic(**bodies: str) -> str:
    """Return the source of a classic plugin."""
    usual = {
        "initialize": "return True",
        "get_info": 'return {"version": 2, "description": "D", "commands": ["do"]}',
        "cleanup": "pass",
        "healthy": "return True",
    }
    return IMPORTS + CLASSIC.format(**usual | bodies)


def shelf(path: Path, **files: str) -> Path:
    """Write plugins into a folder."""
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / f"{name}.py").write_text(text, "utf-8")
    return path


# Any: the options of a Registry.
def registry(*folders: Path, **options: Any) -> Registry:
    """Return a registry of folders, without what else is installed."""
    bundled = options.pop("bundled", None)
    points: Iterable[EntryPoint] = options.pop("entry_points", ())
    sources = Sources(folders=folders, entry_points=lambda: points, bundled=bundled)
    return Registry(sources, **options)


async def loaded(*folders: Path, **options: Any) -> Registry:
    """Return a registry that has been loaded."""
    found = registry(*folders, **options)
    await found.load()
    return found


def reasons(found: Registry) -> dict[str, tuple[int | None, str]]:
    """Return line and reason of what was refused, by name."""
    return {each.name: (each.line, each.reason) for each in found.refused()}


def line_of(text: str, part: str) -> int:
    """Return the line on which a part of a source stands."""
    return text[: text.index(part)].count("\n") + 1


WORD = '''
class Word(Plugin):
    """Says a word."""

    version = "{version}"

    @command(ttl=60)
    async def say(self, ctx) -> str:
        """Say it."""
        return {word}
'''


def word(said: object, head: str = "", version: str = "1") -> str:
    """Return the source of a plugin that says a word, or the value of an expression."""
    return IMPORTS + head + WORD.format(word=said, version=version)


# Any: the options of a Registry.
async def watched(*folders: Path, **options: Any) -> Registry:
    """Return a registry that takes changes up, loaded."""
    return await loaded(*folders, watchful=True, **options)


async def again(hub: Registry) -> None:
    """Look, and take up what has changed."""
    look = await asyncio.to_thread(hub.finder.look)
    if hub.differs(look):
        await hub.reload(look)


async def say(hub: Registry, plugin: str = "one") -> object:
    """Run the plugin's command."""
    return await run_directly(hub.lookup(plugin, "say"), None)
