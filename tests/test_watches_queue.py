"""Watches of tasks that wait: `hub.watches` tells the place while there is one."""

import asyncio

from hub.plugin.context import TaskContext
from hub.worker import Slots
from tests.peer import Frame
from tests.stage import Stage, stage
from tests.talk import Talk

ONE = Slots(async_runs=1, grace_s=0.05)


async def wait(ctx: TaskContext) -> None:
    """Wait for ever."""
    await asyncio.Event().wait()


def news(talk: Talk, task_id: str) -> list[Frame]:
    """Return the progress frames of a task."""
    return [each for each in talk.peer.of("progress") if each["task_id"] == task_id]


async def place(hub: Stage, talk: Talk, task_id: str) -> object:
    """Let time pass, and return the place that a task was told last."""
    before = len(news(talk, task_id))
    hub.clock.advance(1)
    await talk.peer.until(lambda: len(news(talk, task_id)) > before)
    return news(talk, task_id)[-1].get("position")


async def test_the_place_is_told_until_the_task_begins() -> None:
    """With every change, as progress; the news of the start has none."""
    async with stage(slots=ONE) as hub:
        talk = Talk(hub.house)
        first = await talk.execute(hub, wait)
        opened = [await talk.execute(hub, wait) for _ in range(2)]
        middle, last = (each["task_id"] for each in opened)
        assert await place(hub, talk, last) == 2
        assert news(talk, middle)[-1]["position"] == 1

        await talk.ask("cancel", task_id=middle)
        assert await place(hub, talk, last) == 1

        await talk.ask("cancel", task_id=first["task_id"])
        await talk.peer.until(lambda: news(talk, last)[-1]["status"] == "running")
        assert "position" not in news(talk, last)[-1]


async def test_who_looks_on_is_told_as_well() -> None:
    """A second watch of a task that waits does not wait for a change."""
    async with stage(slots=ONE) as hub:
        talk, other = Talk(hub.house), Talk(hub.house)
        await talk.execute(hub, wait)
        task_id = (await talk.execute(hub, wait))["task_id"]
        assert await place(hub, talk, task_id) == 1

        await other.ask("watch", task_id=task_id)

        assert await place(hub, other, task_id) == 1


async def test_a_task_that_left_has_no_place() -> None:
    """Its run may wait on for others, who are told theirs."""
    async with stage(slots=ONE) as hub:
        talk = Talk(hub.house)
        await talk.execute(hub, wait)
        name = hub.name(wait)
        wish = {"plugin": "scripted", "command": "shared", "params": {"script": name}}
        own, joined = [(await talk.ask("execute", **wish))["task_id"] for _ in range(2)]
        assert await place(hub, talk, own) == 1
        assert news(talk, joined)[-1]["position"] == 1

        await talk.ask("cancel", task_id=joined)

        assert (await talk.result(joined))["response"]["status"] == "cancelled"
        assert all(each["position"] == 1 for each in news(talk, joined))
        assert "position" in news(talk, own)[-1]
