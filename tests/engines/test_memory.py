"""The engine in memory: every record is committed at once, and forgotten at the end."""

from pathlib import Path

import pytest

from hub.engines.base import Bounds
from hub.errors import HubError
from hub.runs import Opened, Task
from tests.engines.doubles import BASE, SHARED, outcome, piece
from tests.engines.lab import KINDS, Kind, Lab


@pytest.fixture
def kind() -> Kind:
    """Here it is always the engine in memory."""
    return KINDS["memory"]


async def test_answers_come_before_the_verb_returns(lab: Lab) -> None:
    """Nothing is waited for: neither answer, claim, mark nor end."""
    said: list[object] = []
    lab.engine.claim(BASE.queue, 1)

    lab.engine.submit(SHARED, said.append)
    (opened,) = said
    assert isinstance(opened, Opened)
    task = opened.task
    (claim,) = lab.worker.accepted
    watcher = lab.follow(task)
    lab.engine.append(claim, [piece("a")])
    lab.engine.submit(SHARED, said.append)
    lab.engine.leave(task, "cancelled", said.append)
    lab.engine.finish(claim, lab.stamped(outcome()))

    assert watcher.heads == [(1, 0), (1, 2), (1, 2)]
    joined = said[1]
    assert isinstance(joined, Opened)
    assert (joined.origin, said[2], joined.task.end) == ("joined", None, 2)


async def test_nothing_is_in_a_store_only(lab: Lab) -> None:
    """What has left memory cannot be had: not by id, and not by number."""
    task = await lab.done(BASE, "a")
    found: list[Task | HubError | None] = []
    loaded: list[object] = []

    lab.engine.find("nobody", found.append)
    lab.engine.load(task, 0, 1000, loaded.append)

    assert found == [None]
    assert loaded == [()]


async def test_another_life_is_another_store(lab: Lab) -> None:
    """A restart forgets everything, and says so by its name."""
    first = lab.engine.hub
    task = (await lab.opened()).task

    await lab.restart()

    assert lab.engine.hub != first
    assert await lab.find(task.id) is None


async def test_a_command_may_submit_another_in_its_answer(lab: Lab) -> None:
    """Verbs may be called from callbacks: what is decided meanwhile is parked."""
    said: list[object] = []

    def answer(first: object) -> None:
        said.append(first)
        lab.engine.submit(SHARED, said.append)

    lab.engine.submit(SHARED, answer)

    origins = [each.origin for each in said if isinstance(each, Opened)]
    assert origins == ["new", "joined"]


async def test_what_has_expired_is_not_held(tmp_path: Path) -> None:
    """A hub that runs for long holds what it keeps, and nothing else."""
    lab = Lab(KINDS["memory"], tmp_path, Bounds(retention_s=10.0))
    await lab.start()
    for _ in range(5):
        for _ in range(100):
            await lab.done(BASE, "x" * 100)
        lab.time.pass_by(11)
        lab.engine.expire()
        lab.engine.expire()

    engine = lab.engine
    shelf = vars(engine)["_shelf"]
    assert (len(shelf.tasks), shelf.bytes) == (0, 0)
    assert len(vars(shelf)["_logs"]) <= 1
    held = {
        name: len(value)
        for name, value in vars(engine).items()
        if isinstance(value, dict | list | set) and value
    }
    assert held == {}
