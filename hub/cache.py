"""A cache that forgets what was least used, what is too old and what does not fit.

Rules:
    1. No I/O and no clock: the timer is an argument. Nothing here blocks.
    2. An entry whose time is over is never handed out. It leaves when it is asked
       for, when :meth:`LRUTTL.sweep` comes by, or as the least recently used one.
    3. Entries and bytes are bounded at every moment, expired entries included.
    4. Every value handed to :meth:`LRUTTL.put` leaves exactly once, and ``on_drop``
       hears of it: replaced, evicted, expired, popped, cleared, or at once where it
       is too large. So whoever pins something for a value may unpin it there.

Theory of operation: an ordered dict holds one tuple per entry and keeps the order of
use, oldest first. An ordered dict cannot be walked in pieces while it changes, so
each entry also has a place in a plain list of keys, and a sweep goes on there where
the last one stopped. A place that was left keeps its old key until it is used again:
looking that up finds nothing, or an entry that has another place by now, which does
no harm. So the list never grows beyond the largest number of entries there was.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

K = TypeVar("K")
V = TypeVar("V")


class CacheStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a cache: what it holds, and what has happened since it began."""

    entries: int
    bytes: int
    hits: int
    misses: int
    evictions: int
    expirations: int


class LRUTTL(Generic[K, V]):
    """A mapping bounded by entries and bytes, with a time to live for each entry.

    Args:
        max_entries: How many entries it may hold; 0 for none.
        max_bytes: How large they may be together; 0 for entries of no size only.
        timer: Returns the time in seconds. It must not run backwards.
        on_drop: Called with each value that leaves, after it left. It must neither
            raise nor call the cache.
    """

    __slots__ = (
        "_bytes",
        "_entries",
        "_evictions",
        "_expirations",
        "_free",
        "_hits",
        "_max_bytes",
        "_max_entries",
        "_misses",
        "_next",
        "_on_drop",
        "_places",
        "_timer",
        "_touch",
    )

    def __init__(
        self,
        max_entries: int,
        max_bytes: int,
        timer: Callable[[], float],
        on_drop: Callable[[V], None] | None = None,
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._timer = timer
        self._on_drop = on_drop
        # key -> value, when it expires, its size, its place
        self._entries: OrderedDict[K, tuple[V, float, int, int]] = OrderedDict()
        self._touch = self._entries.move_to_end
        self._places: list[K] = []
        self._free: list[int] = []
        self._next = 0
        self._bytes = 0
        # One attribute a figure: a Struct of them would cost every get a lookup more.
        self._hits = self._misses = self._evictions = self._expirations = 0

    def __len__(self) -> int:
        """Return the number of entries held, those not yet swept included."""
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """Return the value under a key and count it as used, or None."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        if entry[1] <= self._timer():
            self._misses += 1
            self._expire(key, entry)
            return None
        self._touch(key)
        self._hits += 1
        return entry[0]

    def peek(self, key: K) -> V | None:
        """Return the value under a key without counting it as used, or None."""
        entry = self._entries.get(key)
        if entry is None or entry[1] <= self._timer():
            return None
        return entry[0]

    def put(self, key: K, value: V, *, ttl: float, size: int) -> list[V]:
        """Store a value as the most recently used one, and make room for it.

        A value that is larger than the cache, or whose time is over at once, is not
        stored; what was under its key leaves all the same, since it is outdated.

        Args:
            key: The key.
            value: The value; None could not be told from a miss.
            ttl: How long it may be handed out, in seconds.
            size: Its size in bytes.

        Returns:
            The values that left: the replaced one, the evicted ones, or this one
            where it was not stored. Usually none.

        Raises:
            ValueError: The size is negative.
        """
        entries = self._entries
        dropped: list[V] = []
        if key in entries:
            replaced = entries.pop(key)
            self._leave(replaced)
            dropped.append(replaced[0])
        if not (0 <= size <= self._max_bytes and ttl > 0 and self._max_entries > 0):
            return self._refuse(value, size, dropped)
        now = self._timer()
        total = self._bytes + size
        while total > self._max_bytes or len(entries) >= self._max_entries:
            _, oldest = entries.popitem(last=False)
            total -= oldest[2]
            self._free.append(oldest[3])
            dropped.append(oldest[0])
            if oldest[1] <= now:
                self._expirations += 1
            else:
                self._evictions += 1
        if self._free:
            place = self._free.pop()
            self._places[place] = key
        else:
            place = len(self._places)
            self._places.append(key)
        entries[key] = (value, now + ttl, size, place)
        self._bytes = total
        if dropped:
            self._tell(dropped)
        return dropped

    def pop(self, key: K) -> V | None:
        """Remove a key and return its value, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._timer():
            self._expire(key, entry)
            return None
        del self._entries[key]
        self._leave(entry)
        self._tell((entry[0],))
        return entry[0]

    def sweep(self, budget: int) -> list[V]:
        """Drop expired entries among the next few, going round the whole cache.

        Args:
            budget: How many entries to look at, at most.

        Returns:
            The values that left.
        """
        dropped: list[V] = []
        now = self._timer()
        for _ in range(min(budget, len(self._places))):
            place = self._next
            self._next = (place + 1) % len(self._places)
            key = self._places[place]
            entry = self._entries.get(key)
            if entry is not None and entry[1] <= now:
                self._expire(key, entry)
                dropped.append(entry[0])
        return dropped

    def items(self) -> list[tuple[K, V]]:
        """Return what may still be handed out, the least recently used first."""
        now = self._timer()
        return [
            (key, entry[0]) for key, entry in self._entries.items() if entry[1] > now
        ]

    def clear(self, predicate: Callable[[K, V], bool] | None = None) -> list[V]:
        """Drop the entries that a predicate picks, or all.

        Args:
            predicate: Called with key and value; true drops the entry.

        Returns:
            The values that left.
        """
        dropped: list[V] = []
        for key, entry in list(self._entries.items()):
            if predicate is None or predicate(key, entry[0]):
                del self._entries[key]
                self._leave(entry)
                dropped.append(entry[0])
        if not self._entries:
            self._places.clear()
            self._free.clear()
            self._next = 0
        self._tell(dropped)
        return dropped

    @property
    def statistics(self) -> CacheStatistics:
        """The figures as they are now. Replaced or cleared is not evicted."""
        return CacheStatistics(
            entries=len(self._entries),
            bytes=self._bytes,
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            expirations=self._expirations,
        )

    def _refuse(self, value: V, size: int, dropped: list[V]) -> list[V]:
        """Let go of a value that is not stored, and of what it would have replaced."""
        dropped.append(value)
        self._tell(dropped)
        if size < 0:
            raise ValueError(f"size must not be negative, got {size}")
        return dropped

    def _expire(self, key: K, entry: tuple[V, float, int, int]) -> None:
        """Remove an entry whose time is over."""
        del self._entries[key]
        self._expirations += 1
        self._leave(entry)
        self._tell((entry[0],))

    def _leave(self, entry: tuple[V, float, int, int]) -> None:
        """Give back what a removed entry took."""
        self._bytes -= entry[2]
        self._free.append(entry[3])

    def _tell(self, dropped: Iterable[V]) -> None:
        """Tell of values that left."""
        if self._on_drop is not None:
            for value in dropped:
                self._on_drop(value)
