"""Feeds: readers that take nothing, peers that are gone, logs that left memory."""

import asyncio
import sys
import tracemalloc
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from hub.clock import Clock
from hub.engines.base import Bounds, Engine
from hub.engines.sqlite.engine import SPILL_BYTES, SqliteEngine
from hub.errors import HubError
from hub.feeds import CONGESTED_BYTES
from hub.ids import TaskIds
from hub.plugin.context import TaskContext
from hub.plugin.errors import TaskError
from hub.protocol.frames import Pong
from hub.protocol.writing import JSON, MSGPACK, Framing
from hub.runs import Task
from tests.feeds import Reading, Talker, talking
from tests.peer import Peer, decode
from tests.stage import PATIENCE_S, Stage, stage, turns

KILOBYTE = "x" * 1_000
FRAMINGS = pytest.mark.parametrize("framing", [JSON, MSGPACK], ids=["json", "msgpack"])


async def test_a_thousand_blocked_readers_cost_marks() -> None:
    """What a run says while nobody reads is kept once, in its log."""
    async with stage() as hub:
        talker, task = await talking(hub)
        readings = [Reading(hub) for _ in range(1_000)]
        for each in readings:
            each.peer.block()
            each.watch(task)
        await turns()
        talker.chunks(KILOBYTE)
        talker.progress(0.1)
        await hub.head(task, 1)
        await turns(5)
        tracemalloc.start()
        for number in range(100):
            talker.chunks(*[KILOBYTE] * 10)
            talker.progress(number / 100)
            hub.clock.advance(0.2)
        await hub.head(task, 1_001)
        await turns(5)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert all(len(each.peer.messages) == 1 for each in readings)
        # The log itself is 1 MiB; kept for each reader it would be 1 GiB.
        assert grown < 3 * 2**20
        talker.end()
        for each in readings[::200]:
            each.peer.release()
            await each.peer.get("result")
            assert len(each.peer.of("chunk")) == 1_001


async def test_a_blocked_reader_holds_up_nobody() -> None:
    """Others read on, at once."""
    async with stage() as hub:
        talker, task = await talking(hub)
        blocked, free = Reading(hub), Reading(hub)
        await blocked.block()
        blocked.watch(task)
        free.watch(task)
        talker.chunks(*range(10))
        talker.end()
        await free.peer.get("result")

        assert len(free.peer.of("chunk")) == 10
        assert blocked.peer.messages == []


async def test_a_reader_that_comes_back_gets_everything() -> None:
    """In order; of the progress only the latest."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        await reading.block()
        for number in range(20):
            talker.chunks(number)
            talker.progress(number / 20, f"at {number}")
            hub.clock.advance(1)
            await turns(3)
        reading.peer.release()
        await reading.peer.until(lambda: len(reading.peer.of("chunk")) == 20)

        assert [each["message"] for each in reading.peer.of("progress")] == ["at 19"]
        assert [each["data"] for each in reading.peer.of("chunk")] == list(range(20))


async def test_a_feed_is_congested_by_answers_that_wait() -> None:
    """Its client is read from no more, until the answers have left."""
    async with stage() as hub:
        reading = Reading(hub)
        await reading.block()
        number = 0
        while not reading.feed.congested:
            reading.feed.answer(Pong(id=f"{number:01000}"))
            number += 1
        assert number * 1_000 < CONGESTED_BYTES + 2_000
        relief = asyncio.create_task(reading.feed.relief())
        await turns(5)
        assert not relief.done()
        reading.peer.release()
        async with asyncio.timeout(PATIENCE_S):
            await relief
        assert not reading.feed.congested

        async with asyncio.timeout(PATIENCE_S):
            await reading.feed.relief()


async def test_a_closed_feed_is_relieved() -> None:
    """Nobody waits for a peer that is gone; what is said to it is dropped."""
    async with stage() as hub:
        reading = Reading(hub)
        await reading.block()
        while not reading.feed.congested:
            reading.feed.answer(Pong(id=KILOBYTE))
        relief = asyncio.create_task(reading.feed.relief())
        await turns()
        reading.feed.close()
        async with asyncio.timeout(PATIENCE_S):
            await relief
        reading.feed.answer(Pong(id=1))
        await turns()

        assert reading.peer.messages == []


@pytest.mark.parametrize("when", ["at once", "while it waits"])
async def test_a_peer_that_is_gone_is_let_go_of(when: str) -> None:
    """Servers raise what they like then: an ordinary end, the task goes on."""
    async with stage() as hub:
        talker, task = await talking(hub)
        gone, other = Reading(hub), Reading(hub)
        gone.watch(task)
        other.watch(task)
        await other.peer.get("opened")
        if when == "at once":
            gone.peer.broken = RuntimeError("the socket is closed")
            talker.chunks(1)
            await other.peer.get("chunk")
        else:
            await gone.block()
            gone.peer.broken = OSError("reset by peer")
            gone.peer.release()
            await turns(5)

        assert gone.feed.closed
        assert gone.feed.watches == {}
        assert hub.metrics.watches == 1
        talker.chunks(2)
        talker.end()
        await other.peer.get("result")
        assert gone.feed not in hub.delivery._all


class Refusing(Peer):
    """A peer whose transport raises before there is anything to await."""

    def send(self, data: str | bytes) -> Coroutine[Any, Any, None]:
        """Raise."""
        raise ConnectionResetError("gone")


async def test_a_transport_may_refuse_at_once() -> None:
    """Without a coroutine, as a short way past the server does."""
    async with stage() as hub:
        reading = Reading(hub)
        reading.feed._transport = Refusing()
        reading.feed.answer(Pong(id=1))
        await turns()

        assert reading.feed.closed


class Direct:
    """A transport that takes messages without a coroutine."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []

    def send(self, data: str | bytes) -> None:
        """Take a message."""
        self.messages.append(data)

    async def close(self, code: int, reason: str) -> None:
        """Take the end."""


