"""The files that a query names: which, and of what format."""

from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from hub import TaskError

from .._roots import Filter, Opened, Roots, open_regular, walk
from .statement import Name

Format = Literal["csv", "json", "parquet", "sqlite"]

FORMATS: Final[Mapping[str, Format]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
"""By the end of the name, with `.gz` or `.zst` after it where it is compressed."""

COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}

MOST_FILES: Final = 200
"""Files that one glob may stand for: each is an open file."""


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file, or several of one kind, and how to read them.

    Attributes:
        path: As in all commands; it may end in a glob.
        format: Where the name does not say it.
        header: Whether the first line of a CSV file holds names; guessed where None.
        delimiter: What stands between values; guessed where None.
        all_text: Whether to take all values of a CSV file as text.
    """

    path: Annotated[str, Meta(min_length=1)]
    format: Format | None = None
    header: bool | None = None
    delimiter: Annotated[str, Meta(min_length=1, max_length=4)] | None = None
    all_text: bool = False


class Table(Struct, frozen=True, kw_only=True):
    """A table that a query names, with its open files.

    Attributes:
        schema: As named; empty, or the SQLite file that the table is in.
        name: As named.
        source: How to read it.
        format: Of all the files.
        files: At least one.
    """

    schema: str
    name: str
    source: Source
    format: Format
    files: list[Opened]

    @property
    def compression(self) -> str:
        """How the files are compressed."""
        end = PurePosixPath(self.files[0].path).suffix.lower()
        return COMPRESSIONS.get(end, "none")


def open_tables(
    names: list[Name],
    given: Mapping[str, str | Source],
    roots: Roots,
    files: ExitStack,
) -> list[Table]:
    """Open what a query names, where that is files; the rest is left to the engine.

    Args:
        names: As the query has them.
        given: Names that the caller made up.
        roots: Where the files are.
        files: Closes them.

    Raises:
        TaskError: A file is not there, not below a root, or of no known format.
    """
    tables = []
    for schema, name in names:
        source = _source(schema or name, given)
        if source is not None:
            opened = _open(source, roots, files)
            table = Table(
                schema=schema,
                name=name,
                source=source,
                format=source.format or _format(opened[0].path),
                files=opened,
            )
            tables.append(table)
    return tables


def _source(name: str, given: Mapping[str, str | Source]) -> Source | None:
    """Tell which files a name means; None where it means none."""
    if name in given:
        source = given[name]
        return Source(path=source) if isinstance(source, str) else source
    return Source(path=name) if "/" in name or _known(name) else None


def _open(source: Source, roots: Roots, files: ExitStack) -> list[Opened]:
    """Open the file of a source, or those that its glob stands for.

    Raises:
        TaskError: There is none, or are too many.
    """
    place, glob = roots.locate_glob(source.path)
    if glob is None:
        return [files.enter_context(roots.open(place))]
    opened: list[Opened] = []
    with closing(walk(roots, place, Filter().within(glob))) as visits:
        for visit in visits:
            if visit.kind == "file":
                file = open_regular(visit.folder, visit.name, visit.path)
                opened.append(files.enter_context(file))
                _check_count(source.path, len(opened))
    if not opened:
        raise TaskError(f"No file fits “{source.path}”", code="not_found")
    return opened


def _check_count(path: str, count: int) -> None:
    if count > MOST_FILES:
        raise TaskError(
            f"More than {MOST_FILES} files fit “{path}”", code="too_many_files"
        )


def _known(path: str) -> Format | None:
    """Tell a format from a name."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return FORMATS.get(suffixes[-1]) if suffixes else None


def _format(path: str) -> Format:
    """Tell a format from a name that has to have one.

    Raises:
        TaskError: It has none.
    """
    known = _known(path)
    if known is None:
        raise TaskError(
            f"The name of “{path}” does not say its format: give it in tables, such as "
            '{"t": {"path": "…", "format": "csv"}}',
            code="unknown_format",
        )
    return known
