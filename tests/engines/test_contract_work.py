"""Claims, logs and ends: append, then deliver; contiguous; fenced; exactly once."""

import pytest
from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.errors import OutputTooLargeError
from hub.runs import Claim, Mood, Outcome
from hub.tasks import TaskStatus
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, SHARED, numbers, outcome, piece, tasks_of
from tests.engines.lab import Lab

# Claims.


async def test_waiting_runs_are_claimed_in_their_order(lab: Lab) -> None:
    """First come, first served, as many as there are slots."""
    tasks = tasks_of(await lab.answers([BASE] * 5))

    lab.engine.claim(BASE.queue, 2)
    first = [await lab.claimed(), await lab.claimed()]

    assert [claim.run for claim in first] == [task.run for task in tasks[:2]]
    lab.engine.claim(BASE.queue, 9)
    rest = [await lab.claimed() for _ in range(3)]
    assert [claim.run for claim in rest] == [task.run for task in tasks[2:]]


async def test_a_free_slot_takes_new_work_at_once(make_lab: MakeLab) -> None:
    """While slots are free nothing queues; each slot takes one run."""
    lab = await make_lab(slots=2)

    tasks = tasks_of(await lab.answers([BASE] * 3))

    await lab.until(lambda: len(lab.worker.accepted) == 2)
    assert [task.status for task in tasks] == [
        TaskStatus.RUNNING,
        TaskStatus.RUNNING,
        TaskStatus.CREATED,
    ]
    assert tasks[2].run.mood is Mood.QUEUED


async def test_queues_are_apart(lab: Lab) -> None:
    """A worker gets runs of the queue that it asks for, and no other."""
    thread = replace(BASE, queue="thread")
    await lab.answers([BASE, thread])

    lab.engine.claim("thread", 5)
    claim = await lab.claimed()

    assert claim.run.request.queue == "thread"
    later = (await lab.opened(thread)).task
    assert (await lab.claimed()).run is later.run
    assert len(lab.worker.accepted) == 2


async def test_a_claim_tells_when_it_began(lab: Lab) -> None:
    """A claimed run is running, and its followers hear of it."""
    task = (await lab.opened()).task
    watcher = lab.follow(task)
    lab.time.pass_by(5)

    lab.engine.claim(BASE.queue, 1)
    claim = await lab.claimed()

    assert claim.attempt == task.attempt == 1
    assert task.status is TaskStatus.RUNNING
    assert task.run.started_at == lab.time.wall()
    assert task.run.started == lab.time.now()
    assert watcher.heads == [(0, 0)]


# Logs.


async def test_numbers_are_contiguous_from_one(lab: Lab) -> None:
    """However chunks come, their numbers have no holes."""
    task, claim = await lab.begun()
    engine = lab.engine
    for size in (1, 3, 2):
        assert engine.append(claim, [piece(f"{size}.{n}") for n in range(size)])
    await lab.append(claim, "end")

    assert numbers(task.run.log.tails(0, task.head)) == [1, 2, 3, 4, 5, 6, 7]
    assert await lab.read(task) == ["1.0", "3.0", "3.1", "3.2", "2.0", "2.1", "end"]
    assert task.run.log.chunks == 7
    await lab.finish(claim)
    assert task.end == 8


async def test_a_mark_means_that_the_head_includes_it(lab: Lab) -> None:
    """Append, then deliver: at each mark everything up to the head can be read."""
    task, claim = await lab.begun()
    watcher = lab.follow(task)
    told: list[list[int]] = []
    watcher.on_move = lambda: told.append(
        numbers(task.run.log.tails(task.run.log.base, task.run.log.head))
    )

    for batch in (["a"], ["b", "c"], ["d"]):
        lab.engine.append(claim, [piece(text) for text in batch])
    await lab.until(lambda: task.head == 4)

    assert told[-1] == [1, 2, 3, 4]
    assert all(seen == list(range(1, len(seen) + 1)) for seen in told)
    # Never marked for nothing: each mark shows more than the one before.
    assert [len(seen) for seen in told] == sorted({len(seen) for seen in told})
    assert not any(end for _, end in watcher.heads)


async def test_every_follower_of_a_run_is_marked(lab: Lab) -> None:
    """All tasks that share a run hear of its output, until they stop following."""
    task, claim = await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task
    first, second, left = lab.follow(task), lab.follow(joined), lab.follow(task)
    lab.engine.unfollow(left)

    await lab.append(claim, "one")

    assert first.heads == second.heads == [(1, 0)]
    assert left.heads == []
    lab.engine.unfollow(left)


async def test_a_log_is_bounded(make_lab: MakeLab) -> None:
    """What passes the bound is refused; what was said, and still fits, stands."""
    lab = await make_lab(bounds=Bounds(max_log_bytes=1000))
    task, claim = await lab.begun()
    await lab.append(claim, "x" * 500)

    with pytest.raises(OutputTooLargeError):
        lab.engine.append(claim, [piece("fits"), piece("x" * 600), piece("late")])

    await lab.append(claim, "end")
    assert await lab.read(task) == ["x" * 500, "fits", "end"]
    assert numbers(task.run.log.tails(0, 3)) == [1, 2, 3]


async def test_a_result_counts_into_the_bound(make_lab: MakeLab) -> None:
    """A result that the log has no room for fails the run, and is not kept."""
    lab = await make_lab(bounds=Bounds(max_log_bytes=1000))
    fits = await lab.done(BASE, how=outcome(result=b'"' + b"x" * 900 + b'"'))
    task = await lab.done(
        SHARED, "x" * 500, how=outcome(result=b'"' + b"x" * 600 + b'"')
    )

    assert fits.status is TaskStatus.COMPLETED
    assert task.outcome is not None
    assert (task.status, task.outcome.code) == (TaskStatus.FAILED, "output_too_large")
    assert (task.outcome.result, task.outcome.ran) == (b"null", "yes")
    assert task.outcome.ended_at == lab.time.wall()
    assert task.end == 2
    assert lab.engine.cached(None, None) == []


