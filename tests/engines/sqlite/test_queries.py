"""Queries: what is read beside the writer."""

import sqlite3
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from hub.engines.sqlite import queries, rows
from hub.engines.sqlite.folder import DATABASE, open_reader
from hub.runs import Task
from tests.engines.doubles import BASE, SHARED, numbers, said
from tests.engines.lab import Lab


@pytest.fixture
def beside(lab: Lab) -> Iterator[sqlite3.Connection]:
    """A second connection to the lab's file."""
    connection = open_reader(lab.folder / DATABASE)
    yield connection
    connection.close()


async def spoken(lab: Lab, *batches: tuple[str, ...]) -> Task:
    """Return a running task that has said something, a row a batch."""
    task, claim = await lab.begun()
    for batch in batches:
        await lab.append(claim, *batch)
    return task


async def test_a_key_leads_to_its_task(lab: Lab, beside: sqlite3.Connection) -> None:
    """By the number of the key; None for others."""
    task = (await lab.opened(replace(BASE, key="k"))).task

    assert queries.task_of_key(1, beside) == task.id
    assert queries.task_of_key(2, beside) is None


async def test_a_task_is_found_with_its_run(
    lab: Lab, beside: sqlite3.Connection
) -> None:
    """A first task is its run's row; another one has a row of its own, too."""
    task, _ = await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task

    first = queries.task_rows(task.id, beside)
    second = queries.task_rows(joined.id, beside)

    assert first is not None
    assert second is not None
    assert (first[0][0], first[0][1], first[1]) == (1, task.id, None)
    assert second[0] == first[0]
    assert second[1] is not None
    assert second[1][:3] == (joined.id, 1, "joined")
    assert queries.task_rows("nobody", beside) is None


async def test_a_ticket_without_its_run_is_nothing(
    lab: Lab, beside: sqlite3.Connection
) -> None:
    """What is half deleted is gone."""
    await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task
    writer = sqlite3.connect(lab.folder / DATABASE)
    writer.execute("DELETE FROM runs")
    writer.commit()
    writer.close()

    assert queries.task_rows(joined.id, beside) is None


@pytest.mark.parametrize(
    ("after", "upto", "expected"),
    [
        (0, 6, [1, 2, 3, 4, 5, 6]),
        (0, 4, [1, 2, 3, 4]),
        (1, 5, [2, 3, 4, 5]),
        (2, 3, [3]),
        (5, 6, [6]),
        (6, 6, []),
        (3, 3, []),
    ],
)
async def test_output_is_read_by_number(
    lab: Lab, beside: sqlite3.Connection, after: int, upto: int, expected: list[int]
) -> None:
    """Behind one entry, up to another, wherever rows begin and end."""
    await spoken(lab, ("other",))
    task = await spoken(lab, ("1", "2", "3"), ("4",), ("5", "6"))
    await spoken(lab, ("other", "other"))

    found = queries.tails(task.run.number, after, upto, 2**20, beside)

    assert numbers(found) == expected
    assert [said(tail) for tail in found] == [str(n) for n in expected]


async def test_a_page_has_a_budget(lab: Lab, beside: sqlite3.Connection) -> None:
    """At least one entry, more only while they fit."""
    task = await spoken(lab, ("x" * 1000, "y"), ("z",))
    number = task.run.number
    size = len(queries.tails(number, 1, 2, 0, beside)[0])

    assert numbers(queries.tails(number, 0, 3, 0, beside)) == [1]
    assert numbers(queries.tails(number, 1, 3, 2 * size - 1, beside)) == [2]
    assert numbers(queries.tails(number, 1, 3, 2 * size, beside)) == [2, 3]


async def test_what_has_expired_is_gathered(
    lab: Lab, beside: sqlite3.Connection
) -> None:
    """Ended runs whose youngest ticket is old, with all that belongs to them."""
    request = replace(SHARED, key="a")
    old = await lab.done(request)
    cached = (await lab.opened(replace(SHARED, key="b"))).task
    lab.time.pass_by(50)
    fresh = await lab.done(replace(SHARED, flight=b"2", key="c"))
    touched = await lab.done(replace(SHARED, flight=b"3"))
    running, _ = await lab.begun()
    wall = lab.time.wall()
    lab.time.pass_by(50)
    await lab.opened(replace(SHARED, flight=b"3"))

    digests = [rows.digest("local", key) for key in ("a", "b")]
    first = (old.run.number, [old.id, cached.id], digests)
    assert queries.expired(0, wall - 1, beside) == [first]
    assert queries.expired(old.run.number, wall - 1, beside) == []
    found = [number for number, *_ in queries.expired(0, wall + 1, beside)]
    assert found == [old.run.number, fresh.run.number]
    assert touched.run.number not in found
    later = [number for number, *_ in queries.expired(0, wall + 999, beside)]
    assert running.run.number not in later


async def test_a_look_for_what_has_expired_is_a_window(
    lab: Lab, beside: sqlite3.Connection
) -> None:
    """Each look covers so many numbers, however many runs there are."""
    writer = sqlite3.connect(lab.folder / DATABASE)
    body = rows.pack_request(BASE)
    writer.executemany(
        "INSERT INTO runs (number, id, state, created_at, request, ended_at)"
        " VALUES (?, ?, 3, 0, ?, 1)",
        [(number, str(number), body) for number in range(1, 2 * queries.WINDOW)],
    )
    writer.commit()
    writer.close()

    assert len(queries.expired(0, 10.0, beside)) == queries.WINDOW
    assert len(queries.expired(queries.WINDOW, 10.0, beside)) == queries.WINDOW - 1
