"""What a command says: chunks, their sizes, and progress."""

import asyncio
import dataclasses
import threading
from base64 import b64decode
from collections.abc import Awaitable
from datetime import UTC, datetime

import msgspec
import pytest

from hub.engines.base import Bounds
from hub.plugin.context import TaskContext
from hub.plugin.errors import TaskError
from hub.runner.caps import Caps
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.stage import GRACE_S, PATIENCE_S, Waiter, entries, said, stage, turns

SMALL = Slots(grace_s=GRACE_S, caps=Caps(chunk_bytes=100))
LIMIT = Caps().chunk_bytes


async def test_chunks_are_numbered_and_timed() -> None:
    """From 1 without a hole; `at` is milliseconds since the run was accepted."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            await ctx.chunk("a")
            hub.clock.advance(0.25)
            await ctx.chunk("b", channel="err", kind="text")
            ctx.log("c")

        task = await hub.run("coroutine", script)

        assert entries(task) == [
            {"seq": 1, "at": 0, "channel": "out", "data": "a"},
            {"seq": 2, "at": 250, "channel": "err", "kind": "text", "data": "b"},
            {
                "seq": 3,
                "at": 250,
                "channel": "log",
                "data": {"level": "info", "message": "c"},
            },
        ]


@dataclasses.dataclass
class Point:
    """A value of a plugin's own."""

    x: int


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2024, 5, 1, tzinfo=UTC), "2024-05-01T00:00:00Z"),
        (b"\x00\xff", "AP8="),
        (float("nan"), None),
        (float("inf"), None),
        (Point(3), {"x": 3}),
        ((1, {2}), [1, [2]]),
        ({1: "one"}, {"1": "one"}),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
    ],
)
async def test_chunks_are_turned_into_json(value: object, shown: object) -> None:
    """Whatever msgspec can encode is output."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            await ctx.chunk(value)

        assert said(await hub.run("coroutine", script)) == [shown]


@pytest.mark.parametrize("value", [object(), 2**64, "\ud800", {(1, 2): 3}, [[]]])
async def test_what_is_no_json_value_raises_in_the_command(value: object) -> None:
    """At the call, as a ValueError; a command that takes it goes on."""
    if isinstance(value, list):
        for _ in range(40):
            value = [value]
    async with stage() as hub:

        async def script(ctx: TaskContext) -> object:
            with pytest.raises(ValueError, match=r"."):
                await ctx.chunk(value)
            await ctx.chunk("fine")
            return "went on"

        task = await hub.run("coroutine", script)

        assert said(task) == ["fine"]
        assert task.outcome
        assert task.outcome.result == b'"went on"'


async def test_a_chunk_is_what_it_was_when_it_was_sent() -> None:
    """The command may change the value afterwards."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            rows = [1]
            await ctx.chunk(rows)
            rows.append(2)
            await ctx.chunk(rows)

        assert said(await hub.run("coroutine", script)) == [[1], [1, 2]]


@pytest.mark.parametrize("command", ["coroutine", "plain"])
@pytest.mark.parametrize(
    "text",
    ["x" * 300_000, "é" * 200_000, "\x00" * 50_000, "😀" * 100_000, 'a"\n' * 60_000],
    ids=["ascii", "latin", "escaped", "astral", "mixed"],
)
async def test_long_text_is_cut(command: str, text: str) -> None:
    """Into chunks of 128 KiB at the most, which together are the text."""
    async with stage() as hub:

        async def on_the_loop(ctx: TaskContext) -> None:
            await ctx.chunk(text, kind="text")

        def in_a_thread(ctx: TaskContext) -> None:
            ctx.chunk(text, kind="text")  # type: ignore[unused-awaitable]  # waits

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.run(command, script)

        assert "".join(said(task)) == text
        assert len(said(task)) > 1
        assert max(len(msgspec.json.encode(each)) for each in said(task)) <= LIMIT
        assert {each["kind"] for each in entries(task)} == {"text"}


