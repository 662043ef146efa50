"""Commands in threads: functions and generators."""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar

from hub.plugin.context import TaskContext, current_task
from hub.runner.threads import Threads
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.stage import PATIENCE_S, said, stage

mark: ContextVar[str] = ContextVar("mark")


async def test_a_function_runs_beside_the_loop() -> None:
    """A `def` command may block, and the loop goes on."""
    async with stage() as hub:
        go = threading.Event()

        def script(_: TaskContext) -> object:
            assert go.wait(PATIENCE_S)
            return threading.current_thread() is threading.main_thread()

        task = await hub.start("plain", script)
        await hub.begun(task)
        go.set()

        assert (await hub.outcome(task)).result == b"false"


async def test_each_item_of_a_generator_is_a_chunk() -> None:
    """In order, without a word of `await`; the last `ctx.result` counts."""
    async with stage() as hub:

        def script(ctx: TaskContext) -> Iterator[object]:
            yield from range(200)
            ctx.result("done")

        task = await hub.run("plain_stream", script)

        assert said(task) == list(range(200))
        assert task.outcome
        assert task.outcome.result == b'"done"'


async def test_a_cancelled_generator_is_closed() -> None:
    """It is left at a `yield`, and its `finally` runs before the task ends."""
    async with stage(slots=Slots(grace_s=60)) as hub:
        closed: list[str] = []

        def script(_: TaskContext) -> Iterator[object]:
            try:
                while True:
                    yield 1
            finally:
                closed.append("closed")

        task = await hub.start("plain_stream", script)
        await hub.head(task, 3)
        await hub.cancel(task)
        outcome = await hub.outcome(task)

        assert outcome.status is TaskStatus.CANCELLED
        assert closed == ["closed"]


async def test_the_context_is_known_in_the_thread() -> None:
    """`current_task()` is the command's."""
    async with stage() as hub:

        def script(ctx: TaskContext) -> object:
            return current_task() is ctx

        task = await hub.run("plain", script)

        assert task.outcome
        assert task.outcome.result == b"true"


async def test_a_thread_keeps_nothing_of_the_command_before() -> None:
    """Neither its context variables, nor those of who made room for it."""
    async with stage(slots=Slots(async_runs=1, thread_runs=1)) as hub:
        go = threading.Event()

        def first(_: TaskContext) -> None:
            mark.set("of the first")
            go.wait(PATIENCE_S)

        def second(_: TaskContext) -> object:
            return mark.get("nothing")

        await hub.start("plain", first)
        task = await hub.start("plain", second)
        go.set()

        assert (await hub.outcome(task)).result == b'"nothing"'


async def test_threads_are_used_again() -> None:
    """Many commands, one after the other, need a few threads."""
    async with stage() as hub:
        seen: set[int] = set()

        def script(_: TaskContext) -> None:
            seen.add(threading.get_ident())

        for _ in range(20):
            await hub.run("plain", script)

        # A thread is free a moment after its command's end was told.
        assert len(seen) < 5


async def test_commands_at_once_have_threads_of_their_own() -> None:
    """None waits for another one's thread."""
    async with stage() as hub:
        together = threading.Barrier(5, timeout=PATIENCE_S)

        def script(_: TaskContext) -> None:
            together.wait()

        tasks = [await hub.start("plain", script) for _ in range(5)]

        for task in tasks:
            assert (await hub.outcome(task)).status is TaskStatus.COMPLETED


def test_threads_do_not_keep_the_process() -> None:
    """They are daemons, so a command that never returns cannot hold up the exit."""
    threads = Threads()
    found: list[bool] = []
    ran = threading.Event()

    def job() -> None:
        found.append(threading.current_thread().daemon)
        ran.set()

    threads.start(job)

    assert ran.wait(PATIENCE_S)
    assert found == [True]
    threads.close()


def test_closed_threads_end() -> None:
    """Those that are free at once, the others when their command returns."""
    threads = Threads()
    go, begun = threading.Event(), threading.Event()
    found: list[threading.Thread] = []

    def job() -> None:
        found.append(threading.current_thread())
        begun.set()
        go.wait(PATIENCE_S)

    threads.start(job)
    assert begun.wait(PATIENCE_S)
    threads.close()
    assert found[0].is_alive()
    go.set()
    found[0].join(PATIENCE_S)

    assert not found[0].is_alive()


def test_a_command_may_outlive_the_loop() -> None:
    """What an abandoned thread says or returns after the hub's end harms nobody."""
    go, begun = threading.Event(), threading.Event()
    found: list[threading.Thread] = []
    raised: list[BaseException] = []
    leaked: list[TaskContext] = []

    def script(ctx: TaskContext) -> None:
        found.append(threading.current_thread())
        begun.set()
        go.wait(PATIENCE_S)
        try:
            leaked[0].progress(0.5)
            ctx.progress(0.5)
            ctx.log("still here")
            ctx.chunk(1)  # type: ignore[unused-awaitable]  # in a thread the call waits
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is wrong)
            raised.append(error)

    async def serve() -> None:
        async with stage() as hub:
            await hub.run("plain", leaked.append)
            await hub.start("plain", script)
            await asyncio.to_thread(begun.wait, PATIENCE_S)

    asyncio.run(serve())
    go.set()
    found[0].join(PATIENCE_S)

    assert not found[0].is_alive()
    assert raised == []
