"""What waits for the reader of a task: bounded by bytes, progress conflated."""

from collections import deque
from typing import Final

from hub.client.cursor import Event
from hub.events import Progress, Reset

LIMIT: Final = 1024 * 1024
"""How many bytes of the wire may wait for the reader of one task."""


class _Letter:
    """An event that waits; one that was overtaken is None."""

    __slots__ = ("event", "weight")

    def __init__(self, event: Event, weight: int) -> None:
        self.event: Event | None = event
        self.weight = weight


class Mailbox:
    """Events that nobody has read yet, in order.

    Args:
        limit: How many bytes of them may wait.

    Attributes:
        size: How many bytes wait.
    """

    __slots__ = ("_limit", "_news", "_waiting", "size")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[_Letter] = deque()
        self._news: _Letter | None = None
        self.size = 0

    def has_room(self, weight: int) -> bool:
        """Whether so many bytes more may wait; one event always may."""
        return not self.size or self.size + weight <= self._limit

    @property
    def is_low(self) -> bool:
        """Whether it is worth asking for more."""
        return self.size <= self._limit // 2

    def put(self, event: Event, weight: int) -> None:
        """Let an event wait: a reset voids what waits, progress the one before it.

        Args:
            event: What is to be read.
            weight: How many bytes of the wire it was.
        """
        if isinstance(event, Progress):
            weight = 0
            if self._news is not None:
                self._news.event = None
        elif isinstance(event, Reset):
            self._void()
        letter = _Letter(event, weight)
        if isinstance(event, Progress):
            self._news = letter
        self._waiting.append(letter)
        self.size += weight

    def pop(self) -> Event | None:
        """Take the next event; None where none waits."""
        while self._waiting:
            letter = self._waiting.popleft()
            self.size -= letter.weight
            if letter is self._news:
                self._news = None
            if letter.event is not None:
                return letter.event
        return None

    def _void(self) -> None:
        """Drop everything but the latest progress, which is no output."""
        self._waiting.clear()
        self.size = 0
        if self._news is not None:
            self._waiting.append(self._news)