async def test_what_fits_is_one_chunk() -> None:
    """One call of `ctx.chunk` is one chunk up to the limit, for text and for all."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            await ctx.chunk("x" * (LIMIT - 2))
            await ctx.chunk(["x" * (LIMIT - 4)])

        assert len(said(await hub.run("coroutine", script))) == 2


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_long_binary_output_is_cut(command: str) -> None:
    """As text is; no chunk's encoding passes the limit."""
    data = bytes(range(256)) * 2_000
    async with stage() as hub:

        async def on_the_loop(ctx: TaskContext) -> None:
            await ctx.write(data, kind="image/png", channel="plot")

        def in_a_thread(ctx: TaskContext) -> None:
            ctx.write(data, kind="image/png", channel="plot")  # type: ignore[unused-awaitable]  # waits

        script = on_the_loop if command == "coroutine" else in_a_thread
        found = entries(await hub.run(command, script))

        assert b"".join(b64decode(each["bin"]) for each in found) == data
        assert max(len(each["bin"]) for each in found) <= LIMIT
        assert {(each["channel"], each["kind"]) for each in found} == {
            ("plot", "image/png")
        }


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_long_bytes_in_a_chunk_are_cut(command: str) -> None:
    """They are base64 there, and each chunk can be read by itself."""
    data = bytes(range(256)) * 2_000
    async with stage() as hub:

        async def on_the_loop(ctx: TaskContext) -> None:
            await ctx.chunk(data)

        def in_a_thread(ctx: TaskContext) -> None:
            ctx.chunk(data)  # type: ignore[unused-awaitable]  # waits

        script = on_the_loop if command == "coroutine" else in_a_thread
        pieces = [str(each) for each in said(await hub.run(command, script))]

        assert len(pieces) > 1
        assert b"".join(b64decode(piece, validate=True) for piece in pieces) == data
        assert max(map(len, pieces)) <= LIMIT


