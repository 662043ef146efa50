"""The queue, over every engine: turns, priorities, limits and places."""

from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.errors import QueueFullError
from hub.runs import Claim, Mood, Run, Submission, Task
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, SHARED, tasks_of
from tests.engines.lab import Lab

HIGH, LOW = replace(BASE, priority="high"), replace(BASE, priority="low")
LIMITED = replace(BASE, command="limited", concurrency=1)


def of(principal: str, request: Submission = BASE) -> Submission:
    """Return a request of somebody."""
    return replace(request, principal=principal)


async def order(lab: Lab, count: int) -> list[Run]:
    """Start so many runs, one after the other; return them."""
    started = []
    for _ in range(count):
        lab.engine.claim(BASE.queue, 1)
        started.append((await lab.claimed()).run)
    return started


async def waiting(lab: Lab, *requests: Submission) -> list[Task]:
    """Let requests wait; return their tasks."""
    return tasks_of(await lab.answers(requests))


async def test_one_of_another_is_among_the_next_three(lab: Lab) -> None:
    """A queues 1,000, B one."""
    await waiting(lab, *[of("a")] * 1000)
    (task,) = await waiting(lab, of("b"))

    assert task.run in await order(lab, 3)


async def test_priorities_go_before_arrival(lab: Lab) -> None:
    """High, normal, low; of one priority the older."""
    tasks = await waiting(lab, LOW, BASE, HIGH, LOW, BASE, HIGH)

    expected = [tasks[index].run for index in (2, 5, 1, 4, 0, 3)]
    assert await order(lab, 6) == expected


async def test_low_starts_under_constant_high(make_lab: MakeLab) -> None:
    """There is always something more urgent, and still it starts in time."""
    lab = await make_lab(bounds=Bounds(ageing_s=20.0))
    (low,) = await waiting(lab, LOW)
    seconds = 0
    while low.run.mood is Mood.QUEUED:
        await waiting(lab, HIGH, HIGH)
        await order(lab, 1)
        await lab.tick(1)
        seconds += 1
        assert seconds <= 60

    assert seconds > 15


async def test_joining_moves_a_waiting_run_up(lab: Lab) -> None:
    """The run has the highest priority of its tasks, as long as they want it."""
    *_, before = await waiting(lab, BASE, BASE, replace(SHARED, flight=b"other"))
    (shared,) = await waiting(lab, SHARED)
    (urgent,) = await waiting(lab, replace(SHARED, priority="high"))
    assert urgent.run is shared.run
    (first,) = await order(lab, 1)
    assert first is shared.run

    (urgent,) = await waiting(lab, replace(SHARED, flight=b"other", priority="high"))
    await lab.leave(urgent)

    assert (await order(lab, 3))[-1] is before.run


async def test_a_limit_holds_and_holds_nobody_up(lab: Lab) -> None:
    """One at once; what stands behind the others goes first, and slots stay free."""
    limited = await waiting(lab, *[LIMITED] * 3)
    others = await waiting(lab, BASE, BASE)
    lab.engine.claim(BASE.queue, 5)
    claims = [await lab.claimed() for _ in range(3)]

    runs = [claim.run for claim in claims]
    assert runs == [limited[0].run, others[0].run, others[1].run]
    fresh, claim = await begun(lab, BASE)
    assert claim.run is fresh.run

    await lab.finish(claims[0])
    assert limited[1].run.mood is Mood.QUEUED
    lab.engine.release(claims[0].run)
    assert (await lab.claimed()).run is limited[1].run


async def begun(lab: Lab, request: Submission) -> tuple[Task, Claim]:
    """Submit where a slot is free."""
    task = (await lab.opened(request)).task
    return task, await lab.claimed()


async def test_a_limit_holds_where_nothing_waits(make_lab: MakeLab) -> None:
    """Free slots are not for the runs that a command has too many."""
    lab = await make_lab(slots=5)
    first, claim = await begun(lab, LIMITED)
    (second,) = await waiting(lab, LIMITED)

    assert claim.run is first.run
    await lab.settle()
    assert second.run.mood is Mood.QUEUED
    await lab.leave(second)
    await lab.finish(claim)
    lab.engine.release(claim.run)
    third, claim = await begun(lab, LIMITED)
    assert claim.run is third.run


async def test_a_higher_limit_holds_from_the_next_request_on(
    make_lab: MakeLab,
) -> None:
    """The older of those that wait go first."""
    lab = await make_lab(slots=5)
    await begun(lab, LIMITED)
    (older,) = await waiting(lab, LIMITED)

    (newer,) = await waiting(lab, replace(LIMITED, concurrency=2))

    assert (await lab.claimed()).run is older.run
    assert newer.run.mood is Mood.QUEUED


async def test_the_bound_is_that_of_all_together(make_lab: MakeLab) -> None:
    """Whatever their priority, principal, limit or pool."""
    lab = await make_lab(bounds=Bounds(queued=4, pools=("default",)))
    far = replace(BASE, queue="far.q")
    tasks = await waiting(lab, HIGH, of("b", LOW), LIMITED, far)

    for request in (BASE, HIGH, LIMITED, far, of("c")):
        assert isinstance(await lab.refused(request), QueueFullError)
    await lab.leave(tasks[3])
    await lab.opened(far)


async def test_a_pool_that_nobody_serves_waits(make_lab: MakeLab) -> None:
    """Runs of others go past it; it has no place, and can be cancelled."""
    lab = await make_lab(bounds=Bounds(pools=("default", "gpu")))
    far, near, plain = await waiting(
        lab, *[replace(BASE, queue=f"{pool}.q") for pool in ("far", "gpu", "default")]
    )
    watcher = lab.follow(far)
    lab.engine.claim("default.q", 5)

    assert [(await lab.claimed()).run for _ in range(2)] == [near.run, plain.run]
    await lab.tick(1)
    assert far.run.unserved
    assert (far.run.position, watcher.news) == (0, 0)
    await lab.leave(far)
    assert (await lab.end_of(far)).ran == "no"


# Places.


async def test_watchers_are_told_where_they_stand(lab: Lab) -> None:
    """At first, and when it has changed; no more once the run has begun."""
    tasks = await waiting(lab, *[BASE] * 5)
    watcher = lab.follow(tasks[3])
    lab.time.pass_by(0)
    assert (tasks[3].run.position, watcher.news) == (4, 1)

    await lab.leave(tasks[0])
    lab.time.pass_by(1)
    assert (tasks[3].run.position, watcher.news) == (3, 2)
    await waiting(lab, HIGH)
    lab.time.pass_by(1)
    assert (tasks[3].run.position, watcher.news) == (4, 3)

    assert (await order(lab, 4))[-1] is tasks[3].run
    lab.time.pass_by(1)
    assert (tasks[3].run.position, watcher.news) == (0, 3)


async def test_a_queue_that_nobody_watches_tells_nobody(lab: Lab) -> None:
    """No clock runs for it, and its runs are told no place."""
    tasks = await waiting(lab, *[BASE] * 3)
    await order(lab, 1)
    lab.time.pass_by(1)

    assert [task.run.position for task in tasks] == [0, 0, 0]
