"""A loop whose time passes by itself: a day of sleeping takes milliseconds.

Theory of operation. Where nothing is ready, a loop sleeps until its next timer is due.
This one moves its time there instead, provided that nothing outside could have called
back meanwhile: no socket is watched, no thread is at work. While something outside is
at work, time passes as it does on the wall, so that a thread that computes for a
second takes a second, and no timeout hits it early. `advance` moves the time even then.

When nothing has happened for ten years of it, nothing will: the test waits for what
never comes, and is told so.
"""

import asyncio
import functools
import selectors
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, ParamSpec, TypeVar, TypeVarTuple, Unpack

from hub.runner.threads import NAME

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BEGIN_S: Final = 1000.0
"""Where a loop's time begins; nothing of the hub begins at zero."""
LONG_S: Final = 10 * 365 * 86_400.0
"""After so much time in which nobody asked for any, nothing will happen any more."""
RESOLUTION_S: Final = 1e-6
"""How exact the time is."""
GLANCE_S: Final = 0.005
"""For how long to wait for what is outside before looking again, in real seconds."""
BREATH_S: Final = 0.002
"""What threads get of real time whenever `advance` moves the time."""


class NothingHappensError(RuntimeError):
    """The test waits for something that will never come."""


class _Selector(selectors.DefaultSelector):
    """Asks the loop what to do where the usual one would sleep."""

    wait: Callable[[float | None], float]

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; otherwise let the time pass."""
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        began = time.monotonic()
        real_s = self.wait(timeout)
        if real_s <= 0:
            return found
        found = super().select(real_s)
        self.passed(time.monotonic() - began)
        return found

    passed: Callable[[float], None]


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop with a time of its own.

    Use it as a loop factory: `asyncio.Runner(loop_factory=VirtualLoop)`.
    """

    def __init__(self) -> None:
        self._moment = BEGIN_S
        self._asked_until = BEGIN_S
        self._hurrying = False
        self._jobs = 0
        self._outside: list[Callable[[], object]] = []
        self._others = set(threading.enumerate())
        selector = self._watched = _Selector()
        super().__init__(selector)
        self._own = len(selector.get_map())
        # asyncio takes a timer as due within this; after years of simulated time the
        # usual nanosecond is less than what a float can tell apart.
        self._clock_resolution = RESOLUTION_S
        selector.wait, selector.passed = self._wait, self._pass

    def time(self) -> float:
        """Return this loop's time, in seconds."""
        return self._moment

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, and everything happen that is due on the way."""
        self._asked_until = self._moment + seconds
        self._hurrying = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self._hurrying = False

    def heed(self, busy: Callable[[], object]) -> None:
        """Let time pass really while something says that it is busy."""
        self._outside.append(busy)

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Ts]], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Run in a thread, and know that it is at work."""
        job = super().run_in_executor(executor, func, *args)
        self._jobs += 1
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _: object) -> None:
        self._jobs -= 1

    def _wait(self, timeout: float | None) -> float:
        """Move the time, or return for how long to wait really."""
        outside = self._is_busy_outside()
        if timeout is None:
            if not outside:
                raise NothingHappensError(
                    "no timer is set and nothing is under way: the test waits for "
                    "something that will never come"
                )
            return GLANCE_S
        if outside and not self._hurrying:
            return min(timeout, GLANCE_S)
        self._moment += timeout
        if self._moment > self._asked_until + LONG_S:
            raise NothingHappensError(
                "nothing has happened for ten years of the loop's time: the test "
                "waits for something that will never come"
            )
        return BREATH_S if outside else 0.0

    def _pass(self, seconds: float) -> None:
        """Note that time has passed really."""
        if not self._hurrying:
            self._moment += seconds

    def _is_busy_outside(self) -> bool:
        """Whether something that is not on this loop may call back."""
        if self._jobs or len(self._watched.get_map()) > self._own:
            return True
        if any(busy() for busy in self._outside):
            return True
        return any(
            # Threads that are kept for the next job are counted by their jobs.
            thread not in self._others
            and not thread.name.startswith((NAME, "asyncio_"))
            for thread in threading.enumerate()
        )


def simulated(test: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Run an async test on a `VirtualLoop`, whatever runs the other tests."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(test(*args, **kwargs))

    return run
