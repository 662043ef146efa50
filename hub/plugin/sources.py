"""Where plugins are looked for, and what is found there, in the order of their rights.

A `Finder` looks as often as it is asked to. Each look returns the candidates with a
print of their code, so that whoever keeps the prints of an earlier look knows what has
changed. A print covers what a plugin is made of: its file or folder, and its skipped
neighbours (`_shared.py`), from which it may import.
"""

import hashlib
import os
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from msgspec import Struct

from hub.errors import PluginRefusedError
from hub.plugin.contract import PluginBase
from hub.plugin.loading import (
    Found,
    Shelf,
    find_in,
    load_entry_point,
    spec_of,
    without_bytecode,
    without_modules,
)
from hub.plugin.origin import Origin, origin_of
from hub.plugin.report import Source

GROUP: Final = "taskhub.plugins"
"""The group of entry points that name plugin classes."""

SEALED: Final = b""
"""The print of what is taken as it was when the hub started."""

_INSTALLED: Final = tuple(
    Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")
)
"""Where nobody edits code."""

_RIGHTS: Final[tuple[Source, ...]] = ("folder", "entry point", "bundled")
"""The order in which sources have a right to a name."""

_PACKAGE: Final = Path(__file__).parent.parent


def installed_entry_points() -> Iterable[EntryPoint]:
    """Return the entry points of installed distributions, in a stable order."""
    return sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value))


def bundled_folder() -> Path:
    """Return where the bundled plugins are: in a wheel, or beside a checkout."""
    installed = _PACKAGE / "_plugins"
    return installed if installed.is_dir() else _PACKAGE.parent / "plugins"


class Candidate(Struct, frozen=True, kw_only=True):
    """A plugin that may be loaded.

    Attributes:
        key: What it is known by in a later look.
        name: Its name, unless its class says otherwise.
        file: What to load.
        within: The plugin's own file or folder, where that is known.
        source: Where it came from.
        origin: What another process needs to load it, too.
        code: The print of its code; `SEALED` where nobody looks.
        load: Returns its class, or raises PluginRefusedError.
    """

    key: str
    name: str
    file: Path
    within: Path | None
    source: Source
    origin: Origin
    code: bytes
    load: Callable[[], type[PluginBase]]


class Sources(Struct, frozen=True, kw_only=True):
    """Where plugins are looked for, in the order of their rights to a name.

    Attributes:
        given: Candidates that are handed over.
        folders: Those of `--plugins`, then those of the configuration.
        entry_points: Returns the installed ones.
        bundled: The folder of the bundled ones, or None to leave them out.
    """

    given: tuple[Candidate, ...] = ()
    folders: tuple[Path, ...] = ()
    entry_points: Callable[[], Iterable[EntryPoint]] = installed_entry_points
    bundled: Path | None = None


class Look(Struct, frozen=True, kw_only=True):
    """What was there at one moment.

    Attributes:
        candidates: In the order of their rights to a name.
        troubles: Folders that could not be read, by name.
    """

    candidates: tuple[Candidate, ...]
    troubles: tuple[tuple[str, PluginRefusedError], ...]

    @property
    def prints(self) -> dict[str, bytes]:
        """The prints by the candidates' keys."""
        return {each.key: each.code for each in self.candidates}


