"""A run's log: numbered entries, kept as the tails of their frames.

Numbers begin at 1 and have no holes. Entry n stands at index ``n - base - 1``; beside
it stands the running sum of bytes, so that "the next 24 KiB after n" is one bisect.

Three numbers bound what a reader may see::

    floor <= base <= head <= written

Entries up to `floor` are lost for ever, those up to `base` are in the store only,
those up to `head` may be shown, and those up to `written` wait for their commit.
"""

from array import array
from bisect import bisect_left, bisect_right

from hub.codec import msgpack_tail
from hub.events import Piece, chunk_tail, reset_tail


class RunLog:
    """The entries of one run that are in memory.

    Attributes:
        floor: The highest number that can no longer be had.
        base: The highest number that is not in memory.
        head: The highest number that readers may see.
        resets: Number and attempt of each reset, in order.
        chunks: How many chunks have been written.
        total: How many bytes of tails have been written.
    """

    __slots__ = (
        "_packed",
        "_sizes",
        "_tails",
        "base",
        "chunks",
        "floor",
        "head",
        "resets",
        "total",
    )

    def __init__(self, base: int = 0) -> None:
        self.floor = 0
        self.base = base
        self.head = base
        self.resets: list[tuple[int, int]] = []
        self.chunks = 0
        self.total = 0
        self._tails: list[bytes] = []
        self._sizes = array("Q")
        self._packed: dict[int, bytes] = {}

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

    def write_reset(self, at: int, attempt: int, reason: str) -> int:
        """Append the reset that begins an attempt; return its number."""
        seq = self.written + 1
        tail = reset_tail(seq, at, attempt, reason)
        self._tails.append(tail)
        self._sizes.append(self.size + len(tail))
        self.total += len(tail)
        self.resets.append((seq, attempt))
        return seq

    def page(self, after: int, limit: int, budget: int) -> int:
        """Return the last number of a page of entries after `after`.

        It holds at least one entry and ends at `limit` at the latest; more than one
        only while they have no more than `budget` bytes together.
        """
        index = after - self.base
        taken = self._sizes[index - 1] if index else 0
        stop = bisect_right(self._sizes, taken + budget, index, limit - self.base)
        return self.base + max(stop, index + 1)

    def tail_start(self, budget: int) -> int:
        """Return the number after which all entries have `budget` bytes or fewer."""
        return self.base + bisect_left(self._sizes, self.size - budget) + 1

    def tails(self, after: int, last: int) -> list[bytes]:
        """Return the JSON tails of the entries from `after` + 1 to `last`."""
        return self._tails[after - self.base : last - self.base]

    def packed_tails(self, after: int, last: int) -> list[bytes]:
        """Return the MessagePack tails of the same entries, made on first need."""
        packed = self._packed
        found = []
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
