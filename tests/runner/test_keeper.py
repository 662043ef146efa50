"""The hub's hold on a nursery, a real one."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from hub.plugin.origin import Origin
from hub.runner.keeper import Keeper
from hub.runner.letters import Limits
from tests.kin import alive, until
from tests.runner.test_processes import PID
from tests.runner.works import bench

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


async def test_a_nursery_that_is_slow_holds_nobody_up(tmp_path: Path) -> None:
    """What it is told waits here, and none of it is lost."""
    async with bench(tmp_path, a=PID) as it:
        await it.spare("a")
        keeper = it.processes._keeper
        assert keeper is not None
        os.kill(keeper.pid, signal.SIGSTOP)
        trial = it.begin("a", "pid")
        remote = trial.work.process
        number = getattr(remote, "number", 0)
        for _ in range(5000):
            keeper.signal(number, signal.SIGCONT)
        assert len(keeper._queue) > 100
        os.kill(keeper.pid, signal.SIGCONT)

        await trial.over()
        assert isinstance(await it.run("a", "pid"), int)
        assert not keeper._queue


async def test_a_nursery_that_hangs_is_put_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's end does not wait for it, and nothing is left."""
    monkeypatch.setattr("hub.runner.keeper.LEAVE_S", 0.1)
    async with bench(tmp_path, a=PID) as it:
        spare = await it.spare("a")
        nursery = it.processes.nursery
        os.kill(nursery, signal.SIGSTOP)

    assert not alive(nursery)
    until(lambda: not alive(spare), 2)


async def test_a_nursery_that_ends_by_itself_is_told() -> None:
    """Once; what is sent to it afterwards is for nobody, and its files are closed."""
    gone = asyncio.Event()
    keeper = Keeper([Origin(name="x", file="x.py")], Limits(), gone.set, 5)
    os.kill(keeper.guard, signal.SIGKILL)
    async with asyncio.timeout(10):
        await gone.wait()
    died: list[tuple[int, str | None]] = []

    class Kept:
        """Somebody who waits for a process."""

        def born(self, pid: int) -> None:
            """Never come here."""

        def died(self, code: int, reason: str | None) -> None:
            """Learn that there is none."""
            died.append((code, reason))

    file = os.dup(0)
    keeper.fork(1, Kept(), [file])
    with pytest.raises(OSError, match="Bad file"):
        os.close(file)
    keeper.signal(1, signal.SIGTERM)
    await keeper.close()

    assert died == [(-signal.SIGKILL, None)]
