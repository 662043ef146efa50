"""The writer: one thread, one transaction for everything that waits.

Rules of the trade:

1. A record is a statement, its row, and what to call on the loop once it is committed.
   Records of one batch are grouped by statement, in the order of `ORDER`: whatever
   happens to one run happens in that order too, and a group costs one call.
2. No timer: what is recorded is handed over as soon as a turn of the loop has added
   nothing, or after a few turns, and committed at once by an idle writer; a busy one
   finds more waiting each time. That is group commit: a lone record waits for one turn,
   and a loop that is busy makes few large transactions of many small ones.
3. Callbacks run on the loop in the order of their records, after the commit.
4. When the store refuses (a full disk), submissions are refused, those that come
   meanwhile too; all else is kept and tried again until it is written. Nothing that
   waits has been shown. After each pause one more submission may try.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

import msgspec

from hub.engines.sqlite.statements import SQL
from hub.errors import HubError, StorageFullError

logger = logging.getLogger("hub.engines.sqlite")

ORDER: Final = (
    # What expires goes first: its keys may be used again in the same transaction.
    "delete_key",
    "delete_chunks",
    "delete_tasks",
    "delete_run",
    "insert_run",
    "insert_task",
    "insert_key",
    "begin_run",
    "close_run",
    "insert_chunks",
    "leave_first",
    "leave_task",
    "finish_run",
    "lose_log",
)
"""In which order the statements of one transaction are executed."""

STUMBLES_S: Final = (0.01, 0.1)
"""How long to wait before a query that failed is tried again, each time."""

Row = Sequence[Any]  # what SQLite can hold


class Record(msgspec.Struct, frozen=True, gc=False):
    """Something to be written.

    Attributes:
        rows: Statement and row, each.
        then: Called on the loop after the commit.
        arguments: What it is called with.
        refuse: Called instead where the store is full; None: it is kept until written.
    """

    rows: tuple[tuple[str, Row], ...]
    then: Callable[..., None]
    arguments: tuple[Any, ...] = ()  # of `then`
    refuse: Callable[[HubError], None] | None = None


TURNS: Final = 3
"""How many turns of the loop are waited for more, while each brings some."""
_STOP: Final = Record((), lambda: None)


class Writer:
    """Writes records, and says when they are safe.

    Args:
        connection: Used by the writer's thread alone from now on.
        most: Statements in one transaction.
        pause: Seconds between two tries while the store refuses.

    Attributes:
        commits: Transactions so far.
        statements: Statements in them.
    """

    def __init__(
        self, connection: sqlite3.Connection, *, most: int, pause: float
    ) -> None:
        self.commits = 0
        self.statements = 0
        self._connection = connection
        self._most = most
        self._pause = pause
        self._gathered: list[Record] = []
        self._seen = self._turns = 0
        self._queue: SimpleQueue[list[Record]] = SimpleQueue()
        self._waiting: list[Record] = []
        self._stopping = threading.Event()
        self._stopped_by = False
        self._failing_until = 0.0
        self._loop = asyncio.get_running_loop()
        self._stopped = self._loop.create_future()
        self._thread = threading.Thread(
            target=self._work, name="taskhub-writer", daemon=True
        )
        self._thread.start()

    def record(self, record: Record) -> None:
        """Take a record; callbacks come in the order of the records."""
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(record)

    def _hand_over(self) -> None:
        """Give the thread what was recorded, once a turn of the loop added nothing."""
        count = len(self._gathered)
        if count > self._seen and self._turns < TURNS:
            self._seen = count
            self._turns += 1
            self._loop.call_soon(self._hand_over)
            return
        self._seen = self._turns = 0
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    @property
    def failing(self) -> bool:
        """Whether the store has just refused: it is not worth while to try."""
        return time.monotonic() < self._failing_until

    async def close(self) -> None:
        """Write what waits, and stop the thread."""
        self._stopping.set()
        self.record(_STOP)
        self._hand_over()
        await self._stopped
        self._thread.join()

    def _work(self) -> None:
        """Write batch after batch."""
        while not self._stopped_by:
            batch = self._batch()
            if batch[-1] is _STOP:
                batch.pop()
                self._stopped_by = True
            if batch:
                self._write(batch)
        self._connection.close()
        self._loop.call_soon_threadsafe(self._stopped.set_result, None)

    def _batch(self) -> list[Record]:
        """Wait for a record; take what else there is, up to the limit."""
        batch, self._waiting = self._waiting or self._queue.get(), []
        while len(batch) < self._most and self._more(batch):
            pass
        if sum([len(record.rows) for record in batch]) > self._most:
            count = at = 0
            while count < self._most:
                count += len(batch[at].rows)
                at += 1
            batch, self._waiting = batch[:at], batch[at:]
        return batch

    def _more(self, batch: list[Record]) -> bool:
        """Add what was handed over meanwhile; return whether anything was."""
        if batch and batch[-1] is _STOP:
            return False
        with suppress(Empty):
            batch += self._queue.get_nowait()
            return True
        return False

    def _write(self, batch: list[Record]) -> None:
        """Write a batch, however long it takes, and tell the loop."""
        while batch:
            try:
                self._commit(batch)
            except sqlite3.Error as error:
                batch = self._refused(batch, error)
            else:
                self._failing_until = 0.0
                self._loop.call_soon_threadsafe(_call, batch)
                return

    def _commit(self, batch: list[Record]) -> None:
        """Write a batch in one transaction."""
        groups = _grouped(batch)
        if not groups:
            return
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for name in ORDER:
                rows = groups.get(name)
                if rows is not None:
                    connection.executemany(SQL[name], rows)
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.commits += 1
        self.statements += sum([len(rows) for rows in groups.values()])

    def _refused(self, batch: list[Record], error: sqlite3.Error) -> list[Record]:
        """Refuse the submissions of a batch that could not be written.

        Returns:
            The records that have to be written all the same.
        """
        if not self._failing_until:
            logger.error("the store refuses to write: %s", error)
        self._failing_until = time.monotonic() + self._pause
        rest = self._kept(batch)
        if rest and self._stopped_by:
            # The hub is going: what could not be written was never shown to anyone.
            logger.error("%d records could not be written", len(rest))
            return []
        if rest:
            self._stopping.wait(self._pause)
            rest += self._kept(self._arrived())
        return rest

    def _kept(self, batch: list[Record]) -> list[Record]:
        """Refuse the submissions of a batch; return what has to be written."""
        submissions = [record for record in batch if record.refuse is not None]
        if submissions:
            self._loop.call_soon_threadsafe(_refuse, submissions)
        return [record for record in batch if record.refuse is None]

    def _arrived(self) -> list[Record]:
        """Take what was recorded while the store refused."""
        batch, self._waiting = self._waiting, []
        while self._more(batch):
            pass
        if batch and batch[-1] is _STOP:
            batch.pop()
            self._stopped_by = True
        return batch


def _grouped(batch: list[Record]) -> dict[str, list[Row]]:
    """Return the rows of a batch by statement."""
    groups: dict[str, list[Row]] = {}
    for record in batch:
        for name, row in record.rows:
            rows = groups.get(name)
            if rows is None:
                groups[name] = [row]
            else:
                rows.append(row)
    return groups


def _call(batch: list[Record]) -> None:
    """Run the callbacks of a batch; a fault in one must not cost the others theirs."""
    for record in batch:
        try:
            record.then(*record.arguments)
        except Exception:
            logger.exception("a committed record could not be acted upon")


def _refuse(batch: list[Record]) -> None:
    """Refuse the submissions of a batch."""
    for record in batch:
        if record.refuse is not None:
            try:
                record.refuse(StorageFullError(retry_after_ms=1000))
            except Exception:
                logger.exception("a submission could not be refused")


_Question = tuple[
    Callable[[sqlite3.Connection], Any],
    Callable[[Any], None],
    Callable[[], None] | None,
]
"""A query, who takes what it returns (whatever that is), and who hears of failure."""


class Reader:
    """Reads beside the writer, on a thread of its own.

    Args:
        connection: Used by the reader's thread alone from now on.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: SimpleQueue[_Question | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._stopped = self._loop.create_future()
        self._thread = threading.Thread(
            target=self._work, name="taskhub-reader", daemon=True
        )
        self._thread.start()

    def read(
        self,
        query: Callable[[sqlite3.Connection], Any],
        then: Callable[[Any], None],  # takes what the query returns
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Run a query on the thread, then hand what it returns to the loop.

        Args:
            query: What to ask; a store that stumbles is asked again.
            then: Takes the answer.
            failed: Called instead where there is none; without it `then` takes None.
        """
        self._queue.put((query, then, failed))

    def _ask(
        self,
        query: Callable[[sqlite3.Connection], Any],
    ) -> Any:  # what the query returns
        """Run a query; a store that stumbles is asked again."""
        for pause in STUMBLES_S:
            try:
                return query(self._connection)
            except sqlite3.OperationalError:
                time.sleep(pause)
        return query(self._connection)

    async def close(self) -> None:
        """Stop the thread when what waits is done."""
        self._queue.put(None)
        await self._stopped
        self._thread.join()

    def _work(self) -> None:
        """Answer query after query."""
        while (wanted := self._queue.get()) is not None:
            query, then, failed = wanted
            try:
                answer = self._ask(query)
            except Exception:
                # A row that cannot be understood must not end the thread, either.
                logger.exception("the store could not be read")
                self._loop.call_soon_threadsafe(failed or partial(then, None))
            else:
                self._loop.call_soon_threadsafe(then, answer)
        self._connection.close()
        self._loop.call_soon_threadsafe(self._stopped.set_result, None)
