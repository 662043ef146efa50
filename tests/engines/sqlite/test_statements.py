"""The SQL: named, described, and understood by SQLite."""

import re
import sqlite3
from importlib.resources import files

from hub.engines.sqlite.statements import SQL, read

TEXT = files("hub.engines.sqlite").joinpath("statements.sql").read_text("utf-8")


def test_blocks_are_read_by_name() -> None:
    """A block runs from its name to the next; descriptions are not part of it."""
    text = """
-- one --
-- What it does.
SELECT 1;

-- two --
-- What it does,
-- in two lines.
SELECT a
FROM b;
"""

    assert read(text) == {"one": "SELECT 1;", "two": "SELECT a\nFROM b;"}


def test_nothing_is_no_statement() -> None:
    """What stands before the first name belongs to nothing."""
    assert read("SELECT 1;\n") == {}


def test_every_block_is_described() -> None:
    """Each name is followed by a sentence that says what the block is for."""
    names = re.findall(r"^-- (\w+) --\n(.*)$", TEXT, re.MULTILINE)

    assert [name for name, _ in names] == list(SQL)
    bare = [name for name, line in names if not re.match(r"-- [A-Z].+", line)]
    assert bare == []


SCRIPTS = {"schema", "from_1"}
"""Several statements each, executed once in a file's life."""


def test_every_statement_fits_the_schema() -> None:
    """SQLite can prepare each of them on a new file."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SQL["schema"])

    for name, text in SQL.items():
        if name not in SCRIPTS:
            marks = text.count("?")
            connection.execute(f"EXPLAIN {text}", (None,) * marks)
    connection.close()


def test_statements_of_every_task_use_an_index() -> None:
    """What happens once a task never walks a table, however many there are."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SQL["schema"])
    # Once a start; and only while the store is over its bound.
    whole = {"all_keys", "last_number", "open_runs", "oldest_logs", "oldest_runs"}
    walking = []
    for name, text in SQL.items():
        if name in SCRIPTS or name in whole:
            continue
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN {text}", (None,) * text.count("?")
        )
        walking += [name for *_, step in plan if step.startswith("SCAN")]
    connection.close()

    assert walking == []
