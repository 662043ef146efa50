"""The backlog: every run that waits, who is next, and at which place each one is.

It decides and counts; it does no I/O, reads no clock, and starts nothing. Whoever has
slots to give says so with `offer` and `release`, and takes runs until there is none.

A run stands in its line once for each principal that wants it, at the highest priority
that this one asked for, and starts when the first of its places comes up.
"""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from hub.backlog.lane import Limit
from hub.backlog.line import PRIORITIES, Line
from hub.runs import Run, Submission

MARKS: Final = 100
"""Into so many parts the time is cut after which runs have waited too long."""
_RANKS: Final = {priority: rank for rank, priority in enumerate(PRIORITIES)}

NOWHERE: Final[dict[str, int]] = {}
"""Where a run stands that waits no more; never written to."""

Command = tuple[str, str]
"""A plugin's and a command's name."""


class Standing(msgspec.Struct, eq=False, gc=False):
    """Where a run stands.

    Attributes:
        run: Which one.
        line: In which line.
        limit: Under which limit; None for none.
        places: In which lane, by principal.
    """

    run: Run
    line: Line
    limit: Limit | None
    places: dict[str, int]


class Backlog:
    """Runs that wait.

    Args:
        ageing_s: Seconds after which a run has waited too long.
        pools: Those that this node serves; none for all.
    """

    def __init__(self, *, ageing_s: float, pools: Collection[str] = ()) -> None:
        self._ageing_s = ageing_s
        self._pools = frozenset(pools)
        self._by_queue: dict[str, Line] = {}
        self._lines: list[Line] = []
        self._limits: dict[Command, Limit] = {}
        self._standing: dict[int, Standing] = {}
        self._newest = 0
        self._late = 0
        self._marks: deque[tuple[float, int]] = deque()

    def __len__(self) -> int:
        return len(self._standing)

    # Slots

    def offer(self, queue: str, count: int) -> Line:
        """Add free slots of a queue's kind; return the line that they are for.

        Which pools the slots are for has been said once and for all, so only the kind
        of the queue matters.
        """
        line = self._line(queue.rpartition(".")[2])
        line.free += count
        return line

    def release(self, request: Submission) -> Iterable[Line]:
        """Take back the slot of a run that was started.

        Returns:
            The lines in which something may start now.
        """
        line = self._by_queue[request.queue]
        line.free += 1
        if request.concurrency is None:
            return (line,) if self._standing else ()
        key = (request.plugin, request.command)
        self._limits[key].running -= 1
        self._forget(key)
        return self._lines

    def ready(self, request: Submission) -> bool:
        """Whether a new run could start now: there is a slot, and nobody before it."""
        line = self._by_queue.get(request.queue) or self._line(request.queue)
        if not line.free:
            return False
        if request.concurrency is None:
            return True
        limit = self._limits.get((request.plugin, request.command))
        return limit is None or (
            not limit.waiting and limit.running < request.concurrency
        )

    def start(self, request: Submission) -> None:
        """Take a slot for a run that is `ready`."""
        self._by_queue[request.queue].free -= 1
        limit = self._limit(request)
        if limit is not None:
            limit.running += 1

    def take(self, line: Line) -> Run | None:
        """Take the next run and a slot for it; None where either is missing."""
        if not line.free:
            return None
        found = line.take(self._late)
        if found is None:
            return None
        standing = self._withdraw(found.number)
        line.free -= 1
        if standing.limit is not None:
            standing.limit.running += 1
        return standing.run

    # Runs

    def enter(self, run: Run) -> Line:
        """Let a run wait for a slot; return its line."""
        line, limit = self._line(run.request.queue), self._limit(run.request)
        if limit is not None:
            limit.waiting += 1
        standing = Standing(run, line, limit, {})
        self._standing[run.number] = standing
        self._newest = max(self._newest, run.number)
        self._place(standing)
        run.unserved = not line.served
        return line

    def shift(self, run: Run) -> None:
        """Let a run that waits stand where its tasks, which have changed, want it."""
        self._place(self._standing[run.number])

    def leave(self, run: Run) -> None:
        """Let a run wait no more."""
        if self._withdraw(run.number).limit is not None:
            self._forget((run.request.plugin, run.request.command))

    def age(self, now: float) -> None:
        """Let time pass: what came long enough ago has waited too long.

        Later runs have higher numbers, so now and then the newest number is marked
        with the time, and nothing need be noted of a run.
        """
        marks = self._marks
        while marks and marks[0][0] + self._ageing_s <= now:
            self._late = marks.popleft()[1]
        if not marks or now - marks[-1][0] >= self._ageing_s / MARKS:
            marks.append((now, self._newest))

    def position(self, run: Run) -> int:
        """Return the place of a run, 1 for the next; 0 where that cannot be said.

        Runs of a command that is at its limit are counted among themselves, and for
        nobody else. A run that stands for several principals is told the best of its
        places; others may count it twice.
        """
        standing = self._standing.get(run.number)
        if standing is None or not standing.line.served:
            return 0
        line, limit = standing.line, standing.limit
        return min(
            line.position(lane, limit, principal, run.number)
            for principal, lane in standing.places.items()
        )

    # Inside

    def _line(self, queue: str) -> Line:
        """Return the line of a queue: all served queues of one kind share one."""
        line = self._by_queue.get(queue)
        if line is not None:
            return line
        pool, _, kind = queue.rpartition(".")
        served = not pool or not self._pools or pool in self._pools
        if served and pool:
            line = self._line(kind)
        else:
            line = Line(served=served)
            self._lines.append(line)
        self._by_queue[queue] = line
        return line

    def _limit(self, request: Submission) -> Limit | None:
        """Return the limit of a command, which is what its newest request says."""
        if request.concurrency is None:
            return None
        key = (request.plugin, request.command)
        limit = self._limits.get(key)
        if limit is None:
            limit = self._limits[key] = Limit(request.concurrency)
        limit.most = request.concurrency
        return limit

    def _forget(self, key: Command) -> None:
        """Drop a limit that concerns nobody."""
        limit = self._limits[key]
        if not limit.running and not limit.waiting:
            del self._limits[key]

    def _place(self, standing: Standing) -> None:
        """Let a run stand for each principal at the priority that they want."""
        wanted: dict[str, int] = {}
        for task in standing.run.tasks:
            rank = _RANKS[task.priority]
            if wanted.get(task.principal, rank) >= rank:
                wanted[task.principal] = rank
        if not wanted:  # its last task is about to leave, or left in an earlier life
            request = standing.run.request
            wanted[request.principal] = _RANKS[request.priority]
        before, standing.places = standing.places, wanted
        if before != wanted:
            line, limit, number = standing.line, standing.limit, standing.run.number
            line.move(limit, number, before, wanted)

    def _withdraw(self, number: int) -> Standing:
        """Take a run out of its line."""
        standing = self._standing.pop(number)
        standing.line.move(standing.limit, number, standing.places, NOWHERE)
        if standing.limit is not None:
            standing.limit.waiting -= 1
        return standing