class Finder:
    """Looks for plugins.

    Args:
        sources: Where.
        watchful: Whether code may change while the hub runs: takes prints, and never
            uses bytecode of an earlier moment.

    Attributes:
        watchful: As given.
    """

    def __init__(self, sources: Sources, *, watchful: bool = False) -> None:
        self._sources = sources
        self.watchful = watchful
        self._shelves: dict[Path, tuple[bytes, Shelf]] = {}
        self._old_shelves: list[Shelf] = []
        self._points: list[EntryPoint] | None = None
        self._imported: dict[str, bytes] = {}

    def look(self) -> Look:
        """Look once. It reads files and imports nothing; any thread may call it."""
        candidates: list[Candidate] = [*self._sources.given]
        troubles: list[tuple[str, PluginRefusedError]] = []
        for folder, source in self._folders():
            try:
                candidates += self._in_folder(folder, source)
            except PluginRefusedError as error:
                troubles.append((folder.name, error))
        candidates += self._installed()
        candidates.sort(key=lambda each: _RIGHTS.index(each.source))
        return Look(candidates=tuple(candidates), troubles=tuple(troubles))

    def roots(self) -> list[Path]:
        """Return the files and folders in which a change would be seen."""
        roots = [folder for folder, _ in self._folders()]
        for point in self._entry_points():
            roots += _places(point)
        return [root for root in dict.fromkeys(roots) if root.exists()]

    def close(self) -> None:
        """Forget the modules, so that a later hub loads them anew."""
        for _, shelf in self._shelves.values():
            shelf.close()
        for shelf in self._old_shelves:
            shelf.close()

    def _folders(self) -> Iterator[tuple[Path, Source]]:
        """Yield each folder once."""
        seen: set[Path] = set()
        bundled = self._sources.bundled
        for folder in self._sources.folders:
            if folder.resolve() not in seen:
                seen.add(folder.resolve())
                yield folder, "folder"
        if bundled is not None and bundled.resolve() not in seen:
            yield bundled, "bundled"

    def _in_folder(self, folder: Path, source: Source) -> Iterator[Candidate]:
        """Yield what looks like a plugin in a folder.

        Raises:
            PluginRefusedError: The folder cannot be read.
        """
        path = folder.absolute()
        found = list(find_in(path))
        neighbours = self._print(_neighbours(path, found))
        shelf = self._shelf(path, neighbours)
        for each in found:
            own = self._print(_modules(each.folder or each.file))
            yield Candidate(
                key=str(each.file),
                name=each.name,
                file=each.file,
                within=each.folder or each.file,
                source=source,
                origin=origin_of(path, each),
                code=own + neighbours,
                load=lambda each=each: shelf.load(each),  # type: ignore[misc]  # (mypy cannot infer a lambda's default)
            )

    def _shelf(self, path: Path, neighbours: bytes) -> Shelf:
        """Return the shelf of a folder; another one once what plugins share differs."""
        known = self._shelves.get(path)
        if known is not None and known[0] == neighbours:
            return known[1]
        if known is not None:
            self._old_shelves.append(known[1])
        shelf = Shelf(path, fresh=self.watchful)
        self._shelves[path] = neighbours, shelf
        return shelf

    def _entry_points(self) -> list[EntryPoint]:
        """Return the entry points there were at the first look."""
        if self._points is None:
            self._points = list(self._sources.entry_points())
        return self._points

    def _installed(self) -> Iterator[Candidate]:
        """Yield the candidates that entry points stand for."""
        for point in self._entry_points():
            code = self._print(
                file for place in _places(point) for file in _modules(place)
            )
            yield Candidate(
                key=f"{point.name} = {point.value}",
                name=point.name,
                file=Path(point.module),
                within=None,
                source="entry point",
                origin=Origin(name=point.name, file=point.module, entry=point.value),
                code=code,
                load=lambda point=point, code=code: self._import(point, code),  # type: ignore[misc]  # (as above)
            )

    def _import(self, point: EntryPoint, code: bytes) -> type[PluginBase]:
        """Load an entry point; its package anew, where that has changed since.

        Several entry points may stand for one package, which is imported once.
        """
        if code == SEALED:
            return load_entry_point(point)
        top = point.module.partition(".")[0]
        known = self._imported.setdefault(top, code)
        with without_bytecode() if known == code else without_modules(top):
            loaded = load_entry_point(point)
        self._imported[top] = code
        return loaded

    def _print(self, files: Iterable[Path]) -> bytes:
        """Return what tells this code from any other."""
        if not self.watchful:
            return SEALED
        digest = hashlib.blake2b(digest_size=16)
        for file in files:
            try:
                text = file.read_bytes()
            except OSError:
                continue  # it has just gone, or will be refused when it is loaded
            digest.update(b"%b\0%d\0" % (str(file).encode(), len(text)))
            digest.update(text)
        return digest.digest()


def _modules(place: Path) -> Iterator[Path]:
    """Yield the Python files of a plugin's file or folder, in a stable order."""
    if place.suffix == ".py":
        yield place
        return
    for folder, folders, files in os.walk(place):
        folders[:] = sorted(each for each in folders if _may_hold_code(each))
        for name in sorted(files):
            if name.endswith(".py"):
                yield Path(folder, name)


def _may_hold_code(folder: str) -> bool:
    return folder != "__pycache__" and not folder.startswith(".")


def _neighbours(path: Path, found: Iterable[Found]) -> Iterator[Path]:
    """Yield the files that plugins of a folder may import, and that are none."""
    own = {each.folder or each.file for each in found}
    for entry in sorted(path.iterdir()):
        if entry in own or not _may_hold_code(entry.name):
            continue
        shared = entry.name.startswith("_") or (entry / "__init__.py").is_file()
        if entry.suffix == ".py" or (shared and entry.is_dir()):
            yield from _modules(entry)


def _places(point: EntryPoint) -> list[Path]:
    """Return where the code of an entry point is, unless it is installed for good."""
    top = point.module.partition(".")[0]
    spec = None if top == _PACKAGE.name else spec_of(top)
    if spec is None:
        return []
    places = [Path(each) for each in spec.submodule_search_locations or ()]
    if not places and spec.origin is not None:
        places = [Path(spec.origin)]
    return [
        place
        for place in places
        if not any(place.is_relative_to(folder) for folder in _INSTALLED)
    ]
