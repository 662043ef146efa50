"""Checksums of files, with progress by bytes.

What is read is compared with what it was before: a file that somebody writes to in the
meantime has no checksum worth having.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Literal

from msgspec import Struct

from hub import TaskContext, TaskError

from .._roots import Filter, Opened, Place, Roots, Visit, blocks, open_regular, walk

Algorithm = Literal[
    "sha256", "sha512", "sha1", "md5", "sha3_256", "sha3_512", "blake2b", "blake2s"
]
State = Literal["hashed", "changed", "unreadable"]


class HashRow(Struct, frozen=True, kw_only=True):
    """One file.

    Attributes:
        path: The file, beginning with its root's name.
        bytes: How many were read.
        digest: The checksum in hex; None where there is none.
        state: Whether it was hashed, or what was wrong.
        error: What was wrong, for people.
    """

    path: str
    bytes: int
    digest: str | None
    state: State
    error: str | None = None


class Hashed(Struct, kw_only=True):
    """What was read.

    Attributes:
        algorithm: The one that was asked for.
        files: Files with a checksum.
        bytes: Their size.
        changed: Files that changed while they were read.
        unreadable: Files and folders that could not be read.
    """

    algorithm: Algorithm
    files: int = 0
    bytes: int = 0
    changed: int = 0
    unreadable: int = 0

    def count(self, row: HashRow) -> None:
        """Count a row."""
        if row.state == "hashed":
            self.files += 1
            self.bytes += row.bytes
        elif row.state == "changed":
            self.changed += 1
        else:
            self.unreadable += 1


class _Bar:
    """How far all of it is, in bytes."""

    def __init__(self, ctx: TaskContext, total: int) -> None:
        self._ctx = ctx
        self._total = total
        self._done = 0

    def add(self, count: int, path: str) -> None:
        """Say that so many bytes more were read."""
        self._done += count
        # A tree that grows meanwhile has more to read than was counted.
        total = max(self._total, self._done)
        self._ctx.progress(message=path, step=self._done, total=total)


def hash_files(
    ctx: TaskContext, roots: Roots, path: str, algorithm: Algorithm, only: Filter
) -> Hashed:
    """Hash a file, or what a folder or a glob holds; a row for each.

    Raises:
        TaskError: The place itself cannot be read.
    """
    place, glob = roots.locate_glob(path)
    sums = Hashed(algorithm=algorithm)
    if glob is not None or roots.is_folder(place):
        found = _Tree(ctx, roots, place, only if glob is None else only.within(glob))
        bar = _Bar(ctx, found.weigh())
        for visit in found.files():
            row = _row(ctx, visit, algorithm, bar)
            if row is None:
                break
            sums.count(row)
            _ = ctx.chunk(row, kind="row")
        return sums
    with roots.open(place) as opened:
        row = hash_opened(ctx, opened, algorithm, _Bar(ctx, opened.size).add)
    if row is not None:
        sums.count(row)
        _ = ctx.chunk(row, kind="row")
    return sums


class _Tree:
    """The files below a place, gone through twice: to weigh them, and to hash them."""

    def __init__(
        self, ctx: TaskContext, roots: Roots, place: Place, only: Filter
    ) -> None:
        self._ctx = ctx
        self._roots = roots
        self._place = place
        self._only = only

    def weigh(self) -> int:
        """Return how many bytes there are."""
        total = 0
        for count, visit in enumerate(self.files(), 1):
            total += visit.size
            self._ctx.progress(message=f"{count} files, {total} bytes")
        return total

    def files(self) -> Iterator[Visit]:
        """Yield regular files and troubles."""
        with closing(walk(self._roots, self._place, self._only)) as visits:
            for visit in visits:
                if self._ctx.cancelled:
                    return
                if visit.kind in {"file", "trouble"}:
                    yield visit


def _row(
    ctx: TaskContext, visit: Visit, algorithm: Algorithm, bar: _Bar
) -> HashRow | None:
    """Hash what a walk met; None where the task was cancelled."""
    try:
        if visit.why is not None:
            raise visit.why
        with open_regular(visit.folder, visit.name, visit.path) as opened:
            return hash_opened(ctx, opened, algorithm, bar.add)
    except TaskError as error:
        return _failed(visit.path, 0, "unreadable", error.message)


def hash_opened(
    ctx: TaskContext,
    opened: Opened,
    algorithm: Algorithm,
    tell: Callable[[int, str], None],
) -> HashRow | None:
    """Hash an open file.

    Args:
        ctx: Says whether to stop.
        opened: The file.
        algorithm: How.
        tell: Told how many bytes were read since it was last told.

    Returns:
        The row; None where the task was cancelled in the middle.
    """
    total = 0
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        for block in blocks(opened, lambda: ctx.cancelled):
            digest.update(block)
            total += len(block)
            tell(len(block), opened.path)
    except TaskError as error:
        return _failed(opened.path, total, "unreadable", error.message)
    if ctx.cancelled:
        return None
    if opened.changed() or total != opened.size:
        return _failed(opened.path, total, "changed", "it changed while it was read")
    return HashRow(
        path=opened.path, bytes=total, digest=digest.hexdigest(), state="hashed"
    )


def _failed(path: str, total: int, state: State, error: str) -> HashRow:
    return HashRow(path=path, bytes=total, digest=None, state=state, error=error)
