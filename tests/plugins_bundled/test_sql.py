"""The sql plugin: real queries over real files."""

import asyncio
import gzip
import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import msgspec
import pytest

from hub import TaskError
from plugins.sql.engine import _Sandbox
from plugins.sql.main import Sql
from plugins.sql.query import Answer
from plugins.sql.sources import MOST_FILES, Source, Table
from plugins.sql.values import distinct, plain
from tests.plugins_bundled.queries import cancelled_after, refusal, rows, started
from tests.plugins_bundled.recorder import ThreadRecorder

SALES = "city,price,n\nBern,1.5,1\nRom,2.25,2\nRom,3,3\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with files of every kind."""
    root = tmp_path / "data"
    (root / "years").mkdir(parents=True)
    (root / "sales.csv").write_text(SALES)
    (root / "sales.csv.gz").write_bytes(gzip.compress(SALES.encode()))
    (root / "years" / "1.csv").write_text("a,b\n1,2\n")
    (root / "years" / "2.csv").write_text("a,c\n3,4\n")
    (root / "lines.jsonl").write_text('{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n')
    with closing(duckdb.connect()) as engine:
        engine.execute(
            "COPY (SELECT i, i * 1.5 AS half FROM range(10) t(i)) "
            f"TO '{root / 'table.parquet'}'"
        )
    return root


@pytest.fixture
def sql(folder: Path) -> Sql:
    """The plugin with that root."""
    return started({"roots": [str(folder)]})


@pytest.fixture
def recorder() -> ThreadRecorder:
    """What the command says."""
    return ThreadRecorder()


def test_a_file_is_a_table(sql: Sql, recorder: ThreadRecorder) -> None:
    """Each row is a chunk of kind row; the result says columns, types and counts."""
    answer = sql.query(
        recorder.context(),
        "SELECT city, sum(price) AS total, sum(n) AS n FROM 'data/sales.csv' "
        "GROUP BY city ORDER BY city",
    )

    assert recorder.chunks == [
        ("row", {"city": "Bern", "total": 1.5, "n": 1}),
        ("row", {"city": "Rom", "total": 5.25, "n": 5}),
    ]
    assert [(column.name, column.type) for column in answer.columns] == [
        ("city", "VARCHAR"),
        ("total", "DOUBLE"),
        ("n", "HUGEINT"),
    ]
    assert (answer.rows, answer.truncated, answer.changed) == (2, False, [])


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("sales.csv", 3),
        ("sales.csv.gz", 3),
        ("lines.jsonl", 2),
        ("table.parquet", 10),
        ("years/1.csv", 1),
    ],
)
def test_each_format_is_told_by_its_name(sql: Sql, name: str, count: int) -> None:
    """CSV, JSON and Parquet, compressed or not."""
    assert len(rows(sql, f"FROM 'data/{name}'")) == count


def test_a_glob_is_one_table(sql: Sql) -> None:
    """Files of one kind, their columns put together by name."""
    assert rows(sql, "FROM 'data/years/*.csv' ORDER BY a") == [
        {"a": 1, "b": 2, "c": None},
        {"a": 3, "b": None, "c": 4},
    ]
    assert refusal(sql, "FROM 'data/years/*.parquet'").code == "not_found"


def test_a_glob_of_too_many_files_is_refused(sql: Sql, folder: Path) -> None:
    """Each would be an open file."""
    for number in range(MOST_FILES + 1):
        (folder / "years" / f"x{number}.csv").touch()

    assert refusal(sql, "FROM 'data/years/x*.csv'").code == "too_many_files"


def test_files_have_short_names_where_the_caller_likes(sql: Sql, folder: Path) -> None:
    """With how to read them, where their names or first lines do not say."""
    (folder / "odd").write_text("1;x\n2;y\n")
    odd = Source(path="data/odd", format="csv", header=False, delimiter=";")
    tables: dict[str, str | Source] = {"s": "data/sales.csv", "odd": odd}

    found = rows(
        sql, "SELECT city, column1 FROM s JOIN odd ON n = column0", tables=tables
    )

    assert found == [{"city": "Bern", "column1": "x"}, {"city": "Rom", "column1": "y"}]
    text = Source(path="data/sales.csv", all_text=True)
    assert rows(sql, "SELECT n FROM s LIMIT 1", tables={"s": text}) == [{"n": "1"}]


def test_names_hold_any_character(sql: Sql, folder: Path) -> None:
    """Quotes, semicolons, brackets and spaces end nothing."""
    for name in ["it's; --.csv", 'a"b.csv', "x[1].csv", "数据 x.csv"]:
        (folder / name).write_text("a\n1\n")
    tables: dict[str, str | Source] = {'t"; DROP': "data/it's; --.csv"}

    assert rows(sql, "FROM 'data/it''s; --.csv'") == [{"a": 1}]
    assert rows(sql, 'FROM "data/a""b.csv"') == [{"a": 1}]
    assert rows(sql, "FROM 'data/数据 x.csv'") == [{"a": 1}]
    assert rows(sql, 'FROM "t""; DROP"', tables=tables) == [{"a": 1}]
    assert rows(sql, "FROM 'data/x[[]1].csv'") == [{"a": 1}]


