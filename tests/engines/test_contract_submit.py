"""What a submission becomes: one atomic decision, in the protocol's order."""

import pytest
from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.runs import Mood, Opened
from hub.tasks import TaskStatus
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, SHARED, outcome, tasks_of, words_of
from tests.engines.lab import Lab

KEYED = replace(BASE, key="k")


async def test_a_new_run_is_queued_and_open(lab: Lab) -> None:
    """A submission that finds nothing begins a run that waits."""
    opened = await lab.opened(replace(BASE, trace="t", priority="high"))

    task = opened.task
    assert opened.origin == task.origin == "new"
    assert not opened.together
    assert (task.principal, task.trace, task.priority) == ("local", "t", "high")
    assert task.status is TaskStatus.CREATED
    assert (task.head, task.end, task.attempt) == (0, 0, 1)
    assert task.run.mood is Mood.QUEUED
    assert await lab.find(task.id) is task


async def test_what_was_never_submitted_is_not_found(lab: Lab) -> None:
    """An unknown id is answered with nothing."""
    assert await lab.find("1234") is None


@pytest.mark.parametrize("claimed", [False, True])
async def test_racing_resends_are_one_run(lab: Lab, claimed: bool) -> None:
    """50 submits with one key in one turn: one run, 49 times existing."""
    if claimed:
        lab.engine.claim(BASE.queue, 100)

    answers = await lab.answers([KEYED] * 50)

    assert words_of(answers) == ["new"] + ["existing"] * 49
    assert {task.id for task in tasks_of(answers)} == {tasks_of(answers)[0].id}
    if claimed:
        assert (await lab.claimed()).run is tasks_of(answers)[0].run
    else:
        lab.engine.claim(BASE.queue, 100)
        await lab.claimed()
    await lab.opened()
    assert len(lab.worker.accepted) <= 2


async def test_a_resend_is_the_same_task_at_any_time(lab: Lab) -> None:
    """A key lives as long as its task: queued, running, ended."""
    task = (await lab.opened(KEYED)).task
    assert (await lab.opened(KEYED)).task is task
    lab.engine.claim(BASE.queue, 1)
    claim = await lab.claimed()
    assert (await lab.opened(KEYED)).origin == "existing"
    await lab.finish(claim)

    opened = await lab.opened(KEYED)

    assert (opened.task, opened.origin) == (task, "existing")


@pytest.mark.parametrize(
    "other", [{"plugin": "x"}, {"command": "x"}, {"params": b'{"x":1}'}]
)
async def test_a_key_stands_for_one_request(lab: Lab, other: dict[str, object]) -> None:
    """The same key for another plugin, command or params is a conflict."""
    await lab.opened(KEYED)

    error = await lab.refused(replace(KEYED, **other))

    assert error.code == "key_conflict"


async def test_what_else_differs_is_no_conflict(lab: Lab) -> None:
    """A resend may differ in what is not the request; the first values stand."""
    task = (await lab.opened(KEYED)).task

    again = replace(KEYED, priority="low", deadline_ms=5, trace="t", cache="off")

    assert (await lab.opened(again)).task is task
    assert (task.priority, task.deadline_ms, task.trace) == ("normal", None, None)


async def test_a_conflict_is_seen_in_a_race(lab: Lab) -> None:
    """Another request with the key of one that is still committing is a conflict."""
    other = replace(KEYED, command="other")

    assert words_of(await lab.answers([KEYED, other])) == ["new", "key_conflict"]


async def test_keys_are_a_principals_own(lab: Lab) -> None:
    """Two principals may use the same key."""
    theirs = replace(KEYED, principal="token:bob")

    assert words_of(await lab.answers([KEYED, theirs])) == ["new", "new"]


async def test_keys_come_first(lab: Lab) -> None:
    """A known key wins over a cached answer and over a run to join."""
    key = replace(SHARED, key="k")
    task = await lab.done(key)

    assert (await lab.opened(key)).task is task
    assert (await lab.refused(replace(key, command="x"))).code == "key_conflict"


async def test_a_finished_run_answers(lab: Lab) -> None:
    """A cached answer is a task of its own on the whole run, complete at once."""
    first = await lab.done(SHARED, "one", "two")
    lab.time.pass_by(10)

    opened = await lab.opened(SHARED)

    task = opened.task
    assert opened.origin == task.origin == "cached"
    assert task.id != first.id
    assert task.run is first.run
    assert (task.status, task.end) == (TaskStatus.COMPLETED, 3)
    assert task.created_at == lab.time.wall()
    assert await lab.read(task) == ["one", "two"]
    assert await lab.known(task.id) is task


