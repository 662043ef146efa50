"""The worker: slots, deadlines, cancels, and what does not stop."""

import asyncio
import threading

import pytest

from hub.engines.base import Bounds
from hub.errors import QueueFullError
from hub.events import Piece
from hub.plugin.command import command
from hub.plugin.context import TaskContext
from hub.plugin.typed import Plugin
from hub.runs import Claim
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.stage import (
    GRACE_S,
    PATIENCE_S,
    Script,
    soon,
    stage,
    turns,
)
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
async def test_only_so_many_run_at_once(command: str) -> None:
    """The others wait, and begin in the order they came when a slot is free."""
    slots = Slots(async_runs=2, thread_runs=2, grace_s=GRACE_S)
    async with stage(slots=slots) as hub:
        order: list[int] = []
        gates = [(asyncio.Event(), threading.Event()) for _ in range(5)]

        def script_of(number: int) -> Script:
            async def on_the_loop(_: TaskContext) -> None:
                order.append(number)
                await gates[number][0].wait()

            def in_a_thread(_: TaskContext) -> None:
                order.append(number)
                gates[number][1].wait(PATIENCE_S)

            return on_the_loop if command == "coroutine" else in_a_thread

        tasks = [await hub.start(command, script_of(number)) for number in range(5)]
        await turns()
        assert hub.worker.running == 2
        assert [task.status for task in tasks[2:]] == [TaskStatus.CREATED] * 3
        for number, task in enumerate(tasks):
            await hub.begun(task)
            for gate in gates[number]:
                gate.set()
            await hub.outcome(task)

        assert order == sorted(order) or command == "plain"
        assert sorted(order) == [0, 1, 2, 3, 4]


async def test_a_full_queue_refuses() -> None:
    """`queue_full` when nobody is free and enough wait; one that ends makes room."""
    async with stage(bounds=Bounds(queued=2), slots=ONE) as hub:
        go = asyncio.Event()

        async def script(_: TaskContext) -> None:
            await go.wait()

        tasks = [await hub.start("coroutine", script) for _ in range(3)]
        with pytest.raises(QueueFullError) as refused:
            await hub.start("coroutine", script)
        assert refused.value.retry_after_ms
        go.set()
        for task in tasks:
            assert (await hub.outcome(task)).status is TaskStatus.COMPLETED
        assert (await hub.run("coroutine", noop)).end


async def test_a_command_has_a_limit_of_its_own() -> None:
    """It counts until a command has really ended, an abandoned one included."""

    class Narrow(Plugin):
        """Commands with limits."""

        version = "1"

        @command(concurrency=1)
        def alone(self, ctx: TaskContext) -> None:
            """Ignore every wish to stop."""
            began.set()
            assert door.wait(PATIENCE_S)

    began, door = threading.Event(), threading.Event()
    async with stage(Narrow) as hub:
        first = (await hub.execute("alone", plugin="narrow")).task
        second = (await hub.execute("alone", plugin="narrow")).task
        await soon(began.is_set)
        await hub.cancel(first)
        hub.tick(1)
        assert (await hub.outcome(first)).status is TaskStatus.CANCELLED
        assert second.status is TaskStatus.CREATED

        door.set()
        assert (await hub.outcome(second)).status is TaskStatus.COMPLETED


async def test_loop_and_threads_have_slots_of_their_own() -> None:
    """A busy pool of threads does not hold up what runs on the loop."""
    async with stage(slots=ONE) as hub:
        stubborn = Stubborn("plain")
        await hub.start("plain", stubborn.script)
        await began(hub, stubborn)

        assert (await hub.run("coroutine", noop)).end
        stubborn.release()
        await idle(hub)


async def test_what_waits_and_is_cancelled_never_starts() -> None:
    """It ends at once, ran no, and its place in the queue is given up."""
    async with stage(slots=ONE) as hub:
        go = asyncio.Event()
        started: list[str] = []

        async def first(_: TaskContext) -> None:
            await go.wait()

        async def second(_: TaskContext) -> None:
            started.append("second")

        running = await hub.start("coroutine", first)
        waiting = await hub.start("coroutine", second)
        await hub.cancel(waiting)
        outcome = waiting.outcome
        assert outcome
        assert (outcome.status, outcome.code, outcome.ran) == (
            TaskStatus.CANCELLED,
            "cancelled",
            "no",
        )
        go.set()
        await hub.outcome(running)
        await hub.run("coroutine", noop)

        assert started == []


