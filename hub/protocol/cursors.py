"""Cursors: what a watcher of a task reads next.

Theory of operation. A log has numbered entries; a cursor is the number of the last one
that its reader was given. `Cursor.step` compares the two and says what comes next, one
step at a time, until the reader has everything:

    below the last reset    one gap ``void`` up to it: former attempts mean nothing now
    at the last reset - 1   the reset; nowhere else is one sent
    below the floor         one gap over what was lost
    chunks not wanted       nothing until the end or a reset, then one gap ``skipped``
    in the store only       a request to load it
    else                    a page of chunks
    at the end              the result, once

Nothing is remembered beside the number and whether the result was given, so that a
reader may be behind by a million entries and cost nothing.
"""

import enum

import msgspec

from hub.runs import Task


class What(enum.Enum):
    """The kinds of steps."""

    CHUNKS = enum.auto()
    """Give the entries `first` to `last`."""
    GAP = enum.auto()
    """Say that `first` to `last` will not come."""
    RESET = enum.auto()
    """Give entry `last`, which is a reset."""
    LOAD = enum.auto()
    """Fetch the entries from `first` on: they are in the store only."""
    RESULT = enum.auto()
    """Give the result, whose number is `last`."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """What comes next for a reader.

    Attributes:
        what: The kind.
        first: The first number concerned.
        last: The last number concerned.
        why: Of a gap: trimmed, expired, void or skipped.
        attempt: Of a gap: the attempt of the entry after it.
    """

    what: What
    first: int
    last: int
    why: str = ""
    attempt: int = 0


class Cursor:
    """How far one watcher of a task has read.

    Attributes:
        last: The number of the last entry that it was given, or told to miss.
        chunks: Whether it wants chunks.
        done: Whether it has the result, or began behind it.
    """

    __slots__ = ("chunks", "done", "last")

    def __init__(self, *, chunks: bool = True) -> None:
        self.last = 0
        self.chunks = chunks
        self.done = False

    def open(self, task: Task, after: int, attempt: int | None) -> int:
        """Begin to read.

        Args:
            task: What to read.
            after: The number after which the client wants to read.
            attempt: The attempt of the entry of that number, as the client knows it.

        Returns:
            The number after which it really reads: never a higher one. It is lower
            where the client has seen entries that this log does not have.
        """
        if not after:
            return 0
        log = task.run.log
        own = task.attempt if after == task.end else log.attempt_at(after)
        if after > task.head or (after and attempt not in (None, own)):
            after = min(after, max(0, task.last_reset - 1))
        self.last = after
        self.done = after == task.end and after > 0
        return after

    def step(self, task: Task, budget: int, head: int = 0) -> Step | None:
        """Advance by one step.

        Args:
            task: What is read.
            budget: How many bytes of chunks one step may give; one chunk is always
                given whole.
            head: How many bytes the frame of a chunk has beside its tail.

        Returns:
            What to give to the reader; None when there is nothing for now.
        """
        if self.done:
            return None
        end = task.end
        limit = end - 1 if end else task.run.log.head
        if self.last < limit:
            return self._below(task, limit, budget, head)
        if end:
            self.last, self.done = end, True
            return Step(What.RESULT, end, end)
        return None

    def _below(  # noqa: PLR0911  # a rung for each line of the table above
        self, task: Task, limit: int, budget: int, head: int
    ) -> Step | None:
        """Advance towards entries that the reader has not been given."""
        log = task.run.log
        last = self.last
        reset = log.last_reset(limit) if log.resets else 0
        if last < reset - 1:
            return self._gap(task, reset - 1, "void")
        if last < log.floor:
            why = "trimmed" if task.run.outcome is None else "expired"
            return self._gap(task, min(log.floor, limit), why)
        if last == reset - 1:
            if last < log.base:
                return Step(What.LOAD, reset, reset)
            self.last = reset
            return Step(What.RESET, reset, reset)
        if not self.chunks and last >= reset:
            return self._gap(task, limit, "skipped") if task.end else None
        if last < log.base:
            return Step(What.LOAD, last + 1, limit)
        self.last = log.page(last, limit, budget, head)
        return Step(What.CHUNKS, last + 1, self.last)

    def _gap(self, task: Task, upto: int, why: str) -> Step:
        """Miss the entries up to `upto`."""
        first, self.last = self.last + 1, upto
        # What follows may be the task's own end, whatever the run's log has there.
        ends = upto + 1 >= task.head
        attempt = task.attempt if ends else task.run.log.attempt_at(upto + 1)
        return Step(What.GAP, first, upto, why, attempt)
