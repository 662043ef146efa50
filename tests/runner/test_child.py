"""The life of a process, seen from the hub; each one here is real."""

import asyncio
import logging
import sys
from pathlib import Path

import pytest

from hub.runner.child import LEAVE_S, Child
from hub.runner.processes import Upbringing
from tests.runner.works import bench

BODY = """
    async def start(self):
        self.loop = asyncio.get_running_loop()
        self.ticks = 0
        self.ticking = asyncio.create_task(self.tick())

    async def tick(self):
        while True:
            self.ticks += 1
            await asyncio.sleep(0.001)

    async def stop(self):
        if self.config.get("note"):
            with open(self.config["note"], "a") as file:
                file.write("stopped ")
        logging.getLogger("some.library").warning("stopping")

    @command(isolation="process")
    async def same_loop(self, ctx: TaskContext) -> bool:
        return self.loop is asyncio.get_running_loop() and self.ticks > 1

    @command(isolation="process")
    def config_of(self, ctx: TaskContext) -> object:
        return self.config

    @command(isolation="process")
    def plain(self, ctx: TaskContext) -> list:
        from hub import current_task
        return [current_task() is ctx, asyncio.run(self.number())]

    async def number(self):
        return 7

    @command(isolation="process")
    def closes_its_output(self, ctx: TaskContext) -> str:
        sys.stdout.close()
        sys.stderr.close()
        return "closed"

    @command(isolation="process")
    def unencodable(self, ctx: TaskContext) -> object:
        return object

    @command(isolation="process")
    async def stuck(self, ctx: TaskContext) -> None:
        ctx.log("here")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            raise

    @command(isolation="process")
    def exits(self, ctx: TaskContext) -> None:
        sys.exit("no")

    @command(isolation="process")
    def floods(self, ctx: TaskContext) -> None:
        for number in range(30_000):
            logging.getLogger("some.library").info("x" * 1000)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


async def test_the_plugin_lives_on_the_loop_of_its_command(tmp_path: Path) -> None:
    """What `start` began goes on while a spare waits, and while its command runs."""
    async with bench(tmp_path, a=BODY) as it:
        await it.spare("a")
        await asyncio.sleep(0.02)
        assert await it.run("a", "same_loop") is True


async def test_a_plain_command_has_the_main_thread(tmp_path: Path) -> None:
    """It may run a loop of its own, and `current_task()` is its own."""
    async with bench(tmp_path, a=BODY) as it:
        assert await it.run("a", "plain") == [True, 7]


async def test_the_table_comes_over_the_line(tmp_path: Path) -> None:
    """Whole, and without the environment."""
    up = Upbringing(config={"a": {"key": "secret", "list": [1, 2]}})
    async with bench(tmp_path, upbringing=up, a=BODY) as it:
        assert await it.run("a", "config_of") == {"key": "secret", "list": [1, 2]}


async def test_a_plugin_is_stopped_in_its_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After its command, when the result is known already; spares, too."""
    note = tmp_path / "note"
    up = Upbringing(config={"a": {"note": str(note)}}, start_s=0)
    caplog.set_level(logging.INFO)
    async with bench(tmp_path, upbringing=up, a=BODY) as it:
        await it.spare("a")
        await it.begin("a", "plain").over()
        assert note.read_text() == "stopped "
        assert "stopping" in caplog.text
        await it.spare("a")

    assert note.read_text() == "stopped stopped "
    assert LEAVE_S > 0
    assert Child.__doc__


async def test_streams_may_be_closed(tmp_path: Path) -> None:
    """A command that closes what it prints to ends as well as any."""
    async with bench(tmp_path, a=BODY) as it:
        assert await it.run("a", "closes_its_output") == "closed"


@pytest.mark.parametrize(
    ("command", "error"),
    [("unencodable", "The result is no JSON value"), ("exits", "SystemExit: no")],
)
async def test_a_bad_end_is_one_outcome(
    tmp_path: Path, command: str, error: str
) -> None:
    """The same as on the loop or in a thread."""
    async with bench(tmp_path, a=BODY) as it:
        outcome = await it.begin("a", command).over()

        assert outcome.code == "plugin_error"
        assert (outcome.error or "").startswith(error)


async def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The file was changed behind the hub's back."""
    async with bench(tmp_path, a=BODY) as it:
        outcome = await it.begin("a", "unknown").over()

        assert "restart the hub" in (outcome.error or "")


async def test_an_async_command_is_cancelled_once(tmp_path: Path) -> None:
    """What it does on its way out is not cancelled again."""
    async with bench(tmp_path, a=BODY) as it:
        trial = it.begin("a", "stuck")
        while not trial.run.log.chunks:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.005)
        trial.output.stop()
        trial.output.stop()

        assert (await trial.over()).code == "cancelled"


async def test_a_flood_of_records_is_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """30 MB are said; the task keeps what a run may, and counts the rest."""
    caplog.set_level(logging.INFO)
    async with bench(tmp_path, a=BODY) as it:
        trial = it.begin("a", "floods")
        outcome = await trial.over()
        trial.output.close()

        assert outcome.code is None
        assert trial.run.log.total < 10_000_000
        tails = trial.run.log.tails(0, trial.run.log.written)
        assert b"more log records were left out" in tails[-1]
    caplog.clear()
