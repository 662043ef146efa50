"""Watches: marks that cost nothing, progress in time, entries as frames."""

import asyncio
from typing import Any

import msgspec
import pytest

from hub.clock import Clock
from hub.engines.base import Bounds
from hub.errors import InvalidParamsError, NotFoundError, QueueFullError
from hub.plugin.context import TaskContext
from hub.protocol.cursors import Cursor
from hub.protocol.writing import JSON, MSGPACK, Framing, View
from hub.runs import Task
from hub.tasks import TaskStatus
from hub.watches import Watch, error_frame
from tests.feeds import talking
from tests.stage import Stage, stage, turns


class Reader:
    """Notes what marks reach it."""

    def __init__(self, hub: Stage, framing: Framing = JSON) -> None:
        self.framing = framing
        self.progress_ms = 100
        self.clock: Clock = hub.clock
        self.moves: list[Watch] = []
        self.news: list[Watch] = []
        self.gone: list[Watch] = []

    def view(self) -> View:
        """Read English."""
        return View("en", self.clock.now(), 256 * 1024)

    def dirty(self, watch: Watch) -> None:
        """Note that a log has moved."""
        self.moves.append(watch)

    def newsworthy(self, watch: Watch) -> None:
        """Note that progress has changed."""
        self.news.append(watch)

    def vanished(self, watch: Watch) -> None:
        """Note that a task is gone."""
        self.gone.append(watch)


def watch(reader: Reader, task: Task, **options: Any) -> Watch:  # of a Cursor
    """Return a watch from the beginning of a log."""
    cursor = Cursor(**options)
    cursor.open(task, 0, None)
    return Watch(reader, task, cursor)


async def waiting(ctx: TaskContext) -> None:
    """Say nothing and wait."""
    await asyncio.Event().wait()


def frame(data: bytes) -> dict[str, Any]:  # any frame
    """Decode one frame."""
    found: dict[str, Any] = msgspec.json.decode(data)
    return found


def everything(made: Watch, budget: int = 10**6) -> list[dict[str, Any]]:
    """Return all that a watch has to read, as frames."""
    frames: list[dict[str, Any]] = []
    while (step := made.cursor.step(made.task, budget)) is not None:
        part, count = made.frames(step)
        found = msgspec.json.decode(b"[" + part + b"]")
        assert len(found) == count
        frames += found
    return frames


async def test_a_mark_is_left_once() -> None:
    """However often the log moves before it is read."""
    async with stage() as hub:
        task = await hub.start("coroutine", waiting)
        reader = Reader(hub)
        made = watch(reader, task)
        for _ in range(5):
            made.moved()
        assert reader.moves == [made]

        made.queued = False
        made.moved()

        assert reader.moves == [made, made]


async def test_progress_is_told_at_once_and_then_at_its_pace() -> None:
    """The first change now, later ones after `progress_ms`, and the last one surely."""
    async with stage() as hub:
        task = await hub.start("coroutine", waiting)
        reader = Reader(hub)
        made = watch(reader, task)
        made.progressed()
        assert reader.news == [made]
        made.progress()

        for _ in range(9):
            hub.clock.advance(0.01)
            made.progressed()
        assert len(reader.news) == 1
        hub.clock.advance(0.011)
        assert len(reader.news) == 2
        made.progress()
        hub.clock.advance(1)

        assert len(reader.news) == 2


async def test_a_mark_that_is_a_little_early_counts() -> None:
    """The engine's own pace is not exact to the millisecond."""
    async with stage() as hub:
        task = await hub.start("coroutine", waiting)
        reader = Reader(hub)
        made = watch(reader, task)
        made.progressed()
        made.progress()
        hub.clock.advance(0.0997)
        made.progressed()

        assert len(reader.news) == 2


async def test_progress_that_was_not_sent_yet_is_marked_once() -> None:
    """A blocked reader has one mark, whatever happens meanwhile."""
    async with stage() as hub:
        task = await hub.start("coroutine", waiting)
        reader = Reader(hub)
        made = watch(reader, task)
        for _ in range(10):
            made.progressed()
            hub.clock.advance(0.2)

        assert len(reader.news) == 1