async def test_the_cache_comes_before_joining(lab: Lab) -> None:
    """A finished run answers, though a fresh one is on its way."""
    first = await lab.done(SHARED)
    fresh, _ = await lab.begun(replace(SHARED, cache="refresh"))

    opened = await lab.opened(SHARED)

    assert fresh.run is not first.run
    assert (opened.origin, opened.task.run) == ("cached", first.run)


@pytest.mark.parametrize("begun", [False, True])
async def test_identical_requests_share_a_run(lab: Lab, begun: bool) -> None:
    """Submits of one request in one turn give one run, where it may be joined."""
    if begun:
        lab.engine.claim(BASE.queue, 1)

    answers = await lab.answers([SHARED] * 20)

    assert words_of(answers) == ["new"] + ["joined"] * 19
    tasks = tasks_of(answers)
    assert len({task.id for task in tasks}) == 20
    assert len({task.run.number for task in tasks}) == 1
    assert tasks[1].origin == "joined"


async def test_a_later_request_joins_what_runs(lab: Lab) -> None:
    """A run that has said something is joined, and its whole log is there."""
    task, claim = await lab.begun(SHARED)
    await lab.append(claim, "one")

    joined = (await lab.opened(SHARED)).task

    assert joined.run is task.run
    assert joined.status is TaskStatus.RUNNING
    assert await lab.read(joined) == ["one"]
    await lab.finish(claim)
    assert joined.end == task.end == 2


async def test_only_what_may_join_joins(lab: Lab) -> None:
    """Without `join` each submission runs, identical or not."""
    alone = replace(SHARED, join=False)

    assert words_of(await lab.answers([alone] * 5)) == ["new"] * 5


async def test_other_flights_are_other_runs(lab: Lab) -> None:
    """What is not the same request never shares a run."""
    other = replace(SHARED, flight=b"other")

    assert words_of(await lab.answers([SHARED, other, BASE, BASE])) == ["new"] * 4


async def test_refresh_reads_nothing_but_joins_and_writes(lab: Lab) -> None:
    """`refresh` passes the cache by, shares what runs, and renews the cache."""
    first = await lab.done(SHARED, how=outcome(result=b'"old"'))
    refresh = replace(SHARED, cache="refresh")

    answers = await lab.answers([refresh, refresh])
    lab.engine.claim(BASE.queue, 1)
    claim = await lab.claimed()
    await lab.finish(claim, outcome(result=b'"new"'))

    assert words_of(answers) == ["new", "joined"]
    again = (await lab.opened(SHARED)).task
    assert again.run is claim.run is not first.run
    assert again.outcome is not None
    assert again.outcome.result == b'"new"'


async def test_off_neither_reads_nor_joins_nor_writes(lab: Lab) -> None:
    """`off` is on its own: nothing is taken from others or left to them."""
    off = replace(SHARED, cache="off")
    await lab.done(SHARED)

    answers = await lab.answers([off, off])

    assert words_of(answers) == ["new", "new"]
    lab.engine.clear_cache(None, None)
    assert (await lab.opened(SHARED)).origin == "new"
    for _ in range(3):
        lab.engine.claim(BASE.queue, 1)
        claim = await lab.claimed()
        if claim.run.request.cache == "off":
            await lab.finish(claim)
    assert lab.engine.cached(None, None) == []


@pytest.mark.parametrize("claimed", [0, 3])
async def test_off_does_not_disturb_a_race(lab: Lab, claimed: int) -> None:
    """Identical requests share a run, also while one of them runs alone."""
    lab.engine.claim(BASE.queue, claimed)
    off = replace(SHARED, cache="off")

    answers = await lab.answers([off, SHARED, SHARED, off, SHARED])

    assert words_of(answers) == ["new", "new", "joined", "new", "joined"]
    _, first, second, _, third = tasks_of(answers)
    assert first.run is second.run is third.run


@pytest.mark.parametrize("join", [True, False])
async def test_a_submit_that_races_with_the_end_is_answered_by_it(
    make_lab: MakeLab, join: bool
) -> None:
    """Before, during and after the end of a run its like is never run again."""
    lab = await make_lab()
    request = replace(SHARED, join=join)
    task, claim = await lab.begun(request)
    asked = [lab.ask(request)] if join else []
    lab.engine.finish(claim, lab.stamped(outcome()))
    asked += [lab.ask(request) for _ in range(3)]
    await lab.until(lambda: all(each.done() for each in asked))

    asked.append(lab.ask(request))
    await lab.until(asked[-1].done)

    answers = [each.result() for each in asked]
    assert set(words_of(answers)) <= {"joined", "cached"}
    assert {each.run.number for each in tasks_of(answers)} == {task.run.number}
    assert all(each.status is TaskStatus.COMPLETED for each in tasks_of(answers))


