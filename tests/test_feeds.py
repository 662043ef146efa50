"""Feeds: what one message holds, in which order, and what a reader is told when."""

import asyncio

import msgspec
import pytest

from hub.errors import NotFoundError, QueueFullError
from hub.feeds import QUANTUM
from hub.protocol.frames import Goaway, Pong
from hub.protocol.writing import JSON, MSGPACK, STREAM, Framing
from tests.feeds import Reading, talking
from tests.peer import decode
from tests.stage import PATIENCE_S, stage, turns

KILOBYTE = "x" * 1_000
SLACK = 512
"""What separators, and one frame of progress, may add to a message."""
SEVERAL = [JSON, MSGPACK, STREAM]
FRAMINGS = pytest.mark.parametrize("framing", SEVERAL, ids=["json", "msgpack", "http"])


async def test_a_message_has_its_order() -> None:
    """Answers, `opened`; then news of progress; then entries, and results behind."""
    async with stage(message_bytes=64 * 1024) as hub:
        talker, task = await talking(hub)
        other, second = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        reading.watch(second)
        await reading.peer.until(lambda: len(reading.peer.of("opened")) == 2)
        await reading.block()
        talker.chunks("a", "b")
        other.chunks("c")
        other.progress(0.5)
        await hub.head(second, 1)
        talker.end("done")
        await hub.outcome(task)
        await turns()
        reading.feed.answer(Pong(id=1))
        reading.peer.release()
        await reading.peer.get("result")

        kinds = [
            (each["type"], each.get("id") or each.get("data"))
            for each in decode(reading.peer.messages[0])
        ]
        assert kinds == [
            ("pong", 1),
            ("progress", None),
            ("chunk", "a"),
            ("chunk", "b"),
            ("result", None),
            ("chunk", "c"),
        ]


@FRAMINGS
async def test_a_whole_task_is_read_in_any_framing(framing: Framing) -> None:
    """`opened` first, every entry once and in order, `result` last."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub, framing)
        reading.watch(task, id=7)
        talker.chunks(*range(300))
        talker.end({"n": 300})
        result = await reading.peer.get("result")
        frames = reading.peer.frames

        assert frames[0]["type"] == "opened"
        assert frames[0]["id"] == 7
        chunks = reading.peer.of("chunk")
        assert [each["data"] for each in chunks] == list(range(300))
        assert [each["seq"] for each in chunks] == list(range(1, 301))
        assert {each["task_id"] for each in frames} == {task.id}
        assert (result["seq"], result["response"]["result"]) == (301, {"n": 300})
        assert frames[-1] == result


async def test_tasks_take_turns() -> None:
    """A quantum of bytes each, so that a flood never hides a trickle."""
    async with stage(message_bytes=64 * 1024) as hub:
        (flood, one), (trickle, two) = await talking(hub), await talking(hub)
        reading = Reading(hub)
        await reading.block()
        reading.watch(one)
        reading.watch(two)
        flood.chunks(*[KILOBYTE] * 60)
        trickle.chunks("small")
        await hub.head(one, 60)
        await hub.head(two, 1)
        reading.peer.release()
        await reading.peer.until(lambda: len(reading.peer.of("chunk")) == 61)

        order = [each["task_id"] == one.id for each in reading.peer.of("chunk")]
        before = order.index(False)
        assert 10 < before <= QUANTUM // 1_000
        assert not all(order[: before + 1])


async def test_a_flood_of_two_is_shared() -> None:
    """Neither gets more than a quantum before the other's turn."""
    async with stage(message_bytes=64 * 1024) as hub:
        (first, one), (second, two) = await talking(hub), await talking(hub)
        reading = Reading(hub)
        await reading.block()
        reading.watch(one)
        reading.watch(two)
        for talker, task in ((first, one), (second, two)):
            talker.chunks(*[KILOBYTE] * 50)
            await hub.head(task, 50)
        reading.peer.release()
        await reading.peer.until(lambda: len(reading.peer.of("chunk")) == 100)

        runs: list[tuple[str, int]] = []
        for each in reading.peer.of("chunk"):
            task_id, size = runs[-1] if runs else ("", 0)
            if task_id == each["task_id"]:
                runs[-1] = (task_id, size + 1)
            else:
                runs.append((each["task_id"], 1))
        assert len(runs) >= 6
        assert max(size for _, size in runs[:-1]) * 1_000 <= QUANTUM


