"""How output waits: for the loop's turn, for the store, and for nobody else."""

import asyncio
import threading

import pytest

from hub.engines.base import Bounds
from hub.plugin.context import TaskContext
from hub.plugin.errors import TaskError
from hub.runner.caps import Caps
from hub.runner.output import TURN_CHUNKS, TURN_SECONDS
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.late import LateEngine
from tests.stage import GRACE_S, PATIENCE_S, Stage, Waiter, said, soon, stage, turns

TIGHT = Slots(grace_s=GRACE_S, caps=Caps(uncommitted_bytes=1_000))
KILOBYTE = "x" * 1_000


class Turns:
    """Counts the turns of the loop."""

    def __init__(self) -> None:
        self.count = 0
        self._over = False

    def stop(self) -> None:
        """Count no more."""
        self._over = True

    async def run(self) -> None:
        """Count."""
        while not self._over:
            self.count += 1
            await asyncio.sleep(0)


def late(hub: Stage) -> LateEngine:
    """Return the engine that waits for the test."""
    assert isinstance(hub.engine, LateEngine)
    return hub.engine


@pytest.mark.parametrize("verb", ["chunk", "text"])
async def test_the_loop_gets_a_turn_every_64_chunks(verb: str) -> None:
    """A command that only sends, and never waits for anything, hogs nobody."""
    async with stage() as hub:
        turns_taken = Turns()
        seen: list[int] = []

        async def script(ctx: TaskContext) -> None:
            for number in range(3 * TURN_CHUNKS):
                await ctx.chunk(number if verb == "chunk" else str(number))
                seen.append(turns_taken.count)
            turns_taken.stop()

        async with asyncio.TaskGroup() as group:
            group.create_task(turns_taken.run())
            await hub.run("coroutine", script)

        rises = [at for at in range(1, len(seen)) if seen[at] > seen[at - 1]]
        assert rises == [TURN_CHUNKS - 1, 2 * TURN_CHUNKS - 1, 3 * TURN_CHUNKS - 1]


async def test_the_loop_gets_a_turn_every_5_ms() -> None:
    """However few chunks were sent."""
    async with stage() as hub:
        turns_taken = Turns()
        seen: list[int] = []

        async def script(ctx: TaskContext) -> None:
            for number in range(6):
                if number in (2, 4):
                    hub.clock.advance(1.2 * TURN_SECONDS)
                await ctx.chunk(number)
                seen.append(turns_taken.count)
            turns_taken.stop()

        async with asyncio.TaskGroup() as group:
            group.create_task(turns_taken.run())
            await hub.run("coroutine", script)

        rises = [at for at in range(1, len(seen)) if seen[at] > seen[at - 1]]
        assert rises == [2, 4]


async def test_chunks_of_one_turn_are_stored_together() -> None:
    """One record for the store, not one each."""
    async with stage(engine=LateEngine) as hub:

        async def script(ctx: TaskContext) -> None:
            for number in range(10):
                await ctx.chunk(number)
            await asyncio.Event().wait()

        task = await hub.start("coroutine", script)
        await turns()
        assert (task.run.log.written, task.head) == (10, 0)
        late(hub).commit()

        assert task.head == 10
        assert said(task) == list(range(10))


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_output_waits_for_the_store(command: str) -> None:
    """Over 1 MiB that is not committed (here 1 kB) a command is held up until it is."""
    async with stage(engine=LateEngine, slots=TIGHT) as hub:
        sent: list[int] = []

        async def on_the_loop(ctx: TaskContext) -> None:
            for number in range(5):
                await ctx.chunk(KILOBYTE)
                sent.append(number)

        def in_a_thread(ctx: TaskContext) -> None:
            for number in range(5):
                ctx.chunk(KILOBYTE)  # type: ignore[unused-awaitable]  # it waits
                sent.append(number)

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.start(command, script)
        run = task.run
        for number in range(5):
            await soon(lambda: run.thirsty)
            assert len(sent) == number
            assert run.uncommitted > 1_000
            late(hub).commit()
            assert task.head == number + 1
            assert not run.uncommitted
        late(hub).at_once()

        assert (await hub.outcome(task)).status is TaskStatus.COMPLETED
        assert said(task) == [KILOBYTE] * 5


async def test_one_run_waits_for_itself_only() -> None:
    """A run that wrote little goes on while another one is held up."""
    async with stage(engine=LateEngine, slots=TIGHT) as hub:
        done = asyncio.Event()

        async def much(ctx: TaskContext) -> None:
            await ctx.chunk(KILOBYTE)

        async def little(ctx: TaskContext) -> None:
            await ctx.chunk(1)
            done.set()

        await hub.start("coroutine", much)
        await hub.start("coroutine", little)

        async with asyncio.timeout(PATIENCE_S):
            await done.wait()
        late(hub).at_once()


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_a_cancel_ends_the_waiting(command: str) -> None:
    """A command that is held up can be cancelled; a thread is let go at once."""
    async with stage(engine=LateEngine, slots=TIGHT) as hub:
        after: list[bool] = []

        async def on_the_loop(ctx: TaskContext) -> None:
            await ctx.chunk(KILOBYTE)

        def in_a_thread(ctx: TaskContext) -> None:
            for _ in range(3):
                ctx.chunk(KILOBYTE)  # type: ignore[unused-awaitable]  # it waits
                after.append(ctx.cancelled)

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.start(command, script)
        await soon(lambda: task.run.thirsty)
        await hub.cancel(task)
        await soon(lambda: not hub.worker.running)
        late(hub).at_once()

        assert (await hub.outcome(task)).status is TaskStatus.CANCELLED
        assert after == ([] if command == "coroutine" else [True] * 3)