async def test_binary_output_may_be_empty_and_unnamed() -> None:
    """Nothing is one empty chunk; the kind is then that of any bytes."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            await ctx.write(b"")
            buffer = bytearray(b"one")
            await ctx.write(buffer)  # type: ignore[arg-type]  # works as well
            buffer[:] = b"two"

        found = entries(await hub.run("coroutine", script))

        assert [each["bin"] for each in found] == ["", "b25l"]
        assert {each["kind"] for each in found} == {"application/octet-stream"}


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_other_values_are_not_cut(command: str) -> None:
    """Over the limit they raise `chunk_too_large`, and a command may go on."""
    async with stage(slots=SMALL) as hub:
        caught: list[TaskError] = []

        async def on_the_loop(ctx: TaskContext) -> None:
            await ctx.chunk("before")
            try:
                await ctx.chunk(["x" * 100])
            except TaskError as error:
                caught.append(error)
            await ctx.chunk("after")

        def in_a_thread(ctx: TaskContext) -> None:
            with pytest.raises(TaskError) as error:
                ctx.chunk(["x" * 100])  # type: ignore[unused-awaitable]  # it raises
            caught.append(error.value)

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.run(command, script)

        assert task.outcome
        assert task.outcome.status is TaskStatus.COMPLETED
        assert caught[0].code == "chunk_too_large"
        assert caught[0].detail == {"bytes": 104, "limit": 100}
        assert said(task) == (["before", "after"] if command == "coroutine" else [])


async def test_a_chunk_that_is_too_large_fails_the_task() -> None:
    """Where the command does not see to it: `plugin_error`, and its own code."""
    async with stage(slots=SMALL) as hub:

        async def script(ctx: TaskContext) -> None:
            await ctx.chunk(["x" * 100])

        task = await hub.run("coroutine", script)

        assert task.outcome
        assert task.outcome.code == "plugin_error"
        detail = msgspec.json.decode(task.outcome.detail)
        assert detail["code"] == "chunk_too_large"


@pytest.mark.parametrize("command", ["coroutine", "plain"])
@pytest.mark.parametrize("channel", ["\ud800", 5, ["out"]])
async def test_a_channel_that_is_no_text_fails_its_own_task_only(
    command: str, channel: str
) -> None:
    """It raises at the call; the log is whole, and the next task runs."""
    async with stage() as hub:

        def say(ctx: TaskContext, what: str, where: str = "out") -> Awaitable[None]:
            return ctx.chunk(what, channel=where)

        async def on_the_loop(ctx: TaskContext) -> None:
            await say(ctx, "before")
            await say(ctx, "x", channel)

        def in_a_thread(ctx: TaskContext) -> None:
            _ = say(ctx, "before")
            _ = say(ctx, "x", channel)

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.run(command, script)
        outcome = task.outcome

        assert outcome
        assert (outcome.status, outcome.code) == (TaskStatus.FAILED, "plugin_error")
        assert said(task) == ["before"]
        assert task.end == 2
        assert task.run.log.written == task.run.log.head == 1


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_progress_is_seen_while_the_command_runs(command: str) -> None:
    """The latest values, and when; followers are marked."""
    async with stage() as hub:
        go = threading.Event()

        def tell(ctx: TaskContext) -> None:
            ctx.progress(0.1, "begun")
            ctx.progress(0.5, "half", step=1, total=2)

        async def on_the_loop(ctx: TaskContext) -> None:
            tell(ctx)
            await asyncio.to_thread(go.wait, PATIENCE_S)

        def in_a_thread(ctx: TaskContext) -> None:
            tell(ctx)
            go.wait(PATIENCE_S)

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.start(command, script)
        run = task.run
        with Waiter(hub, task) as waiter:
            await waiter.until(lambda: run.fraction == 0.5)
        go.set()
        await hub.outcome(task)

        assert (run.fraction, run.message, run.step, run.total) == (0.5, "half", 1, 2)


async def test_progress_never_waits() -> None:
    """Any number of calls without a turn of the loop; followers are marked once."""
    async with stage(bounds=Bounds(progress_ms=100)) as hub:

        async def script(ctx: TaskContext) -> None:
            await asyncio.sleep(0)
            for number in range(10_000):
                ctx.progress(number / 10_000)

        with_progress = await hub.start("coroutine", script)
        with Waiter(hub, with_progress, progress_ms=100) as waiter:
            await waiter.until(lambda: with_progress.end)

            assert waiter.told == 1


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_what_is_said_after_the_end_is_lost(command: str) -> None:
    """A context that a command has leaked changes nothing any more."""
    async with stage() as hub:
        leaked: list[TaskContext] = []

        async def on_the_loop(ctx: TaskContext) -> None:
            leaked.append(ctx)
            ctx.progress(0.3)
            await ctx.chunk("in time")

        def in_a_thread(ctx: TaskContext) -> None:
            leaked.append(ctx)
            ctx.progress(0.3)
            ctx.chunk("in time")  # type: ignore[unused-awaitable]  # it waits

        script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.run(command, script)
        ctx = leaked[0]
        ctx.progress(0.9, "late")
        await ctx.chunk("late")
        await ctx.write(b"late")
        ctx.log("late")
        await turns()

        assert said(task) == ["in time"]
        assert task.run.fraction == 0.3


async def test_the_deadline_is_the_nearest_end() -> None:
    """Seconds left until the timeout, or until the task's own deadline before that."""
    async with stage() as hub:
        left: list[float | None] = []

        async def script(ctx: TaskContext) -> None:
            left.append(ctx.deadline)
            hub.clock.advance(1)
            left.append(ctx.deadline)
            hub.clock.advance(100)
            left.append(ctx.deadline)

        await hub.run("brief", script)
        await hub.run("brief", script, deadline_ms=3_000)

        assert left == [5, 4, 0, 3, 2, 0]


async def test_the_deadline_of_a_shared_run_may_grow() -> None:
    """It is that of the task that waits longest; a task without one waits for ever."""
    async with stage() as hub:
        go = [asyncio.Event(), asyncio.Event()]
        left: list[float | None] = []

        async def script(ctx: TaskContext) -> None:
            for event in go:
                left.append(ctx.deadline)
                await event.wait()
            left.append(ctx.deadline)

        first = await hub.execute("shared", script, deadline_ms=3_000)
        name = hub.name(script).replace("1", "0")
        second = await hub.execute("shared", name, deadline_ms=9_000)
        assert second.origin == "joined"
        await asyncio.sleep(0)
        go[0].set()
        await asyncio.sleep(0)
        third = await hub.execute("shared", name)
        go[1].set()
        await hub.outcome(third.task)

        assert left[1:] == [9, 300]
        assert first.task.run is third.task.run