async def test_a_transport_may_take_a_message_at_once() -> None:
    """There is nothing to await then."""
    async with stage() as hub:
        reading = Reading(hub)
        direct = Direct()
        reading.feed._transport = direct
        reading.feed.answer(Pong(id=1))
        await turns()
        reading.feed.answer(Pong(id=2))
        await turns()

        assert [decode(each)[0]["id"] for each in direct.messages] == [1, 2]


async def test_a_closed_feed_opens_nothing() -> None:
    """An answer from the store that comes too late is dropped."""
    async with stage() as hub:
        _, task = await talking(hub)
        reading = Reading(hub)
        reading.feed.close()
        reading.watch(task)
        await turns()

        assert reading.peer.messages == []
        assert hub.metrics.watches == 0


@pytest.mark.parametrize(
    "message",
    ["file \udcff", ValueError("no text"), 5, "x" * 10_000],
    ids=["surrogate", "error", "number", "long"],
)
async def test_whatever_a_command_reports_its_readers_live(message: Any) -> None:
    """They get progress, and the result; later ones too."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        talker.progress(0.5, message)
        progress = await reading.peer.get("progress")
        later = Reading(hub)
        later.watch(task)
        assert (await later.peer.get("opened"))["response"]["progress"] == 0.5
        talker.end()
        await reading.peer.get("result")
        await later.peer.get("result")

        assert progress["progress"] == 0.5
        assert len(progress["message"].encode()) <= 2_048
        assert reading.peer.closed is None


async def test_whatever_a_command_counts_its_readers_live() -> None:
    """Steps beyond what a client can hold are cut, not fatal."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            await asyncio.sleep(0)
            ctx.progress(step=10**30, total=10**30)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        reading = Reading(hub)
        task = await hub.start("coroutine", script)
        reading.watch(task)

        assert (await reading.peer.get("result"))["response"]["status"] == "completed"


@pytest.mark.parametrize("text", ["file \udcff", "", "x" * 100_000])
@FRAMINGS
async def test_whatever_a_command_raises_its_readers_live(
    framing: Framing, text: str
) -> None:
    """The error is told, cut where it is long."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub, framing)
        reading.watch(task)
        talker.fail(TaskError(text, detail={"file": "\udcff"}))
        response = (await reading.peer.get("result"))["response"]

        assert response["status"] == "failed"
        assert len(response["error"].encode()) <= 16 * 1024
        assert reading.peer.closed is None


async def test_a_feed_that_cannot_be_written_is_closed() -> None:
    """A fault of the hub's own ends in 4005, never in silence."""
    async with stage() as hub:
        _, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        await reading.peer.get("opened")
        task.run.message = object()  # type: ignore[assignment]  # the fault
        reading.feed.watches[task.id].progressed()

        code, _ = await reading.peer.end()
        assert code == 4005


# Answers from the cache, and results that are too large


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
async def test_a_cached_answer_fits_into_a_frame(framing: Framing, data: object) -> None:
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
        waiting = sum(sys.getsizeof(part) for part, _ in reading.feed._answers)

        assert waiting < 150_000
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
            lambda: reading.peer.frames[-1].get("seq") == 40
            and len(reading.peer.of("opened")) == 2
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
