"""Opening what lies below a folder, without ever leaving it.

Each name of a path is opened relative to the folder before it, and never through a
symbolic link. So there is no moment between a check and a use in which somebody could
put a link in the way. Only regular files are opened: a FIFO or a device would block,
or do something.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from .troubles import from_os, shown, trouble

BLOCK: Final = 1024 * 1024
"""How many bytes are read at once."""

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Should a FIFO or a terminal come in between, opening it neither waits nor takes it.
FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

KINDS: Final = {
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class Opened:
    """A regular file that was opened below a root; closes itself in a `with`.

    Attributes:
        path: As callers know it.
        fd: The open file.
        before: Its state when it was opened.
    """

    def __init__(self, path: str, fd: int, before: os.stat_result) -> None:
        self.path = path
        self.fd = fd
        self.before = before

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    @property
    def size(self) -> int:
        """Bytes, when it was opened."""
        return self.before.st_size

    def changed(self) -> bool:
        """Whether the file is another one than when it was opened."""
        return _mark(os.fstat(self.fd)) != _mark(self.before)

    def close(self) -> None:
        """Close the file."""
        os.close(self.fd)


def _mark(status: os.stat_result) -> tuple[int, int, int]:
    """Return what changes whenever a file is written to."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def open_root(path: Path, name: str) -> int:
    """Open the folder that a root is.

    Raises:
        TaskError: It is not there (any more).
    """
    try:
        return os.open(path, FOLDER)
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise trouble("root_gone", name, passing=True, why=why) from None


@contextmanager
def open_folder(root: Path, name: str, parts: Sequence[str]) -> Iterator[int]:
    """Open a folder below a root, name by name, for as long as the block takes.

    Raises:
        TaskError: A part of the path is no folder, or cannot be read.
    """
    fd = open_root(root, name)
    try:
        path = name
        for part in parts:
            path = f"{path}/{shown(part)}"
            outer, fd = fd, -1
            try:
                fd = enter(outer, part, path)
            finally:
                os.close(outer)
        yield fd
    finally:
        if fd >= 0:
            os.close(fd)


def enter(folder: int, name: str, path: str) -> int:
    """Open a folder in an open folder.

    Raises:
        TaskError: It is none, or cannot be read.
    """
    try:
        return os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError:
        raise _no_folder(folder, name, path) from None
    except OSError as error:
        raise from_os(error, path) from None


def _no_folder(folder: int, name: str, path: str) -> Exception:
    """Say what stands where a folder was expected."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError as error:
        return from_os(error, path)
    return trouble("symlink" if stat.S_ISLNK(mode) else "not_folder", path)


def open_regular(folder: int, name: str, path: str) -> Opened:
    """Open a regular file in an open folder.

    Args:
        folder: The open folder.
        name: The file's name in it.
        path: As callers know it.

    Raises:
        TaskError: It is anything else, or cannot be read.
    """
    try:
        check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
        fd = os.open(name, FILE, dir_fd=folder)
    except OSError as error:
        raise from_os(error, path) from None
    try:
        # Something else may stand there by now: what was opened is what counts.
        status = os.fstat(fd)
        check_regular(status, path)
    except BaseException:
        os.close(fd)
        raise
    return Opened(path, fd, status)


def check_regular(status: os.stat_result, path: str) -> None:
    """Refuse what is no regular file.

    Raises:
        TaskError: It is something else.
    """
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise trouble("is_folder", path)
    if kind == stat.S_IFLNK:
        raise trouble("symlink", path)
    if kind != stat.S_IFREG:
        raise trouble("not_a_file", path, why=KINDS.get(kind, "special file"))


def blocks(
    opened: Opened, stopped: Callable[[], bool], size: int = BLOCK
) -> Iterator[bytes]:
    """Read a file block by block, from its beginning, until it ends or is to stop.

    Raises:
        TaskError: It cannot be read on.
    """
    at = 0
    while not stopped():
        try:
            block = os.pread(opened.fd, size, at)
        except OSError as error:
            raise from_os(error, opened.path) from None
        if not block:
            return
        at += len(block)
        yield block
