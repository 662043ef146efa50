"""Commands on the loop: coroutines and async generators."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar

from hub.errors import PluginError
from hub.plugin.context import TaskContext, current, current_task
from hub.runner.inline import run_inline
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.stage import entries, said, stage

mark: ContextVar[str] = ContextVar("mark")


async def test_what_a_coroutine_returns_is_the_result() -> None:
    """An `async def` command completes with its value."""
    async with stage() as hub:

        async def script(_: TaskContext) -> object:
            await asyncio.sleep(0)
            return {"answer": 42}

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.status is TaskStatus.COMPLETED
        assert task.outcome.result == b'{"answer":42}'


async def test_what_a_command_set_aside_is_not_its_result() -> None:
    """`ctx.result` is for generators: of a coroutine the returned value counts."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> object:
            ctx.result("set")
            return "returned"

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.result == b'"returned"'


async def test_each_item_of_an_async_generator_is_a_chunk() -> None:
    """In order, one chunk each, on the channel out; the last `ctx.result` counts."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> AsyncIterator[object]:
            ctx.result("early")
            yield {"row": 1}
            yield None
            yield ["x"]
            ctx.result("late")

        task = await hub.run("stream", script)

        assert said(task) == [{"row": 1}, None, ["x"]]
        assert task.outcome
        assert task.outcome.result == b'"late"'
        assert [each["seq"] for each in entries(task)] == [1, 2, 3]


async def test_a_generator_that_sets_no_result_has_none() -> None:
    """It completes with null."""
    async with stage() as hub:

        async def script(_: TaskContext) -> AsyncIterator[object]:
            yield 1

        task = await hub.run("stream", script)

        assert task.outcome
        assert (task.outcome.status, task.outcome.result) == (
            TaskStatus.COMPLETED,
            b"null",
        )


async def test_what_a_generator_yielded_before_it_raised_is_kept() -> None:
    """The chunks stand in the log of the failed task."""
    async with stage() as hub:

        async def script(_: TaskContext) -> AsyncIterator[object]:
            yield 1
            raise ValueError("no more")

        task = await hub.run("stream", script)

        assert said(task) == [1]
        assert task.outcome
        assert task.outcome.error == "ValueError: no more"
        assert task.outcome.code == PluginError.code


async def test_a_cancelled_generator_is_closed_before_its_task_ends() -> None:
    """Its `finally` has run, and may await, when readers see the end."""
    async with stage() as hub:
        closed: list[str] = []

        async def script(_: TaskContext) -> AsyncIterator[object]:
            try:
                yield 1
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                closed.append("closed")

        task = await hub.start("stream", script)
        await hub.head(task, 1)
        await hub.cancel(task)
        outcome = await hub.outcome(task)

        assert outcome.status is TaskStatus.CANCELLED
        assert closed == ["closed"]


async def test_the_context_is_known_in_all_that_a_command_calls() -> None:
    """`current_task()` is the command's, in its own tasks and threads too."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> object:
            async def inside() -> bool:
                return current_task() is ctx

            return [
                current_task() is ctx,
                await asyncio.create_task(inside()),
                await asyncio.to_thread(lambda: current_task() is ctx),
            ]

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.result == b"[true,true,true]"
        assert current.get(None) is None


async def test_commands_at_once_keep_their_contexts_apart() -> None:
    """What one says lands in its own log, whoever else runs."""
    async with stage() as hub:

        async def script(_: TaskContext) -> None:
            name = asyncio.current_task()
            for number in range(3):
                await current_task().chunk(f"{id(name)} {number}")
                await asyncio.sleep(0)

        tasks = [await hub.start("coroutine", script) for _ in range(3)]
        for task in tasks:
            await hub.outcome(task)

        heads = [{text.split()[0] for text in said(task)} for task in tasks]
        assert [len(each) for each in heads] == [1, 1, 1]
        assert len(set.union(*heads)) == 3


async def test_a_run_inherits_no_context_from_the_one_before() -> None:
    """What a command puts into a context variable is gone with it.

    The next run of a queue begins when a slot comes free, inside the task of the
    command before; it must not see what that one has set.
    """
    async with stage(slots=Slots(async_runs=1, thread_runs=1)) as hub:
        go = asyncio.Event()

        async def first(_: TaskContext) -> None:
            mark.set("of the first")
            await go.wait()

        async def second(_: TaskContext) -> object:
            return mark.get("nothing")

        tasks = [await hub.start("coroutine", first)]
        tasks.append(await hub.start("coroutine", second))
        go.set()

        assert (await hub.outcome(tasks[1])).result == b'"nothing"'


async def test_a_command_can_be_run_by_itself() -> None:
    """`run_inline` returns what the command returns, and raises what it raises."""
    async with stage() as hub:
        seen: list[TaskContext] = []

        async def script(ctx: TaskContext) -> object:
            seen.append(ctx)
            await ctx.chunk(1)
            return 2

        await hub.run("coroutine", script)
        spec = hub.registry.lookup("scripted", "coroutine")
        params = spec.parse(b'{"script":"%b"}' % hub.name(script).encode()).params

        # The sink of a run that is over takes everything and shows nothing.
        again = asyncio.create_task(run_inline(spec, seen[0], params))

        assert await again == 2
