"""How much a folder holds."""

from contextlib import closing
from typing import Literal

from msgspec import Struct

from hub import TaskContext

from .._roots import Filter, Place, Roots, Visit, walk

Kind = Literal["file", "folder", "link", "other", "trouble"]


class TreeRow(Struct, frozen=True, kw_only=True):
    """One thing in the tree.

    Attributes:
        path: Where, beginning with the root's name.
        kind: What.
        bytes: Its size; of a folder, of all that it holds.
        files: How many a folder holds, at any depth.
        folders: How many a folder holds, at any depth.
        error: What kept it from being looked at.
    """

    path: str
    kind: Kind
    bytes: int = 0
    files: int | None = None
    folders: int | None = None
    error: str | None = None


class Measured(Struct, kw_only=True):
    """What was counted.

    Attributes:
        bytes: The size of all files.
        files: How many.
        folders: How many, without the one where it began.
        links: Symbolic links, which are not followed.
        others: Pipes, sockets, devices.
        unreadable: What could not be looked at.
    """

    bytes: int = 0
    files: int = 0
    folders: int = 0
    links: int = 0
    others: int = 0
    unreadable: int = 0


class _Sum:
    """What an open folder holds so far."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files = 0
        self.folders = 0

    def add(self, other: "_Sum") -> None:
        """Add what a folder in it holds."""
        self.bytes += other.bytes
        self.files += other.files
        self.folders += other.folders + 1

    def row(self, path: str) -> TreeRow:
        """Make the row of the folder."""
        return TreeRow(
            path=path,
            kind="folder",
            bytes=self.bytes,
            files=self.files,
            folders=self.folders,
        )


def measure(
    ctx: TaskContext, roots: Roots, path: str, depth: int, only: Filter
) -> Measured:
    """Measure a folder, or all roots where the path is empty; a row for each thing.

    Raises:
        TaskError: The folder cannot be read.
    """
    places = [roots.locate(path)] if path else roots.everything()
    counter = _Counter(ctx, depth)
    for place in places:
        counter.go_through(roots, place, only)
    return counter.measured


class _Counter:
    """One measuring."""

    def __init__(self, ctx: TaskContext, depth: int) -> None:
        self.measured = Measured()
        self._ctx = ctx
        self._depth = depth

    def go_through(self, roots: Roots, place: Place, only: Filter) -> None:
        """Measure one place."""
        sums = [_Sum()]
        with closing(walk(roots, place, only)) as visits:
            for visit in visits:
                if self._ctx.cancelled:
                    return
                self._take(visit, sums)
        self._say(sums[0].row(str(place)), 0)

    def _take(self, visit: Visit, sums: list[_Sum]) -> None:
        """Count what a walk met."""
        measured = self.measured
        if visit.kind == "folder":
            measured.folders += 1
            sums.append(_Sum())
        elif visit.kind == "left":
            inner = sums.pop()
            sums[-1].add(inner)
            self._say(inner.row(visit.path), visit.depth)
        else:
            self._count(visit)
            if visit.kind == "file":
                sums[-1].files += 1
                sums[-1].bytes += visit.size
            error = None if visit.why is None else visit.why.message
            self._say(
                TreeRow(
                    path=visit.path, kind=visit.kind, bytes=visit.size, error=error
                ),
                # What could not be looked at is said at any depth.
                0 if visit.why is not None else visit.depth,
            )
        said = f"{measured.files} files, {measured.bytes} bytes"
        self._ctx.progress(message=said)

    def _count(self, visit: Visit) -> None:
        measured = self.measured
        measured.files += visit.kind == "file"
        measured.bytes += visit.size
        measured.links += visit.kind == "link"
        measured.others += visit.kind == "other"
        measured.unreadable += visit.kind == "trouble"

    def _say(self, row: TreeRow, depth: int) -> None:
        if depth <= self._depth:
            _ = self._ctx.chunk(row, kind="row")
