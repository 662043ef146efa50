"""Leaving: cancel and deadline of waiting, running, shared and ended work."""

import pytest
from msgspec.structs import replace

from hub.runs import Mood
from hub.tasks import TaskStatus
from tests.engines.doubles import BASE, SHARED, ended, outcome, piece, tasks_of
from tests.engines.lab import Lab

CODES = [
    ("cancelled", TaskStatus.CANCELLED),
    ("deadline_exceeded", TaskStatus.FAILED),
]


@pytest.mark.parametrize(("code", "status"), CODES)
async def test_waiting_work_never_starts(
    lab: Lab, code: str, status: TaskStatus
) -> None:
    """A task that leaves the queue ends at once; no worker ever sees it."""
    first, second = tasks_of(await lab.answers([BASE] * 2))
    watcher = lab.follow(first)
    lab.time.pass_by(3)

    await lab.leave(first, code)

    assert first.outcome is not None
    assert (first.status, first.end) == (status, 1)
    assert (first.outcome.code, first.outcome.ran) == (code, "no")
    assert first.outcome.ended_at == lab.time.wall()
    assert watcher.heads == [(0, 1)]
    lab.engine.claim(BASE.queue, 5)
    assert (await lab.claimed()).run is second.run
    await lab.opened()
    assert first.run not in [claim.run for claim in lab.worker.accepted]


async def test_many_may_leave_the_queue(lab: Lab) -> None:
    """Thousands of cancelled tasks do not stand in the way of those that wait."""
    tasks = tasks_of(await lab.answers([BASE] * 2500))
    said: list[object] = []
    for task in tasks[:-1]:
        lab.engine.leave(task, "cancelled", said.append)
    await lab.leave(tasks[0])

    lab.engine.claim(BASE.queue, 2)

    assert said == [None] * 2499
    assert (await lab.claimed()).run is tasks[-1].run
    assert len(lab.worker.accepted) == 1


@pytest.mark.parametrize(("code", "status"), CODES)
async def test_running_work_is_told_to_stop(
    lab: Lab, code: str, status: TaskStatus
) -> None:
    """The wish is durable, the worker is told once, and its end tells why."""
    task, claim = await lab.begun()
    await lab.append(claim, "a")

    await lab.leave(task, code)
    await lab.leave(task, "cancelled")

    assert lab.worker.revoked == [claim]
    assert not ended(task)
    assert task.run.mood is Mood.CLOSING
    lab.time.pass_by(2)
    await lab.finish(claim, outcome(result=b'"late"'))
    assert task.outcome is not None
    assert (task.status, task.outcome.code) == (status, code)
    assert (task.outcome.result, task.outcome.ran) == (b"null", "yes")
    assert task.outcome.ended_at == lab.time.wall()
    assert task.end == 2


async def test_a_run_may_speak_until_it_has_stopped(lab: Lab) -> None:
    """What a run says while it is stopping is still its output; then no more."""
    task, claim = await lab.begun()
    await lab.leave(task)

    await lab.append(claim, "goodbye")
    await lab.finish(claim)

    assert await lab.read(task) == ["goodbye"]
    assert not lab.engine.append(claim, [piece("more")])


async def test_an_ended_task_stays_as_it_is(lab: Lab) -> None:
    """To cancel what has ended is fine, and changes nothing."""
    task = await lab.done()

    await lab.leave(task)

    assert task.status is TaskStatus.COMPLETED
    assert lab.worker.revoked == []


@pytest.mark.parametrize("early", [True, False])
async def test_cancel_may_race_with_the_end(lab: Lab, early: bool) -> None:
    """Whichever comes first is true for everybody; the other one is no error."""
    task, claim = await lab.begun()
    lab.follow(task)
    said: list[object] = []

    if early:
        lab.engine.leave(task, "cancelled", said.append)
    taken = lab.engine.finish(claim, lab.stamped(outcome()))
    if not early:
        lab.engine.leave(task, "cancelled", said.append)
    await lab.until(lambda: task.end and said)

    assert taken
    assert said == [None]
    expected = TaskStatus.CANCELLED if early else TaskStatus.COMPLETED
    assert task.status is expected


