"""Time, as an argument.

A `Clock` is what the parts of a node ask for the time and for a later turn. It reads
the running loop, so that a loop with a virtual clock moves everything.
"""

import asyncio
import time
from collections.abc import Callable


class Clock:
    """The time of one loop.

    Args:
        loop: Whose time it is.
        wall: Returns seconds since the epoch; for display and for what is stored.
        now: Returns the time of the loop; the default is finer than some loops' own.
    """

    __slots__ = ("call_at", "call_soon", "now", "wall")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        wall: Callable[[], float] = time.time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        """Return the loop's time in seconds; it never runs backwards."""
        self.wall = wall
        """Return seconds since the epoch."""
        self.call_at = loop.call_at
        """Call a function at a time of the loop."""
        self.call_soon = loop.call_soon
        """Call a function in the loop's next turn."""
