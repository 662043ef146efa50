"""The ledger: how runs proceed and end, for engines that keep them in this process.

`hub.engines.admission` says how decisions and their records go together; this half
takes what workers say, lets tasks leave, and acts on what is due.
"""

import heapq
from abc import abstractmethod
from typing import Final

from hub.backlog.line import Line
from hub.clock import Clock
from hub.engines.admission import Admission
from hub.engines.base import Answer, Bounds, Done
from hub.engines.shelf import AT_ONCE, Shelf
from hub.errors import HubError, OutputTooLargeError
from hub.events import Piece
from hub.ids import TaskIds
from hub.runs import (
    NO_TASKS,
    Claim,
    Departure,
    Mood,
    Origin,
    Outcome,
    Run,
    Submission,
    Task,
)
from hub.tasks import TaskStatus

FEW: Final = 1000
"""Below so many entries nothing is tidied."""


class Ledger(Admission):
    """An engine whose runs live in this process.

    Args:
        bounds: How much it takes.
        clock: The time.
        ids: Makes the ids of tasks.
        shelf: Where tasks are kept in memory.
    """

    def __init__(
        self, bounds: Bounds, clock: Clock, ids: TaskIds, shelf: Shelf
    ) -> None:
        super().__init__(bounds, clock, ids, shelf)
        self._running: dict[int, Claim] = {}
        self._many_deadlines = FEW

    # What differs between engines

    @abstractmethod
    def _record_begin(self, run: Run) -> None:
        """Record that a waiting run is claimed; then `_begun`."""

    @abstractmethod
    def _record_pieces(
        self, run: Run, pieces: list[Piece], last: int, size: int
    ) -> None:
        """Record chunks; then `_appended`."""

    @abstractmethod
    def _record_finish(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        """Record the end of a run; then `_finished`."""

    @abstractmethod
    def _record_early(
        self, task: Task, end: int, outcome: Departure, done: Done
    ) -> None:
        """Record that a task left a run that goes on; then `_left`."""

    @abstractmethod
    def _record_closing(self, run: Run, done: Done) -> None:
        """Record that nobody wants a running run; then `_closing`."""

    @abstractmethod
    def _record_nothing(self, done: Done) -> None:
        """Call back when everything recorded so far is committed."""

    # Work

    def claim(self, queue: str, count: int) -> None:
        """Ask for so many more runs of a queue's kind."""
        self._hand_out(self._backlog.offer(queue, count))

    def release(self, run: Run) -> None:
        """Give back the slot of a claimed run."""
        for line in self._backlog.release(run.request):
            self._hand_out(line)

    def _hand_out(self, line: Line) -> None:
        """Start what waits in a line, as far as there are slots."""
        if line.handing:
            return  # A command ended as it began: the loop that began it goes on.
        line.handing = True
        try:
            while (run := self._backlog.take(line)) is not None:
                run.mood = Mood.RUNNING
                run.position = 0
                self._places.stir()
                self._record_begin(run)
        finally:
            line.handing = False

    def _begun(self, run: Run) -> None:
        """A run is durably the worker's."""
        if run.mood is Mood.ENDED:
            return  # It was refused after it had been claimed: it never was.
        run.started = self._clock.now()
        run.started_at = run.updated_at = self._clock.wall()
        claim = self._running[run.number] = Claim(run, run.attempt)
        for follower in run.followers:
            follower.moved()
        self._worker.accept(claim)

    def append(self, claim: Claim, pieces: list[Piece]) -> bool:
        """Write chunks to the log of a claimed run."""
        run = claim.run
        if claim.attempt != run.attempt or run.finishing:
            return False
        log = run.log
        before = log.total
        coming = sum([len(piece[3]) for piece in pieces])
        if before + coming > self._bounds.max_log_bytes or self._shelf.crowded(run):
            raise OutputTooLargeError(self._append_what_fits(run, pieces))
        self._write(run, pieces)
        return True

    def _append_what_fits(self, run: Run, pieces: list[Piece]) -> int:
        """Write the chunks that the log still has room for; return how many."""
        room = self._bounds.max_log_bytes - run.log.total
        fitting: list[Piece] = []
        if self._shelf.crowded(run):
            return 0
        for piece in pieces:
            room -= len(piece[3])
            if room < 0:
                break
            fitting.append(piece)
        if fitting:
            self._write(run, fitting)
        return len(fitting)

    def _write(self, run: Run, pieces: list[Piece]) -> None:
        """Write chunks, and record them."""
        log = run.log
        before = log.total
        last = log.write(pieces)
        size = log.total - before
        run.uncommitted += size
        self._shelf.grow(size)
        self._record_pieces(run, pieces, last, size)

    def _appended(self, run: Run, last: int, size: int) -> None:
        """Chunks are durable: readers may see them."""
        run.log.head = last
        run.uncommitted -= size
        for follower in run.followers:
            follower.moved()
        if run.thirsty:
            waiting, run.thirsty = run.thirsty, ()
            for wake in waiting:
                wake()

    def progressed(self, claim: Claim) -> None:
        """Tell the followers of a run that its progress fields have changed."""
        run = claim.run
        if claim.attempt != run.attempt or run.fanning or not run.followers:
            return
        now = self._clock.now()
        if now >= run.fanned:
            self._fan(run)
        else:
            run.fanning = True
            self._clock.call_at(run.fanned, self._fan, run)

    def _fan(self, run: Run) -> None:
        """Tell all followers of a run's progress."""
        run.fanning = False
        shortest = self._bounds.progress_ms
        for follower in run.followers:
            follower.progressed()
            shortest = min(shortest, follower.progress_ms)
        run.fanned = self._clock.now() + shortest / 1000

    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """End a run, and with it all tasks that still want it."""
        run = claim.run
        if claim.attempt != run.attempt or run.finishing:
            return False
        run.prepared = None
        if run.mood is Mood.CLOSING:
            outcome = _unwanted(run, outcome)
        elif len(outcome.result) + run.log.total > self._bounds.max_log_bytes:
            outcome = Outcome(
                status=TaskStatus.FAILED,
                code=OutputTooLargeError.code,
                ended_at=outcome.ended_at,
                execution_ms=outcome.execution_ms,
            )
        if outcome.code == OutputTooLargeError.code:
            outcome.detail = b'{"limit":%d}' % self._bounds.max_log_bytes
        self._end(run, outcome, None)
        return True

    def _end(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        """Record the end of a run; until then nobody may join or repeat it."""
        run.finishing = True
        outcome.fraction = run.fraction
        request = run.request
        if request.flight is not None:
            self._land(run)
        if outcome.status is TaskStatus.COMPLETED and _cacheable(request):
            self._park(request.flight or b"")
            run.cached_at = self._clock.wall()
            run.expires_at = run.cached_at + (request.ttl or 0.0)
        self._record_finish(run, outcome, done)

    def _land(self, run: Run) -> None:
        """Let nobody join a run any more."""
        flight = run.request.flight
        if flight is not None and self._flights.get(flight) is run:
            del self._flights[flight]

    def _finished(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        """The end of a run is durable."""
        run.outcome = outcome
        run.mood = Mood.ENDED
        run.updated_at = outcome.ended_at
        self._running.pop(run.number, None)
        self._shelf.bytes += len(outcome.result)
        kept = outcome.status is TaskStatus.COMPLETED and _cacheable(run.request)
        if kept:
            self._shelf.keep(run)
        end = run.log.head + 1
        tasks, run.tasks = run.tasks, NO_TASKS
        for task in tasks:
            task.end = end
            self._shelf.ended(task)
        run.told = None
        for follower in run.followers:
            follower.moved()
        if done is not None:
            done(None)
        if kept:
            self._unpark(run.request.flight or b"")

    def settle(self, done: Done) -> None:
        """Call back when everything that was recorded so far is committed."""
        self._record_nothing(done)

    # Leaving

    def leave(self, task: Task, code: str, done: Done) -> None:
        """Let a task leave its run."""
        run = task.run
        if task.end or task.leaving or run.finishing:
            self._record_nothing(done)
            return
        task.leaving = True
        outcome = self._departure(run, code)
        if len(run.tasks) > 1:
            run.tasks.remove(task)
            self._reorder(run)
            self._record_early(task, run.log.written + 1, outcome, done)
        else:
            self._abandon(run, code, outcome, done)

    def _abandon(self, run: Run, code: str, outcome: Outcome, done: Done) -> None:
        """Stop a run that nobody wants any more."""
        if run.mood is Mood.QUEUED:
            self._dequeue(run)
            run.mood = Mood.CLOSING
            self._end(run, outcome, done)
        else:
            run.mood = Mood.CLOSING
            run.why = code
            self._land(run)
            self._record_closing(run, done)

    def _refused(self, task: Task, answer: Answer | None, error: HubError) -> None:
        super()._refused(task, answer, error)
        run = task.run
        wanted = run.tasks or run.finishing or run.mood in (Mood.CLOSING, Mood.ENDED)
        if task.origin == Origin.JOINED and not wanted:
            # Everybody else has left while this one was being recorded.
            outcome = self._departure(run, "cancelled")
            self._abandon(run, "cancelled", outcome, _ignore)

    def _departure(self, run: Run, code: str) -> Departure:
        """Return how a task ends that leaves now."""
        cancelled = code == "cancelled"
        begun = run.mood is not Mood.QUEUED
        ran_for = (self._clock.now() - run.started) * 1000 if run.started else 0.0
        return Departure(
            status=TaskStatus.CANCELLED if cancelled else TaskStatus.FAILED,
            code=code,
            ran="yes" if begun else "no",
            ended_at=self._clock.wall(),
            execution_ms=ran_for,
            attempt=run.attempt,
            chunks=run.log.chunks,
            fraction=run.fraction,
            started_at=run.started_at,
        )

    def _left(self, task: Task, end: int, outcome: Departure, done: Done) -> None:
        """A task has durably left a run that goes on."""
        task.early = outcome
        task.end = end
        self._shelf.ended(task)
        for follower in task.run.followers:
            if follower.task is task:
                follower.moved()
        done(None)

    def _closing(self, run: Run, done: Done) -> None:
        """The wish that a run may stop is durable."""
        done(None)
        claim = self._running.get(run.number)
        if claim is not None:
            self._worker.revoke(claim)

    # Time

    def expire(self) -> None:
        """Act on everything that is due."""
        now = self._clock.now()
        while self._deadlines and self._deadlines[0][0] <= now:
            task = heapq.heappop(self._deadlines)[2]
            if not task.end:
                self.leave(task, "deadline_exceeded", _ignore)
        if len(self._deadlines) > self._many_deadlines:
            self._deadlines = [item for item in self._deadlines if not item[2].end]
            heapq.heapify(self._deadlines)
            self._many_deadlines = 2 * len(self._deadlines) + FEW
        self._backlog.age(now)
        self._shelf.cache.sweep(self._bounds.cache_sweep)
        self._shelf.shed()
        for _ in range(AT_ONCE):
            task_or_none = self._shelf.overdue()
            if task_or_none is None:
                break
            self._vanish(task_or_none)

    def _vanish(self, task: Task) -> None:
        """Let a task's record go."""
        self._forget(task)
        for follower in list(task.run.followers):
            if follower.task is task:
                follower.vanished()


def _ignore(_: HubError | None) -> None:
    """Take news that nobody waits for."""


def _cacheable(request: Submission) -> bool:
    """Whether a completed run may answer later requests."""
    return (
        request.ttl is not None
        and request.flight is not None
        and request.cache != "off"
    )


def _unwanted(run: Run, outcome: Outcome) -> Outcome:
    """Return the end of a run that nobody wanted any more, whatever it returned."""
    cancelled = run.why == "cancelled"
    return Outcome(
        status=TaskStatus.CANCELLED if cancelled else TaskStatus.FAILED,
        code=run.why,
        ran="yes",
        ended_at=outcome.ended_at,
        execution_ms=outcome.execution_ms,
    )
