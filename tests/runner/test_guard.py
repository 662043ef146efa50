"""The guard: nothing outlives a nursery or a hub, however they end. All are real."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hub.runner.processes import Upbringing
from tests.kin import alive, gone, parent, until
from tests.runner.works import Bench, bench

STRAY = """
    @command(isolation="process")
    def stray(self, ctx: TaskContext, note: str) -> None:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
                with open(note + "~", "w") as file:
                    file.write(str(os.getpid()))
                os.rename(note + "~", note)
                time.sleep(600)
            os._exit(0)
        while True:
            time.sleep(0.01)

    @command(isolation="process")
    def pid(self, ctx: TaskContext) -> int:
        return os.getpid()
"""
HUB = """
import asyncio, sys
from pathlib import Path
from tests.runner.works import bench

async def main():
    async with bench(Path(sys.argv[1]), a=sys.argv[2]) as it:
        await it.spare("a")
        it.begin("a", "stray", note=sys.argv[3])
        await asyncio.sleep(600)

asyncio.run(main())
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def stray_in(note: Path) -> int:
    """Wait for a process in a session of its own; return its id."""
    until(note.exists, 20, "the stray")
    return int(note.read_text())


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[tuple[Bench, int, int, int]]:
    """Hold a command with a stray: the bench, guard, nursery and stray."""
    up = Upbringing(start_s=0, answer_s=0.4)
    async with bench(tmp_path, upbringing=up, a=STRAY) as it:
        await it.spare("a")
        trial = it.begin("a", "stray", note=str(tmp_path / "note"))
        stray = await asyncio.to_thread(stray_in, tmp_path / "note")
        nursery = it.processes.nursery
        yield it, parent(nursery), nursery, stray
        assert (await trial.over()).code == "worker_lost"
        assert isinstance(await it.run("a", "pid"), int)
        assert it.processes.nursery != nursery


@pytest.mark.parametrize("victim", ["guard", "nursery"])
async def test_nothing_outlives_a_nursery_that_is_killed(
    held: tuple[Bench, int, int, int], victim: str
) -> None:
    """Nor a guard: sessions of their own do not help, and the hub goes on."""
    _, guard, nursery, stray = held
    assert len({guard, nursery, stray}) == 3

    os.kill({"guard": guard, "nursery": nursery}[victim], signal.SIGKILL)

    await asyncio.to_thread(gone, [guard, nursery, stray], 2)


@pytest.mark.parametrize("guard_too", [False, True])
async def test_a_nursery_that_does_not_answer_is_replaced(
    held: tuple[Bench, int, int, int], caplog: pytest.LogCaptureFixture, guard_too: bool
) -> None:
    """Within its time, with what it had started; its commands are lost and tell so."""
    _, guard, nursery, stray = held
    if guard_too:
        os.kill(guard, signal.SIGSTOP)
    os.kill(nursery, signal.SIGSTOP)

    await asyncio.to_thread(gone, [guard, nursery, stray], 5)

    assert "does not answer" in caplog.text


async def test_a_guard_that_hears_nothing_is_killed(
    held: tuple[Bench, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that keeps being stopped has no say in it."""
    it, guard, nursery, stray = held
    keeper = it.processes._keeper
    assert keeper is not None
    os.kill(nursery, signal.SIGSTOP)

    def stop(_signal: int) -> None:
        os.kill(guard, signal.SIGSTOP)

    monkeypatch.setattr(keeper._process, "send_signal", stop)

    await asyncio.to_thread(gone, [guard, nursery], 5)

    # Nobody is left who would know of it.
    with suppress(ProcessLookupError):
        os.kill(stray, signal.SIGKILL)


@pytest.mark.parametrize(
    "blow",
    [
        lambda hub, guard, nursery: [(hub, signal.SIGKILL)],
        lambda hub, guard, nursery: [(nursery, signal.SIGKILL), (hub, signal.SIGKILL)],
        lambda hub, guard, nursery: [(guard, signal.SIGKILL), (hub, signal.SIGKILL)],
        lambda hub, guard, nursery: [(nursery, signal.SIGSTOP), (hub, signal.SIGKILL)],
        lambda hub, guard, nursery: [(guard, signal.SIGSTOP), (hub, signal.SIGKILL)],
        lambda hub, guard, nursery: [
            (guard, signal.SIGSTOP),
            (nursery, signal.SIGSTOP),
            (hub, signal.SIGKILL),
        ],
    ],
    ids=["alone", "nursery", "guard", "stopped", "guard stopped", "both stopped"],
)
def test_nothing_outlives_the_hub(
    tmp_path: Path, blow: Callable[[int, int, int], list[tuple[int, signal.Signals]]]
) -> None:
    """Two seconds after it was killed, whatever was done to the others before."""
    note = tmp_path / "note"
    hub = subprocess.Popen([sys.executable, "-c", HUB, str(tmp_path), STRAY, str(note)])
    try:
        stray = stray_in(note)
        # The one between the two may not be gone yet.
        until(lambda: parent(parent(parent(parent(stray)))) == hub.pid, 5)
        command = parent(stray)
        nursery = parent(command)
        guard = parent(nursery)

        for pid, by in blow(hub.pid, guard, nursery):
            os.kill(pid, by)
        hub.wait()

        gone([stray, command, nursery, guard], 2)
        assert not alive(stray)
    finally:
        hub.kill()
        hub.wait()
