"""Feeds: where a watch begins, moves and stops."""

from tests.feeds import Reading, talking
from tests.stage import stage, turns


async def test_a_second_watch_moves_the_cursor() -> None:
    """The former one ends; what comes is read from the new place on."""
    async with stage() as hub:
        talker, task = await talking(hub)
        talker.chunks(*range(5))
        await hub.head(task, 5)
        reading = Reading(hub)
        reading.watch(task)
        await reading.peer.until(lambda: len(reading.peer.of("chunk")) == 5)
        reading.peer.forget()
        reading.watch(task, after=3)
        talker.end()
        await reading.peer.get("result")

        assert reading.peer.types() == ["opened", "chunk", "chunk", "result"]
        assert reading.peer.frames[0]["from"] == 3
        assert hub.metrics.watches == 0


async def test_unwatch_stops_reading_and_not_the_run() -> None:
    """Nothing more comes of that task."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task)
        await reading.peer.get("opened")
        reading.feed.unwatch(task.id)
        reading.feed.unwatch("unknown")
        talker.chunks(1)
        talker.progress(0.5)
        talker.end()
        await hub.outcome(task)
        await turns(10)

        assert reading.peer.types() == ["opened"]
        assert task.status.value == "completed"


async def test_a_watch_at_the_end_of_an_ended_task_is_just_opened() -> None:
    """Nothing more; one number below there is the result."""
    async with stage() as hub:
        talker, task = await talking(hub)
        talker.chunks(1)
        talker.end()
        await hub.outcome(task)
        at_end, before = Reading(hub), Reading(hub)
        at_end.watch(task, after=2)
        before.watch(task, after=1)
        await before.peer.get("result")
        await turns()

        assert at_end.peer.types() == ["opened"]
        assert at_end.peer.frames[0]["head"] == 2
        assert before.peer.types() == ["opened", "result"]
        assert hub.metrics.watches == 0


async def test_a_watch_from_above_the_head_starts_where_the_log_ends_in_truth() -> None:
    """`opened.from` is lower than what was asked: the client forgets its output."""
    async with stage() as hub:
        talker, task = await talking(hub)
        talker.chunks(1, 2)
        talker.end()
        await hub.outcome(task)
        reading = Reading(hub)
        frames = await reading.all(task, after=50)

        assert frames[0]["from"] == 0
        assert [each["seq"] for each in frames[1:]] == [1, 2, 3]


async def test_without_chunks_only_their_absence_is_told() -> None:
    """Progress comes; then one gap, and the result."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading = Reading(hub)
        reading.watch(task, chunks=False)
        talker.chunks(1, 2, 3)
        talker.progress(0.5)
        await reading.peer.get("progress")
        talker.end()
        await reading.peer.get("result")
        gap = reading.peer.of("gap")[0]

        assert reading.peer.types() == ["opened", "progress", "gap", "result"]
        assert (gap["from"], gap["to"], gap["why"]) == (1, 3, "skipped")
