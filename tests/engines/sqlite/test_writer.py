"""The writer and the reader: batches, callbacks in order, and a store that fails."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from hub.engines.sqlite.folder import DATABASE, connect, open_reader
from hub.engines.sqlite.statements import SQL
from hub.engines.sqlite.writer import ORDER, Reader, Record, Row, Writer
from hub.errors import HubError, StorageFullError
from tests.engines.lab import PATIENCE_S
from tests.engines.sqlite.conftest import stored
from tests.engines.sqlite.faults import Faults, fickle

Started = Callable[..., Writer]


@pytest.fixture
async def start(faults: Faults, tmp_path: Path) -> AsyncIterator[Started]:
    """Return a function that starts a writer on a file that meets faults."""
    writers: list[Writer] = []

    def started(most: int = 500, pause: float = 0.01) -> Writer:
        connection = fickle(connect(tmp_path / DATABASE, "normal"), faults)
        writers.append(Writer(connection, most=most, pause=pause))
        return writers[-1]

    yield started
    for writer in writers:
        if writer._thread.is_alive():
            faults.mend()
            faults.release()
            await writer.close()


def key(number: int) -> tuple[str, Row]:
    """Return a row to write."""
    return ("insert_key", (number, b"%d" % number, str(number)))


def keys(folder: Path) -> list[str]:
    """Return what is in the file."""
    found = stored(folder, "SELECT task FROM keys ORDER BY task")
    return [str(task) for (task,) in found]


class Notes:
    """Collects what was called, and lets a test wait for the last of it."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self._rang = asyncio.Event()

    def note(self, what: object) -> None:
        """Take a call."""
        self.said.append(what)
        self._rang.set()

    async def count(self, number: int) -> list[object]:
        """Wait for so many calls."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.said) < number:
                self._rang.clear()
                await self._rang.wait()
        return self.said


async def test_a_record_is_written_then_told(start: Started, tmp_path: Path) -> None:
    """A callback comes on the loop's thread, when the file has the row."""
    writer, notes = start(), Notes()

    def then(word: str) -> None:
        notes.note((word, keys(tmp_path), threading.current_thread()))

    writer.record(Record((key(1),), then, ("done",)))

    assert await notes.count(1) == [("done", ["1"], threading.current_thread())]
    assert (writer.commits, writer.statements) == (1, 1)


async def test_callbacks_come_in_the_order_of_their_records(
    start: Started, faults: Faults
) -> None:
    """Rows are grouped by statement, callbacks are not."""
    writer, notes = start(), Notes()
    faults.hold()
    for number in range(6):
        place = ("insert_chunks", (number, b""))
        row = key(number) if number % 2 else place
        writer.record(Record((row,), notes.note, (number,)))
    await faults.held()
    faults.release()

    assert await notes.count(6) == [0, 1, 2, 3, 4, 5]


async def test_what_waits_is_one_transaction(start: Started, faults: Faults) -> None:
    """A busy writer takes everything that waits, up to its limit."""
    writer, notes = start(most=50), Notes()
    faults.hold()
    writer.record(Record((key(0),), notes.note, (0,)))
    await faults.held()
    for number in range(1, 101):
        writer.record(Record((key(number),), notes.note, (number,)))
    faults.release()

    await notes.count(101)

    assert (writer.commits, writer.statements) == (3, 101)


async def test_a_record_without_rows_waits_its_turn(
    start: Started, faults: Faults
) -> None:
    """Its callback comes behind those of earlier records, without a transaction."""
    writer, notes = start(), Notes()
    faults.hold()
    writer.record(Record((key(1),), notes.note, ("row",)))
    await faults.held()
    writer.record(Record((), notes.note, ("nothing",)))
    assert notes.said == []
    faults.release()

    assert await notes.count(2) == ["row", "nothing"]
    assert writer.commits == 1


