"""Running a query in DuckDB, confined to the files that were opened for it.

The files are opened below the roots, by the plugin. The engine gets them by their
descriptors, as views with the names that the query uses, and may open nothing else:
no path, no address, no extension. Then its configuration is locked, and the query runs.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb

from hub import TaskContext, TaskError

from .._roots import Opened, Roots, trouble
from .memory import bounded, most_mib
from .query import Answer, Column, Query, SqlConfig
from .scratch import scratch_folder
from .sources import Table, open_tables
from .sqlite import Sqlite, copied, quoted
from .statement import names_in
from .values import converter, distinct

BATCH: Final = 1000
"""Rows that are fetched at once."""
LOOK_S: Final = 0.05
"""How often it is looked whether to stop, and how far the engine is."""
DESCRIPTORS: Final = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
MIB: Final = 1024 * 1024


def run_query(
    ctx: TaskContext, roots: Roots, query: Query, bounds: SqlConfig
) -> Answer:
    """Run a query; each row of its answer is a chunk.

    Raises:
        TaskError: It is no SELECT, names what is not there, fails, or takes too much.
    """
    started = time.monotonic()
    with (
        scratch_folder() as scratch,
        ExitStack() as files,
        closing(_connect(scratch, bounds)) as connection,
        # Its threads are there by now, and their stacks are no part of the bound.
        bounded(most_mib(bounds.memory_mib)),
    ):
        sandbox = _Sandbox(ctx, roots, connection, scratch, bounds)
        tables = open_tables(sandbox.names(query.sql), query.tables, roots, files)
        with sandbox.words(), _watching(ctx, connection):
            sandbox.lay_out(tables)
            columns, rows, truncated = _send(ctx, connection, query)
        opened = {file.path: file for table in tables for file in table.files}
        return Answer(
            columns=columns,
            rows=rows,
            truncated=truncated,
            seconds=round(time.monotonic() - started, 3),
            changed=[path for path, file in opened.items() if file.changed()],
        )


def _connect(scratch: Path, bounds: SqlConfig) -> duckdb.DuckDBPyConnection:
    """Open an empty database that lives in memory and knows no extension."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_file_cache": False,
            "max_temp_directory_size": f"{bounds.temp_mib}MiB",
            "memory_limit": f"{bounds.memory_mib}MiB",
            "python_enable_replacements": False,
            "secret_directory": str(scratch / "none"),
            "temp_directory": str(scratch / "spill"),
            "threads": bounds.threads,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    # Without its bar the engine does not count; it prints nothing.
    connection.execute("SET enable_progress_bar = true")
    connection.execute("SET enable_progress_bar_print = false")
    connection.execute("SET progress_bar_time = 0")
    return connection


