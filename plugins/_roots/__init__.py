"""Folders that an operator opens to commands, and nothing beside them.

Plugins that read files share this: paths as callers write them, opened so that neither
`..` nor a symbolic link nor a change in the middle leads out of a root.
"""

from .globs import Filter
from .opening import BLOCK, Opened, blocks, open_regular
from .reading import texts
from .rooted import Rooted, RootsConfig
from .roots import Place, Roots
from .troubles import shown, trouble
from .walking import Visit, walk

__all__ = [
    "BLOCK",
    "Filter",
    "Opened",
    "Place",
    "Rooted",
    "Roots",
    "RootsConfig",
    "Visit",
    "blocks",
    "open_regular",
    "shown",
    "texts",
    "trouble",
    "walk",
]