async def test_a_task_leaves_and_its_run_goes_on(lab: Lab) -> None:
    """One of several ends at the head, in one step; the run belongs to the rest."""
    task, claim = await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task
    await lab.append(claim, "a", "b")
    leaver, other = lab.follow(joined), lab.follow(task)
    lab.time.pass_by(1)

    await lab.leave(joined)

    assert joined.outcome is not None
    assert (joined.status, joined.end) == (TaskStatus.CANCELLED, 3)
    assert joined.outcome.ended_at == lab.time.wall()
    assert joined.outcome.execution_ms == pytest.approx(1000)
    assert joined.outcome.ran == "yes"
    assert (leaver.heads, other.heads) == ([(2, 3)], [])
    assert not ended(task)
    assert lab.worker.revoked == []
    await lab.append(claim, "c")
    await lab.finish(claim)
    assert (joined.end, task.end) == (3, 4)
    assert joined.status is TaskStatus.CANCELLED
    assert task.status is TaskStatus.COMPLETED


async def test_nothing_above_an_early_end_is_readable(lab: Lab) -> None:
    """Entries in flight count into the end; what comes later is never read."""
    task, claim = await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task
    lab.follow(joined)
    said: list[object] = []

    lab.engine.append(claim, [piece("a"), piece("b")])
    lab.engine.leave(joined, "cancelled", said.append)
    lab.engine.append(claim, [piece("c")])
    await lab.append(claim, "d")

    assert said == [None]
    assert joined.end == joined.head == 3
    assert await lab.read(joined) == ["a", "b"]
    assert await lab.read(task) == ["a", "b", "c", "d"]
    found = await lab.known(joined.id)
    assert (found.end, found.attempt) == (3, 1)


async def test_the_store_gives_no_more_than_the_end(lab: Lab) -> None:
    """Also what is read from the store stops before the number of the result."""
    task, claim = await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task
    await lab.append(claim, "a", "b")
    await lab.leave(joined)
    await lab.append(claim, "c", "d")

    tails = await lab.load(joined, 0)

    # In memory nothing is in the store only.
    assert len(tails) == (2 if lab.kind.durable else 0)
    assert await lab.load(joined, 2) == []
    assert len(await lab.load(task, 2)) == (2 if lab.kind.durable else 0)


async def test_the_first_task_may_leave(lab: Lab) -> None:
    """A run does not depend on the task that began it."""
    task, claim = await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task

    await lab.leave(task)
    again = (await lab.opened(SHARED)).task
    await lab.finish(claim)

    assert (task.status, task.end) == (TaskStatus.CANCELLED, 1)
    assert again.run is joined.run is task.run
    assert joined.status is again.status is TaskStatus.COMPLETED
    assert lab.engine.cached(None, None) == [task.run]


@pytest.mark.parametrize("begun", [True, False])
async def test_a_run_stops_when_nobody_is_left(lab: Lab, begun: bool) -> None:
    """Interest is counted: with the last task the run stops."""
    tasks = tasks_of(await lab.answers([SHARED] * 3))
    run = tasks[0].run
    if begun:
        lab.engine.claim(BASE.queue, 1)
        await lab.claimed()

    for task in tasks[:2]:
        await lab.leave(task)
    assert run.mood.name == ("RUNNING" if begun else "QUEUED")
    assert not lab.worker.revoked
    await lab.leave(tasks[2])

    assert [claim.run for claim in lab.worker.revoked] == [run] * begun
    assert run.mood.name == ("CLOSING" if begun else "ENDED")
    assert (await lab.opened(SHARED)).task.run is not run