@pytest.mark.parametrize(
    "text",
    [
        "DESCRIBE 'data/sales.csv'",
        "SUMMARIZE 'data/sales.csv'",
        "WITH s AS (FROM 'data/sales.csv') SELECT * FROM s",
        "SELECT * FROM range(3), unnest([1, 2])",
        "FROM 'data/sales.csv' PIVOT (sum(n) FOR city IN ('Rom', 'Bern'))",
        "SELECT (SELECT max(n) FROM 'data/sales.csv')",
        "SELECT 1 UNION ALL SELECT n FROM 'data/sales.csv' -- that is all;",
        "VALUES (1), (2);",
        "FROM 'data/sales.csv' TABLESAMPLE 100%",
        "SELECT * FROM 'data/sales.csv' USING SAMPLE 1",
        "FROM 'data/sales.csv' TABLESAMPLE reservoir(2 ROWS) REPEATABLE (7)",
    ],
)
def test_what_reads_is_allowed(sql: Sql, text: str) -> None:
    """Not only the plainest SELECT."""
    assert rows(sql, text)


def test_rows_are_bounded(sql: Sql, recorder: ThreadRecorder) -> None:
    """The answer says that there is more; exactly as many as there are is all."""
    assert sql.query(recorder.context(), "FROM range(5)", limit=2).truncated
    assert len(recorder.rows["out"]) == 2
    assert not sql.query(recorder.context(), "FROM range(5)", limit=5).truncated


def test_values_are_json(sql: Sql) -> None:
    """What JSON has no number or word for is text."""
    (row,) = rows(
        sql,
        """
        SELECT 170141183460469231731687303715884105727::HUGEINT AS huge,
          0.1::DECIMAL(5, 2) AS short, 12345678901234567890.12::DECIMAL(30, 2) AS long,
          [1, 2] AS list, {'a': 1.5::DECIMAL(5, 1)} AS struct, MAP {1: 2} AS map,
          TIMESTAMPTZ '2020-01-01 00:00:00+02' AS at, DATE '2020-01-02' AS day,
          'nan'::DOUBLE AS nothing, 'x'::BLOB AS bytes, 1 AS twice, 2 AS twice
        """,
    )

    assert row == {
        "huge": "170141183460469231731687303715884105727",
        "short": 0.1,
        "long": "12345678901234567890.12",
        "list": [1, 2],
        "struct": {"a": 1.5},
        "map": {"1": 2},
        "at": "2019-12-31T22:00:00Z",
        "day": "2020-01-02",
        "nothing": None,
        "bytes": "eA==",
        "twice": 1,
        "twice_2": 2,
    }


def test_columns_of_one_name_are_told_apart() -> None:
    """No value is lost, whatever the other names are."""
    assert distinct(["a", "a", "a_2", "a"]) == ["a", "a_3", "a_2", "a_4"]
    assert plain("x") == "x"


# What goes wrong.


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELEC 1", "bad_sql"),
        ("SELECT nope FROM 'data/sales.csv'", "bad_sql"),
        ("SELECT 'x'::INTEGER", "bad_sql"),
        ("FROM nothing", "bad_sql"),
        ("", "not_one_statement"),
        ("-- nothing", "not_one_statement"),
        ("SELECT 1; SELECT 2", "not_one_statement"),
        ("FROM 'data/none.csv'", "not_found"),
        ("FROM 'data/years'", "is_folder"),
        ("FROM 'sales.csv'", "unknown_root"),
        ("FROM 'data/odd.xyz'", "unknown_format"),
    ],
)
def test_what_is_wrong_has_a_code(sql: Sql, folder: Path, text: str, code: str) -> None:
    """And the engine's own words, where they are its own."""
    (folder / "odd.xyz").touch()

    assert refusal(sql, text).code == code


def test_errors_name_files_as_the_caller_does(sql: Sql, folder: Path) -> None:
    """Not the descriptors that the engine sees."""
    (folder / "bad.parquet").write_text("no parquet")

    error = refusal(sql, "FROM 'data/bad.parquet'")

    assert "data/bad.parquet" in error.message
    assert "/fd/" not in error.message


