"""Reading that fails: what is in the file is neither forgotten nor done again."""

import asyncio
import sqlite3
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.engines.sqlite import queries
from hub.engines.sqlite.folder import DATABASE
from hub.errors import HubError, UnavailableError
from hub.runs import Task
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, tasks_of, words_of
from tests.engines.lab import PATIENCE_S, Lab

Break = Callable[[str, int], None]


@pytest.fixture
def break_query(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Return a function that lets a query fail so many times."""

    def broken(name: str, times: int) -> None:
        real = getattr(queries, name)
        left = [times]

        def query(*arguments: object) -> object:
            if left[0]:
                left[0] -= 1
                raise sqlite3.OperationalError("disk I/O error")
            return real(*arguments)

        monkeypatch.setattr(queries, name, query)

    return broken


async def test_a_store_that_stumbles_is_asked_again(
    make_lab: MakeLab, break_query: Break
) -> None:
    """One failure is nobody's affair: a client must not hear that a task is gone."""
    lab = await make_lab(bounds=Bounds(tail_bytes=0))
    task = await lab.done(replace(BASE, key="k"), "a")
    await lab.tick()
    for name in ("task_rows", "task_of_key", "tails"):
        break_query(name, 1)

    assert (await lab.opened(replace(BASE, key="k"))).task.id == task.id
    assert await lab.read(await lab.known(task.id)) == ["a"]


@pytest.mark.parametrize("query", ["task_of_key", "task_rows"])
async def test_a_key_that_cannot_be_looked_up_is_not_free(
    lab: Lab, break_query: Break, query: str
) -> None:
    """Who resends is asked to come again, and then gets the task; nothing runs."""
    task = await lab.done(replace(BASE, key="k"))
    await lab.restart(slots=5)
    break_query(query, 3)

    errors = await lab.answers([replace(BASE, key="k")] * 2)
    again = await lab.answers([replace(BASE, key="k")] * 2)

    assert words_of(errors) == ["unavailable", "unavailable"]
    assert all(getattr(error, "retry_after_ms", 0) == 1000 for error in errors)
    assert words_of(again) == ["existing", "existing"]
    assert {each.id for each in tasks_of(again)} == {task.id}
    assert lab.worker.accepted == []


async def test_a_task_that_cannot_be_read_is_not_denied(
    lab: Lab, break_query: Break
) -> None:
    """Nobody can say whether there is one: `unavailable`, and not `not_found`."""
    break_query("task_rows", 3)
    answer: asyncio.Future[Task | HubError | None] = asyncio.Future()

    lab.engine.find("0" * 43, answer.set_result)
    async with asyncio.timeout(PATIENCE_S):
        error = await answer

    assert isinstance(error, UnavailableError)
    assert error.retry_after_ms == 1000


async def test_output_that_cannot_be_read_harms_nobody_else(lab: Lab) -> None:
    """A row that cannot be understood is logged; other tasks are read as before."""
    broken, claim = await lab.begun()
    await lab.append(claim, "a")
    other, its = await lab.begun()
    await lab.append(its, "b")
    connection = sqlite3.connect(lab.folder / DATABASE)
    connection.execute("UPDATE chunks SET body = x'c1' WHERE place < ?", (2 << 26,))
    connection.commit()
    connection.close()

    assert await lab.load(broken, 0) == []
    assert len(await lab.load(other, 0)) == 1