async def test_joining_and_leaving_in_one_turn(lab: Lab) -> None:
    """Who joins before the last one leaves keeps the run going."""
    task, claim = await lab.begun(SHARED)
    asked = lab.ask(SHARED)
    said: list[object] = []

    lab.engine.leave(task, "cancelled", said.append)
    await lab.until(asked.done)
    await lab.opened()

    (joined,) = tasks_of([asked.result()])
    assert joined.run is task.run
    assert said == [None]
    assert lab.worker.revoked == []
    await lab.finish(claim)
    assert joined.status is TaskStatus.COMPLETED


async def test_leaving_and_joining_in_one_turn(lab: Lab) -> None:
    """Who comes after the last one has left begins anew."""
    task, _ = await lab.begun(SHARED)
    said: list[object] = []

    lab.engine.leave(task, "cancelled", said.append)
    fresh = (await lab.opened(SHARED)).task

    assert fresh.run is not task.run
    assert [claim.run for claim in lab.worker.revoked] == [task.run]


# Deadlines.


async def test_a_deadline_counts_from_acceptance(lab: Lab) -> None:
    """The time in the queue counts; a task that never began says so."""
    task = (await lab.opened(replace(BASE, deadline_ms=2000))).task

    await lab.tick(1.999)
    assert not ended(task)
    await lab.tick(0.002)

    end = await lab.end_of(task)
    assert (end.status, end.code) == (TaskStatus.FAILED, "deadline_exceeded")
    assert end.ran == "no"
    lab.engine.claim(BASE.queue, 1)
    await lab.opened()
    assert task.run not in [claim.run for claim in lab.worker.accepted]


async def test_a_deadline_stops_a_run(lab: Lab) -> None:
    """A run whose only task is out of time is told to stop, and fails."""
    task, claim = await lab.begun(replace(BASE, deadline_ms=2000))
    assert claim.run.deadline == pytest.approx(lab.time.now() + 2)

    await lab.tick(2.001)
    await lab.tick(2)
    await lab.until(lambda: lab.worker.revoked)

    assert lab.worker.revoked == [claim]
    assert not ended(task)
    await lab.finish(claim)
    assert task.outcome is not None
    assert (task.outcome.code, task.outcome.ran) == ("deadline_exceeded", "yes")


async def test_deadlines_belong_to_tickets(lab: Lab) -> None:
    """Each ticket of a shared run has its own; the run's is the latest of them."""
    short = (await lab.opened(replace(SHARED, deadline_ms=1000))).task
    run = short.run
    now = lab.time.now()
    assert run.deadline == pytest.approx(now + 1)
    longer = (await lab.opened(replace(SHARED, deadline_ms=5000))).task
    assert run.deadline == pytest.approx(now + 5)

    await lab.tick(1.5)
    await lab.end_of(short)
    assert short.end == 1
    assert not ended(longer)
    assert run.deadline == pytest.approx(now + 5)
    endless = (await lab.opened(SHARED)).task
    assert run.deadline is None
    await lab.tick(5)
    await lab.end_of(longer)

    assert longer.end == 1
    assert not ended(endless)
    assert run.mood is Mood.QUEUED


async def test_a_task_that_ended_in_time_keeps_its_end(lab: Lab) -> None:
    """A deadline that passes after the end means nothing, a cached answer's neither."""
    wish = replace(SHARED, deadline_ms=1000)
    task = await lab.done(wish)
    cached = (await lab.opened(wish)).task

    await lab.tick(5)

    assert task.status is cached.status is TaskStatus.COMPLETED


async def test_many_deadlines_pass_unnoticed(lab: Lab) -> None:
    """Thousands of tasks that ended in time leave no deadline behind."""
    wish = replace(BASE, deadline_ms=60_000)
    late = (await lab.opened(replace(BASE, deadline_ms=70_000))).task
    tasks = tasks_of(await lab.answers([wish] * 1200))
    for task in tasks:
        lab.engine.leave(task, "cancelled", lambda _: None)
    await lab.leave(tasks[0])

    await lab.tick(1)
    await lab.tick(65)
    assert not ended(late)
    await lab.tick(5)
    await lab.end_of(late)

    assert {task.status for task in tasks} == {TaskStatus.CANCELLED}
