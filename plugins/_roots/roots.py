"""The roots of a plugin: names for folders, and paths that begin with such a name."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn, Self

from msgspec import Struct, structs

from hub import TaskError

from .globs import is_glob
from .opening import Opened, open_folder, open_regular
from .troubles import trouble

RootsTable = list[str] | dict[str, str] | str
"""What `roots` may be: folders, folders by name, or text with commas between them."""

ROOT_NAME: Final = re.compile(r"\w[\w.-]{0,63}")
LONGEST: Final = 16_384
"""Characters of a path. Names are opened one by one, so PATH_MAX is no limit."""


class Place(Struct, frozen=True, kw_only=True):
    """A place below a root, which need not exist.

    Attributes:
        root: The root's name.
        folder: The root's folder.
        parts: The names from there on.
    """

    root: str
    folder: Path
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write it as callers do."""
        return "/".join((self.root, *self.parts))

    def beside(self, end: str) -> Self:
        """Return the place of the same name with something after it."""
        *parts, last = self.parts
        return structs.replace(self, parts=(*parts, last + end))

    def parent(self) -> Self:
        """Return the folder that it is in."""
        return structs.replace(self, parts=self.parts[:-1])


class Roots:
    """The folders that a plugin may read.

    Args:
        plugin: The plugin's name, for the error that says how to open a folder.
        table: What the configuration says.

    Raises:
        ValueError: Two folders have one name, or a name is none.
    """

    def __init__(self, plugin: str, table: RootsTable) -> None:
        self._plugin = plugin
        self._folders = dict(_named(table))

    @property
    def names(self) -> list[str]:
        """The roots, as they were written."""
        return list(self._folders)

    def missing(self) -> list[str]:
        """Name the roots that are no folders at present."""
        return [name for name, path in self._folders.items() if not path.is_dir()]

    def locate(self, path: str) -> Place:
        """Read a path: the name of a root and what follows, or the full path.

        Nothing on the disk is looked at.

        Raises:
            TaskError: There are no roots, the path leads out of them, or is no path.
        """
        self._check(path)
        if path.startswith("/"):
            return self._absolute(path)
        root, *parts = [part for part in path.split("/") if part not in {"", "."}] or [
            ""
        ]
        if root not in self._folders:
            raise trouble("unknown_root", path, names=self._said())
        return Place(root=root, folder=self._folders[root], parts=tuple(parts))

    def everything(self) -> list[Place]:
        """Return all roots.

        Raises:
            TaskError: There is none.
        """
        self._check("/")
        return [Place(root=name, folder=path) for name, path in self._folders.items()]

    def locate_glob(self, path: str) -> tuple[Place, str | None]:
        """Read a path that may end in a glob: the place before it, and the glob."""
        place = self.locate(path)
        for at, part in enumerate(place.parts):
            if is_glob(part):
                before = structs.replace(place, parts=place.parts[:at])
                return before, "/".join(place.parts[at:])
        return place, None

    def open(self, place: Place) -> Opened:
        """Open a regular file.

        Raises:
            TaskError: It is none, or cannot be read.
        """
        if not place.parts:
            raise trouble("is_folder", str(place))
        with self.enter(place.parent()) as folder:
            return open_regular(folder, place.parts[-1], str(place))

    def is_folder(self, place: Place) -> bool:
        """Whether a place is a folder; what is not there is none.

        Raises:
            TaskError: Its root is gone.
        """
        try:
            with self.enter(place):
                return True
        except TaskError as error:
            if error.code == "root_gone":
                raise
            return False

    @contextmanager
    def enter(self, place: Place) -> Iterator[int]:
        """Open a folder for as long as the block takes.

        Raises:
            TaskError: It is none, or cannot be read.
        """
        with open_folder(place.folder, place.root, place.parts) as fd:
            yield fd

    def _check(self, path: str) -> None:
        """Refuse what no path can be, wherever it leads."""
        if not self._folders:
            raise trouble("no_roots", path, plugin=self._plugin)
        if "\0" in path:
            raise trouble("bad_path", path.replace("\0", "␀"), why="it holds a NUL")
        if len(path) > LONGEST:
            raise trouble("bad_path", path, why=f"longer than {LONGEST} characters")
        if ".." in path.split("/"):
            self._outside(path)

    def _absolute(self, path: str) -> Place:
        """Read a path from the top of the disk; the closest root has it."""
        here = Path(path)
        fitting = [
            (len(folder.parts), name, folder)
            for name, folder in self._folders.items()
            if here.is_relative_to(folder)
        ]
        if not fitting:
            self._outside(path)
        _, name, folder = max(fitting)
        return Place(root=name, folder=folder, parts=here.relative_to(folder).parts)

    def _outside(self, path: str) -> NoReturn:
        raise trouble("outside_roots", path, names=self._said())

    def _said(self) -> str:
        return ", ".join(self._folders)


def _named(table: RootsTable) -> Iterator[tuple[str, Path]]:
    """Yield the folders with their names."""
    if isinstance(table, str):
        table = [path.strip() for path in table.split(",") if path.strip()]
    pairs = (
        list(table.items())
        if isinstance(table, Mapping)
        else [(_base(path), path) for path in table]
    )
    seen = set[str]()
    for name, path in pairs:
        if not ROOT_NAME.fullmatch(name):
            raise ValueError(
                f"roots: {name!r} is no name of a root: write roots as a table, "
                f'such as roots = {{data = "{path}"}}'
            )
        if name in seen:
            raise ValueError(
                f"roots: two folders are called {name!r}: write roots as a table, "
                'such as roots = {one = "/a/data", other = "/b/data"}'
            )
        seen.add(name)
        yield name, _folder(path)


def _base(path: str) -> str:
    return _folder(path).name


def _folder(path: str) -> Path:
    """Return where a folder is, from the top; links in it are the operator's choice."""
    return Path(path).expanduser().absolute()
