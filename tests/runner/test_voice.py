"""The sinks of commands in processes, over a real socket."""

import asyncio
import threading

import pytest

from hub.plugin.context import Facts, TaskContext
from hub.plugin.errors import TaskError
from hub.runner.caps import Caps
from hub.runner.letters import Advance, Piece, Record
from hub.runner.voice import HELD_BYTES, TURN_CHUNKS, LoopVoice, Voice
from tests.runner.far_end import PATIENCE_S, Hub

CAPS = Caps(chunk_bytes=1000, log_record_bytes=200)
FACTS = Facts(run_id="r", task_id="r")


def test_a_context_speaks_over_the_line(hub: Hub) -> None:
    """Every verb is a letter, and plain commands await nothing."""
    ctx = TaskContext(FACTS, Voice(hub.line, CAPS))

    ctx.progress(0.5, "half")
    _ = ctx.chunk({"a": 1})
    _ = ctx.chunk("text", channel="side", kind="text")
    _ = ctx.write(b"\xff")
    ctx.log("word")

    assert hub.hear(5) == [
        Advance(fraction=0.5, message="half", step=None, total=None),
        Piece(channel="out", kind=None, data=b'{"a":1}', binary=False),
        Piece(channel="side", kind="text", data=b'"text"', binary=False),
        Piece(
            channel="out", kind="application/octet-stream", data=b"\xff", binary=True
        ),
        Record(data=b'{"level":"info","message":"word"}'),
    ]
    hub.line.move_deadline(10)
    assert ctx.deadline is not None
    assert not ctx.cancelled


def test_long_text_and_bytes_are_cut(hub: Hub) -> None:
    """A value that cannot be cut is refused, as elsewhere."""
    ctx = TaskContext(FACTS, Voice(hub.line, CAPS))

    _ = ctx.chunk("x" * 5000)
    _ = ctx.write(b"x" * 5000)
    with pytest.raises(TaskError, match="too large"):
        _ = ctx.chunk(["x" * 5000])

    assert all(
        isinstance(each, Piece) and len(each.data) <= 1000 for each in hub.hear(10)
    )


def test_too_many_log_records_are_counted(hub: Hub) -> None:
    """They are left out here already, so that they cost nothing on the way."""
    voice = Voice(hub.line, CAPS)
    for _ in range(10):
        voice.log(b'"' + b"x" * 48 + b'"')
    voice.log(b'"' + b"x" * 2000 + b'"')

    assert voice.dropped == 7
    assert len(hub.hear(4)) == 4


def test_a_long_message_is_clipped(hub: Hub) -> None:
    """Readers see its beginning; it never makes a letter too long."""
    TaskContext(FACTS, Voice(hub.line, CAPS)).progress(0.1, "x" * 1_000_000)

    [told] = hub.hear(1)

    assert isinstance(told, Advance)
    assert told.message is not None
    assert len(told.message) < 10_000


def test_after_a_stop_nothing_is_said(hub: Hub) -> None:
    """And nothing is raised, however wrong it is."""
    ctx = TaskContext(FACTS, Voice(hub.line, CAPS))
    hub.line.stop()

    ctx.progress(0.5)
    _ = ctx.chunk(["x" * 5000])
    _ = ctx.chunk("x")
    _ = ctx.write(b"x")
    ctx.log("x")

    assert ctx.cancelled
    assert hub.line.held == 0


def test_a_plain_command_waits_for_a_slow_hub(hub: Hub) -> None:
    """In its own call; a stop frees it."""
    ctx = TaskContext(FACTS, Voice(hub.line, Caps()))
    done = threading.Event()

    def speak() -> None:
        for _ in range(200):
            _ = ctx.chunk("x" * 10_000)
        done.set()

    thread = threading.Thread(target=speak)
    thread.start()
    hub.until(lambda: hub.line.held > HELD_BYTES or hub.line.pressed)
    assert not done.is_set()
    assert hub.line.held < HELD_BYTES + 20_000
    hub.hear(50)
    hub.line.stop()
    assert done.wait(PATIENCE_S)
    thread.join()


async def test_an_async_command_waits_and_its_loop_goes_on(hub: Hub) -> None:
    """Nothing is lost, and others on the loop have their turns."""
    ctx = TaskContext(FACTS, LoopVoice(hub.line, Caps()))
    turns = 0

    async def speak() -> None:
        for _ in range(200):
            await ctx.chunk("x" * 10_000)

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        speaking = group.create_task(speak())
        while hub.line.held <= HELD_BYTES:  # noqa: ASYNC110  # nobody sets an event
            await asyncio.sleep(0)
        assert not speaking.done()
        heard = await asyncio.to_thread(hub.hear, 200)
        while not speaking.done():
            turns += 1
            await asyncio.sleep(0)

    assert len(heard) == 200


async def test_an_async_command_gives_the_loop_its_turn(hub: Hub) -> None:
    """Now and then, however quick the hub is; a stop frees who waits."""
    voice = LoopVoice(hub.line, Caps())
    waits = [voice.chunk("out", None, b"1") for _ in range(TURN_CHUNKS)]

    assert waits[-1] is voice
    assert all(each is not voice for each in waits[:-1])
    await waits[-1]
    waits = [voice.write("out", "x/y", b"x" * 100_000) for _ in range(100)]
    task = asyncio.create_task(asyncio.wait_for(waits[-1], PATIENCE_S))
    await asyncio.sleep(0)
    hub.line.stop()
    await task


def test_a_voice_may_outlive_its_loop(hub: Hub) -> None:
    """What comes afterwards is for nobody."""

    async def make() -> LoopVoice:
        return LoopVoice(hub.line, Caps())

    voice = asyncio.run(make())
    hub.line.stop()

    assert voice.cancelled
