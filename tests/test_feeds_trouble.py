"""Feeds: readers that take nothing, peers that are gone, logs that left memory."""

import asyncio
import tracemalloc
from collections.abc import Coroutine
from typing import Any

import pytest

from hub.answers import CONGESTED_BYTES
from hub.plugin.context import TaskContext
from hub.plugin.errors import TaskError
from hub.protocol.frames import Pong
from hub.protocol.writing import JSON, MSGPACK, Framing
from tests.feeds import Reading, talking
from tests.peer import Peer, decode
from tests.stage import PATIENCE_S, stage, turns

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


async def test_progress_between_the_watch_and_its_first_message_is_told() -> None:
    """Though the command says nothing more for a long time."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        await reading.block()
        reading.watch(task)
        talker.progress(0.7, "and now a long silence")
        await turns(5)
        reading.peer.release()

        assert (await reading.peer.get("progress"))["progress"] == 0.7


async def test_more_progress_than_a_message_holds_is_many_messages() -> None:
    """Nobody's news is dropped."""
    async with stage(message_bytes=4_096) as hub:
        found = [await talking(hub) for _ in range(20)]
        reading = Reading(hub)
        for _, task in found:
            reading.watch(task)
        await reading.peer.until(lambda: len(reading.peer.of("opened")) == 20)
        await reading.block()
        for talker, _ in found:
            talker.progress(0.5, "y" * 2_000)
        await turns(5)
        reading.peer.release()
        await reading.peer.until(lambda: len(reading.peer.of("progress")) == 20)

        assert len(reading.peer.messages) >= 10


async def test_a_feed_is_congested_by_answers_that_wait() -> None:
    """Its client is read from no more until fewer of them wait; none is lost."""
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
            await reading.feed.relief()
            while len(reading.peer.of("pong")) < number:
                await turns()

        assert len(reading.peer.of("pong")) == number


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

    def blocked(self) -> None:
        """Take a message at any time; `send` waits."""

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