async def test_who_watches_never_slows_a_command() -> None:
    """A follower that reads nothing holds nothing up."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            await asyncio.sleep(0)
            for _ in range(2_000):
                await ctx.chunk(KILOBYTE)

        task = await hub.start("coroutine", script)
        with Waiter(hub, task) as waiter:
            await waiter.until(lambda: task.end)

        assert task.end == 2_001


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_too_much_output_fails_the_run(command: str) -> None:
    """It is told to stop, keeps what fitted, and ends `output_too_large`."""
    bounds = Bounds(max_log_bytes=5_500)
    async with stage(bounds=bounds, slots=TIGHT) as hub:
        stopped = threading.Event()

        async def on_the_loop(ctx: TaskContext) -> None:
            try:
                while True:
                    await ctx.chunk(KILOBYTE)
            finally:
                stopped.set()

        def in_a_thread(ctx: TaskContext) -> None:
            while not ctx.cancelled:
                ctx.chunk(KILOBYTE)  # type: ignore[unused-awaitable]  # it waits
            stopped.set()

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.run(command, script)
        outcome = task.outcome

        assert outcome
        assert (outcome.status, outcome.code) == (
            TaskStatus.FAILED,
            "output_too_large",
        )
        assert (outcome.retry, outcome.ran) == (False, "yes")
        assert stopped.is_set()
        assert 1 <= len(said(task)) <= 5


async def test_a_result_counts_as_output() -> None:
    """A result that the log has no room for ends the run `output_too_large`."""
    async with stage(bounds=Bounds(max_log_bytes=500)) as hub:

        async def script(ctx: TaskContext) -> object:
            await ctx.chunk("small")
            return KILOBYTE

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.code == "output_too_large"
        assert task.outcome.result == b"null"
        assert said(task) == ["small"]


async def test_log_records_never_fail_a_run() -> None:
    """Where the log has no room for them they are left out, and the run goes on."""
    async with stage(bounds=Bounds(max_log_bytes=1_100)) as hub:

        async def script(ctx: TaskContext) -> object:
            await ctx.chunk(KILOBYTE)
            await asyncio.sleep(0)
            for _ in range(5):
                ctx.log("x" * 100)
            await asyncio.sleep(0)
            return "done"

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.status is TaskStatus.COMPLETED
        assert said(task) == [KILOBYTE]


async def test_after_a_stop_the_verbs_of_a_thread_do_nothing() -> None:
    """They neither wait nor raise, whatever they are given; nothing is shown."""
    caps = Caps(chunk_bytes=100, uncommitted_bytes=1)
    async with stage(slots=Slots(grace_s=60, caps=caps)) as hub:
        told, begun = threading.Event(), threading.Event()
        raised: list[BaseException] = []

        def script(ctx: TaskContext) -> object:
            begun.set()
            assert told.wait(PATIENCE_S)
            try:
                assert ctx.cancelled
                ctx.progress(0.9, "late")
                ctx.log("late")
                ctx.chunk("late")  # type: ignore[unused-awaitable]  # a thread
                ctx.chunk(["x" * 1_000])  # type: ignore[unused-awaitable]  # ditto
                ctx.chunk("x" * 1_000)  # type: ignore[unused-awaitable]  # ditto
                ctx.write(b"x" * 1_000)  # type: ignore[unused-awaitable]  # ditto
                assert list(ctx.track([1, 2])) == [1, 2]
            except BaseException as error:
                raised.append(error)
                raise
            return "dropped"

        task = await hub.start("plain", script)
        await asyncio.to_thread(begun.wait, PATIENCE_S)
        await hub.cancel(task)
        told.set()
        outcome = await hub.outcome(task)

        assert raised == []
        assert (outcome.status, outcome.result) == (TaskStatus.CANCELLED, b"null")
        assert task.end == 1
        assert task.run.fraction is None


async def test_output_while_stopping_is_still_shown() -> None:
    """What an async command says in its `finally` stands in the log before the end."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            try:
                await ctx.chunk("working")
                await asyncio.Event().wait()
            finally:
                await ctx.chunk("cleaning up")

        task = await hub.start("coroutine", script)
        await hub.head(task, 1)
        await hub.cancel(task)
        outcome = await hub.outcome(task)

        assert outcome.status is TaskStatus.CANCELLED
        assert said(task) == ["working", "cleaning up"]


async def test_a_refused_chunk_leaves_no_trace() -> None:
    """The chunks around it are numbered without a hole."""
    caps = Caps(chunk_bytes=100)
    async with stage(slots=Slots(grace_s=GRACE_S, caps=caps)) as hub:

        async def script(ctx: TaskContext) -> None:
            for number in range(4):
                with pytest.raises(TaskError):
                    await ctx.chunk(["x" * 100])
                await ctx.chunk(number)

        task = await hub.run("coroutine", script)

        assert said(task) == [0, 1, 2, 3]
        assert task.end == 5