@pytest.mark.parametrize("data", [KILOBYTE, "tiny", 1], ids=["large", "small", "least"])
@FRAMINGS
async def test_messages_keep_their_bound(framing: Framing, data: object) -> None:
    """Several frames have `message_bytes` together, whatever their size."""
    async with stage(message_bytes=8_192) as hub:
        talker, task = await talking(hub)
        reading = Reading(hub, framing)
        await reading.block()
        reading.watch(task)
        for _ in range(40):
            talker.progress(0.5, "half")
            talker.chunks(*[data] * 25)
        talker.end()
        await hub.outcome(task)
        reading.peer.release()
        await reading.peer.get("result")

        sizes = [len(each) for each in reading.peer.messages if len(decode(each)) > 1]
        assert len(sizes) > 2
        assert max(sizes) <= 8_192 + SLACK


async def test_a_frame_that_is_larger_goes_alone() -> None:
    """It neither waits for ever nor takes others with it."""
    async with stage(message_bytes=8_192) as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        await reading.block()
        reading.watch(task)
        talker.chunks("a", "y" * 20_000, "b", "z" * 20_000)
        talker.end("r" * 20_000)
        await hub.outcome(task)
        reading.peer.release()
        await reading.peer.get("result")

        large = [each for each in reading.peer.messages if len(each) > 8_192]
        assert [len(decode(each)) for each in large] == [1, 1, 1]
        numbered = reading.peer.of("chunk", "result")
        assert [each["seq"] for each in numbered] == [1, 2, 3, 4, 5]


async def test_answers_keep_the_bound_too() -> None:
    """Many answers are many messages, in the order they were given."""
    async with stage(message_bytes=8_192) as hub:
        reading = Reading(hub)
        await reading.block()
        for number in range(1_000):
            reading.feed.answer(Pong(id=number))
        reading.peer.release()
        await reading.peer.until(lambda: len(reading.peer.of("pong")) == 1_000)

        assert [each["id"] for each in reading.peer.of("pong")] == list(range(1_000))
        assert len(reading.peer.messages) > 2
        assert max(len(each) for each in reading.peer.messages) <= 8_192 + SLACK


async def test_a_change_of_status_is_told_at_once() -> None:
    """`running`, though the progress was told a moment ago."""
    async with stage() as hub:
        talker, _ = await talking(hub)
        waiting = [await talking(hub) for _ in range(256)]
        last_talker, last = waiting[-1]
        assert last.status.value == "created"
        reading = Reading(hub)
        reading.watch(last)
        opened = await reading.peer.get("opened")
        assert opened["response"]["status"] == "created"
        talker.end()
        progress = await reading.peer.get("progress")

        assert progress["status"] == "running"
        last_talker.end()
        assert (await reading.peer.get("result"))["response"]["status"] == "completed"
        assert len(reading.peer.of("progress")) == 1


async def test_no_progress_follows_a_result() -> None:
    """Whatever was marked before the end."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        await reading.block()
        talker.progress(0.1)
        talker.progress(0.9)
        talker.end()
        await hub.outcome(task)
        reading.peer.release()
        await reading.peer.get("result")
        hub.clock.advance(10)
        await turns()

        assert reading.peer.types() == ["result"]


async def test_the_news_of_an_end_overtakes_the_output() -> None:
    """A reader far behind hears of it at once; the result waits for its entries."""
    async with stage(message_bytes=8_192) as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        await reading.peer.get("opened")
        await reading.block()
        talker.chunks(*[KILOBYTE] * 60)
        talker.end()
        await hub.outcome(task)
        reading.peer.release()
        result = await reading.peer.get("result")
        news = reading.peer.of("progress")

        assert [(each["status"], each["head"]) for each in news] == [("completed", 61)]
        assert news[0]["progress"] == 1.0
        assert news[0] in decode(reading.peer.messages[0])
        assert reading.peer.frames[-1] == result
        assert len(reading.peer.of("chunk")) == 60


async def test_progress_is_conflated() -> None:
    """At most one frame in `progress_ms`, the latest, and the last one surely."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        for number in range(1, 51):
            talker.progress(number / 50)
            await turns()
            hub.clock.advance(0.01)
            await turns()
        hub.clock.advance(1)
        await turns(10)
        told = [each["progress"] for each in reading.peer.of("progress")]

        assert 5 <= len(told) <= 6
        assert told == sorted(told)
        assert told[-1] == 1.0


