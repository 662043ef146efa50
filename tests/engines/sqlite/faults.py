"""A store that does what a test says: it waits, it is full, it breaks."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from hub.engines.sqlite import engine
from hub.engines.sqlite.folder import connect
from tests.engines.lab import PATIENCE_S


class Faults:
    """What is wrong with a store at the moment.

    Attributes:
        error: Raised by every statement of the sort in `at`.
        at: The word that such a statement begins with.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.at = "COMMIT"
        self._free = threading.Event()
        self._free.set()
        self._waits = threading.Event()

    def fill(self) -> None:
        """Let the disk be full."""
        self.error = sqlite3.OperationalError("database or disk is full")

    def mend(self) -> None:
        """Let everything be well."""
        self.error = None

    def hold(self) -> None:
        """Let the next transaction wait before it begins."""
        self._waits.clear()
        self._free.clear()

    async def held(self) -> None:
        """Wait until a transaction waits."""
        assert await asyncio.to_thread(self._waits.wait, PATIENCE_S)

    def release(self) -> None:
        """Let what waits go on."""
        self._free.set()

    def meet(self, statement: str) -> None:
        """Do to a statement what is to be done; called on the store's threads."""
        if statement.startswith("BEGIN") and not self._free.is_set():
            self._waits.set()
            self._free.wait(PATIENCE_S)
        if self.error is not None and statement.startswith(self.at):
            raise self.error


class Fickle:
    """A connection that meets faults; all else is the real one's."""

    def __init__(self, real: sqlite3.Connection, faults: Faults) -> None:
        self._real = real
        self._faults = faults

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Execute a statement, if it is let through."""
        self._faults.meet(statement)
        return self._real.execute(statement, values)

    # Any: whatever a connection has.
    def __getattr__(self, name: str) -> Any:
        """Return what the real connection has."""
        return getattr(self._real, name)


def fickle(real: sqlite3.Connection, faults: Faults) -> sqlite3.Connection:
    """Return a connection that meets faults."""
    # It stands in for the real one, whose class SQLite does not let be half replaced.
    return cast("sqlite3.Connection", Fickle(real, faults))


def writers_meet(faults: Faults) -> Callable[[Path, str], sqlite3.Connection]:
    """Return a `connect` for engines whose writer is to meet faults."""

    def faulty(path: Path, durability: str) -> sqlite3.Connection:
        return fickle(connect(path, durability), faults)

    return faulty


ENGINE = engine.__name__
