"""A store that fails: new work is refused, the rest waits, and all recovers."""

import pytest
from msgspec.structs import replace

from hub.runs import Opened, Submission
from tests.engines.doubles import BASE, SHARED, outcome, piece, words_of
from tests.engines.lab import Lab
from tests.engines.sqlite.conftest import stored
from tests.engines.sqlite.faults import Faults


async def taken_again(lab: Lab, request: Submission = BASE) -> Opened:
    """Submit until the store takes something, as clients do."""
    for _ in range(5000):
        (answer,) = await lab.answers([request])
        if isinstance(answer, Opened):
            return answer
        await lab.find("nobody")
    raise AssertionError("the store did not recover")


async def test_a_full_disk_refuses_new_work_and_recovers(
    lab: Lab, faults: Faults
) -> None:
    """New tasks are refused and leave no trace; the next one after it is taken."""
    faults.fill()

    error = await lab.refused(replace(SHARED, key="k"))
    again = await lab.refused(replace(SHARED, key="k"))
    faults.mend()

    assert (error.code, error.retry, error.retry_after_ms) == (
        "storage_full",
        True,
        1000,
    )
    assert again.code == "storage_full"
    opened = await taken_again(lab, replace(SHARED, key="k"))
    assert opened.origin == "new"
    assert stored(lab.folder, "SELECT count(*) FROM runs") == [(1,)]


async def test_running_work_waits_for_a_full_disk(lab: Lab, faults: Faults) -> None:
    """Output and ends are kept and tried again until they are written, in order."""
    task, claim = await lab.begun(SHARED)
    other, its = await lab.begun()
    watcher = lab.follow(task)
    faults.fill()
    lab.engine.append(claim, [piece("a")])
    refusal = await lab.refused()

    lab.engine.append(claim, [piece("b")])
    lab.engine.finish(claim, lab.stamped(outcome()))
    lab.engine.append(its, [piece("c")])
    shown = (task.head, task.end, list(watcher.heads))
    faults.mend()
    await lab.end_of(task)
    await lab.append(its, "d")

    assert refusal.code == "storage_full"
    assert shown == (0, 0, [])
    assert await lab.read(task) == ["a", "b"]
    assert await lab.read(other) == ["c", "d"]
    assert (await lab.opened(SHARED)).origin == "cached"


@pytest.mark.parametrize("claimed", [0, 1])
async def test_what_was_refused_never_runs(
    lab: Lab, faults: Faults, claimed: int
) -> None:
    """A run that could not be recorded is not started, whoever asked for work."""
    lab.engine.claim(BASE.queue, claimed)
    faults.fill()
    asked = lab.ask()
    lab.engine.claim(BASE.queue, 1)
    await lab.until(asked.done)
    faults.mend()

    opened = [await taken_again(lab), await lab.opened()]

    assert words_of([asked.result()]) == ["storage_full"]
    await lab.until(lambda: len(lab.worker.accepted) == 1 + claimed)
    runs = [each.task.run for each in opened]
    assert [claim.run for claim in lab.worker.accepted] == runs[: 1 + claimed]


async def test_joining_is_refused_while_the_disk_is_full(
    lab: Lab, faults: Faults
) -> None:
    """New tickets are refused like new runs, at once, not when the disk has room."""
    _, claim = await lab.begun(SHARED)
    faults.fill()
    lab.engine.append(claim, [piece("kept")])
    assert (await lab.refused()).code == "storage_full"

    error = await lab.refused(SHARED)
    faults.mend()
    await lab.append(claim, "more")

    assert error.code == "storage_full"


async def test_a_run_whose_only_ticket_was_refused_stops(
    lab: Lab, faults: Faults
) -> None:
    """A joiner that could not be recorded keeps no run going."""
    task, claim = await lab.begun(SHARED)
    faults.hold()
    lab.engine.append(claim, [piece("first")])
    await faults.held()
    asked = lab.ask(SHARED)
    said: list[object] = []
    lab.engine.leave(task, "cancelled", said.append)
    faults.fill()
    faults.release()
    await lab.until(asked.done)
    faults.mend()

    assert words_of([asked.result()]) == ["storage_full"]
    await lab.until(lambda: lab.worker.revoked)
    assert lab.worker.revoked == [claim]
