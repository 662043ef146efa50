"""The simulated loop: time passes by itself, unless something outside is at work."""

import asyncio
import socket
import threading
import time

import pytest

from hub.testing.loops import BEGIN_S, NothingHappensError, VirtualLoop, simulated

YEAR_S = 365 * 86_400.0


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    """Run the coroutines of this file on the simulated loop, as anyio does it."""
    return "asyncio", {"loop_factory": VirtualLoop}


def now() -> float:
    """Return the loop's time."""
    return asyncio.get_running_loop().time()


async def test_sleeping_takes_no_time() -> None:
    """However long; and sleepers wake in the order of their times."""
    began, woken = time.monotonic(), []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((seconds, now() - BEGIN_S))

    await asyncio.gather(sleep(3 * YEAR_S), sleep(0.001), sleep(86_400))

    assert [each[0] for each in woken] == [0.001, 86_400, 3 * YEAR_S]
    assert [each[1] for each in woken] == [pytest.approx(each[0]) for each in woken]
    assert time.monotonic() - began < 5


async def test_timeouts_are_simulated_too() -> None:
    """A minute of patience is over at once."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await asyncio.Event().wait()


async def test_a_thread_at_work_is_waited_for() -> None:
    """No timeout hits it early; the time that passes is real."""
    async with asyncio.timeout(5):
        await asyncio.to_thread(time.sleep, 0.05)
    passed = now() - BEGIN_S
    assert 0 < passed < 5
    await asyncio.sleep(1000)
    assert now() > 1000


async def test_a_thread_of_ones_own_is_waited_for() -> None:
    """Whoever has started it."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        time.sleep(0.05)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work).start()
    async with asyncio.timeout(5):
        await done.wait()


async def test_a_socket_is_waited_for() -> None:
    """While one is open, time passes as it does outside."""
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=here)
    threading.Timer(0.05, there.sendall, (b"x\n",)).start()
    async with asyncio.timeout(5):
        assert await reader.readline() == b"x\n"
    writer.close()
    await writer.wait_closed()
    there.close()


async def test_time_can_be_moved_while_a_thread_is_at_work() -> None:
    """And what is due on the way happens."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    release, happened = threading.Event(), list[str]()
    job = asyncio.create_task(asyncio.to_thread(release.wait, 10))
    await asyncio.sleep(0)
    loop.call_later(3600, happened.append, "due")

    await loop.advance(7200)

    assert happened == ["due"]
    assert now() - BEGIN_S == pytest.approx(7200, abs=1)
    release.set()
    assert await job


@simulated
async def test_a_test_may_be_simulated_alone() -> None:
    """Whatever runs the others."""
    await asyncio.sleep(YEAR_S)


def test_what_never_comes_is_not_waited_for() -> None:
    """With timers that repeat, and without any timer."""

    async def repeat() -> None:
        for _ in range(10**6):
            await asyncio.sleep(86_400)

    for hopeless in (repeat(), asyncio.Event().wait()):
        with (
            asyncio.Runner(loop_factory=VirtualLoop) as runner,
            pytest.raises(NothingHappensError, match="never come"),
        ):
            runner.run(hopeless)


@simulated
async def test_only_threads_are_waited_for_without_a_timer() -> None:
    """What they bring may come at any time."""
    assert await asyncio.to_thread(lambda: 1) == 1