def test_a_file_that_changes_meanwhile_is_named(
    sql: Sql, folder: Path, recorder: ThreadRecorder
) -> None:
    """The answer may be neither the old one nor the new one, and says so."""

    def write() -> None:
        (folder / "sales.csv").write_text("x")

    recorder.on_chunk = write

    answer = sql.query(recorder.context(), "FROM 'data/sales.csv'")

    assert answer.changed == ["data/sales.csv"]


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors have no paths there")
def test_a_folder_that_is_renamed_meanwhile_is_a_change(
    sql: Sql, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine does not find what it may open where it was: trying again may help."""

    def view(self: _Sandbox, table: Table) -> None:
        if (folder / "years").exists():
            (folder / "years").rename(folder / "other")
        real(self, table)

    real = _Sandbox._view
    monkeypatch.setattr(_Sandbox, "_view", view)

    error = refusal(sql, "FROM 'data/years/1.csv'")

    assert (error.code, error.retry) == ("changed", True)
    assert "data/years/1.csv" in error.message


def test_a_cancel_interrupts_the_engine(sql: Sql, recorder: ThreadRecorder) -> None:
    """In the middle of a query that would take hours."""
    timer = cancelled_after(recorder, 0.2)
    start = time.monotonic()

    with pytest.raises(TaskError, match="Interrupted"):
        sql.query(
            recorder.context(),
            "SELECT count(*) FROM range(10000000) a, range(10000000) b",
        )

    assert time.monotonic() - start < 5
    timer.join()


def test_a_cancel_ends_the_rows(sql: Sql, recorder: ThreadRecorder) -> None:
    """No further row is sent."""

    def cancel() -> None:
        recorder.cancelled = len(recorder.rows["out"]) == 5

    recorder.on_chunk = cancel

    sql.query(recorder.context(), "FROM range(1000000)", limit=1_000_000)

    assert len(recorder.rows["out"]) == 5


def test_progress_is_the_engines(sql: Sql, recorder: ThreadRecorder) -> None:
    """Fractions that grow, while a long query runs."""
    sql.query(
        recorder.context(),
        "SELECT count(*) FROM range(30000000) t(i) WHERE hash(i) % 7 = 0",
    )

    told = [fraction for fraction, _ in recorder.progressed if fraction is not None]
    assert told == sorted(told)
    assert all(0 <= fraction <= 1 for fraction in told)


# The plugin.


@pytest.fixture
def without_duckdb(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have no DuckDB."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "plugins.sql.engine", raising=False)
    yield
    sys.modules.pop("plugins.sql.engine", None)


def test_without_duckdb_the_line_to_type_is_told(
    sql: Sql, without_duckdb: None
) -> None:
    """The plugin is there and not healthy; its command says how to get the engine."""
    error = refusal(sql, "SELECT 1")

    assert error.code == "not_installed"
    assert "pip install 'taskhub[sql]'" in error.message
    assert not asyncio.run(sql.healthy())


def test_another_missing_module_is_a_mistake(
    sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for a missing DuckDB."""
    monkeypatch.setitem(sys.modules, "plugins.sql.engine", None)

    with pytest.raises(ModuleNotFoundError):
        sql.query(ThreadRecorder().context(), "SELECT 1")


def test_health_is_that_of_the_roots(sql: Sql, folder: Path) -> None:
    """A root that is not there is no health, and a query says so."""
    assert asyncio.run(sql.healthy())

    folder.rename(folder.with_name("gone"))

    assert not asyncio.run(sql.healthy())
    assert refusal(sql, "FROM 'data/sales.csv'").code == "root_gone"


def test_without_roots_the_lines_to_write_are_told() -> None:
    """What needs no file is answered anyway."""
    sql = started({})

    assert rows(sql, "SELECT 1 AS one") == [{"one": 1}]
    assert "[plugin.sql]\nroots" in refusal(sql, "FROM 'data/x.csv'").message


def test_the_answer_is_json() -> None:
    """As documented."""
    answer = Answer(columns=[], rows=0, truncated=False, seconds=0.1, changed=[])

    assert msgspec.json.encode(answer) == (
        b'{"columns":[],"rows":0,"truncated":false,"seconds":0.1,"changed":[]}'
    )


@pytest.mark.slow
def test_three_million_rows(sql: Sql, folder: Path) -> None:
    """A file of 3 million rows is summed up, and read row by row, in bounded memory."""
    numbers = random.Random(1)
    names = [f"name {n}" for n in range(1000)]
    with (folder / "big.csv").open("w") as file:
        file.write("id,name,price\n")
        for block in range(300):
            file.writelines(
                f"{block * 10_000 + n},{numbers.choice(names)},{n / 7:.3f}\n"
                for n in range(10_000)
            )

    (row,) = rows(
        sql,
        "SELECT count(*) AS n, count(DISTINCT name) AS names FROM 'data/big.csv'",
    )
    sent = rows(sql, "FROM 'data/big.csv'", limit=1_000_000)

    assert row == {"n": 3_000_000, "names": 1000}
    assert len(sent) == 1_000_000
