"""Where a plugin comes from, so that another process can load it, too."""

from importlib.metadata import EntryPoint
from pathlib import Path

from msgspec import Struct

from hub.plugin.contract import PluginBase
from hub.plugin.loading import Found, Shelf, load_entry_point
from hub.plugin.methods import read_ahead


class Origin(Struct, frozen=True, kw_only=True):
    """What it takes to load a plugin.

    Attributes:
        name: The plugin's name.
        file: Its file; of an entry point, its module.
        shelf: The folder of plugins that it was found in, if any.
        found: What it was found as there.
        folder: Its own folder there, if it has one.
        entry: The entry point's value, where it is no file of a folder.
    """

    name: str
    file: str
    shelf: str | None = None
    found: str = ""
    folder: str | None = None
    entry: str | None = None


class Stock:
    """Plugins' classes by their origins, each loaded once."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._classes: dict[Origin, type[PluginBase]] = {}

    def load(self, origin: Origin) -> type[PluginBase]:
        """Return a plugin's class.

        Raises:
            PluginRefusedError: It cannot be loaded here.
        """
        cls = self._classes.get(origin)
        if cls is None:
            cls = self._classes[origin] = self._load(origin)
            read_ahead(cls)
        return cls

    def _load(self, origin: Origin) -> type[PluginBase]:
        """Load a plugin as the hub did."""
        if origin.entry is not None:
            return load_entry_point(
                EntryPoint(origin.name, origin.entry, "taskhub.plugins")
            )
        path = origin.shelf or str(Path(origin.file).parent)
        shelf = self._shelves.get(path)
        if shelf is None:
            shelf = self._shelves[path] = Shelf(Path(path))
        folder = None if origin.folder is None else Path(origin.folder)
        return shelf.load(
            Found(name=origin.found, file=Path(origin.file), folder=folder)
        )
