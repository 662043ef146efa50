"""Work that an earlier life of the hub has left: what its worker does with it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from hub.clock import Clock
from hub.engines.base import Bounds, Engine
from hub.engines.sqlite.engine import SqliteEngine
from hub.errors import HubError
from hub.ids import TaskIds
from hub.plugin.command import command
from hub.plugin.context import TaskContext
from hub.plugin.typed import Plugin
from hub.runs import Outcome, Task
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.stage import GRACE_S, Stage, stage

ONE = Slots(async_runs=1, thread_runs=1, grace_s=GRACE_S)


class Passing(Plugin):
    """A plugin that is there for one life."""

    @command
    async def work(self, ctx: TaskContext, pace: int = 1) -> int:
        """Return what it was given."""
        return pace


def in_file(folder: Path) -> Callable[[Bounds, Clock], Engine]:
    """Return what makes an engine with a file."""

    def make(bounds: Bounds, clock: Clock) -> Engine:
        return SqliteEngine(bounds, clock, TaskIds(), folder=folder)

    return make


async def leave_behind(folder: Path) -> tuple[str, str]:
    """Live once; leave a task that ran and one that waited, and return their ids."""
    async with stage(Passing, engine=in_file(folder), slots=ONE) as hub:

        async def script(ctx: TaskContext) -> None:
            await ctx.chunk("begun")
            await asyncio.Event().wait()

        running = await hub.start("coroutine", script)
        await hub.head(running, 1)
        waiting = await hub.execute("work", plugin="passing", params={"pace": 7})
        return running.id, waiting.task.id


async def found(hub: Stage, task_id: str) -> Task:
    """Look a task up."""
    answer: asyncio.Future[Task | HubError | None] = asyncio.Future()
    hub.engine.find(task_id, answer.set_result)
    task = await answer
    assert isinstance(task, Task)
    return task


async def ended(hub: Stage, task_id: str) -> Outcome:
    """Wait for a task's end."""
    return await hub.outcome(await found(hub, task_id))


async def test_what_waited_is_run_in_the_next_life(tmp_path: Path) -> None:
    """With its params; what was running has ended `hub_restarted`, and says so."""
    running, waiting = await leave_behind(tmp_path)

    async with stage(Passing, engine=in_file(tmp_path), slots=ONE) as hub:
        interrupted = await ended(hub, running)
        later = await ended(hub, waiting)

        assert (interrupted.code, interrupted.ran) == ("hub_restarted", "maybe")
        assert (later.status, later.result) == (TaskStatus.COMPLETED, b"7")


async def test_a_command_that_is_gone_fails_what_waited(tmp_path: Path) -> None:
    """`unknown_command`, ran no; the slot is free for the next task."""
    _, waiting = await leave_behind(tmp_path)

    async with stage(engine=in_file(tmp_path), slots=ONE) as hub:
        outcome = await ended(hub, waiting)

        async def script(_: TaskContext) -> str:
            return "next"

        assert (outcome.status, outcome.code) == (TaskStatus.FAILED, "unknown_command")
        assert outcome.ran == "no"
        assert (await hub.run("coroutine", script)).outcome
        assert hub.worker.running == 0


async def test_params_that_no_longer_fit_fail_what_waited(tmp_path: Path) -> None:
    """A plugin that changed its params meanwhile: `invalid_params`, ran no."""
    _, waiting = await leave_behind(tmp_path)

    class Changed(Plugin):
        """The same plugin, later."""

        name = "passing"

        @command
        async def work(self, ctx: TaskContext, speed: int) -> int:
            """Take another parameter."""
            return speed

    async with stage(Changed, engine=in_file(tmp_path), slots=ONE) as hub:
        outcome = await ended(hub, waiting)

        assert (outcome.code, outcome.ran) == ("invalid_params", "no")
