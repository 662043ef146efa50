"""Feeds: answers from the cache, large results, logs that left memory."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hub.clock import Clock
from hub.engines.base import Bounds, Engine
from hub.engines.sqlite.engine import SPILL_BYTES, SqliteEngine
from hub.errors import HubError
from hub.ids import TaskIds
from hub.plugin.context import TaskContext
from hub.protocol.writing import JSON, MSGPACK, Framing
from hub.runs import Task
from tests.feeds import Reading, Talker, talking
from tests.stage import Stage, stage, turns

KILOBYTE = "x" * 1_000
FRAMINGS = pytest.mark.parametrize("framing", [JSON, MSGPACK], ids=["json", "msgpack"])


@pytest.mark.parametrize("trace", [None, "00-1-2-01"])
@pytest.mark.parametrize("locale", ["en", "zh-CN"])
@FRAMINGS
async def test_a_cached_answer_is_one_message(
    framing: Framing, locale: str, trace: str | None
) -> None:
    """`opened`, its whole log and its `result`, all or nothing."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> str:
            await ctx.chunk("a")
            await ctx.chunk("b")
            return "done"

        await hub.run("cached", script)
        opened = await hub.execute(
            "cached", "script0", room=2**18, trace=trace, locale=locale
        )
        assert (opened.origin, opened.together) == ("cached", True)
        reading = Reading(hub, framing, locale)
        reading.feed.open(opened, id="c")
        await reading.peer.get("result")
        frames = reading.peer.frames

        assert len(reading.peer.messages) == 1
        assert [each["type"] for each in frames] == [
            "opened",
            "chunk",
            "chunk",
            "result",
        ]
        assert {each["task_id"] for each in frames} == {opened.task.id}
        assert (frames[0]["id"], frames[0]["origin"]) == ("c", "cached")
        metadata = frames[-1]["response"]["metadata"]
        assert metadata.get("trace") == trace
        assert metadata["cached_at"] < metadata["expires_at"]
        assert hub.metrics.watches == 0


@pytest.mark.parametrize("data", [1, "x" * 50, "é" * 100])
@FRAMINGS
async def test_a_cached_answer_fits_into_a_frame(
    framing: Framing, data: object
) -> None:
    """However many chunks it has: what is larger is recorded, and read like a log."""
    frame_bytes = 32 * 1024
    async with stage(frame_bytes=frame_bytes) as hub:

        async def script(ctx: TaskContext) -> None:
            for _ in range(100):
                await ctx.chunk(data)

        for number in range(1, 8):
            name = f"script{number - 1}"

            async def more(ctx: TaskContext, times: int = number) -> None:
                for _ in range(times):
                    await script(ctx)

            more.__name__ = "script"
            await hub.run("cached", more)
            opened = await hub.execute("cached", name, room=frame_bytes)
            assert opened.origin == "cached"
            reading = Reading(hub, framing)
            reading.feed.open(opened, id=number)
            await reading.peer.get("result")

            assert max(map(len, reading.peer.messages)) <= frame_bytes
            assert len(reading.peer.of("chunk")) == 100 * number


@pytest.mark.parametrize("size", [100, 60_000, 65_000, 65_536, 200_000])
@FRAMINGS
async def test_a_result_over_the_limit_is_fetched(framing: Framing, size: int) -> None:
    """It is null then, and `result_url` says from where; no frame passes the limit."""
    async with stage(frame_bytes=65_536) as hub:
        talker, task = await talking(hub)
        reading = Reading(hub, framing)
        reading.watch(task)
        talker.end("x" * size)
        frame = await reading.peer.get("result")

        assert max(map(len, reading.peer.messages)) <= 65_536
        if size <= 60_000:
            assert frame["response"]["result"] == "x" * size
            assert "result_url" not in frame
        else:
            assert frame["response"]["result"] is None
            assert frame["result_url"] == f"api/v1/tasks/{task.id}/result"


# Logs that have left memory


@pytest.fixture
def in_file(tmp_path: Path) -> Any:
    """Make an engine with a file."""

    def make(bounds: Bounds, clock: Clock) -> Engine:
        return SqliteEngine(bounds, clock, TaskIds(), folder=tmp_path)

    return make


async def long_log(hub: Stage, chunks: int = 40) -> tuple[Talker, Task]:
    """Start a command, and let it say more than stays in memory."""
    talker, task = await talking(hub)
    for number in range(chunks):
        talker.chunks([number, "y" * 50_000])
    await hub.head(task, chunks)
    assert chunks * 50_000 < SPILL_BYTES or task.run.log.base > 0
    return talker, task


