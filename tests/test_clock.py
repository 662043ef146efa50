"""The clock: one loop's time, handed in."""

import asyncio
import time

from hub.clock import Clock


async def test_the_default_is_the_real_time() -> None:
    """Without anything said it is now, and time does not run backwards."""
    clock = Clock(asyncio.get_running_loop())

    assert abs(clock.wall() - time.time()) < 60
    assert abs(clock.now() - asyncio.get_running_loop().time()) < 60
    assert clock.now() <= clock.now()


async def test_time_is_an_argument() -> None:
    """Both times are what they were given, so that tests can move them."""
    clock = Clock(asyncio.get_running_loop(), wall=lambda: 7.0, now=lambda: 3.0)

    assert (clock.wall(), clock.now()) == (7.0, 3.0)


async def test_later_turns_are_the_loops() -> None:
    """What is due soon runs before what is due at a time, and both run."""
    clock = Clock(asyncio.get_running_loop())
    done = asyncio.Event()
    order: list[str] = []

    def later() -> None:
        order.append("later")
        done.set()

    clock.call_at(clock.now() + 0.001, later)
    clock.call_soon(order.append, "soon")
    async with asyncio.timeout(10):
        await done.wait()

    assert order == ["soon", "later"]
