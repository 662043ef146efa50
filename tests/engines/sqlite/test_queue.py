"""The queue after a restart: turns, priorities, limits and pools are what they were."""

from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.runs import Run
from tests.engines.doubles import BASE, SHARED
from tests.engines.lab import Lab
from tests.engines.test_contract_queue import HIGH, LIMITED, LOW, of, order, waiting


def ids(runs: list[Run]) -> list[str]:
    """Return the ids of runs: the runs of another life are other objects."""
    return [run.id for run in runs]


async def test_a_restart_keeps_turns_and_priorities(lab: Lab) -> None:
    """And each principal's own order."""
    tasks = await waiting(
        lab, *[of("a")] * 3, of("b"), of("b", LOW), of("a", HIGH), of("b", HIGH)
    )

    await lab.restart()

    expected = [tasks[index].id for index in (5, 6, 0, 3, 1, 2, 4)]
    assert ids(await order(lab, 7)) == expected


async def test_a_restart_keeps_what_was_joined(lab: Lab) -> None:
    """The priority of a task that joined, and not that of one that has left."""
    wishes = [replace(SHARED, flight=name) for name in (b"1", b"2", b"3")]
    tasks = await waiting(lab, BASE, *wishes)
    await waiting(lab, replace(wishes[2], priority="high"))
    (left,) = await waiting(lab, replace(wishes[1], priority="high"))
    await lab.leave(left)

    await lab.restart()

    expected = [tasks[index].id for index in (3, 0, 1, 2)]
    assert ids(await order(lab, 4)) == expected


async def test_a_restart_keeps_limits(lab: Lab) -> None:
    """Waiting runs of a command with a limit start one at a time."""
    tasks = await waiting(lab, LIMITED, LIMITED, BASE)

    await lab.restart(slots=5)

    claims = [await lab.claimed() for _ in range(2)]
    assert ids([claim.run for claim in claims]) == [tasks[0].id, tasks[2].id]
    await lab.finish(claims[0])
    lab.engine.release(claims[0].run)
    assert (await lab.claimed()).run.id == tasks[1].id


async def test_a_pool_is_served_after_a_restart(lab: Lab) -> None:
    """With another setting what has waited for a pool begins."""
    lab.bounds = Bounds(pools=("default",))
    await lab.restart()
    (far,) = await waiting(lab, replace(BASE, queue="far.q"))
    assert far.run.unserved
    lab.bounds = Bounds()

    await lab.restart(slots=1)

    assert (await lab.claimed()).run.id == far.id
