"""Sorted whole numbers, made for queues: most are added at the end and taken in front.

Both are quick whatever the length; elsewhere a number costs a search and one move of
memory. An index is a search, too: that is what places in a queue are told from.
"""

from bisect import bisect_left, insort
from typing import Final

FEW: Final = 64
"""So many taken numbers may stand in front before the list is cut."""


class Numbers:
    """Sorted whole numbers; one may be there more than once."""

    __slots__ = ("_gone", "_items")

    def __init__(self) -> None:
        self._items: list[int] = []
        self._gone = 0

    def __len__(self) -> int:
        return len(self._items) - self._gone

    @property
    def first(self) -> int:
        """The lowest; there must be one."""
        return self._items[self._gone]

    def add(self, number: int) -> None:
        """Put a number at its place."""
        items = self._items
        if not items or number >= items[-1]:
            items.append(number)
        else:
            insort(items, number, self._gone)

    def remove(self, number: int) -> None:
        """Take a number out that is there."""
        items = self._items
        at = bisect_left(items, number, self._gone)
        if at > self._gone:
            del items[at]
            return
        self._gone += 1
        if self._gone > FEW and self._gone * 2 > len(items):
            del items[: self._gone]
            self._gone = 0

    def index(self, number: int) -> int:
        """Return how many are lower than a number."""
        return bisect_left(self._items, number, self._gone) - self._gone
