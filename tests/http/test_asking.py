"""The orchestrator, asked from coroutines."""

import asyncio

import msgspec
import pytest

from hub.errors import HubError, NotFoundError, UnknownCommandError
from hub.http import asking
from hub.protocol.frames import Execute
from hub.runs import Task
from tests.http.client import Client
from tests.http.conftest import Serve
from tests.stage import PATIENCE_S, turns


async def begin(client: Client, command: str = "wait") -> Task:
    """Start a task."""
    wish = Execute(id=0, plugin="lab", command=command, params=msgspec.Raw(b"{}"))
    return (await asking.execute(client.node, wish, "en")).task


async def test_refusals_are_raised(client: Client) -> None:
    """Whatever is asked."""
    with pytest.raises(UnknownCommandError):
        await begin(client, "none")
    with pytest.raises(NotFoundError):
        await asking.find(client.node, "none")
    with pytest.raises(HubError) as refused:
        await asking.cancel(client.node, "none")
    assert refused.value.code == "not_found"


async def test_the_end_is_waited_for(client: Client) -> None:
    """As long as it takes, or for some seconds; nobody follows afterwards."""
    task = await begin(client)
    assert not await asking.ended(client.node, task, 0)
    assert not await asking.ended(client.node, task, 0.01)
    waiting = asyncio.create_task(asking.ended(client.node, task, None))
    await turns()
    assert task.run.followers
    await asking.cancel(client.node, task.id)
    async with asyncio.timeout(PATIENCE_S):
        assert await waiting
    assert await asking.ended(client.node, task, 0)

    assert not task.run.followers


async def test_a_caller_may_stop_waiting(client: Client) -> None:
    """A cancelled wait follows nothing any more."""
    task = await begin(client)
    waiting = asyncio.create_task(asking.ended(client.node, task, None))
    await turns()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert not task.run.followers


class Gone:
    """A follower that hears when its task is gone."""

    progress_ms = 1_000

    def __init__(self, task: Task) -> None:
        self.task = task
        self.event = asyncio.Event()

    def moved(self) -> None:
        """Care about nothing else."""

    def progressed(self) -> None:
        """Care about nothing else."""

    def vanished(self) -> None:
        """Note it."""
        self.event.set()


async def test_a_task_that_is_gone_is_waited_for_no_longer(serve: Serve) -> None:
    """What has expired has ended, and is not found any more."""
    async with serve(timing__retention_s=0.2) as client:
        task = await begin(client, "fail")
        gone = Gone(task)
        client.node.engine.follow(gone)
        async with asyncio.timeout(PATIENCE_S):
            await gone.event.wait()
            assert await asking.ended(client.node, task, None)
        with pytest.raises(NotFoundError):
            await asking.find(client.node, task.id)


async def test_an_answer_that_comes_too_late_is_dropped(serve: Serve) -> None:
    """A caller that was cancelled meanwhile is not told, and nothing breaks."""
    async with serve(store__engine="sqlite") as client:
        asked = asyncio.create_task(begin(client))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        task = await begin(client)
        await asking.cancel(client.node, task.id)
        assert await asking.ended(client.node, task, PATIENCE_S)