async def test_a_run_waits_for_the_store(lab: Lab) -> None:
    """Bytes that no commit has seen are counted, and whoever waits is woken."""
    _, claim = await lab.begun()
    run = claim.run
    woken: list[int] = []

    lab.engine.append(claim, [piece("x" * 100)])
    waits = run.uncommitted > 0
    if waits:
        run.thirsty = (lambda: woken.append(1),)
    await lab.append(claim, "more")

    assert run.uncommitted == 0
    assert len(woken) == waits
    assert not run.thirsty


# Progress.


async def test_progress_is_told_at_a_pace(lab: Lab) -> None:
    """The latest wins: at once, then once per the time that the most eager wants."""
    task, claim = await lab.begun()
    slow, eager = lab.follow(task, 1000), lab.follow(task, 50)

    for fraction in (0.1, 0.2, 0.3):
        claim.run.fraction = fraction
        lab.engine.progressed(claim)
    assert (slow.news, eager.news) == (1, 1)
    lab.time.pass_by(0.049)
    assert eager.news == 1
    lab.time.pass_by(0.002)

    assert eager.news == 2
    lab.time.pass_by(10)
    assert eager.news == 2
    lab.engine.progressed(claim)
    assert eager.news == 3


async def test_progress_that_nobody_follows_costs_nothing(lab: Lab) -> None:
    """Without followers nothing is kept for later."""
    task, claim = await lab.begun()
    lab.engine.progressed(claim)

    watcher = lab.follow(task)
    lab.time.pass_by(10)

    assert watcher.news == 0


# Ends.


async def test_an_end_is_one_more_than_the_head(lab: Lab) -> None:
    """The result stands behind the last entry, committed with it."""
    task, claim = await lab.begun()
    watcher = lab.follow(task)

    lab.engine.append(claim, [piece("a"), piece("b")])
    lab.engine.finish(claim, lab.stamped(outcome(result=b'{"x":1}')))
    await lab.until(lambda: task.end)

    assert (task.head, task.end) == (3, 3)
    assert task.status is TaskStatus.COMPLETED
    assert task.outcome is not None
    assert task.outcome.result == b'{"x":1}'
    assert watcher.heads[-1] == (2, 3)
    assert await lab.read(task) == ["a", "b"]


async def test_a_run_ends_once(lab: Lab) -> None:
    """The first end counts: no second one, and nothing is written behind it."""
    task, claim = await lab.begun()
    engine = lab.engine
    lab.follow(task)

    taken = engine.finish(claim, lab.stamped(outcome(result=b"1")))
    again = engine.finish(claim, lab.stamped(outcome(result=b"2")))
    wrote = engine.append(claim, [piece("late")])
    await lab.until(lambda: task.end)
    later = engine.finish(claim, lab.stamped(outcome(TaskStatus.FAILED)))

    assert (taken, again, wrote, later) == (True, False, False, False)
    assert not engine.append(claim, [piece("later")])
    assert task.outcome is not None
    assert (task.outcome.result, task.end) == (b"1", 1)


async def test_a_stale_claim_has_nothing_to_say(lab: Lab) -> None:
    """An attempt that is not the run's present one is refused, progress included."""
    task, claim = await lab.begun()
    watcher = lab.follow(task)
    stale = Claim(claim.run, claim.attempt - 1)

    assert not lab.engine.append(stale, [piece("x")])
    assert not lab.engine.finish(stale, lab.stamped(outcome()))
    lab.engine.progressed(stale)

    await lab.append(claim, "y")
    assert await lab.read(task) == ["y"]
    assert watcher.news == 0
    assert task.status is TaskStatus.RUNNING


async def test_all_tickets_of_a_run_end_with_it(lab: Lab) -> None:
    """Whoever shares a run gets the same end at the same number."""
    task, claim = await lab.begun(SHARED)
    joined = tasks_of(await lab.answers([SHARED] * 3))
    watchers = [lab.follow(each) for each in joined]

    lab.engine.append(claim, [piece("a")])
    await lab.finish(claim)

    assert {each.end for each in (task, *joined)} == {2}
    assert all(each.outcome is task.run.outcome for each in joined)
    assert all(watcher.heads[-1] == (1, 2) for watcher in watchers)


async def test_a_slot_is_not_given_back_by_an_end(make_lab: MakeLab) -> None:
    """An end frees nothing: a worker asks for more when it has room."""
    lab = await make_lab(slots=1)
    tasks = tasks_of(await lab.answers([BASE] * 2))
    await lab.finish(await lab.claimed())

    assert tasks[1].status is TaskStatus.CREATED
    lab.engine.claim(BASE.queue, 1)
    assert (await lab.claimed()).run is tasks[1].run


@pytest.mark.parametrize(
    "how",
    [
        Outcome(
            status=TaskStatus.FAILED,
            code="plugin_error",
            error="it said so",
            retry=True,
            detail=b'{"code":"x"}',
            execution_ms=12.5,
        ),
        Outcome(status=TaskStatus.FAILED, code="hub_restarted", ran="maybe"),
        Outcome(status=TaskStatus.COMPLETED, result=b'"\xe5\x8c\x97"'),
    ],
    ids=lambda how: how.code or "completed",
)
async def test_an_outcome_is_kept_as_it_was(lab: Lab, how: Outcome) -> None:
    """Code, words, detail and times of an end are the same for every reader."""
    task = await lab.done(how=how)

    assert (await lab.known(task.id)).outcome == lab.stamped(how)