async def test_a_fresh_like_does_not_hide_an_end(lab: Lab) -> None:
    """A submit after the end is answered by it, whatever else is being committed."""
    alone = replace(SHARED, join=False)
    task, claim = await lab.begun(alone)

    fresh = lab.ask(replace(alone, cache="refresh"))
    lab.engine.finish(claim, lab.stamped(outcome()))
    answer = lab.ask(alone)
    await lab.until(lambda: fresh.done() and answer.done())

    opened = answer.result()
    assert isinstance(opened, Opened)
    assert (opened.origin, opened.task.run) == ("cached", task.run)


@pytest.mark.parametrize("how", [TaskStatus.FAILED, TaskStatus.CANCELLED])
async def test_only_what_completed_answers_others(lab: Lab, how: TaskStatus) -> None:
    """A run that failed is not cached; the next request is run."""
    await lab.done(SHARED, how=outcome(how))

    assert (await lab.opened(SHARED)).origin == "new"


async def test_without_a_ttl_nothing_is_cached(lab: Lab) -> None:
    """A run that may only be joined answers nobody after its end."""
    request = replace(SHARED, ttl=None)
    await lab.done(request)

    assert (await lab.opened(request)).origin == "new"


async def test_a_closing_run_is_not_joined(lab: Lab) -> None:
    """Once nobody wants a run any more, its like begins anew and it is not cached."""
    task, claim = await lab.begun(SHARED)
    await lab.leave(task)

    fresh = (await lab.opened(SHARED)).task

    assert fresh.run is not task.run
    await lab.finish(claim)
    assert task.status is TaskStatus.CANCELLED
    assert lab.engine.cached(None, None) == []
    assert (await lab.opened(SHARED)).task.run is fresh.run


async def test_the_queue_is_bounded(make_lab: MakeLab) -> None:
    """A full queue refuses, keeps no key, and takes work again when one has left."""
    lab = await make_lab(bounds=Bounds(queued=3))
    await lab.answers([BASE] * 3)

    error = await lab.refused(KEYED)

    assert (error.code, error.retry_after_ms) == ("queue_full", 1000)
    lab.engine.claim(BASE.queue, 1)
    await lab.claimed()
    assert (await lab.opened(KEYED)).origin == "new"
    assert (await lab.refused()).code == "queue_full"


async def test_a_full_queue_still_answers_what_needs_no_place(
    make_lab: MakeLab,
) -> None:
    """Existing, cached and joined tasks are no new work, and free slots no queue."""
    lab = await make_lab(bounds=Bounds(queued=1))
    cached = await lab.done(replace(SHARED, flight=b"c"))
    waiting = (await lab.opened(replace(SHARED, key="k"))).task

    again = await lab.opened(replace(SHARED, key="k"))
    joined = await lab.opened(SHARED)
    hit = await lab.opened(replace(SHARED, flight=b"c"))
    full = await lab.refused()

    assert (again.task, joined.task.run) == (waiting, waiting.run)
    assert hit.task.run is cached.run
    assert full.code == "queue_full"


async def test_a_queue_is_left_by_cancelling(make_lab: MakeLab) -> None:
    """A cancelled task gives its place in the queue back."""
    lab = await make_lab(bounds=Bounds(queued=2))
    first, _ = tasks_of(await lab.answers([BASE] * 2))
    await lab.leave(first)

    assert (await lab.opened()).origin == "new"
    assert (await lab.refused()).code == "queue_full"


async def test_an_answer_that_fits_may_be_shown_at_once(lab: Lab) -> None:
    """A cached answer with room for it needs not be durable; with a key it is named."""
    await lab.done(SHARED, "one")
    request = replace(SHARED, room=2**16, key="k")
    answers: list[object] = []

    lab.engine.submit(request, answers.append)

    (opened,) = answers
    assert isinstance(opened, Opened)
    assert opened.together
    again = await lab.opened(request)
    assert (again.task, again.origin, again.together) == (
        opened.task,
        "existing",
        False,
    )
    assert await lab.known(opened.task.id) is opened.task


async def test_an_answer_that_does_not_fit_is_durable_first(lab: Lab) -> None:
    """A log larger than the room is recorded before it is told."""
    await lab.done(SHARED, "x" * 5000)

    opened = await lab.opened(replace(SHARED, room=6000))

    assert opened.origin == "cached"
    assert not opened.together
