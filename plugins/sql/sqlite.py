"""Tables of SQLite files, as rows for another engine.

The file is copied first, with its journal: whoever is writing to it is not disturbed,
and what is read is the file that was opened below a root, and no other.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from hub import TaskError

from .._roots import BLOCK, Opened, Roots, blocks, trouble

BATCH: Final = 1000
STEPS: Final = 10_000
"""Steps of SQLite between two looks whether to stop."""
JOURNALS: Final = ("-wal", "-journal")

# What SQLite calls the types of values, as types of a column that holds no other.
TYPES: Final = {
    frozenset({"integer"}): "BIGINT",
    frozenset({"real"}): "DOUBLE",
    frozenset({"integer", "real"}): "DOUBLE",
    frozenset({"blob"}): "BLOB",
}


class Shape(Struct, frozen=True, kw_only=True):
    """The columns of a table, names and types."""

    names: list[str]
    types: list[str]


class Sqlite:
    """A SQLite file that was copied, open.

    Args:
        path: The file, as callers know it.
        copy: Where the copy is.
        stopped: Whether to stop.
    """

    def __init__(self, path: str, copy: Path, stopped: Callable[[], bool]) -> None:
        self._path = path
        self._stopped = stopped
        self._database = sqlite3.connect(copy, isolation_level=None)
        self._database.text_factory = lambda data: data.decode(errors="replace")
        self._database.set_progress_handler(stopped, STEPS)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def tables(self) -> list[str]:
        """Name the tables and views.

        Raises:
            TaskError: It is no SQLite file.
        """
        self._ask("PRAGMA trusted_schema = OFF")
        names = self._ask(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
            "AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name"
        )
        return [name for (name,) in names]

    def choose(self, name: str | None) -> str:
        """Return the table of that name, or the only one.

        Raises:
            TaskError: There is none of that name, or not just one.
        """
        tables = self.tables()
        if name is None and len(tables) == 1:
            return tables[0]
        for table in tables:
            if name is not None and table.lower() == name.lower():
                return table
        known = ", ".join(tables) or "none"
        raise TaskError(
            f'Name a table of “{self._path}”: FROM "{self._path}".TABLE. '
            f"The tables are: {known}",
            code="unknown_table",
        )

    def shape(self, table: str) -> Shape:
        """Look at all values of a table, and return the types that hold them."""
        info = self._ask(f"PRAGMA table_xinfo({quoted(table)})")
        # The last field says of generated columns which kind they are; 1 is hidden.
        names = [row[1] for row in info if row[6] != 1]
        types = []
        for name in names:
            column = quoted(name)
            found = self._ask(
                f"SELECT DISTINCT typeof({column}) FROM {quoted(table)} "  # noqa: S608  # quoted
                f"WHERE {column} IS NOT NULL"
            )
            types.append(TYPES.get(frozenset(kind for (kind,) in found), "VARCHAR"))
        return Shape(names=names, types=types)

    def rows(self, table: str, shape: Shape) -> Iterator[list[Sequence[Any]]]:
        """Yield the rows in batches; values of mixed columns become text."""
        columns = ", ".join(
            f"CAST({quoted(name)} AS TEXT)" if kind == "VARCHAR" else quoted(name)
            for name, kind in zip(shape.names, shape.types, strict=True)
        )
        statement = f"SELECT {columns} FROM {quoted(table)}"  # noqa: S608  # quoted
        with closing(self._execute(statement)) as cursor:
            while batch := self._fetch(cursor):
                yield batch

    def _ask(self, statement: str) -> list[Sequence[Any]]:
        with closing(self._execute(statement)) as cursor:
            found: list[Sequence[Any]] = []
            while batch := self._fetch(cursor):
                found += batch
            return found

    def _execute(self, statement: str) -> sqlite3.Cursor:
        try:
            return self._database.execute(statement)
        except sqlite3.Error as error:
            raise self._wrong(error) from None

    def _fetch(self, cursor: sqlite3.Cursor) -> list[Sequence[Any]]:
        try:
            return [] if self._stopped() else cursor.fetchmany(BATCH)
        except sqlite3.Error as error:
            raise self._wrong(error) from None

    def _wrong(self, error: sqlite3.Error) -> TaskError:
        return TaskError(
            f"“{self._path}” cannot be read as SQLite: {error}", code="bad_file"
        )


def quoted(name: str) -> str:
    """Write a name into SQL."""
    return '"' + name.replace('"', '""') + '"'


def copied(
    opened: Opened, roots: Roots, target: Path, stopped: Callable[[], bool]
) -> None:
    """Copy a SQLite file that was opened, and its journals, into a folder of ours.

    Raises:
        TaskError: It changed meanwhile; trying again may help.
    """
    _copy(opened, target, stopped)
    place = roots.locate(opened.path)
    for end in JOURNALS:
        try:
            journal = roots.open(place.beside(end))
        except TaskError as error:
            if error.code == "not_found":
                continue
            raise
        with journal:
            _copy(journal, target.with_name(target.name + end), stopped)
    if opened.changed():
        raise trouble("changed", opened.path, passing=True)


def _copy(opened: Opened, target: Path, stopped: Callable[[], bool]) -> None:
    with target.open("xb") as copy:
        for block in blocks(opened, stopped, BLOCK):
            copy.write(block)
    if opened.changed():
        raise trouble("changed", opened.path, passing=True)