async def test_an_async_command_is_cancelled_at_its_next_await() -> None:
    """It may clean up, and then its task ends `cancelled`."""
    async with stage() as hub:
        seen: list[object] = []

        async def script(ctx: TaskContext) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append(ctx.cancelled)
                raise

        task = await hub.start("coroutine", script)
        await turns()
        await hub.cancel(task)
        outcome = await hub.outcome(task)

        assert seen == [True]
        assert (outcome.status, outcome.code, outcome.ran) == outcome_of("cancelled")
        assert hub.metrics.cancelled == 1


async def test_a_thread_sees_that_it_is_cancelled() -> None:
    """`ctx.cancelled` turns true; what it returns then is dropped."""
    async with stage(slots=Slots(grace_s=60)) as hub:
        begun = threading.Event()

        def script(ctx: TaskContext) -> str:
            begun.set()
            while not ctx.cancelled:
                ctx.chunk("tick")  # type: ignore[unused-awaitable]  # in a thread
            return "dropped"

        task = await hub.start("plain", script)
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        await hub.cancel(task)
        outcome = await hub.outcome(task)

        assert (outcome.status, outcome.code, outcome.ran) == outcome_of("cancelled")
        assert outcome.result == b"null"
        await idle(hub)


@pytest.mark.parametrize("ending", ["returns", "raises"])
async def test_whatever_a_cancelled_command_does_it_is_cancelled(ending: str) -> None:
    """Returning a value, or raising something else, does not undo the cancel."""
    async with stage() as hub:

        async def script(_: TaskContext) -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if ending == "raises":
                    raise ValueError from None
            return "value"

        task = await hub.start("coroutine", script)
        await turns()
        await hub.cancel(task)
        outcome = await hub.outcome(task)

        assert outcome.status is TaskStatus.CANCELLED
        assert outcome.result == b"null"


async def test_a_cancel_before_the_first_step_is_a_cancel() -> None:
    """A command that was begun in this very turn ends, and frees its slot."""
    async with stage(slots=ONE) as hub:
        started: list[int] = []

        async def script(_: TaskContext) -> None:
            started.append(1)
            await asyncio.Event().wait()

        opened = await hub.execute("coroutine", script)
        # No turn was given since: `submit` answered at once.
        await hub.cancel(opened.task)
        await turns(10)

        assert hub.worker.running == 0
        assert opened.task.status is TaskStatus.CANCELLED
        assert (await hub.run("coroutine", noop)).end


async def test_counts_and_times_of_runs() -> None:
    """Started, completed, failed; how long it ran, for its plugin too."""
    async with stage() as hub:

        async def script(_: TaskContext) -> None:
            hub.clock.advance(0.5)

        async def bad(_: TaskContext) -> None:
            raise ValueError

        task = await hub.run("coroutine", script)
        await hub.run("coroutine", bad)
        metrics, statistics = hub.metrics, hub.registry.plugins()[0].statistics

        assert task.outcome
        assert task.outcome.execution_ms == pytest.approx(500)
        assert (metrics.started, metrics.completed, metrics.failed) == (2, 1, 1)
        assert (statistics.calls, statistics.successes, statistics.failures) == (
            2,
            1,
            1,
        )
        assert statistics.total_ms == pytest.approx(500)


async def test_a_fault_of_the_store_ends_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As `internal`, never in silence; the slot is free again."""
    async with stage(slots=ONE) as hub:
        append = hub.engine.append

        def fail(claim: Claim, pieces: list[Piece]) -> bool:
            raise ZeroDivisionError("a fault of ours")

        async def script(ctx: TaskContext) -> None:
            hub.engine.append = fail  # type: ignore[method-assign]  # the fault
            await ctx.chunk(1)

        outcome = (await hub.run("coroutine", script)).outcome
        hub.engine.append = append  # type: ignore[method-assign]  # as it was

        assert outcome
        assert (outcome.code, outcome.ran) == ("internal", "maybe")
        assert "a fault of ours" in caplog.text
        assert (await hub.run("coroutine", noop)).end