async def test_each_reader_has_its_own_pace() -> None:
    """An eager one and a slow one: both see the last value, in their own time."""
    async with stage() as hub:
        talker, task = await talking(hub)
        eager, slow = Reading(hub), Reading(hub)
        eager.feed.progress_ms, slow.feed.progress_ms = 0, 1_000
        eager.watch(task)
        slow.watch(task)
        for number in range(1, 21):
            talker.progress(number / 20)
            await turns(5)
            hub.clock.advance(0.05)
            await turns(5)
        assert len(eager.peer.of("progress")) == 20
        assert len(slow.peer.of("progress")) <= 2
        hub.clock.advance(2)
        await turns(10)

        assert eager.peer.of("progress")[-1]["progress"] == 1.0
        assert slow.peer.of("progress")[-1]["progress"] == 1.0
        assert len(slow.peer.of("progress")) == 2


async def test_errors_are_answers() -> None:
    """With the id of the request, in the reader's language."""
    async with stage() as hub:
        reading = Reading(hub, locale="zh-CN")
        reading.feed.error(QueueFullError(retry_after_ms=5), id="a")
        reading.feed.error(NotFoundError(), task_id="t")
        await reading.peer.until(lambda: len(reading.peer.of("error")) == 2)
        full, gone = reading.peer.frames

        assert (full["id"], full["code"], full["retry_after_ms"]) == (
            "a",
            "queue_full",
            5,
        )
        assert full["message"] == "等待中的任务过多，请稍后再试"
        assert (gone["task_id"], gone["code"]) == ("t", "not_found")


async def test_a_close_waits_for_what_was_said() -> None:
    """Everything that waits is sent, then the last frame, then the close."""
    async with stage(message_bytes=8_192) as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        await reading.block()
        reading.watch(task)
        talker.chunks(*[KILOBYTE] * 30)
        await hub.head(task, 30)
        goodbye = Goaway(reason="shutdown", drain_ms=0, retry_after_ms=1)
        reading.feed.close_with(4000, "going_away", goodbye)
        reading.feed.close_with(4005, "internal")
        assert reading.peer.closed is None
        reading.peer.release()

        assert await reading.peer.end() == (4000, "going_away")
        assert len(reading.peer.of("chunk")) == 30
        assert reading.peer.types()[-1] == "goaway"
        assert reading.feed.closed


async def test_a_goodbye_reaches_every_reader() -> None:
    """`Delivery.close` returns when all are closed."""
    async with stage() as hub:
        readings = [Reading(hub) for _ in range(5)]
        goodbye = Goaway(reason="shutdown", drain_ms=0, retry_after_ms=1)
        async with asyncio.timeout(PATIENCE_S):
            await hub.delivery.close(lambda: goodbye, 4000, "going_away")

        assert {each.peer.closed for each in readings} == {(4000, "going_away")}
        assert [each.peer.types() for each in readings] == [["goaway"]] * 5


async def test_silence_is_broken_by_a_heartbeat() -> None:
    """After `heartbeat_s` without another message, and not before."""
    async with stage(heartbeat_s=20.0) as hub:
        reading = Reading(hub)
        hub.tick(19)
        reading.feed.answer(Pong(id=1))
        await reading.peer.get("pong")
        hub.tick(19)
        await turns()
        assert reading.peer.of("ping") == []
        hub.tick(1.5)

        assert msgspec.json.encode(await reading.peer.get("ping"))
