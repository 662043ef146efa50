"""`AsyncHub` against a real hub: requests, events, ends, and what else it offers."""

import asyncio

import pytest

from hub import AsyncHub, Chunk, Log, Progress, TaskCancelled, TaskFailed, TaskStatus
from hub.errors import InvalidParamsError, UnknownCommandError
from tests.served import Served


async def test_a_task_is_awaited(hub: AsyncHub) -> None:
    """`await task` is the final answer, the result in it a value."""
    task = await hub.execute("demo.echo", value={"a": [1, None, "é"]})

    response = await task

    assert response.status is TaskStatus.COMPLETED
    assert response.result == {"a": [1, None, "é"]}
    assert await task is response
    assert (task.status, task.origin, task.name) == (
        TaskStatus.COMPLETED,
        "new",
        "demo.echo",
    )


async def test_what_a_task_says_is_read_in_order(hub: AsyncHub) -> None:
    """Every chunk once, typed events, to the end; then there is nothing more."""
    task = await hub.execute("demo.rows", {"count": 3, "pace_ms": 1})

    events = [event async for event in task]

    rows = [event for event in events if isinstance(event, Chunk)]
    assert [row.data["n"] for row in rows] == [1, 2, 3]
    assert [row.seq for row in rows] == [1, 2, 3]
    assert all(isinstance(event, Chunk | Progress) for event in events)
    assert (await task).result == {"rows": 3}
    assert [event async for event in task] == []


async def test_a_log_record_is_an_event_of_its_own(hub: AsyncHub) -> None:
    """Level and message are attributes."""
    task = await hub.execute("demo.countdown", seconds=0.02, interval=0.01)

    logs = [event async for event in task if isinstance(event, Log)]

    assert logs[0].level == "info"
    assert "left" in logs[0].message


async def test_a_cancelled_task_raises(hub: AsyncHub) -> None:
    """TaskCancelled with the verdict and the response; `response` gives it calmly."""
    task = await hub.execute("demo.countdown", seconds=600)

    await task.cancel("enough")

    with pytest.raises(TaskCancelled) as caught:
        await task
    assert (caught.value.code, caught.value.retry) == ("cancelled", False)
    assert caught.value.response is await task.response()
    await hub.cancel(task.id)  # it has ended: nothing happens


async def test_a_failed_task_raises(hub: AsyncHub) -> None:
    """TaskFailed carries code, retry, ran and what the plugin said."""
    task = await hub.execute("demo.failure", message="on purpose")

    with pytest.raises(TaskFailed, match="on purpose") as caught:
        await task
    assert (caught.value.code, caught.value.ran) == ("plugin_error", "yes")
    assert not isinstance(caught.value, TaskCancelled)


async def test_a_refusal_is_the_hubs_own_error(hub: AsyncHub) -> None:
    """A class for each code, with what the hub knows of it."""
    with pytest.raises(UnknownCommandError) as unknown:
        await (await hub.execute("demo.nothing"))
    with pytest.raises(InvalidParamsError) as invalid:
        await (await hub.execute("demo.rows", count="many"))

    assert (unknown.value.code, unknown.value.ran) == ("unknown_command", "no")
    assert invalid.value.detail is not None
    assert invalid.value.detail["field"] == "count"


async def test_a_task_is_attached_by_its_id(house: Served, hub: AsyncHub) -> None:
    """From anywhere, at any time: the log from the beginning, then the end."""
    task = await hub.execute("demo.rows", count=3, pace_ms=1)
    await task

    async with AsyncHub(house.ws) as other:
        again = other.attach(task.id)
        rows = [event.data["n"] async for event in again if isinstance(event, Chunk)]

        assert rows == [1, 2, 3]
        assert (await again).result == {"rows": 3}
        assert other.attach(task.id) is again
        assert (await other.get(task.id)).result == {"rows": 3}


async def test_many_tasks_at_once(hub: AsyncHub) -> None:
    """Each caller gets the answer to its own request."""
    tasks = await asyncio.gather(
        *(hub.execute("demo.echo", value=number) for number in range(50))
    )

    assert [(await task).result for task in tasks] == list(range(50))


async def test_what_the_hub_offers_can_be_asked(hub: AsyncHub) -> None:
    """Plugins, one plugin, one command with its schema; what is none is an error."""
    offered = await hub.plugins()
    command = await hub.command("demo.rows")

    assert {"plugins", "refused"} <= offered.keys()
    assert "demo" in {plugin["name"] for plugin in offered["plugins"]}
    assert "count" in command["schema"]["properties"]
    for wrong in ("demo.nothing", "nothing.rows"):
        with pytest.raises(UnknownCommandError):
            await hub.command(wrong)


async def test_the_cache_can_be_looked_at_and_cleared(hub: AsyncHub) -> None:
    """Entries and statistics; clearing says how many there were."""
    found = await hub.cache("demo")

    assert found["entries"] == []
    assert found["statistics"]["hits"] == 0
    assert await hub.clear_cache() == 0