@FRAMINGS
async def test_what_left_memory_is_read_from_the_store(
    in_file: Any, framing: Framing
) -> None:
    """From the beginning to the live end, every entry once and in order."""
    async with stage(engine=in_file) as hub:
        talker, task = await long_log(hub)
        reading = Reading(hub, framing)
        reading.watch(task)
        await reading.peer.until(lambda: len(reading.peer.of("chunk")) == 40)
        talker.chunks([40, ""])
        talker.end()
        await reading.peer.get("result")

        numbered = reading.peer.of("chunk", "result")
        assert [each["seq"] for each in numbered] == list(range(1, 43))
        assert [each["data"][0] for each in numbered[:-1]] == list(range(41))


async def test_it_is_read_page_by_page(in_file: Any) -> None:
    """A reader that takes nothing holds a page, not the log."""
    async with stage(engine=in_file) as hub:
        _, task = await long_log(hub)
        reading = Reading(hub)
        await reading.block()
        reading.watch(task)
        for _ in range(50):
            await asyncio.sleep(0.001)

        assert 0 < reading.feed._answers._bytes < 150_000
        reading.peer.release()
        await reading.peer.until(lambda: len(reading.peer.of("chunk")) == 40)


async def test_two_tasks_are_loaded_in_turns(in_file: Any) -> None:
    """One reader of two long logs gets both of them whole."""
    async with stage(engine=in_file) as hub:
        tasks = [(await long_log(hub))[1] for _ in range(2)]
        reading = Reading(hub)
        for task in tasks:
            reading.watch(task)
        await reading.peer.until(lambda: len(reading.peer.of("chunk")) == 80)

        for task in tasks:
            seqs = [
                each["seq"]
                for each in reading.peer.of("chunk")
                if each["task_id"] == task.id
            ]
            assert seqs == list(range(1, 41))


async def test_unwatch_while_a_page_is_loaded(in_file: Any) -> None:
    """What comes for nobody is dropped; other watches are loaded on."""
    async with stage(engine=in_file) as hub:
        (_, one), (_, two) = await long_log(hub), await long_log(hub)
        reading = Reading(hub)
        reading.watch(one)
        reading.watch(two)
        await reading.peer.until(lambda: len(reading.peer.of("opened")) == 2)
        reading.feed.unwatch(one.id)
        await reading.peer.until(
            lambda: sum(f["task_id"] == two.id for f in reading.peer.of("chunk")) == 40
        )

        seqs = [f["seq"] for f in reading.peer.of("chunk") if f["task_id"] == one.id]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) < 40


async def test_watching_again_while_a_page_is_loaded(in_file: Any) -> None:
    """The page of the former watch is not given to the new one."""
    async with stage(engine=in_file) as hub:
        _, task = await long_log(hub)
        reading = Reading(hub)
        reading.watch(task)
        await reading.peer.get("opened")
        reading.watch(task, after=10)
        await reading.peer.until(
            lambda: (
                reading.peer.frames[-1].get("seq") == 40
                and len(reading.peer.of("opened")) == 2
            )
        )
        frames = reading.peer.frames
        again = [each["type"] for each in frames].index("opened", 1)

        assert [each["seq"] for each in frames[again + 1 :]] == list(range(11, 41))


async def test_a_close_waits_for_the_page_that_is_loaded(in_file: Any) -> None:
    """What was asked for is sent before the goodbye."""
    async with stage(engine=in_file) as hub:
        _, task = await long_log(hub)
        reading = Reading(hub)
        reading.watch(task)
        await reading.peer.get("opened")
        reading.feed.close_with(4000, "going_away")
        await reading.peer.end()

        assert len(reading.peer.of("chunk")) >= 1


async def test_a_task_that_is_gone_ends_its_watch() -> None:
    """`error` with the task's id and not_found: there is nothing more to wait for."""
    bounds = Bounds(retention_s=10, progress_ms=0)
    async with stage(bounds=bounds, heartbeat_s=1_000) as hub:
        talker, task = await talking(hub)
        talker.chunks(*[KILOBYTE] * 100)
        talker.end()
        await hub.outcome(task)
        reading = Reading(hub)
        await reading.block()
        reading.watch(task)
        await turns()
        hub.tick(20)
        reading.peer.release()
        error = await reading.peer.get("error")

        assert (error["task_id"], error["code"]) == (task.id, "not_found")
        assert "id" not in error
        assert reading.feed.watches == {}
        await turns(5)
        assert reading.peer.frames[-1] == error
        answer: asyncio.Future[Task | HubError | None] = asyncio.Future()
        hub.engine.find(task.id, answer.set_result)
        assert await answer is None
