"""The worker: what runs out of time, what does not stop, and its own end."""

import asyncio
import threading

import pytest

from hub.plugin.context import TaskContext
from hub.runs import Mood
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.stage import GRACE_S, PATIENCE_S, SCRIPTED, said, stage, turns
from tests.stubborn import Stubborn, began, idle

ONE = Slots(async_runs=1, thread_runs=1, grace_s=GRACE_S)
KINDS = ["coroutine", "plain"]


async def noop(_: TaskContext) -> str:
    """Return at once."""
    return "done"


def outcome_of(code: str) -> tuple[TaskStatus, str, str]:
    """Return status, code and ran of a run that was told to stop."""
    cancelled = code == "cancelled"
    return (TaskStatus.CANCELLED if cancelled else TaskStatus.FAILED, code, "yes")


@pytest.mark.parametrize("command", KINDS)
async def test_a_command_that_does_not_stop_is_abandoned(
    command: str, caplog: pytest.LogCaptureFixture
) -> None:
    """After the grace its task ends; its slot stays taken until it really returns."""
    async with stage(slots=ONE) as hub:
        stubborn = Stubborn(command)
        task = await hub.start(command, stubborn.script)
        await began(hub, stubborn)
        await hub.cancel(task)
        await turns()
        hub.tick(GRACE_S / 2)
        assert not task.end
        hub.tick(GRACE_S)

        assert task.status is TaskStatus.CANCELLED
        assert f"task {task.id}: {SCRIPTED}.{command} does not stop" in caplog.text
        assert hub.worker.running == 1
        before = said(task)
        waiting = await hub.start(command, noop if command == "coroutine" else str)
        await turns()
        assert waiting.status is TaskStatus.CREATED
        stubborn.release()
        await hub.outcome(waiting)
        await idle(hub)

        assert said(task) == before
        assert task.end == len(before) + 1
        assert "abandoned command has returned" in caplog.text


async def test_an_abandoned_command_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However long it takes: one result, one warning, one count."""
    async with stage() as hub:
        stubborn = Stubborn("coroutine")
        task = await hub.start("coroutine", stubborn.script)
        await began(hub, stubborn)
        await hub.cancel(task)
        for _ in range(5):
            hub.tick(GRACE_S * 2)
        assert caplog.text.count("does not stop") == 1
        assert hub.metrics.cancelled == 1
        stubborn.release()
        await idle(hub)


@pytest.mark.parametrize("command", ["brief", "brief_plain"])
async def test_a_timeout_fails_the_run(command: str) -> None:
    """After its `timeout` a command is told to stop: `deadline_exceeded`, ran yes."""
    async with stage(slots=Slots(grace_s=60)) as hub:
        begun = threading.Event()

        async def on_the_loop(_: TaskContext) -> None:
            begun.set()
            await asyncio.Event().wait()

        def in_a_thread(ctx: TaskContext) -> None:
            begun.set()
            while not ctx.cancelled:
                pass

        script = on_the_loop if command == "brief" else in_a_thread
        task = await hub.start(command, script)
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        hub.tick(4.9)
        assert not task.end
        hub.tick(0.2)
        outcome = await hub.outcome(task)

        assert (outcome.status, outcome.code, outcome.ran) == outcome_of(
            "deadline_exceeded"
        )
        assert outcome.retry is False
        assert hub.metrics.failed == 1


@pytest.mark.parametrize("command", ["brief", "brief_plain"])
async def test_a_timeout_that_is_ignored_ends_the_run_all_the_same(
    command: str,
) -> None:
    """The grace later, with the slot still taken."""
    async with stage() as hub:
        stubborn = Stubborn(command)
        task = await hub.start(command, stubborn.script)
        await began(hub, stubborn)
        hub.tick(5.1)
        await turns()
        hub.tick(GRACE_S * 2)

        assert task.outcome
        assert task.outcome.code == "deadline_exceeded"
        assert hub.worker.running == 1
        stubborn.release()
        await idle(hub)


async def test_a_deadline_counts_the_queue() -> None:
    """`deadline_ms` is from acceptance: who waited too long never starts, ran no."""
    async with stage(slots=ONE) as hub:
        go = asyncio.Event()

        async def first(_: TaskContext) -> None:
            await go.wait()

        running = await hub.start("coroutine", first)
        waiting = await hub.start("coroutine", noop, deadline_ms=1_000)
        hub.tick(1.1)

        assert waiting.outcome
        assert waiting.outcome.code == "deadline_exceeded"
        assert waiting.outcome.ran == "no"
        go.set()
        await hub.outcome(running)


async def test_a_deadline_stops_a_running_command() -> None:
    """Its run ends `deadline_exceeded`, ran yes, when it has stopped."""
    async with stage() as hub:

        async def script(_: TaskContext) -> None:
            await asyncio.Event().wait()

        task = await hub.start("coroutine", script, deadline_ms=1_000)
        await turns()
        hub.tick(1.1)
        outcome = await hub.outcome(task)

        assert (outcome.status, outcome.code, outcome.ran) == outcome_of(
            "deadline_exceeded"
        )
        assert task.run.mood is Mood.ENDED


async def test_a_stopped_worker_ends_what_runs() -> None:
    """As `hub_restarted`, ran maybe; what waits stays where it is."""
    async with stage(slots=ONE) as hub:
        cleaned: list[int] = []

        async def script(_: TaskContext) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cleaned.append(1)

        running = await hub.start("coroutine", script)
        waiting = await hub.start("coroutine", noop)
        await turns()
        await hub.worker.stop()
        await hub.worker.stop()

        assert running.outcome
        assert (running.outcome.code, running.outcome.retry) == ("hub_restarted", True)
        assert running.outcome.ran == "maybe"
        assert cleaned == [1]
        assert waiting.status is TaskStatus.CREATED


@pytest.mark.parametrize("command", KINDS)
async def test_a_stop_waits_for_the_grace_only(command: str) -> None:
    """What does not stop is abandoned, and its task ends."""
    async with stage() as hub:
        stubborn = Stubborn(command)
        task = await hub.start(command, stubborn.script)
        await began(hub, stubborn)
        await hub.worker.stop()

        assert task.outcome
        assert task.outcome.code == "hub_restarted"
        stubborn.release()
        await idle(hub)


async def test_a_worker_that_stops_takes_no_new_work() -> None:
    """A run that is handed to it all the same ends `hub_restarted`: never silence."""
    async with stage() as hub:
        await hub.worker.stop()
        started: list[int] = []

        async def script(_: TaskContext) -> None:
            started.append(1)

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.code == "hub_restarted"
        assert started == []


async def test_a_race_has_one_result() -> None:
    """A command that returns in the turn it is cancelled in ends once."""
    async with stage() as hub:
        go = asyncio.Event()

        async def script(_: TaskContext) -> str:
            await go.wait()
            return "done"

        task = await hub.start("coroutine", script)
        await turns()
        go.set()
        await hub.cancel(task)
        outcome = await hub.outcome(task)

        assert outcome.status is TaskStatus.CANCELLED
        assert task.end == 1
        await idle(hub)
