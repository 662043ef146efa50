"""Going through all that lies below a place, folder by folder, in order of names."""

import os
import stat
from collections.abc import Generator, Iterator
from typing import Final, Literal

from msgspec import Struct

from hub import TaskError

from .globs import Filter, Parts
from .opening import enter, open_root
from .roots import Place, Roots
from .troubles import from_os, shown, trouble

DEEPEST: Final = 200
"""Folders in folders that are entered; each holds a file descriptor meanwhile."""

Kind = Literal["file", "folder", "left", "link", "other", "trouble"]


class Visit(Struct, frozen=True, kw_only=True):
    """What a walk meets.

    Attributes:
        kind: A file, a folder that is entered, one that is left again, a symbolic link
            (not followed), a device or the like, or what could not be looked at.
        path: As callers know it.
        name: The last part of it, as it is on the disk.
        folder: The open folder that it is in; only until the walk goes on.
        depth: 1 for what lies where the walk began.
        size: Bytes of a file.
        why: What kept it from being looked at.
    """

    kind: Kind
    path: str
    name: str
    folder: int
    depth: int
    size: int = 0
    why: TaskError | None = None


def walk(roots: Roots, place: Place, only: Filter) -> Generator[Visit, None, None]:
    """Visit everything below a folder; what cannot be looked at is a visit, too.

    Args:
        roots: Opens the folder.
        place: Where to begin.
        only: Which files are meant, and which folders are not entered.

    Raises:
        TaskError: The folder cannot be read, or its root is gone.
    """
    with roots.enter(place) as folder:
        walker = _Walk(place, only)
        try:
            yield from walker.through(folder, str(place), ())
        except OSError as error:
            raise from_os(error, str(place)) from None
        walker.check_root()


class _Walk:
    """One walk."""

    def __init__(self, place: Place, only: Filter) -> None:
        self._place = place
        self._only = only
        self._root = self._identity()

    def through(self, folder: int, path: str, inside: Parts) -> Iterator[Visit]:
        """Visit what lies in an open folder."""
        for name in sorted(os.listdir(folder)):
            parts = (*inside, name)
            there = f"{path}/{shown(name)}"
            try:
                status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                self.check_root()
                yield self._failed(from_os(error, there), there, folder, parts)
                continue
            if not stat.S_ISDIR(status.st_mode):
                if self._only.takes(parts):
                    yield _visit(status, there, folder, parts)
            elif not self._only.skips(parts):
                yield from self._below(there, folder, parts)

    def _below(self, path: str, folder: int, parts: Parts) -> Iterator[Visit]:
        """Visit a folder and what lies in it."""
        if len(parts) > DEEPEST:
            why = trouble("too_deep", path, why=str(DEEPEST))
            yield self._failed(why, path, folder, parts)
            return
        try:
            child = enter(folder, parts[-1], path)
        except TaskError as error:
            self.check_root()
            yield self._failed(error, path, folder, parts)
            return
        here = Visit(
            kind="folder", path=path, name=parts[-1], folder=folder, depth=len(parts)
        )
        yield here
        try:
            yield from self.through(child, path, parts)
        except OSError as error:
            self.check_root()
            yield self._failed(from_os(error, path), path, folder, parts)
        finally:
            os.close(child)
        yield Visit(
            kind="left", path=path, name=parts[-1], folder=folder, depth=len(parts)
        )

    def check_root(self) -> None:
        """See that the root still stands where it did.

        Raises:
            TaskError: It does not.
        """
        if self._identity() != self._root:
            why = "another folder stands in its place"
            raise trouble("root_gone", self._place.root, passing=True, why=why)

    def _identity(self) -> tuple[int, int]:
        """Return which folder the root is at present."""
        fd = open_root(self._place.folder, self._place.root)
        try:
            status = os.fstat(fd)
        finally:
            os.close(fd)
        return status.st_dev, status.st_ino

    @staticmethod
    def _failed(why: TaskError, path: str, folder: int, parts: Parts) -> Visit:
        return Visit(
            kind="trouble",
            path=path,
            name=parts[-1],
            folder=folder,
            depth=len(parts),
            why=why,
        )


def _visit(status: os.stat_result, path: str, folder: int, parts: Parts) -> Visit:
    """Describe what is no folder."""
    kinds: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFLNK: "link"}
    kind = kinds.get(stat.S_IFMT(status.st_mode), "other")
    return Visit(
        kind=kind,
        path=path,
        name=parts[-1],
        folder=folder,
        depth=len(parts),
        size=status.st_size if kind == "file" else 0,
    )
