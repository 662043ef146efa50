"""The data folder: one hub at a time, and a file that this program understands."""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from hub.engines.sqlite.statements import SQL
from hub.errors import DataFolderError

VERSION: Final = 2
"""The schema that this program writes (``PRAGMA user_version``)."""
DATABASE: Final = "taskhub.db"
LOCK: Final = "taskhub.lock"


class Lock:
    """The sign that a hub uses a data folder.

    The kernel drops it when the process dies, however it dies.

    Args:
        folder: Is made if it does not exist.

    Raises:
        DataFolderError: Another hub has it, named by its pid, or it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataFolderError(
                f"{folder}: cannot be used as a data folder: {error.strerror}"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 32).decode(errors="replace").strip()
            os.close(self._file)
            raise DataFolderError(
                f"{folder}: in use by the hub with pid {holder or 'unknown'}; "
                "stop that one, or choose another folder with --data"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another hub have the folder."""
        os.close(self._file)


def connect(path: Path, durability: str) -> sqlite3.Connection:
    """Open the database for writing, and bring it to this program's schema.

    Args:
        path: The file; made if it does not exist.
        durability: normal survives the death of the process, full that of the machine.

    Raises:
        DataFolderError: It was written by a newer program, or is no database.
    """
    try:
        # Params and results are nobody else's business; SQLite gives the files beside
        # the database the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False
        )
    except (sqlite3.Error, OSError) as error:
        raise _illegible(path, error) from None
    with legible(path, connection):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(
            f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}"
        )
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute("PRAGMA temp_store = MEMORY")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise DataFolderError(
                f"{path}: written by a newer taskhub (schema {version}, this one knows "
                f"{VERSION}); start that version, or choose another folder with --data"
            )
        if version < VERSION:
            _migrate(connection, version)
    return connection


@contextmanager
def legible(path: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """Name the file where it cannot be understood, and close the connection.

    Raises:
        DataFolderError: It cannot.
    """
    try:
        yield
    except (sqlite3.Error, msgspec.MsgspecError, TypeError) as error:
        connection.close()
        raise _illegible(path, error) from None
    except DataFolderError:
        connection.close()
        raise


def _illegible(path: Path, error: Exception) -> DataFolderError:
    """Return the error that says what to do about a broken file."""
    return DataFolderError(
        f"{path}: cannot be read as a taskhub database ({error}); restore it from "
        "a backup, or move it away to start with an empty one"
    )


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a database forward, one version after the other, all or nothing."""
    script = ["BEGIN IMMEDIATE;"]
    if version == 0:
        script.append(SQL["schema"])
        script.append(
            f"INSERT INTO meta VALUES ('hub', '{secrets.token_hex(8)}');"  # noqa: S608  # our own hexadecimal
        )
    else:
        # One block for each step from a version to the next.
        script += [SQL[f"from_{each}"] for each in range(version, VERSION)]
    script.append(f"PRAGMA user_version = {VERSION};")
    script.append("COMMIT;")
    connection.executescript("\n".join(script))


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the database for reading, beside the writer."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def hub_of(connection: sqlite3.Connection) -> str:
    """Return the name of the store's life."""
    row = connection.execute("SELECT value FROM meta WHERE name = 'hub'").fetchone()
    return str(row[0])
