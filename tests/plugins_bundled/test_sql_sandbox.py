"""Hostile SQL: nothing is written, and nothing outside the roots is read.

Each statement meets two walls: the plugin's look at it, and, where that is gone past
on purpose, the engine's own confinement.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import duckdb
import pytest

from hub import TaskError
from plugins._roots import Roots
from plugins.sql.engine import _connect, _Sandbox
from plugins.sql.query import SqlConfig
from plugins.sql.sources import open_tables
from tests.plugins_bundled.queries import refusal, started
from tests.plugins_bundled.recorder import ThreadRecorder

SECRET = "secret-of-the-neighbour"

# {data} is the root, {out} the folder beside it.
HOSTILE = [
    "COPY (SELECT 1) TO '{data}/new.csv'",
    "COPY (SELECT 1) TO '{out}/new.csv'",
    "COPY t FROM '{out}/secret.csv'",
    "EXPORT DATABASE '{data}/dump'",
    "IMPORT DATABASE '{out}'",
    "ATTACH '{data}/new.db'",
    "ATTACH '{out}/other.duckdb' AS other",
    "ATTACH '{data}/shop.db' (TYPE sqlite)",
    "INSTALL httpfs",
    "INSTALL '{out}/x.duckdb_extension'",
    "FORCE INSTALL spatial FROM 'http://127.0.0.1:1/'",
    "LOAD '{out}/x.duckdb_extension'",
    "LOAD httpfs",
    "UPDATE EXTENSIONS",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
    "SET memory_limit = '100GB'",
    "SET temp_directory = '{data}'",
    "SET log_query_path = '{data}/log'",
    "SET profiling_output = '{data}/profile'",
    "SET home_directory = '{data}'",
    "RESET lock_configuration",
    "PRAGMA enable_profiling = 'json'; PRAGMA profiling_output = '{data}/profile'",
    "PRAGMA database_list; SET threads = 64",
    "CALL enable_logging(storage = 'file', storage_path = '{data}/logs')",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "SELECT * FROM read_text('{out}/secret.csv')",
    "SELECT * FROM read_text('{data}/link.csv')",
    "SELECT * FROM read_text('{data}/../out/secret.csv')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM read_text('/proc/self/fd/0')",
    "SELECT * FROM read_blob('{out}/*')",
    "SELECT * FROM read_csv('{out}/secret.csv')",
    "SELECT * FROM read_csv_auto(['{out}/secret.csv'])",
    "SELECT * FROM read_json('{out}/secret.csv')",
    "SELECT * FROM read_parquet('{out}/secret.csv')",
    "SELECT * FROM parquet_metadata('{out}/secret.csv')",
    "SELECT * FROM sniff_csv('{out}/secret.csv')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM glob('{out}/*')",
    "SELECT * FROM '{out}/secret.csv'",
    "SELECT * FROM '{data}/link.csv'",
    "SELECT * FROM '{data}/folder/secret.csv'",
    "SELECT * FROM 'file://{out}/secret.csv'",
    "SELECT * FROM 'http://127.0.0.1:1/x.csv'",
    "SELECT * FROM 'https://127.0.0.1:1/x.parquet'",
    "SELECT * FROM read_csv('s3://bucket/x.csv')",
    "SELECT * FROM query('SELECT * FROM ''{out}/secret.csv''')",
    "SELECT * FROM query_table('{out}/secret.csv')",
    "SELECT * FROM sqlite_scan('{data}/shop.db', 't')",
    "SELECT getenv('HOME')",
    "SELECT 1; COPY (SELECT 1) TO '{data}/new.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}/new.csv'",
    "PREPARE p AS COPY (SELECT 1) TO '{data}/new.csv'; EXECUTE p",
    "WITH x AS (SELECT * FROM read_text('{out}/secret.csv')) SELECT * FROM x",
    "SELECT (SELECT content FROM read_text('{out}/secret.csv'))",
    "SELECT * FROM recorder",
]
"""What would write, load, set, or read what is not ours."""

TELLING = [
    "SELECT current_setting('temp_directory')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_settings",
    "SELECT * FROM pg_settings",
    "SELECT * FROM duckdb_secrets()",
    "CREATE TABLE x (a INT)",
    'DROP VIEW "data/a.csv"',
    "INSERT INTO t VALUES (1)",
    "UPDATE t SET a = 1",
    "DELETE FROM t",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "USE memory",
    "EXPLAIN SELECT 1",
    "SHOW x; SELECT 1",
]
"""What hurts nobody, and is not for a reader either."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with links to its neighbour, which has a secret."""
    root, out = tmp_path / "data", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    (root / "a.csv").write_text("a\n1\n")
    (out / "secret.csv").write_text(f"a\n{SECRET}\n")
    (root / "link.csv").symlink_to(out / "secret.csv")
    (root / "folder").symlink_to(out)
    return root


