"""What is read beside the writer: tasks, keys, output, and what has expired."""

import sqlite3
from typing import Final

from hub.engines.sqlite import rows
from hub.engines.sqlite.statements import SQL

WINDOW: Final = 500
"""How many numbers of runs one look for expired ones covers."""

Expired = tuple[int, list[str], list[bytes]]
"""A run that may go: its number, its tasks' ids, and the digests of their keys."""
Heavy = tuple[int, list[tuple[int, str]], list[Expired]]
"""The store's size; runs whose logs may go, by number and id; runs that may go."""
AT_ONCE: Final = 200
"""How many runs one look covers when room is needed."""


def task_of_key(number: int, connection: sqlite3.Connection) -> str | None:
    """Return the id of the task that has the key of a number."""
    row = connection.execute(SQL["task_of_key"], (number,)).fetchone()
    return None if row is None else str(row[0])


def task_rows(
    task_id: str, connection: sqlite3.Connection
) -> tuple[rows.RunRow, rows.TaskRow | None] | None:
    """Return the rows of a task: its run's, and its own where it is not the first."""
    run = connection.execute(SQL["run_by_id"], (task_id,)).fetchone()
    if run is not None:
        return run, None
    task = connection.execute(SQL["task_by_id"], (task_id,)).fetchone()
    if task is None:
        return None
    run = connection.execute(SQL["run_by_number"], (task[1],)).fetchone()
    return None if run is None else (run, task)


def tails(
    run: int, after: int, upto: int, budget: int, connection: sqlite3.Connection
) -> list[bytes]:
    """Return the tails of a page of a run's output: behind one entry, up to another."""
    first, beyond = rows.place(run, after), rows.place(run + 1, 0)
    found: list[bytes] = []
    cursor = connection.execute(SQL["chunks_after"], (first, beyond - 1))
    for _, body in cursor:
        for tail in rows.unpack_tails(body, after, upto):
            budget -= len(tail)
            if budget < 0 and found:
                return found
            found.append(tail)
        if after + len(found) >= upto:
            break
    return found


def expired(swept: int, before: float, connection: sqlite3.Connection) -> list[Expired]:
    """Return the runs of a window of numbers whose time is over."""
    window = connection.execute(
        SQL["expired_runs"], (swept, swept + WINDOW, before, before)
    )
    return [_whole(connection, number, id_, body) for number, id_, body in window]


def heavy(
    bound: int,
    after: int,
    whole: bool,  # noqa: FBT001  # what it looks for
    connection: sqlite3.Connection,
) -> Heavy:
    """Return how large the store is, and what may go where it is over its bound.

    Pages that are free count for nothing: they are used again.

    Args:
        bound: How large it may be.
        after: Behind which run to look.
        whole: Whether to look for whole runs rather than for logs.
        connection: To read from.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    size = (pages - free) * page
    excess = size - bound
    logs: list[tuple[int, str]] = []
    runs: list[Expired] = []
    if whole:
        for *row, weight in connection.execute(SQL["oldest_runs"], (after, AT_ONCE)):
            if excess <= 0:
                break
            excess -= weight
            runs.append(_whole(connection, *row))
        return size, logs, runs
    for number, id_ in connection.execute(SQL["oldest_logs"], (after, AT_ONCE)):
        if excess <= 0:
            break
        (log,) = connection.execute(SQL["log_bytes"], rows.places(number)).fetchone()
        excess -= log
        logs.append((number, id_))
    return size, logs, runs


def _whole(
    connection: sqlite3.Connection, number: int, id_: str, body: bytes
) -> Expired:
    """Gather what belongs to a run that may go."""
    ids, bodies = [id_], [body]
    for row in connection.execute(SQL["tasks_of_run"], (number,)):
        ids.append(row[0])
        bodies.append(row[4])
    requests = [rows.unpack_request(each) for each in bodies]
    digests = [rows.digest(r.principal, r.key) for r in requests if r.key is not None]
    return number, ids, digests
