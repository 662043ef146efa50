"""Answers that wait to be sent to one reader, before everything else.

There is no bound on them here: whoever reads from the peer stops while they are
`congested`, and goes on when it is told.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

CONGESTED_BYTES: Final = 256 * 1024
"""When so much waits, the peer is read from no more."""


class Answers:
    """Encoded frames in their order; each part leaves in one message."""

    __slots__ = ("_bytes", "_parts", "_relief")

    def __init__(self) -> None:
        self._parts: deque[tuple[bytes, int]] = deque()
        self._bytes = 0
        self._relief: Callable[[], None] | None = None

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._parts)

    @property
    def congested(self) -> bool:
        """Whether more waits than a peer should have on its way."""
        return self._bytes > CONGESTED_BYTES

    def append(self, part: bytes, count: int) -> None:
        """Take a part of so many frames."""
        self._parts.append((part, count))
        self._bytes += len(part)

    def gather(self, parts: list[bytes], room: int) -> tuple[int, int]:
        """Move what fits into a message.

        Returns:
            How many frames were moved, and how much room is left: none while some
            still wait.
        """
        count = 0
        waiting = self._parts
        while waiting:
            part, frames = waiting[0]
            if parts and len(part) > room:
                room = 0
                break
            waiting.popleft()
            parts.append(part)
            count += frames
            room -= len(part)
            self._bytes -= len(part)
        if self._relief is not None and not self.congested:
            self.relieve()
        return count, room

    def when_relieved(self, call: Callable[[], None]) -> None:
        """Call something once this is congested no more, or dropped."""
        self._relief = call

    def relieve(self) -> None:
        """Let the peer be read from again."""
        relief, self._relief = self._relief, None
        if relief is not None:
            relief()

    def clear(self) -> None:
        """Drop everything."""
        self._parts.clear()
        self._bytes = 0
        self.relieve()
