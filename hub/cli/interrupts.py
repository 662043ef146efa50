"""Ctrl-C, counted: the first is a wish, the second an order, the third an end."""

import asyncio
import signal
import threading
from types import FrameType
from typing import Final, Self

ALL: Final = 2
"""So many are waited for; one more ends the program where it stands."""


class Interrupts:
    """Counts Ctrl-C while it is entered; needs a running loop.

    A program that was started with SIGINT ignored, as a shell does with `&`, goes on
    ignoring it.

    Attributes:
        first: Set by the first.
        second: Set by the second.
    """

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        self._count = 0
        self._loop = asyncio.get_running_loop()
        self._before: object = None

    def __enter__(self) -> Self:
        """Begin to count."""
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if threading.current_thread() is threading.main_thread() and not ignored:
            self._before = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave Ctrl-C as it was."""
        if callable(self._before):
            signal.signal(signal.SIGINT, self._before)

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        """Count one. A write that blocks is interrupted by the last one only."""
        self._count += 1
        if self._count > ALL:
            raise KeyboardInterrupt
        event = self.first if self._count == 1 else self.second
        self._loop.call_soon_threadsafe(event.set)
