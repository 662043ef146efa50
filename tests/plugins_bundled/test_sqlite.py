"""SQLite files as tables of a query."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub import TaskError
from plugins.sql.main import Sql
from tests.plugins_bundled.queries import cancelled_after, refusal, rows, started
from tests.plugins_bundled.recorder import ThreadRecorder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root."""
    root = tmp_path / "data"
    root.mkdir()
    return root


@pytest.fixture
def shop(folder: Path) -> Path:
    """A SQLite file with tables of plain and of mixed types, and a view."""
    file = folder / "shop.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.executescript(
            """
            CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, price REAL, odd);
            INSERT INTO orders VALUES (1, 'a', 1.5, NULL), (2, 'b', 2, 'x'),
              (3, 'c', 3, 7);
            CREATE TABLE "we ird" ("a""b" BLOB, hollow);
            INSERT INTO "we ird" VALUES (x'00ff', NULL);
            CREATE VIEW cheap AS SELECT item FROM orders WHERE price < 2;
            """
        )
    return file


@pytest.fixture
def sql(folder: Path) -> Sql:
    """The plugin with that root."""
    return started({"roots": [str(folder)]})


def test_a_table_of_sqlite_is_one(sql: Sql, shop: Path) -> None:
    """Types are those of the values; a column of mixed ones is text."""
    recorder = ThreadRecorder()

    answer = sql.query(recorder.context(), 'FROM "data/shop.db".orders ORDER BY id')

    assert [column.type for column in answer.columns] == [
        "BIGINT",
        "VARCHAR",
        "DOUBLE",
        "VARCHAR",
    ]
    assert recorder.rows["out"][2] == {"id": 3, "item": "c", "price": 3.0, "odd": "7"}


def test_views_and_odd_names_are_tables_too(sql: Sql, shop: Path) -> None:
    """Case counts for nothing, as in SQLite."""
    assert rows(sql, 'FROM "data/shop.db".CHEAP') == [{"item": "a"}]
    assert rows(sql, 'FROM "data/shop.db"."we ird"') == [
        {'a"b': "AP8=", "hollow": None}
    ]
    assert rows(sql, "FROM s.cheap", tables={"s": "data/shop.db"}) == [{"item": "a"}]


def test_two_tables_of_one_file_can_be_joined(sql: Sql, shop: Path) -> None:
    """Each is read once."""
    joined = 'FROM "data/shop.db".orders JOIN "data/shop.db".cheap USING (item)'

    assert [row["id"] for row in rows(sql, joined)] == [1]


def test_a_file_with_one_table_needs_no_name_for_it(sql: Sql, folder: Path) -> None:
    """Where there are more, or another one, the error lists them."""
    with closing(sqlite3.connect(folder / "one.sqlite")) as database, database:
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (5)")

    assert rows(sql, "FROM 'data/one.sqlite'") == [{"a": 5}]
    error = refusal(sql, 'FROM "data/one.sqlite".other')
    assert (error.code, "The tables are: t" in error.message) == ("unknown_table", True)


def test_what_is_not_checkpointed_is_read_too(sql: Sql, shop: Path) -> None:
    """A database that somebody is writing to, with its journal beside it."""
    with closing(sqlite3.connect(shop)) as database:
        database.execute("PRAGMA journal_mode = wal")
        database.execute("INSERT INTO orders VALUES (4, 'd', 4, NULL)")
        database.commit()
        assert shop.with_name("shop.db-wal").stat().st_size

        found = rows(sql, 'SELECT max(id) AS last FROM "data/shop.db".orders')

    assert found == [{"last": 4}]


def test_a_journal_that_is_a_link_is_refused(sql: Sql, shop: Path) -> None:
    """Nor does a journal lead out of the root."""
    shop.with_name("shop.db-wal").symlink_to("/etc/passwd")

    assert refusal(sql, 'FROM "data/shop.db".orders').code == "symlink"


def test_a_file_that_changes_after_its_copy_is_refused(
    sql: Sql, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint between the file and its journal makes a copy of neither."""
    answers = iter([False, True])
    monkeypatch.setattr(
        "plugins._roots.opening.Opened.changed", lambda _: next(answers)
    )

    assert refusal(sql, 'FROM "data/shop.db".orders').code == "changed"


def test_what_is_no_sqlite_says_so(sql: Sql, folder: Path) -> None:
    """By its name only."""
    (folder / "text.db").write_text("not a database" * 100)

    error = refusal(sql, "FROM 'data/text.db'")

    assert error.code == "bad_file"
    assert "“data/text.db” cannot be read as SQLite" in error.message


def test_a_large_sqlite_file_is_refused(folder: Path, shop: Path) -> None:
    """It would be copied."""
    with shop.open("ab") as file:
        file.truncate(17 * 1024 * 1024)

    sql = started({"roots": [str(folder)], "sqlite_mib": 16})

    assert refusal(sql, 'FROM "data/shop.db".orders').code == "too_large"


def test_a_sqlite_file_that_changes_meanwhile_is_refused(
    sql: Sql, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of half of it is none; trying again may help."""
    monkeypatch.setattr("plugins._roots.opening.Opened.changed", lambda _: True)

    error = refusal(sql, 'FROM "data/shop.db".orders')

    assert (error.code, error.retry) == ("changed", True)


def test_a_cancel_ends_reading_sqlite(sql: Sql, shop: Path) -> None:
    """Before, and in the middle of a view that never ends."""
    with closing(sqlite3.connect(shop)) as database:
        database.execute(
            "CREATE VIEW endless AS WITH RECURSIVE n(i) AS "
            "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        )
    recorder = ThreadRecorder()
    timer = cancelled_after(recorder, 0.2)

    with pytest.raises(TaskError):
        sql.query(recorder.context(), 'FROM "data/shop.db".endless')
    with pytest.raises(TaskError):
        sql.query(recorder.context(), 'FROM "data/shop.db".orders')

    timer.join()
