"""Runs and tasks: what a ticket's readers may know, before and after its end."""

import math

import msgspec
import pytest

from hub.runs import (
    NOTHING,
    Claim,
    Mood,
    Opened,
    Origin,
    Outcome,
    Run,
    Task,
)
from hub.tasks import TaskStatus
from tests.samples import CANCELLED, COMPLETED, a_run, a_task, text_piece


def write(run: Run, *texts: str) -> None:
    """Append chunks and show them."""
    run.log.head = run.log.write([text_piece(text) for text in texts])


def retry(run: Run) -> None:
    """Begin another attempt."""
    run.attempt += 1
    run.log.head = run.log.write_reset(0, run.attempt, "again")


def end(run: Run, outcome: Outcome = COMPLETED) -> None:
    """End a run for all of its tasks."""
    run.outcome = outcome
    run.mood = Mood.ENDED
    for task in run.tasks:
        task.end = task.end or run.log.head + 1


def test_a_run_begins_with_nothing() -> None:
    """A run that was just accepted waits, in its first attempt, with an empty log."""
    run = a_run()
    task = a_task(run)

    assert run.mood is Mood.QUEUED
    assert (run.attempt, run.log.head, run.outcome) == (1, 0, None)
    assert (task.status, task.outcome) == (TaskStatus.CREATED, None)
    assert (task.head, task.attempt, task.last_reset) == (0, 1, 0)


def test_runs_share_nothing() -> None:
    """What happens to one run happens to no other."""
    one, other = a_run(1), a_run(2)
    write(one, "a")
    a_task(one)

    assert other.log.head == 0
    assert list(other.tasks) == []
    assert list(other.followers) == []


def test_a_task_runs_once_its_run_has_begun() -> None:
    """The status of a task follows its run, and stays so between attempts."""
    run = a_run()
    first, joined = a_task(run), a_task(run, "0b", Origin.JOINED)
    run.mood, run.started_at = Mood.RUNNING, 5.0

    assert first.status is joined.status is TaskStatus.RUNNING
    retry(run)
    run.mood = Mood.QUEUED
    assert first.status is TaskStatus.RUNNING


def test_the_end_of_a_run_is_its_tasks_end() -> None:
    """All tasks end with the run, with one number and one outcome."""
    run = a_run()
    tasks = [a_task(run), a_task(run, "0b", Origin.JOINED)]
    write(run, "a", "b")
    end(run)

    assert {task.head for task in tasks} == {3}
    assert all(task.outcome is COMPLETED for task in tasks)
    assert {task.status for task in tasks} == {TaskStatus.COMPLETED}


def test_nobody_knows_of_an_end_before_its_number_is_given() -> None:
    """An outcome that is not committed does not exist for readers."""
    run = a_run()
    task = a_task(run)
    run.started_at = 5.0
    run.outcome = COMPLETED

    assert task.outcome is None
    assert task.status is TaskStatus.RUNNING


def test_entries_that_are_not_committed_do_not_exist() -> None:
    """What was written and not shown counts in no number that readers get."""
    run = a_run()
    task = a_task(run)
    write(run, "a")
    run.log.write([text_piece("b")])
    run.log.write_reset(0, 2, "again")

    assert (task.head, task.attempt, task.last_reset) == (1, 1, 0)


def test_a_ticket_that_left_sees_nothing_that_came_later() -> None:
    """From its own end on, a ticket is what it was, whatever the run does."""
    run = a_run()
    stays, leaves = a_task(run), a_task(run, "0b", Origin.JOINED)
    write(run, "a")
    retry(run)
    write(run, "b")
    leaves.end, leaves.early = run.log.head + 1, CANCELLED
    retry(run)
    write(run, "c", "d")

    assert (leaves.head, leaves.attempt, leaves.last_reset) == (4, 2, 2)
    assert (leaves.outcome, leaves.status) == (CANCELLED, TaskStatus.CANCELLED)
    assert (stays.head, stays.attempt, stays.last_reset) == (6, 3, 4)
    end(run)
    assert leaves.outcome is CANCELLED
    assert stays.outcome is COMPLETED


def test_a_ticket_ends_when_it_is_answered() -> None:
    """An answer from the cache is kept from the time it was given, not of its run."""
    run = a_run()
    task = a_task(run)
    assert task.ended_at == math.inf

    end(run, msgspec.structs.replace(COMPLETED, ended_at=task.created_at + 5))
    late = a_task(run, "0b", Origin.CACHED)
    late.end, late.created_at = task.end, task.created_at + 60

    assert task.ended_at == task.created_at + 5
    assert late.ended_at == late.created_at


@pytest.mark.parametrize(
    ("deadlines", "expected"),
    [
        ([], None),
        ([7.0], 7.0),
        ([7.0, 9.0, 8.0], 9.0),
        ([7.0, None], None),
        ([None, 7.0], None),
    ],
)
def test_a_runs_deadline_is_its_latest_tickets(
    deadlines: list[float | None], expected: float | None
) -> None:
    """A run may go on as long as one of its tickets waits; one without a deadline
    waits for ever."""
    run = a_run()
    for number, deadline in enumerate(deadlines):
        a_task(run, f"0{number}").deadline = deadline

    assert run.deadline == expected


def test_a_ticket_remembers_its_own_request() -> None:
    """A ticket that joined keeps its caller's words, not those of the run."""
    run = a_run()
    asked = msgspec.structs.replace(
        run.request,
        principal="token:other",
        key="k",
        deadline_ms=5,
        cache="refresh",
        trace="00-ab",
    )
    task = Task.of("0b", run, asked, Origin.JOINED, 9.0)

    assert (task.principal, task.origin, task.created_at) == (
        "token:other",
        "joined",
        9,
    )
    assert (task.key, task.deadline_ms, task.priority) == ("k", 5, "normal")
    assert (task.cache, task.trace) == ("refresh", "00-ab")
    assert (task.end, task.early, task.leaving, task.deadline) == (0, None, False, None)


def test_a_claim_is_of_one_attempt() -> None:
    """A worker's lease does not move on to the next attempt by itself."""
    run = a_run()
    claim = Claim(run, run.attempt)
    retry(run)

    assert (claim.run, claim.attempt) == (run, 1)
    assert claim.attempt < run.attempt


def test_a_run_is_itself_only() -> None:
    """Two runs of one request are two, and may stand in one set."""
    assert len({a_run(), a_run()}) == 2
    run = a_run()
    assert a_task(run) != a_task(run)


def test_an_outcome_has_no_result_by_default() -> None:
    """An end without a result is null for readers, and ran unless it says else."""
    outcome = Outcome(status=TaskStatus.FAILED, code="internal")

    assert (outcome.result, outcome.ran, outcome.retry) == (NOTHING, "yes", False)
    opened = Opened(task=a_task(a_run()), origin=Origin.NEW)
    assert not opened.together