async def test_progress_after_the_watch_is_over_is_not_told() -> None:
    """Neither at once nor later."""
    async with stage() as hub:
        task = await hub.start("coroutine", waiting)
        reader = Reader(hub)
        made = watch(reader, task)
        made.progressed()
        made.progress()
        made.progressed()
        made.cursor.done = True
        hub.clock.advance(1)

        assert len(reader.news) == 1
        assert made.progress() is None


async def test_a_progress_frame_tells_where_the_task_stands() -> None:
    """Status, fraction, message, steps and head; what is not known is absent."""
    async with stage() as hub:

        async def script(ctx: TaskContext) -> None:
            ctx.progress(message="x" * 3_000, step=1, total=4)
            await ctx.chunk(1)
            await asyncio.Event().wait()

        task = await hub.start("coroutine", waiting)
        other = await hub.start("coroutine", script)
        await hub.head(other, 1)
        reader = Reader(hub)
        plain = frame(watch(reader, task).status())
        rich = frame(watch(reader, other).status())

        assert plain.pop("updated_at").endswith("Z")
        assert plain == {
            "type": "progress",
            "task_id": task.id,
            "attempt": 1,
            "head": 0,
            "status": "running",
            "progress": None,
            "message": None,
        }
        assert (rich["progress"], rich["step"], rich["total"]) == (0.25, 1, 4)
        assert rich["head"] == 1
        assert len(rich["message"].encode()) <= 2048


async def test_status_is_remembered() -> None:
    """What the reader was told last is `seen`."""
    async with stage() as hub:
        task = await hub.run("coroutine", _done)
        made = watch(Reader(hub), task)
        made.seen = TaskStatus.RUNNING

        assert frame(made.status())["status"] == "completed"
        assert made.seen is TaskStatus.COMPLETED
        assert made.progress() is None


async def _done(ctx: TaskContext) -> str:
    await ctx.chunk("a")
    await ctx.chunk("b", channel="err", kind="ansi")
    await ctx.write(b"\x00\x01")
    return "done"


async def test_joined_tasks_share_progress_and_keep_their_ids() -> None:
    """The values are made once a turn; each watch puts its own task before them."""
    async with stage() as hub:
        first = (await hub.execute("shared", waiting)).task
        second = (await hub.execute("shared", f"{waiting.__name__}0")).task
        await turns()
        reader = Reader(hub)
        frames = [frame(watch(reader, each).status()) for each in (first, second)]

        assert [each.pop("task_id") for each in frames] == [first.id, second.id]
        assert frames[0] == frames[1]


async def test_tasks_that_left_a_run_are_told_their_own_head() -> None:
    """Each where it left, though they share the run and are told in one turn."""
    async with stage() as hub:
        more = asyncio.Event()

        async def script(ctx: TaskContext) -> None:
            await ctx.chunk(1)
            await more.wait()
            await ctx.chunk(2)
            await asyncio.Event().wait()

        first = (await hub.execute("shared", script)).task
        name = f"{script.__name__}0"
        second, third = [(await hub.execute("shared", name)).task for _ in range(2)]
        await hub.head(first, 1)
        await hub.cancel(first)
        more.set()
        await hub.head(second, 2)
        await hub.cancel(second)
        reader = Reader(hub)
        heads = [
            frame(watch(reader, each).status())["head"] for each in (first, second)
        ]

        assert heads == [2, 3] == [first.head, second.head]
        assert not third.end


async def test_a_log_is_read_as_frames() -> None:
    """Chunks with the task's id before them, then the result, numbered as they are."""
    async with stage() as hub:
        task = await hub.run("coroutine", _done)
        one, two, three, result = everything(watch(Reader(hub), task))

        head = {"type": "chunk", "task_id": task.id, "at": 0}
        assert one == {**head, "seq": 1, "channel": "out", "data": "a"}
        assert two == {**head, "seq": 2, "channel": "err", "kind": "ansi", "data": "b"}
        kind = "application/octet-stream"
        assert three == {
            **head,
            "seq": 3,
            "channel": "out",
            "kind": kind,
            "bin": "AAE=",
        }
        assert (result["type"], result["seq"]) == ("result", 4)
        assert result["response"]["result"] == "done"


