"""`logging` inside a command, and how much of it is kept."""

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from hub.plugin.context import TaskContext
from hub.runner.caps import Caps
from hub.tasks import TaskStatus
from hub.worker import Slots
from tests.stage import GRACE_S, Script, said, stage

speaker = logging.getLogger("weather.upstream")


@pytest.fixture(autouse=True)
def _every_level() -> Iterator[None]:
    """Let all records pass."""
    speaker.setLevel(logging.DEBUG)
    yield
    speaker.setLevel(logging.NOTSET)


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_records_reach_the_tasks_log(command: str) -> None:
    """With level, logger and text, on the channel log."""
    async with stage() as hub:

        def talk() -> None:
            speaker.debug("asking %s", "Paris")
            speaker.warning("slow")

        async def on_the_loop(_: TaskContext) -> None:
            talk()

        def in_a_thread(_: TaskContext) -> None:
            talk()

        script: Script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.run(command, script)

        name = "weather.upstream"
        assert said(task, "log") == [
            {"level": "debug", "logger": name, "message": "asking Paris"},
            {"level": "warning", "logger": name, "message": "slow"},
        ]


async def test_a_level_of_ones_own_keeps_its_name() -> None:
    """In small letters, as the others are."""
    logging.addLevelName(25, "NOTICE")
    async with stage() as hub:

        async def script(_: TaskContext) -> None:
            speaker.log(25, "so")

        task = await hub.run("coroutine", script)

        assert said(task, "log")[0]["level"] == "notice"


async def test_each_task_has_its_own_records() -> None:
    """What is said in a command lands there, also from its helpers' tasks."""
    async with stage() as hub:
        both = asyncio.Barrier(2)

        def script_of(name: str) -> Script:
            async def helper() -> None:
                speaker.info("helper of %s", name)

            async def script(_: TaskContext) -> None:
                await both.wait()
                speaker.info(name)
                await asyncio.create_task(helper())

            return script

        tasks = [await hub.start("coroutine", script_of(name)) for name in "ab"]
        for task, name in zip(tasks, "ab", strict=True):
            await hub.outcome(task)
            texts = [each["message"] for each in said(task, "log")]
            assert texts == [name, f"helper of {name}"]


async def test_the_hubs_own_records_are_not_a_tasks() -> None:
    """They are for the operator; and what is said elsewhere is nobody's."""
    async with stage() as hub:

        async def script(_: TaskContext) -> None:
            logging.getLogger("hub").warning("ours")
            logging.getLogger("hub.feeds").warning("ours")
            logging.getLogger("hubris").warning("theirs")

        speaker.warning("outside")
        task = await hub.run("coroutine", script)
        speaker.warning("outside")

        assert [each["message"] for each in said(task, "log")] == ["theirs"]


@pytest.mark.parametrize("text", ["%d", "\ud800"])
async def test_logging_never_fails_who_logs(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record that cannot be made into text costs the record only."""
    async with stage() as hub:

        async def script(_: TaskContext) -> str:
            speaker.warning(text, *(["x"] if "%" in text else []))
            return "went on"

        logging.raiseExceptions = False
        try:
            task = await hub.run("coroutine", script)
        finally:
            logging.raiseExceptions = True
        capsys.readouterr()

        assert task.outcome
        assert task.outcome.result == b'"went on"'


async def test_a_stopped_worker_listens_no_more() -> None:
    """The handler is taken away with it."""
    before = logging.getLogger().handlers[:]
    async with stage():
        assert len(logging.getLogger().handlers) == len(before) + 1

    assert logging.getLogger().handlers == before


def budget(size: int, chunk: int = 1_000) -> Slots:
    """Return slots with so much room for log records."""
    caps = Caps(chunk_bytes=chunk, log_record_bytes=size)
    return Slots(grace_s=GRACE_S, caps=caps)


@pytest.mark.parametrize("command", ["coroutine", "plain"])
async def test_records_over_the_budget_are_counted(command: str) -> None:
    """The run goes on, and a last record says how many were left out."""
    async with stage(slots=budget(400)) as hub:

        def talk(ctx: TaskContext) -> None:
            for number in range(100):
                ctx.log(f"number {number}")

        async def on_the_loop(ctx: TaskContext) -> str:
            talk(ctx)
            await ctx.chunk("output is not counted")
            return "done"

        def in_a_thread(ctx: TaskContext) -> str:
            talk(ctx)
            ctx.chunk("output is not counted")  # type: ignore[unused-awaitable]  # waits
            return "done"

        script: Script = on_the_loop if command == "coroutine" else in_a_thread
        task = await hub.run(command, script)
        *kept, last = said(task, "log")

        assert task.outcome
        assert task.outcome.result == b'"done"'
        assert [each["message"] for each in kept] == [
            f"number {number}" for number in range(len(kept))
        ]
        assert 5 < len(kept) < 15
        assert last["level"] == "warning"
        assert str(100 - len(kept)) in last["message"]
        assert said(task) == ["output is not counted"]


async def test_no_record_was_left_out_of_a_short_log() -> None:
    """The last record comes only where it says something."""
    async with stage(slots=budget(400)) as hub:

        async def script(ctx: TaskContext) -> None:
            ctx.log("one", "error")

        task = await hub.run("coroutine", script)

        assert said(task, "log") == [{"level": "error", "message": "one"}]


async def test_a_record_that_no_chunk_can_hold_is_left_out() -> None:
    """And counted; those after it are kept."""
    async with stage(slots=budget(100_000)) as hub:

        async def script(ctx: TaskContext) -> None:
            ctx.log("x" * 2_000)
            ctx.log("small")

        task = await hub.run("coroutine", script)
        texts = [each["message"] for each in said(task, "log")]

        assert texts[0] == "small"
        assert "1" in texts[1]


async def test_a_failed_and_a_cancelled_run_say_it_too() -> None:
    """However the run ends, what is missing is told before the end."""
    async with stage(slots=budget(50)) as hub:

        async def failing(ctx: TaskContext) -> None:
            for _ in range(5):
                ctx.log("x" * 20)
            raise ValueError

        async def cancelled(ctx: TaskContext) -> None:
            for _ in range(5):
                ctx.log("x" * 20)
            await asyncio.Event().wait()

        first = await hub.run("coroutine", failing)
        second = await hub.start("coroutine", cancelled)
        await hub.head(second, 1)
        await hub.cancel(second)
        await hub.outcome(second)

        for task in (first, second):
            assert "4" in said(task, "log")[-1]["message"]
        assert second.outcome
        assert second.outcome.status is TaskStatus.CANCELLED


async def test_a_record_never_waits() -> None:
    """`ctx.log` is a plain call, in a thread too, whatever the store does."""
    caps = Caps(uncommitted_bytes=1)
    async with stage(slots=Slots(grace_s=GRACE_S, caps=caps)) as hub:
        done = threading.Event()

        def script(ctx: TaskContext) -> None:
            for _ in range(1_000):
                ctx.log("x" * 100)
            done.set()

        task = await hub.start("plain", script)
        # The loop does not turn meanwhile, so nothing is taken from the thread.
        assert done.wait(10)
        await hub.outcome(task)

        assert len(said(task, "log")) == 1_000
