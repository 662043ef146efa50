"""The pool of processes: spares, and what becomes of them. All are real."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from hub.errors import UnavailableError
from hub.runner import nursery
from hub.runner.processes import Upbringing
from tests.kin import alive, descendants, gone
from tests.runner.works import bench

PID = """
    @command(isolation="process")
    def pid(self, ctx: TaskContext) -> int:
        return os.getpid()

    @command(isolation="process")
    def hold(self, ctx: TaskContext) -> None:
        ctx.log("holding")
        while not ctx.cancelled:
            time.sleep(0.01)
"""
VERSION = """
    @command(isolation="process")
    def say(self, ctx: TaskContext) -> str:
        return "{word}"

    @command(isolation="process")
    def hold(self, ctx: TaskContext) -> str:
        while not ctx.cancelled and not os.path.exists({file!r}):
            time.sleep(0.01)
        return "{word}"
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


async def test_a_spare_takes_over_and_another_is_made(tmp_path: Path) -> None:
    """Each process has one command, and the next one is warm already."""
    async with bench(tmp_path, a=PID) as it:
        first = await it.spare("a")
        assert await it.run("a", "pid") == first
        second = await it.spare("a")
        assert await it.run("a", "pid") == second
        assert second != first
        await it.processes.idle()
        gone([first, second], 1)


async def test_commands_at_once_have_processes_of_their_own(tmp_path: Path) -> None:
    """There is one spare; the others are made when they are needed."""
    async with bench(tmp_path, a=PID) as it:
        await it.spare("a")
        trials = [it.begin("a", "pid") for _ in range(5)]
        outcomes = [await each.over() for each in trials]

        assert len({each.result for each in outcomes}) == 5


async def test_there_are_no_more_spares_than_wanted(tmp_path: Path) -> None:
    """Plugins that were used last have them; the others' are let go."""
    up = Upbringing(spares=2, start_s=0)
    async with bench(tmp_path, upbringing=up, a=PID, b=PID, c=PID) as it:
        former = await it.spare("a")
        await it.spare("b")
        await it.run("c", "pid")
        await it.spare("c")

        assert set(it.processes.spares) == {"b", "c"}
        gone([former], 2)


async def test_no_spares_are_made_where_none_are_wanted(tmp_path: Path) -> None:
    """Commands work all the same, and are made to measure."""
    async with bench(tmp_path, upbringing=Upbringing(spares=0), a=PID) as it:
        assert it.processes.nursery == 0
        await it.run("a", "pid")
        await it.processes.idle()

        assert it.processes.nursery
        assert descendants(it.processes.nursery) == set()


async def test_without_such_commands_there_is_no_nursery(tmp_path: Path) -> None:
    """What nobody needs costs nothing; and what nobody has cannot be run."""
    plain = "    @command\n    async def x(self, ctx: TaskContext) -> None: ...\n"
    async with bench(tmp_path, a=plain) as it:
        await asyncio.sleep(0.01)
        assert it.processes.nursery == 0
        with pytest.raises(UnavailableError):
            it.begin("a", "x")


async def test_a_spare_that_dies_is_replaced(tmp_path: Path) -> None:
    """Whoever killed it."""
    async with bench(tmp_path, a=PID) as it:
        first = await it.spare("a")
        os.kill(first, signal.SIGKILL)
        gone([first], 5)
        while (second := await it.spare("a")) == first:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.005)
        assert await it.run("a", "pid") == second


async def test_a_plugin_that_does_not_start_there_is_not_tried_for_ever(
    tmp_path: Path,
) -> None:
    """No spare is made again and again; a command says what is wrong."""
    body = PID + (
        "    async def start(self):\n"
        f"        with open({str(tmp_path / 'starts')!r}, 'a') as file:\n"
        "            file.write('x')\n"
        "        if 'taskhub-line' in str(__import__('threading').enumerate()):\n"
        "            raise RuntimeError('not here')\n"
    )
    async with bench(tmp_path, a=body) as it:
        outcome = await it.begin("a", "pid").over()

        assert outcome.code == "plugin_error"
        assert "RuntimeError: not here" in (outcome.error or "")
    assert len((tmp_path / "starts").read_text()) <= 4


async def test_a_nursery_that_dies_is_replaced(tmp_path: Path) -> None:
    """At once at first, later after a while; a command does not wait for that."""
    async with bench(tmp_path, a=PID) as it:
        for _ in range(3):
            await it.spare("a")
            former = it.processes.nursery
            held = it.begin("a", "hold")
            await asyncio.sleep(0.05)
            os.kill(former, signal.SIGKILL)
            lost = await held.over()
            assert lost.code == "worker_lost"
            assert isinstance(await it.run("a", "pid"), int)
            assert it.processes.nursery != former


async def test_new_plugins_are_for_new_commands(tmp_path: Path) -> None:
    """What runs goes on with the old ones; their nursery ends with the last of it."""
    mark = tmp_path / "mark"
    old = VERSION.format(word="old", file=str(mark))
    async with bench(tmp_path, a=old) as it:
        await it.spare("a")
        former = it.processes.nursery
        held = it.begin("a", "hold")
        path = tmp_path / "a.py"
        path.write_text(path.read_text().replace('"old"', '"new"'))

        it.processes.renew(await it.origins())

        assert await it.run("a", "say") == "new"
        assert alive(former)
        mark.touch()
        assert (await held.over()).result == b'"old"'
        async with asyncio.timeout(5):
            while alive(former):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.005)


async def test_the_end_of_the_pool_is_the_end_of_all(tmp_path: Path) -> None:
    """Spares, commands and nursery; whoever waits is told."""
    async with bench(tmp_path, a=PID) as it:
        spare = await it.spare("a")
        held = it.begin("a", "hold")
        await it.spare("a")
        everybody = {it.processes.nursery, *descendants(it.processes.nursery)}
        assert spare in everybody

    assert held.outcome.done()
    assert not [pid for pid in everybody if alive(pid)]
    with pytest.raises(UnavailableError):
        it.begin("a", "pid")


async def test_a_nursery_that_cannot_be_started_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its commands are refused for now, and the hub goes on."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    async with bench(tmp_path, a=PID) as it:
        with pytest.raises(UnavailableError):
            it.begin("a", "pid")

    assert "cannot be started" in caplog.text
    assert nursery.FILES == 4
