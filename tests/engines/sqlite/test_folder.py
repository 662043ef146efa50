"""The data folder: one hub at a time, and a file that is understood."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hub.engines.base import Bounds
from hub.engines.sqlite.engine import SqliteEngine
from hub.engines.sqlite.folder import (
    DATABASE,
    LOCK,
    VERSION,
    Lock,
    connect,
    hub_of,
    open_reader,
)
from hub.errors import DataFolderError
from hub.ids import TaskIds
from tests.engines.doubles import FakeTime
from tests.engines.lab import Lab

HOLD = """
import sys
from pathlib import Path
from hub.engines.sqlite.folder import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def version_of(path: Path, version: int) -> None:
    """Let a file be of some version."""
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


async def test_a_folder_is_one_hubs(lab: Lab) -> None:
    """A second engine is told who has the folder, and what can be done."""
    second = Lab(lab.kind, lab.folder, lab.bounds)

    with pytest.raises(DataFolderError) as refusal:
        await second.start()

    text = str(refusal.value)
    assert f"{lab.folder}: in use by the hub with pid {os.getpid()}" in text
    assert "--data" in text
    # The first one did not notice.
    assert (await lab.opened()).origin == "new"


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    """However a hub dies, its folder is free; while it lives, its pid is told."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataFolderError, match=f"pid {holder.pid};"):
            Lock(tmp_path)
        holder.kill()
        holder.wait()

        lock = Lock(tmp_path)

    assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"
    lock.release()
    Lock(tmp_path).release()


def test_a_lock_without_a_pid_still_holds(tmp_path: Path) -> None:
    """Between taking and signing the lock its holder is unknown, not absent."""
    lock = Lock(tmp_path)
    (tmp_path / LOCK).write_text("")

    with pytest.raises(DataFolderError, match="pid unknown"):
        Lock(tmp_path)

    lock.release()


def test_a_folder_is_made_and_private(tmp_path: Path) -> None:
    """A data folder that is missing is made, for its owner only."""
    folder = tmp_path / "a" / "b"

    Lock(folder).release()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / LOCK).stat().st_mode) == 0o600


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    """A file in the folder's place is named, with what the system says of it."""
    path = tmp_path / "file"
    path.write_text("")

    with pytest.raises(DataFolderError, match=f"{path}: cannot be used"):
        Lock(path)


def test_a_new_file_gets_the_schema(tmp_path: Path) -> None:
    """A first start makes the schema of this version, and names the store's life."""
    connection = connect(tmp_path / DATABASE, "normal")

    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    hub = hub_of(connection)
    assert len(hub) == 16
    connection.close()
    again = connect(tmp_path / DATABASE, "normal")
    assert hub_of(again) == hub
    again.close()


def test_a_file_of_version_1_is_brought_forward(tmp_path: Path) -> None:
    """Its keys are all there, in the order of their tasks, and it keeps its name."""
    path = tmp_path / DATABASE
    former = connect(path, "normal")
    hub = hub_of(former)
    former.executescript(
        """
        DROP TABLE keys;
        CREATE TABLE keys (digest BLOB PRIMARY KEY, task TEXT NOT NULL) WITHOUT ROWID;
        INSERT INTO keys VALUES (x'02', 'a'), (x'01', 'b');
        PRAGMA user_version = 1;
        """
    )
    former.close()

    connection = connect(path, "normal")

    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    keys = connection.execute("SELECT number, digest, task FROM keys").fetchall()
    assert keys == [(1, b"\x02", "a"), (2, b"\x01", "b")]
    assert hub_of(connection) == hub
    connection.close()


@pytest.mark.parametrize(("durability", "synchronous"), [("normal", 1), ("full", 2)])
def test_durability_is_what_was_chosen(
    tmp_path: Path, durability: str, synchronous: int
) -> None:
    """`full` waits for the disk at each commit, `normal` does not."""
    connection = connect(tmp_path / DATABASE, durability)

    assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    connection.close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    """A file of a later version is left alone, named, and so is what to do."""
    path = tmp_path / DATABASE
    connect(path, "normal").close()
    version_of(path, VERSION + 1)
    before = path.read_bytes()

    with pytest.raises(DataFolderError) as refusal:
        connect(path, "normal")

    text = str(refusal.value)
    assert f"{path}: written by a newer taskhub (schema {VERSION + 1}" in text
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that cannot be read is left alone, and named."""
    path = tmp_path / DATABASE
    path.write_bytes(content)

    with pytest.raises(DataFolderError, match=f"{path}: cannot be read"):
        connect(path, "normal")

    assert path.read_bytes() == content


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    """A folder in the file's place is named like a file that is broken."""
    path = tmp_path / DATABASE
    path.mkdir()

    with pytest.raises(DataFolderError, match=f"{path}: cannot be read"):
        connect(path, "normal")


@pytest.mark.parametrize("trouble", ["newer", "broken", "torn", "foreign"])
async def test_an_engine_that_cannot_start_lets_the_folder_go(
    tmp_path: Path, trouble: str
) -> None:
    """Whatever is wrong with the file: it is named, and the folder is free."""
    path = tmp_path / DATABASE
    connect(path, "normal").close()
    if trouble == "newer":
        version_of(path, VERSION + 1)
    elif trouble == "broken":
        path.write_bytes(b"x" * 5000)
    elif trouble == "torn":
        page = 4096
        path.write_bytes(path.read_bytes()[:page] + b"\xa5" * page * 8)
    else:
        path.unlink()
        version_of(path, VERSION)
    engine = SqliteEngine(Bounds(), FakeTime().clock(), TaskIds(), folder=tmp_path)

    with pytest.raises(DataFolderError, match=str(path)):
        await engine.start()

    Lock(tmp_path).release()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """The connection for reading sees commits, and refuses to change anything."""
    path = tmp_path / DATABASE
    writer = connect(path, "normal")
    reader = open_reader(path)
    writer.execute("INSERT INTO meta VALUES ('a', 'b')")

    found = reader.execute("SELECT value FROM meta WHERE name = 'a'").fetchone()

    assert found == ("b",)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO meta VALUES ('c', 'd')")
    reader.close()
    writer.close()
