"""The beat at which a simulated hub acts on what is due.

A hub in production looks ten times a second, which would be a million looks for a
simulated day. So this beat slows down while nothing happens, to a hundredth of the
time that it has been quiet; and the moments at which something is known to be due are
met exactly.
"""

import asyncio
from collections.abc import Callable
from typing import Final

SLACK: Final = 0.01
"""How late the beat may be, as a part of the time in which nothing has happened."""
AFTER_S: Final = 1e-6
"""What is due at a moment is due right after it."""


class Pulse:
    """Calls back, often at first and then ever more rarely.

    Args:
        act: What is called.
        shortest_s: The time between two calls when something has just happened.
    """

    def __init__(self, act: Callable[[], None], shortest_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._act = act
        self._shortest_s = shortest_s
        self._stirred = self._loop.time()
        self._exact: set[asyncio.TimerHandle] = set()
        self._next = self._plan()

    def stir(self) -> None:
        """Beat fast again: something has happened."""
        self._stirred = self._loop.time()
        self._next.cancel()
        self._next = self._plan()

    def at(self, seconds: float) -> None:
        """Beat exactly when so many seconds have passed, too."""

        def meet() -> None:
            self._exact.discard(handle)
            self.stir()
            self._act()

        handle = self._loop.call_later(seconds + AFTER_S, meet)
        self._exact.add(handle)

    def stop(self) -> None:
        """Beat no more."""
        self._next.cancel()
        for handle in self._exact:
            handle.cancel()

    def _plan(self) -> asyncio.TimerHandle:
        quiet = self._loop.time() - self._stirred
        return self._loop.call_later(max(self._shortest_s, SLACK * quiet), self._beat)

    def _beat(self) -> None:
        self._act()
        self._next = self._plan()
