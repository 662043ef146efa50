"""A run's log: numbered entries, kept as the tails of their frames.

Numbers begin at 1 and have no holes. Entry n stands at index ``n - base - 1``; beside
it stands the running sum of bytes, so that "the next 16 KiB after n" is one search.

Three numbers bound what a reader may see::

    floor <= base <= head <= written

Entries up to `floor` are lost for ever, those up to `base` are in the store only,
those up to `head` may be shown, and those up to `written` wait for their commit.
"""

from array import array
from bisect import bisect_left
from typing import Final

import msgspec

from hub.codec import msgpack_tail
from hub.events import Piece, chunk_tail, reset_tail

_NO_TAILS: Final[list[bytes]] = []
_NO_SIZES: Final = array("Q")
_NOTHING_PACKED: Final[dict[int, bytes]] = {}
"""Stand in for the containers of a log that is empty; never written to."""


class RunLog(msgspec.Struct, gc=False):
    """The entries of one run that are in memory.

    It is not tracked by the garbage collector: it refers to bytes only.

    Args:
        base: The highest number that is not in memory.
        head: The highest number that readers may see.
        floor: The highest number that can no longer be had.
        resets: Number and attempt of each reset, in order.
        chunks: How many chunks have been written.
        total: How many bytes of tails have been written.
    """

    base: int = 0
    head: int = 0
    floor: int = 0
    resets: tuple[tuple[int, int], ...] = ()
    chunks: int = 0
    total: int = 0
    # By factory: msgspec copies an empty default, which would not be known again.
    _tails: list[bytes] = msgspec.field(default_factory=lambda: _NO_TAILS)
    _sizes: "array[int]" = msgspec.field(default_factory=lambda: _NO_SIZES)
    _packed: dict[int, bytes] = msgspec.field(default_factory=lambda: _NOTHING_PACKED)

    @classmethod
    def empty(cls) -> "RunLog":
        """Return the log of a run that has said nothing."""
        return cls(0, 0, 0, (), 0, 0, _NO_TAILS, _NO_SIZES, _NOTHING_PACKED)

    @property
    def written(self) -> int:
        """The number of the last entry, shown or not."""
        return self.base + len(self._tails)

    @property
    def size(self) -> int:
        """How many bytes of tails are in memory."""
        return self._sizes[-1] if self._sizes else 0

    @property
    def attempt(self) -> int:
        """The attempt of the last entry."""
        return self.resets[-1][1] if self.resets else 1

    def attempt_at(self, seq: int) -> int:
        """Return the attempt that the entry of this number belongs to."""
        for start, attempt in reversed(self.resets):
            if start <= seq:
                return attempt
        return 1

    def last_reset(self, limit: int) -> int:
        """Return the number of the last reset up to `limit`; 0 where there is none."""
        for start, _ in reversed(self.resets):
            if start <= limit:
                return start
        return 0

    def write(self, pieces: list[Piece]) -> int:
        """Append chunks, not to be shown before `head` is moved.

        Returns:
            The number of the last of them.
        """
        if self._tails is _NO_TAILS:
            self._begin()
        tails, sizes = self._tails, self._sizes
        seq = self.base + len(tails)
        before = total = sizes[-1] if sizes else 0
        for piece in pieces:
            seq += 1
            tail = chunk_tail(seq, piece)
            total += len(tail)
            tails.append(tail)
            sizes.append(total)
        self.chunks += len(pieces)
        self.total += total - before
        return seq

    def _begin(self) -> None:
        """Take containers of its own."""
        self._tails, self._sizes, self._packed = [], array("Q"), {}

    def write_reset(self, at: int, attempt: int, reason: str) -> int:
        """Append the reset that begins an attempt; return its number."""
        if self._tails is _NO_TAILS:
            self._begin()
        seq = self.written + 1
        tail = reset_tail(seq, at, attempt, reason)
        self._tails.append(tail)
        self._sizes.append(self.size + len(tail))
        self.total += len(tail)
        self.resets = (*self.resets, (seq, attempt))
        return seq

    def page(self, after: int, limit: int, budget: int, head: int = 0) -> int:
        """Return the last number of a page of entries after `after`.

        It holds at least one entry and ends at `limit` at the latest; more than one
        only while they have no more than `budget` bytes together.

        Args:
            after: The number after which it begins.
            limit: The number at which it ends at the latest.
            budget: How many bytes its frames may have.
            head: How many bytes a frame has beside its tail.
        """
        sizes, first = self._sizes, after - self.base
        low, high = first, limit - self.base
        most = (sizes[first - 1] if first else 0) + head * first + budget
        while low < high:
            middle = (low + high) // 2
            if sizes[middle] + head * (middle + 1) <= most:
                low = middle + 1
            else:
                high = middle
        return self.base + max(low, first + 1)

    def tail_start(self, budget: int) -> int:
        """Return the number after which all entries have `budget` bytes or fewer."""
        return self.base + bisect_left(self._sizes, self.size - budget) + 1

    def tails(self, after: int, last: int) -> list[bytes]:
        """Return the JSON tails of the entries from `after` + 1 to `last`."""
        return self._tails[after - self.base : last - self.base]

    def packed_tails(self, after: int, last: int) -> list[bytes]:
        """Return the MessagePack tails of the same entries, made on first need."""
        packed = self._packed
        found: list[bytes] = []
        for seq in range(after + 1, last + 1):
            tail = packed.get(seq)
            if tail is None:
                tail = packed[seq] = msgpack_tail(self._tails[seq - self.base - 1])
            found.append(tail)
        return found

    def forget(self, seq: int) -> None:
        """Drop the entries up to `seq` from memory; the store may still have them."""
        count = seq - self.base
        if count <= 0:
            return
        gone = self._sizes[count - 1]
        del self._tails[:count]
        self._sizes = array("Q", [size - gone for size in self._sizes[count:]])
        self._packed = {n: tail for n, tail in self._packed.items() if n > seq}
        self.base = seq

    def lose(self, seq: int) -> None:
        """Drop the entries up to `seq` for ever."""
        self.forget(seq)
        self.floor = max(self.floor, seq)
