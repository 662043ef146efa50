"""Recovery: what an earlier life of the hub left in the file."""

import sqlite3

import msgspec

from hub.clock import Clock
from hub.engines.sqlite import rows
from hub.engines.sqlite.statements import SQL
from hub.errors import HubRestartedError
from hub.log import RunLog
from hub.runs import Mood, Outcome, Run, Task
from hub.tasks import TaskStatus


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to go on with.

    Attributes:
        last_number: Of the newest run.
        keys: Digests of all idempotency keys, and their numbers.
        runs: Those that have not ended, with their tasks, in order of acceptance.
    """

    last_number: int
    keys: dict[bytes, int]
    runs: list[tuple[Run, list[Task]]]

    @staticmethod
    def interrupted(run: Run, wall: float) -> Outcome:
        """Return how a run ends that was executing when the hub stopped."""
        if run.mood is Mood.CLOSING and run.why is not None:
            cancelled = run.why == "cancelled"
            return Outcome(
                status=TaskStatus.CANCELLED if cancelled else TaskStatus.FAILED,
                code=run.why,
                ended_at=wall,
            )
        return Outcome(
            status=TaskStatus.FAILED,
            code=HubRestartedError.code,
            retry=HubRestartedError.retry,
            ran=HubRestartedError.ran,
            ended_at=wall,
        )


def recover(connection: sqlite3.Connection, clock: Clock) -> Recovered:
    """Read what has not ended."""
    found: list[tuple[Run, list[Task]]] = []
    for row in connection.execute(SQL["open_runs"]).fetchall():
        run = rows.load_run(row, clock)
        run.log = _log(connection, run.number)
        tasks = [rows.load_first(row, run)]
        for task_row in connection.execute(SQL["tasks_of_run"], (run.number,)):
            tasks.append(rows.load_task(task_row, run))  # noqa: PERF401  # reads better
        found.append((run, tasks))
    (last_number,) = connection.execute(SQL["last_number"]).fetchone()
    keys = dict(connection.execute(SQL["all_keys"]).fetchall())
    return Recovered(last_number=last_number, keys=keys, runs=found)


def _log(connection: sqlite3.Connection, run: int) -> RunLog:
    """Return the log of a run as far as it was stored."""
    first, beyond = rows.place(run, 0), rows.place(run + 1, 0)
    (place,) = connection.execute(SQL["last_place"], (first, beyond - 1)).fetchone()
    head = 0 if place is None else place - first
    log = RunLog(head, head)
    log.chunks = log.head
    return log