class _Sandbox:
    """A connection, and the tables that it is allowed to see."""

    def __init__(
        self,
        ctx: TaskContext,
        roots: Roots,
        connection: duckdb.DuckDBPyConnection,
        scratch: Path,
        bounds: SqlConfig,
    ) -> None:
        self._ctx = ctx
        self._roots = roots
        self._connection = connection
        self._scratch = scratch
        self._bounds = bounds
        self._said: dict[str, str] = {}

    def names(self, sql: str) -> list[tuple[str, str]]:
        """Return the tables that a statement names; nothing of it runs.

        Raises:
            TaskError: It is not one SELECT.
        """
        with self.words():
            serialize = "SELECT json_serialize_sql(?)"
            found = self._connection.execute(serialize, [sql]).fetchone()
        return names_in(str(found[0]).encode() if found else b"")

    def lay_out(self, tables: list[Table]) -> None:
        """Make the tables, and lock everything else out."""
        paths = [
            self._path(file)
            for table in tables
            for file in table.files
            if table.format != "sqlite"
        ]
        allowed = ", ".join(map(_text, paths))
        self._connection.execute(f"SET allowed_paths = [{allowed}]")
        self._connection.execute("SET enable_external_access = false")
        for table in tables:
            if table.format == "sqlite":
                self._load(table)
            else:
                self._view(table)
        self._connection.execute("SET lock_configuration = true")

    def _path(self, file: Opened) -> str:
        """Return the path of a descriptor; errors say that of the file instead."""
        path = f"{DESCRIPTORS}/{file.fd}"
        self._said[path] = file.path
        return path

    def _view(self, table: Table) -> None:
        """Make a view of files."""
        source = table.source
        files = ", ".join(_text(self._path(file)) for file in table.files)
        options = [f"[{files}]"]
        if len(table.files) > 1:
            options.append("union_by_name = true")
        if table.format != "parquet":
            options.append(f"compression = '{table.compression}'")
        if table.format == "csv":
            options += [f"header = {source.header}"] * (source.header is not None)
            options += [f"all_varchar = {source.all_text}"] * source.all_text
            options += [f"delim = {_text(d)}" for d in [source.delimiter] if d]
        self._connection.execute(
            f"CREATE VIEW {_full(table)} AS "  # noqa: S608  # names and texts are quoted
            f"SELECT * FROM read_{table.format}({', '.join(options)})"
        )

    def _load(self, table: Table) -> None:
        """Make a table of one in a SQLite file.

        Raises:
            TaskError: The file is too large, no SQLite, or has no such table.
        """
        file = table.files[0]
        if file.size > self._bounds.sqlite_mib * MIB:
            raise TaskError(
                f"“{file.path}” is larger than {self._bounds.sqlite_mib} MiB, and a "
                "SQLite file is copied before it is read",
                code="too_large",
            )
        copy = self._scratch / f"{file.fd}.sqlite"
        copied(file, self._roots, copy, lambda: self._ctx.cancelled)
        with closing(Sqlite(file.path, copy, lambda: self._ctx.cancelled)) as sqlite:
            name = sqlite.choose(table.name if table.schema else None)
            shape = sqlite.shape(name)
            columns = ", ".join(
                f"{quoted(column)} {kind}"
                for column, kind in zip(shape.names, shape.types, strict=True)
            )
            if table.schema:
                schema = quoted(table.schema)
                self._connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self._connection.execute(f"CREATE TABLE {_full(table)} ({columns})")
            count = 0
            with self._connection.appender(_full(table)) as appender:
                for batch in sqlite.rows(name, shape):
                    appender.append_rows(batch)
                    count += len(batch)
                    self._ctx.progress(message=f"{file.path}: {count} rows read")

    @contextmanager
    def words(self) -> Iterator[None]:
        """Say the engine's errors in ours.

        Raises:
            TaskError: For whatever the engine raises, unless the task was cancelled,
                and where there is no memory left for its rows.
        """
        try:
            yield
        except duckdb.Error as error:
            raise self._wrong(error) from None
        except MemoryError:
            raise self._too_much("Out of Memory Error") from None

    def _wrong(self, error: duckdb.Error) -> TaskError:
        said = str(error).partition("\n\nPossible solutions:")[0]
        if isinstance(error, duckdb.PermissionException):
            for path, name in self._said.items():
                # It may open the file and does not find it where it was: a folder on
                # the way has another name, or none.
                if f'"{path}"' in said:
                    return trouble("changed", name, passing=True)
        for path, name in self._said.items():
            said = said.replace(path, name)
        if isinstance(error, duckdb.OutOfMemoryException):
            return self._too_much(said)
        if isinstance(error, duckdb.PermissionException):
            return TaskError(said, code="not_allowed")
        return TaskError(said, code="bad_sql")

    def _too_much(self, said: str) -> TaskError:
        more = f"; a query may take {self._bounds.memory_mib} MiB here"
        return TaskError(said + more, code="too_much_memory")


def _full(table: Table) -> str:
    """Return the name of a table as the query has it."""
    name = quoted(table.name)
    return f"{quoted(table.schema)}.{name}" if table.schema else name


def _text(value: str) -> str:
    """Write a text into SQL."""
    return "'" + value.replace("'", "''") + "'"


def _send(
    ctx: TaskContext, connection: duckdb.DuckDBPyConnection, query: Query
) -> tuple[list[Column], int, bool]:
    """Run the query and send its rows; return columns, rows, and if there are more."""
    connection.execute(query.sql)
    description = connection.description or []
    names = distinct([str(column[0]) for column in description])
    kinds = [str(column[1]) for column in description]
    columns = [
        Column(name=name, type=kind) for name, kind in zip(names, kinds, strict=True)
    ]
    converters = [
        (name, convert)
        for name, kind in zip(names, kinds, strict=True)
        if (convert := converter(kind)) is not None
    ]
    count = 0
    while rows := connection.fetchmany(BATCH):
        for values in rows:
            if count == query.limit or ctx.cancelled:
                return columns, count, True
            row = dict(zip(names, values, strict=True))
            for name, convert in converters:
                row[name] = convert(row[name])
            _ = ctx.chunk(row, kind="row")
            count += 1
    return columns, count, False


@contextmanager
def _watching(
    ctx: TaskContext, connection: duckdb.DuckDBPyConnection
) -> Iterator[None]:
    """Say how far the engine is, and interrupt it when the task is cancelled.

    Raises:
        InterruptException: It was interrupted.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            if ctx.cancelled:
                connection.interrupt()
            elif (percent := connection.query_progress()) >= 0:
                ctx.progress(percent / 100)

    watcher = threading.Thread(target=watch, name="sql-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
