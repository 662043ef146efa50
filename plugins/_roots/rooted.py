"""A plugin that has roots: what those that read files have in common."""

import asyncio
from typing import ClassVar

from msgspec import Struct

from hub import Plugin

from .roots import Roots, RootsTable


class RootsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set for a plugin with roots."""

    roots: RootsTable = []
    """Folders that commands may read: paths, or a table of names and paths."""


class Rooted(Plugin):
    """A plugin that reads files below roots."""

    Config: ClassVar[type[RootsConfig]] = RootsConfig
    config: RootsConfig

    async def start(self) -> None:
        """Name the roots.

        Raises:
            ValueError: They cannot be told apart.
        """
        self._roots = Roots(type(self).__name__.lower(), self.config.roots)

    async def healthy(self) -> bool:
        """Whether every root is there."""
        return not await asyncio.to_thread(self._roots.missing)
