"""What a query takes: memory that is bounded, and folders that go away."""

import fcntl
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from plugins.sql import memory
from plugins.sql.main import Sql
from plugins.sql.memory import bounded, most_mib
from plugins.sql.query import SqlConfig
from plugins.sql.scratch import PREFIX, scratch_folder
from tests.plugins_bundled.queries import refusal, rows, started

linux = pytest.mark.skipif(sys.platform != "linux", reason="nothing is bounded there")


@pytest.fixture
def sql() -> Sql:
    """The plugin, its memory short."""
    return started({"memory_mib": 64})


def test_what_the_engine_gathers_is_bounded(sql: Sql) -> None:
    """A query that takes too much fails, and says what it may take."""
    error = refusal(sql, "SELECT list(repeat('x', 1000) || i) FROM range(1000000) t(i)")

    assert error.code == "too_much_memory"
    assert "64 MiB here" in error.message


@linux
@pytest.mark.parametrize(
    "text",
    [
        "SELECT len(range(400000000))",
        "SELECT length(repeat('x', 2000000000))",
        "SELECT length(format('{:>2000000000}', 'a'))",
        "SELECT length(replace(repeat('a', 1000000), 'a', repeat('b', 1000)))",
        "SELECT range(10000000) FROM range(3)",
    ],
)
def test_what_functions_make_is_bounded(sql: Sql, text: str) -> None:
    """The engine does not count it; the kernel does, and the next query has it all."""
    error = refusal(sql, text)

    assert error.code == "too_much_memory"
    assert "64 MiB here" in error.message
    assert rows(sql, "SELECT 1 AS one") == [{"one": 1}]


def test_rows_that_do_not_fit_are_said(
    sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python's own lack of memory is told as the engine's is."""

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("plugins.sql.engine._send", fail)

    assert refusal(sql, "SELECT 1").code == "too_much_memory"


@linux
def test_a_bound_ends_and_never_rises() -> None:
    """It is this process's for as long as it takes, and one that is lower stays."""
    before = resource.getrlimit(resource.RLIMIT_DATA)

    with bounded(1000):
        outer = resource.getrlimit(resource.RLIMIT_DATA)[0]
        with pytest.raises(MemoryError):
            bytearray(2**31)
        with bounded(100_000):
            assert resource.getrlimit(resource.RLIMIT_DATA)[0] == outer

    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_where_the_kernel_tells_nothing_there_is_no_bound(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Queries run there as well."""
    monkeypatch.setattr(memory, "STATE", tmp_path / "none")
    before = resource.getrlimit(resource.RLIMIT_DATA)

    with bounded(most_mib(SqlConfig().memory_mib)):
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_the_engine_is_there_before_a_process_is() -> None:
    """No query waits for it; what imports the plugin and never forks has none."""
    program = (
        "import os, sys, plugins.sql.main\n"
        "print('duckdb' in sys.modules, flush=True)\n"
        "if os.fork() == 0:\n"
        "    print('duckdb' in sys.modules, flush=True); os._exit(0)\n"
        "os.wait()\n"
    )

    said = subprocess.run(  # this interpreter
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    assert said.stdout.split() == ["False", "True"]


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_query_left_is_removed(parent: Path) -> None:
    """By the next one; that of a query that runs stays, and so do files."""
    (parent / f"{PREFIX}left").mkdir()
    (parent / f"{PREFIX}left" / "spill").write_text("x")
    (parent / f"{PREFIX}file").touch()
    (parent / "other").mkdir()

    with scratch_folder() as first, scratch_folder() as second:
        there = {each.name for each in parent.iterdir()}
        assert there == {first.name, second.name, f"{PREFIX}file", "other"}

    assert {each.name for each in parent.iterdir()} == {f"{PREFIX}file", "other"}


def test_a_folder_that_is_taken_away_is_made_again(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another query may remove it before, or just while, it is locked."""
    real = fcntl.flock
    tries: list[int] = []

    def take(lock: int, how: int) -> None:
        if how == fcntl.LOCK_EX and not tries:
            tries.append(lock)
            next(parent.iterdir()).rmdir()
        real(lock, how)

    monkeypatch.setattr(fcntl, "flock", take)

    with scratch_folder() as folder:
        assert folder.is_dir()
    assert tries
