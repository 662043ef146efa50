"""The shelf: which tasks are in memory, for how long, and how much they weigh.

A task's record is kept for the retention time after its end; a run's log as long as
its youngest task or its cache entry. When memory is short, logs of ended runs go first,
the oldest first, then tasks. Where a store holds everything (`durable`), memory is only
its front: what leaves memory can be fetched again.

The work of a tick is bounded, so that a million expired tasks never stall the loop.
"""

from collections import deque
from typing import Final

from hub.cache import LRUTTL
from hub.clock import Clock
from hub.engines.base import Bounds
from hub.runs import Run, Task

TASK_BYTES: Final = 600
"""What a task weighs in memory."""
RUN_BYTES: Final = 1500
"""What a run weighs beside its params, log and result."""
AT_ONCE: Final = 500
"""How many tasks leave in one tick."""


class Shelf:
    """The tasks in memory.

    Args:
        bounds: How much may be there.
        clock: The time.
        durable: Whether a store holds what leaves.

    Attributes:
        tasks: By id.
        cache: Finished runs that may answer others, by flight.
        bytes: What everything weighs.
    """

    def __init__(self, bounds: Bounds, clock: Clock, *, durable: bool = False) -> None:
        self.tasks: dict[str, Task] = {}
        self.cache: LRUTTL[bytes, Run] = LRUTTL(
            bounds.cache_entries, bounds.cache_bytes, clock.now, self._uncached
        )
        self.bytes = 0
        self._bounds = bounds
        self._clock = clock
        self._durable = durable
        self._cached: set[int] = set()
        self._ended: deque[Task] = deque()
        self._logs: deque[Run] = deque()

    @property
    def full(self) -> bool:
        """Whether there is no room for new work, whatever is let go."""
        return self.bytes > self._bounds.memory_bytes and not self._ended

    def crowded(self, run: Run) -> bool:
        """Whether memory is full and this run has the largest share of it."""
        if not self.full:
            return False
        return all(
            run.log.size >= task.run.log.size
            for task in self.tasks.values()
            if task.run.outcome is None
        )

    def add(self, task: Task) -> None:
        """Take a task in."""
        self.tasks[task.id] = task
        run = task.run
        run.pins += 1
        self.bytes += TASK_BYTES
        if run.pins == 1:
            self.bytes += _weight(run)

    def grow(self, size: int) -> None:
        """Note that a run weighs more by so much."""
        self.bytes += size

    def ended(self, task: Task) -> None:
        """Note that a task has ended; its time begins."""
        self._ended.append(task)
        run = task.run
        if run.outcome is not None and run.log.total:
            self._logs.append(run)

    def keep(self, run: Run) -> None:
        """Put a finished run into the cache."""
        request = run.request
        if request.flight is None or request.ttl is None or run.outcome is None:
            return
        run.pins += 1
        run.shared = {}
        self._cached.add(run.number)
        size = RUN_BYTES + run.log.total + len(run.outcome.result) + len(request.params)
        self.cache.put(request.flight, run, ttl=request.ttl, size=size)

    def caches(self, number: int) -> bool:
        """Whether the run of a number is in the cache."""
        return number in self._cached

    def _uncached(self, run: Run) -> None:
        """Let go of a run that left the cache."""
        self._cached.discard(run.number)
        self._unpin(run)

    def _unpin(self, run: Run) -> None:
        """Drop one reason to keep a run; with the last one it leaves."""
        run.pins -= 1
        if run.pins == 0:
            self.bytes -= _weight(run)
            # It may stay on the list of logs for a while.
            run.log.forget(run.log.head)

    def forget(self, task: Task) -> None:
        """Let a task go."""
        if self.tasks.pop(task.id, None) is not None:
            self.bytes -= TASK_BYTES
            self._unpin(task.run)

    def overdue(self) -> Task | None:
        """Take the oldest ended task off the shelf if its time is over.

        Its time is also over when memory is short and no log is left to drop.

        Returns:
            A task to forget; None when there is none for now.
        """
        if not self._ended:
            return None
        oldest = self._ended[0]
        before = self._clock.wall() - self._bounds.retention_s
        if oldest.ended_at > before and not self._short():
            return None
        if self._durable and oldest.run.followers:
            self._ended.rotate(-1)
            return None
        return self._ended.popleft()

    def _short(self) -> bool:
        """Whether memory is short although no log is left to drop."""
        return self.bytes > self._bounds.tail_bytes and not self._logs

    def shed(self) -> None:
        """Drop logs of ended runs while memory is short, the oldest first."""
        for _ in range(AT_ONCE):
            if not self._logs:
                return
            run = self._logs[0]
            if run.pins and self.bytes <= self._bounds.tail_bytes:
                return
            self._logs.popleft()
            if run.pins:
                self._drop_log(run)

    def _drop_log(self, run: Run) -> None:
        """Drop the log of an ended run from memory."""
        self.bytes -= run.log.size
        if self._durable:
            run.log.forget(run.log.head)
            return
        run.log.lose(run.log.head)
        # What is cached answers with its whole log, or not at all.
        flight = run.request.flight
        if flight is not None and self.cache.peek(flight) is run:
            self.cache.pop(flight)


def _weight(run: Run) -> int:
    """Return what a run weighs in memory, with its params, log and result."""
    weight = RUN_BYTES + len(run.request.params)
    if run.log.total:
        weight += run.log.size
    return weight if run.outcome is None else weight + len(run.outcome.result)