async def test_msgpack_frames_say_the_same() -> None:
    """Binary output is bytes there; everything else is equal."""
    async with stage() as hub:
        task = await hub.run("coroutine", _done)
        plain = everything(watch(Reader(hub), task))
        made = watch(Reader(hub, MSGPACK), task)
        packed: list[dict[str, Any]] = []
        while (step := made.cursor.step(task, 10**6)) is not None:
            part, count = made.frames(step)
            header = bytes((0x90 | count,))
            packed += msgspec.msgpack.decode(header + part)

        assert packed[2].pop("bin") == b"\x00\x01"
        assert plain[2].pop("bin") == "AAE="
        assert packed == plain


async def test_chunks_that_are_not_wanted_are_one_gap() -> None:
    """`skipped`, before the result."""
    async with stage() as hub:
        task = await hub.run("coroutine", _done)
        gap, result = everything(watch(Reader(hub), task, chunks=False))

        assert gap == {
            "type": "gap",
            "task_id": task.id,
            "from": 1,
            "to": 3,
            "why": "skipped",
            "attempt": 1,
        }
        assert result["seq"] == 4


async def test_an_expired_log_is_one_gap() -> None:
    """`expired`, and the result is still there."""
    bounds = Bounds(tail_bytes=0, memory_bytes=2**20)
    async with stage(bounds=bounds) as hub:
        task = await hub.run("coroutine", _done)
        task.run.log.lose(task.run.log.head)
        gap, result = everything(watch(Reader(hub), task))

        assert (gap["type"], gap["from"], gap["to"]) == ("gap", 1, 3)
        assert gap["why"] == "expired"
        assert result["response"]["result"] == "done"


async def test_a_reset_is_a_frame_of_its_own() -> None:
    """What came before it is one gap, wherever it is read from."""
    async with stage() as hub:
        talker, task = await talking(hub)
        talker.chunks("void", "too")
        await hub.head(task, 2)
        log = task.run.log
        log.head = log.write_reset(5, 2, "worker_lost")
        talker.chunks("again")
        talker.end()
        await hub.outcome(task)
        made = watch(Reader(hub), task)
        gap, reset, chunk, result = everything(made)
        stored = made.stored(3, log.tails(2, 3))

        assert (gap["from"], gap["to"], gap["why"], gap["attempt"]) == (1, 2, "void", 2)
        assert reset == {
            "type": "reset",
            "task_id": task.id,
            "seq": 3,
            "at": 5,
            "attempt": 2,
            "reason": "worker_lost",
        }
        assert frame(stored) == reset
        assert (chunk["seq"], chunk["data"], result["seq"]) == (4, "again", 5)


async def test_the_news_that_a_task_is_gone_is_passed_on() -> None:
    """To the reader, who ends the watch."""
    async with stage() as hub:
        reader = Reader(hub)
        made = watch(reader, await hub.start("coroutine", waiting))
        made.vanished()

        assert reader.gone == [made]


async def test_loaded_entries_are_frames_like_any_other() -> None:
    """Entries that came from the store look as those in memory do."""
    async with stage() as hub:
        task = await hub.run("coroutine", _done)
        made = watch(Reader(hub), task)
        stored = made.stored(1, task.run.log.tails(0, 3))

        assert msgspec.json.decode(b"[" + stored + b"]") == everything(made)[:3]


@pytest.mark.parametrize(
    ("locale", "text"),
    [("en", "Parameter city: too short"), ("zh-CN", "参数 city：too short")],
)
def test_errors_are_told_in_the_readers_language(locale: str, text: str) -> None:
    """With code and verdict for programs; what is not known is absent."""
    error = InvalidParamsError(detail={"field": "city", "reason": "too short"})
    found = frame(msgspec.json.encode(error_frame(error, locale, id="a")))

    assert found == {
        "type": "error",
        "id": "a",
        "code": "invalid_params",
        "message": text,
        "retry": False,
        "ran": "no",
        "detail": {"field": "city", "reason": "too short"},
    }


def test_errors_say_when_to_come_back() -> None:
    """And which task they are about, where they are about one."""
    full = error_frame(QueueFullError(retry_after_ms=1_000), "en", id=1)
    gone = error_frame(NotFoundError(), "en", task_id="t")

    assert frame(msgspec.json.encode(full))["retry_after_ms"] == 1_000
    found = frame(msgspec.json.encode(gone))
    assert (found["task_id"], found["code"]) == ("t", "not_found")
    assert "id" not in found
    assert "retry_after_ms" not in found