def contents(folder: Path) -> set[str]:
    """Return all that lies in both folders."""
    return {str(path.relative_to(folder.parent)) for path in folder.parent.rglob("*")}


def filled(statement: str, folder: Path) -> str:
    """Put the folders into a statement."""
    return statement.format(data=folder, out=folder.parent / "out")


@pytest.mark.parametrize("statement", HOSTILE + TELLING)
def test_a_query_is_refused_before_it_runs(folder: Path, statement: str) -> None:
    """With an error of ours; no file comes into being, no secret goes out."""
    recorder = ThreadRecorder()
    sql = started({"roots": [str(folder)]})
    before = contents(folder)

    with pytest.raises(TaskError) as caught:
        sql.query(recorder.context(), filled(statement, folder))

    assert SECRET not in caught.value.message
    assert recorder.chunks == []
    assert contents(folder) == before


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT " + "[" * 900 + "]" * 900,
        "SELECT " + "+".join(["1"] * 900),
        "SELECT x" + ".x" * 20_000 + " FROM range(1) t(x)",
        "SELECT * FROM range(1)" + ", range(1)" * 900,
        "SELECT * FROM " + "(SELECT * FROM " * 120 + "range(1)" + ")" * 120,
        "SELECT " + "(" * 40_000 + "1" + ")" * 40_000,
    ],
    ids=lambda statement: statement[:20],
)
def test_what_would_take_for_ever_to_plan_is_refused(
    folder: Path, statement: str
) -> None:
    """Neither does it end the hub, nor hold a thread that nothing interrupts."""
    sql = started({"roots": [str(folder)]})
    start = time.monotonic()

    with pytest.raises(TaskError) as caught:
        sql.query(ThreadRecorder().context(), statement)

    assert caught.value.code == "bad_sql"
    assert time.monotonic() - start < 5


@pytest.fixture
def confined(folder: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The engine as a query finds it, with one file laid out."""
    roots = Roots("sql", [str(folder)])
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with ExitStack() as files, closing(_connect(scratch, SqlConfig())) as connection:
        sandbox = _Sandbox(
            ThreadRecorder().context(), roots, connection, scratch, SqlConfig()
        )
        sandbox.lay_out(open_tables([("", "data/a.csv")], {}, roots, files))
        yield connection


@pytest.mark.parametrize("statement", HOSTILE)
def test_the_engine_is_confined_by_itself(
    folder: Path, confined: duckdb.DuckDBPyConnection, statement: str
) -> None:
    """Whatever got past the look at it: it fails, and nothing is read or written."""
    before = contents(folder)
    assert confined.execute('FROM "data/a.csv"').fetchall() == [(1,)]

    with pytest.raises(duckdb.Error) as caught:
        confined.execute(filled(statement, folder)).fetchall()

    assert SECRET not in str(caught.value)
    assert contents(folder) == before


def test_what_only_the_engine_refuses_is_not_allowed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that got past the look at it meets the engine's own wall."""
    monkeypatch.setattr("plugins.sql.engine.names_in", lambda _: [])
    sql = started({"roots": [str(folder)]})

    assert refusal(sql, "FROM read_text('/etc/passwd')").code == "not_allowed"


def test_a_file_that_becomes_a_link_leads_nowhere(
    folder: Path, confined: duckdb.DuckDBPyConnection
) -> None:
    """What was opened is what is read, whatever stands in its place by then."""
    (folder / "a.csv").unlink()
    (folder / "a.csv").symlink_to(folder.parent / "out" / "secret.csv")

    try:
        found = str(confined.execute('FROM "data/a.csv"').fetchall())
    except duckdb.Error as error:
        found = str(error)

    assert SECRET not in found