async def test_a_faulty_callback_costs_no_other(
    start: Started, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    """What one record's callback raises is logged; the others are told."""
    writer, notes = start(), Notes()
    faults.hold()

    def broken() -> None:
        raise RuntimeError("as the test wants it")

    writer.record(Record((key(1),), broken))
    await faults.held()
    writer.record(Record((key(2),), notes.note, (2,)))
    faults.release()

    assert await notes.count(1) == [2]
    assert "could not be acted upon" in caplog.text


@pytest.mark.parametrize("at", ["BEGIN", "COMMIT"])
async def test_a_full_store_refuses_submissions(
    start: Started, faults: Faults, tmp_path: Path, at: str
) -> None:
    """They hear why, nothing of them is in the file, and their callback never comes."""
    writer, notes = start(), Notes()
    faults.at = at
    faults.fill()

    for number in (1, 2):
        writer.record(Record((key(number),), notes.note, ("wrong",), refuse=notes.note))

    for error in await notes.count(2):
        assert isinstance(error, StorageFullError)
        assert error.retry_after_ms == 1000
    assert keys(tmp_path) == []
    assert writer.failing
    assert writer.commits == 0


async def test_what_must_be_written_is_tried_again(
    start: Started, faults: Faults, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Records that cannot be refused are kept, in order, until they are written."""
    writer, notes = start(), Notes()
    faults.fill()
    refused = Notes()
    writer.record(Record((key(1),), notes.note, (1,)))
    writer.record(Record((key(2),), notes.note, (2,), refuse=refused.note))
    writer.record(Record((key(3),), notes.note, (3,)))
    await refused.count(1)
    # It comes while the others are being tried again and again.
    writer.record(Record((key(4),), notes.note, (4,), refuse=refused.note))
    await refused.count(2)
    assert notes.said == []
    faults.mend()

    assert await notes.count(2) == [1, 3]
    assert keys(tmp_path) == ["1", "3"]
    assert not writer.failing
    # Said once, not at every try.
    assert (
        caplog.text.count("the store refuses to write: database or disk is full") == 1
    )


async def test_a_store_that_recovered_takes_submissions(
    start: Started, faults: Faults
) -> None:
    """Also where nothing but submissions was ever recorded."""
    writer, notes = start(), Notes()
    faults.fill()
    writer.record(Record((key(1),), notes.note, (1,), refuse=notes.note))
    await notes.count(1)
    faults.mend()

    writer.record(Record((key(2),), notes.note, (2,), refuse=notes.note))

    assert (await notes.count(2))[1] == 2
    assert not writer.failing


async def test_failing_is_for_a_while_only(start: Started, faults: Faults) -> None:
    """After its pause a store that failed is worth another try."""
    writer, notes = start(pause=0.0), Notes()
    faults.fill()

    writer.record(Record((key(1),), notes.note, (1,), refuse=notes.note))
    await notes.count(1)

    assert not writer.failing


async def test_a_faulty_refusal_costs_no_other(
    start: Started, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    """What one refusal raises is logged; the others are refused."""
    writer, notes = start(), Notes()
    faults.hold()
    faults.fill()

    def broken(_: HubError) -> None:
        raise RuntimeError("as the test wants it")

    writer.record(Record((key(1),), notes.note, (1,), refuse=broken))
    writer.record(Record((key(2),), notes.note, (2,), refuse=notes.note))
    faults.release()

    assert isinstance((await notes.count(1))[0], StorageFullError)
    assert "as the test wants it" in caplog.text


async def test_close_writes_what_waits(
    start: Started, faults: Faults, tmp_path: Path
) -> None:
    """Everything that was recorded before is in the file afterwards, and told."""
    writer, notes = start(), Notes()
    faults.hold()
    for number in range(5):
        writer.record(Record((key(number),), notes.note, (number,)))
    await faults.held()
    faults.release()

    await writer.close()

    assert notes.said == [0, 1, 2, 3, 4]
    assert keys(tmp_path) == ["0", "1", "2", "3", "4"]


async def test_close_tries_a_failing_store_once_more(
    start: Started, faults: Faults, tmp_path: Path
) -> None:
    """A disk that has room again when the hub goes gets what was kept."""
    writer, notes = start(pause=60.0), Notes()
    refused = Notes()
    faults.fill()
    writer.record(Record((key(1),), notes.note, (1,)))
    writer.record(Record((key(2),), notes.note, (2,), refuse=refused.note))
    await refused.count(1)
    faults.mend()

    await writer.close()

    assert notes.said == [1]
    assert keys(tmp_path) == ["1"]


async def test_close_does_not_wait_for_a_full_disk(
    start: Started, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be written is given up, and counted in the log; it was not shown."""
    writer, notes, refused = start(pause=60.0), Notes(), Notes()
    faults.fill()
    writer.record(Record((key(1),), notes.note, (1,)))
    writer.record(Record((key(2),), notes.note, (2,), refuse=refused.note))
    await refused.count(1)
    writer.record(Record((key(3),), notes.note, (3,)))

    await writer.close()

    assert notes.said == []
    given_up = [r for r in caplog.records if "could not be written" in r.message]
    assert sum(int(record.message.split()[0]) for record in given_up) == 2
    assert {record.levelno for record in given_up} == {logging.ERROR}


def test_every_statement_that_writes_has_its_place() -> None:
    """What is to be written and has no place in the order would be lost silently."""
    writing = {
        name
        for name, text in SQL.items()
        if text.startswith(("INSERT", "UPDATE", "DELETE"))
    }

    assert set(ORDER) == writing
    assert len(ORDER) == len(writing)


# The reader.


def new_reader(folder: Path) -> Reader:
    """Return a reader of a file with one row."""
    connection = connect(folder / DATABASE, "normal")
    connection.execute("INSERT INTO meta VALUES ('a', 'b')")
    connection.close()
    return Reader(open_reader(folder / DATABASE))


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    """A reader that is closed behind the test."""
    reader = new_reader(tmp_path)
    yield reader
    async with asyncio.timeout(PATIENCE_S):
        await reader.close()


def value_of(name: str, connection: sqlite3.Connection) -> object:
    """Ask for a row of the table that every file has."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,))
    return row.fetchone()


async def test_queries_are_answered_in_their_order(reader: Reader) -> None:
    """Each answer comes on the loop's thread, in the order of the questions."""
    notes = Notes()
    here = threading.current_thread()

    def then(answer: object) -> None:
        notes.note((answer, threading.current_thread() is here))

    reader.read(partial(value_of, "a"), then)
    reader.read(partial(value_of, "x"), then)

    assert await notes.count(2) == [(("b",), True), (None, True)]


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("disk I/O error"), ValueError("a broken body")]
)
async def test_a_query_that_fails_is_answered(
    reader: Reader, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """It is answered with nothing and logged; the queries behind it are answered."""
    notes = Notes()

    def broken(_: sqlite3.Connection) -> None:
        raise error

    reader.read(broken, notes.note)
    reader.read(partial(value_of, "a"), notes.note)

    assert await notes.count(2) == [None, ("b",)]
    assert str(error) in caplog.text


async def test_close_answers_what_waits(tmp_path: Path) -> None:
    """Questions that were asked before the end get their answers."""
    reader, notes = new_reader(tmp_path), Notes()
    for _ in range(10):
        reader.read(partial(value_of, "a"), notes.note)

    await reader.close()

    assert notes.said == [("b",)] * 10
