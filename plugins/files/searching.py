"""Finding lines in files, block by block, in bounded memory."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final, Literal

from msgspec import Struct

from hub import TaskContext, TaskError

from .._roots import Filter, Opened, Roots, Visit, open_regular, texts, walk
from .lines import around, numbered
from .pattern import Pattern

SHOWN: Final = 300
"""Characters of a line that a match shows."""

Reason = Literal["binary", "too_large", "unreadable"]


class Match(Struct, frozen=True, kw_only=True):
    """Where something was found.

    Attributes:
        path: The file, beginning with its root's name.
        line: From 1.
        column: In characters, from 1.
        match: What was found.
        text: The line, or the part of it around the match.
    """

    path: str
    line: int
    column: int
    match: str
    text: str


class Skipped(Struct, frozen=True, kw_only=True):
    """What was not searched, and why."""

    path: str
    reason: Reason
    error: str


class Found(Struct, kw_only=True):
    """What was found.

    Attributes:
        matches: How many.
        files: Files that hold any.
        searched: Files that were searched.
        skipped: What was not, by reason.
        truncated: Whether there may be more matches than were asked for.
    """

    matches: int = 0
    files: int = 0
    searched: int = 0
    skipped: dict[Reason, int] = {}
    truncated: bool = False


class Search(Struct, frozen=True, kw_only=True):
    """What to look for, and how far.

    Attributes:
        pattern: What.
        limit: Matches at most.
        max_bytes: Larger files are skipped.
    """

    pattern: Pattern
    limit: int
    max_bytes: int


def search_files(
    ctx: TaskContext, roots: Roots, path: str, search: Search, only: Filter
) -> Found:
    """Search a file, or what a folder or a glob holds; a row for each match.

    Raises:
        TaskError: The place itself cannot be read, or the pattern takes too long.
    """
    place, glob = roots.locate_glob(path)
    seeker = _Seeker(ctx, search)
    if glob is None and not roots.is_folder(place):
        with roots.open(place) as opened:
            seeker.look_into(opened)
        return seeker.found
    only = only if glob is None else only.within(glob)
    with closing(walk(roots, place, only)) as visits:
        for visit in visits:
            if ctx.cancelled or seeker.found.truncated:
                break
            seeker.visit(visit)
    return seeker.found


class _Seeker:
    """One search."""

    def __init__(self, ctx: TaskContext, search: Search) -> None:
        self.found = Found()
        self._ctx = ctx
        self._search = search

    def visit(self, visit: Visit) -> None:
        """Search what a walk met."""
        if visit.why is not None:
            self._skip(visit.path, "unreadable", visit.why.message)
        elif visit.kind == "file":
            try:
                opened = open_regular(visit.folder, visit.name, visit.path)
            except TaskError as error:
                self._skip(visit.path, "unreadable", error.message)
                return
            with opened:
                self.look_into(opened)

    def look_into(self, opened: Opened) -> None:
        """Search an open file.

        Raises:
            TaskError: The pattern takes too long.
        """
        most = self._search.max_bytes
        if opened.size > most:
            said = f"{opened.size} bytes are more than {most}"
            self._skip(opened.path, "too_large", said)
            return
        before = self.found.matches
        try:
            self._read(opened)
        except TaskError as error:
            if error.code not in {"binary", "unreadable"}:
                raise
            reason: Reason = "binary" if error.code == "binary" else "unreadable"
            self._skip(opened.path, reason, error.message)
        else:
            self.found.searched += 1
        self.found.files += self.found.matches > before

    def _read(self, opened: Opened) -> None:
        for number, column, line in numbered(self._told(opened), self._search.pattern):
            if self._ctx.cancelled or self.found.truncated:
                return
            for start, end in self._search.pattern.spans(line):
                if self.found.matches == self._search.limit:
                    self.found.truncated = True
                    return
                self.found.matches += 1
                match = Match(
                    path=opened.path,
                    line=number,
                    column=column + start + 1,
                    match=line[start : min(end, start + SHOWN)],
                    text=around(line, start, SHOWN),
                )
                _ = self._ctx.chunk(match, kind="row")

    def _told(self, opened: Opened) -> Iterator[str]:
        """Read the file, and say how far the search is."""
        for text in texts(opened, lambda: self._ctx.cancelled):
            yield text
            found = self.found
            number = found.searched + 1  # with this one
            said = f"{opened.path} (file {number}), matches so far: {found.matches}"
            self._ctx.progress(message=said)

    def _skip(self, path: str, reason: Reason, error: str) -> None:
        self.found.skipped[reason] = self.found.skipped.get(reason, 0) + 1
        row = Skipped(path=path, reason=reason, error=error)
        _ = self._ctx.chunk(row, channel="skipped", kind="row")
