"""Admission: what a submission becomes.

Theory of operation. Every decision is made at once, on the loop's thread, on the
objects in memory; so it is atomic. Each decision is then recorded, and takes effect
(an answer, a claim, an entry that readers may see) when its record is committed. The
hooks `_record_*` are where engines differ: one in memory commits at once, one with a
file when the file has it. Records commit in the order they were made.

Two things follow. What a reader was shown is in the store. And between a decision and
its commit nobody may build on it: a submission whose key or flight is being committed
is *parked*, and decided anew afterwards.
"""

import heapq
from abc import abstractmethod
from typing import Final

from hub.backlog.backlog import Backlog
from hub.backlog.line import Line
from hub.clock import Clock
from hub.engines.base import Answer, Bounds, Runner
from hub.engines.places import Places
from hub.engines.reading import Reading
from hub.engines.shelf import Shelf
from hub.errors import (
    HubError,
    KeyConflictError,
    QueueFullError,
    StorageFullError,
    UnavailableError,
)
from hub.ids import TaskIds
from hub.runs import NO_TASKS, Mood, Opened, Origin, Run, Submission, Task

RETRY_AFTER_MS: Final = 1000
ENVELOPE_BYTES: Final = 2048
"""What `opened` and `result` take beside log and result, at the most."""

HEAD_BYTES: Final = 96
"""What the frame of an entry takes beside its tail, at the most."""

Slot = tuple[str, str]
"""A principal's key."""
Parked = tuple[Submission, Answer, object]
"""A submission that waits to be decided."""


class Admission(Reading):
    """The half of a ledger that takes submissions.

    Args:
        bounds: How much it takes.
        clock: The time.
        ids: Makes the ids of tasks.
        shelf: Where tasks are kept in memory.
    """

    def __init__(
        self, bounds: Bounds, clock: Clock, ids: TaskIds, shelf: Shelf
    ) -> None:
        super().__init__(shelf)
        self._bounds = bounds
        self._clock = clock
        self._ids = ids
        self._number = 0
        self._keys: dict[Slot, Task] = {}
        self._flights: dict[bytes, Run] = {}
        self._parked: dict[Slot | bytes, list[Parked]] = {}
        self._holds: dict[Slot | bytes, int] = {}
        self._backlog = Backlog(ageing_s=bounds.ageing_s, pools=bounds.pools)
        self._places = Places(
            self._backlog, clock, bounds.progress_ms / 1000, self._fan
        )
        self._deadlines: list[tuple[float, str, Task]] = []
        self._worker: Runner

    # What differs between engines

    @abstractmethod
    def _record_run(self, task: Task, answer: Answer, *, claimed: bool) -> None:
        """Record a new run and its first task; then `_accepted`, or `_refused`."""

    @abstractmethod
    def _record_task(self, task: Task, answer: Answer | None) -> None:
        """Record a joined or cached task; then `_admitted`, or `_refused`."""

    @abstractmethod
    def _stored_key(self, slot: Slot) -> bool:
        """Whether the store may hold a task of this key that memory does not."""

    @abstractmethod
    def _fetch_key(self, slot: Slot) -> None:
        """Look a key up in the store; then `_key_fetched`."""

    @property
    def _refusing(self) -> bool:
        """Whether the store takes nothing new at the moment."""
        return False

    @abstractmethod
    def _begun(self, run: Run) -> None:
        """A run is durably the worker's."""

    # Submit

    def attend(self, worker: Runner) -> None:
        """Name the worker of this node."""
        self._worker = worker

    def submit(
        self, request: Submission, answer: Answer, prepared: object = None
    ) -> None:
        """Decide what a request becomes."""
        if request.key is not None and self._by_key(request, answer, prepared):
            return
        flight = request.flight
        if flight is not None and request.cache != "off":
            parked = self._parked.get(flight)
            if parked is not None:
                parked.append((request, answer, prepared))
                return
            if self._fly(request, flight, answer):
                return
        self._new(request, answer, prepared)

    def _by_key(self, request: Submission, answer: Answer, prepared: object) -> bool:
        """Answer with the task that has the key, or wait until that is known."""
        slot = (request.principal, request.key or "")
        parked = self._parked.get(slot)
        if parked is not None:
            parked.append((request, answer, prepared))
            return True
        task = self._keys.get(slot)
        if task is not None:
            answer(_existing(task, request))
            return True
        if self._stored_key(slot):
            self._park(slot)
            self._parked[slot].append((request, answer, prepared))
            self._fetch_key(slot)
            return True
        return False

    def _fly(self, request: Submission, flight: bytes, answer: Answer) -> bool:
        """Answer from a finished or a running run, where there is one."""
        if request.cache == "use" and request.ttl is not None:
            run = self._shelf.cache.get(flight)
            if run is not None:
                self._from_cache(run, request, answer)
                return True
        if request.join:
            run = self._flights.get(flight)
            if run is not None:
                self._join(run, request, answer)
                return True
        return False

    def _new(self, request: Submission, answer: Answer, prepared: object) -> None:
        """Begin a new run."""
        ready = self._backlog.ready(request)
        if not ready and len(self._backlog) >= self._bounds.queued:
            answer(QueueFullError(retry_after_ms=RETRY_AFTER_MS))
            return
        if self._shelf.full or self._refusing:
            answer(StorageFullError(retry_after_ms=RETRY_AFTER_MS))
            return
        now, wall = self._clock.now(), self._clock.wall()
        self._number += 1
        run = Run.fresh(self._number, self._ids.new(wall), request, now, wall)
        run.prepared = prepared
        task = self._ticket(run.id, run, request, Origin.NEW, wall)
        if ready:
            self._backlog.start(request)
            run.mood = Mood.RUNNING
        if request.flight is not None and request.cache != "off":
            self._park(request.flight)
        if ready:
            self._record_run(task, answer, claimed=True)
        else:
            line = self._enqueue(run)
            self._record_run(task, answer, claimed=False)
            if line.free:
                self._hand_out(line)  # its command may have a higher limit by now

    def _ticket(
        self, task_id: str, run: Run, request: Submission, origin: str, wall: float
    ) -> Task:
        """Make a task and note what it wants."""
        task = Task.of(task_id, run, request, origin, wall)
        if origin != Origin.CACHED:
            if run.tasks is NO_TASKS:
                run.tasks = [task]
            else:
                run.tasks.append(task)
            if request.deadline_ms is not None:
                self._limit(task, request.deadline_ms / 1000)
        if request.key is not None:
            self._park((request.principal, request.key))
        self._shelf.add(task)
        return task

    def _limit(self, task: Task, seconds: float) -> None:
        """Let a task give up after so long."""
        task.deadline = self._clock.now() + seconds
        heapq.heappush(self._deadlines, (task.deadline, task.id, task))

    def _enqueue(self, run: Run) -> Line:
        """Let a run wait; return where."""
        self._places.stir()
        return self._backlog.enter(run)

    def _dequeue(self, run: Run) -> None:
        """Let a run wait no more."""
        self._backlog.leave(run)
        self._places.stir()

    def _reorder(self, run: Run) -> None:
        """Let a run stand where those want it who want it now."""
        if run.mood is Mood.QUEUED:
            self._backlog.shift(run)
            self._places.stir()

    def _waits(self, run: Run) -> None:
        self._places.watch(run)

    @abstractmethod
    def _fan(self, run: Run) -> None:
        """Tell all followers of a run's progress."""

    @abstractmethod
    def _hand_out(self, line: Line) -> None:
        """Start what waits in a line, as far as there are slots."""

    def _join(self, run: Run, request: Submission, answer: Answer) -> None:
        """Let a new task share a run that is not done."""
        wall = self._clock.wall()
        task_id = self._ids.new(wall)
        self._record_task(
            self._ticket(task_id, run, request, Origin.JOINED, wall), answer
        )

    def _from_cache(self, run: Run, request: Submission, answer: Answer) -> None:
        """Answer with a run that is done."""
        wall = self._clock.wall()
        task = self._ticket(self._ids.new(wall), run, request, Origin.CACHED, wall)
        task.end = run.log.head + 1
        result = 0 if run.outcome is None else len(run.outcome.result)
        whole = run.log.size + run.log.head * HEAD_BYTES + result + ENVELOPE_BYTES
        if run.log.base == 0 and whole <= request.room:
            self._shelf.ended(task)
            self._record_task(task, None)
            answer(Opened(task=task, origin=Origin.CACHED, together=True))
        else:
            self._record_task(task, answer)

    def _accepted(self, task: Task, answer: Answer, *, claimed: bool) -> None:
        """A new run is durable."""
        run = task.run
        request = run.request
        flight = request.flight if request.cache != "off" else None
        if task.key is not None:
            self._keys[task.principal, task.key] = task
        # Its deadline may have passed meanwhile: what is stopping is not joined.
        if (
            flight is not None
            and request.join
            and run.mood is not Mood.CLOSING
            and not run.finishing
        ):
            self._flights[flight] = run
        answer(Opened(task=task, origin=Origin.NEW))
        if claimed:
            self._begun(run)
        if task.key is not None:
            self._unpark((task.principal, task.key))
        if flight is not None:
            self._unpark(flight)

    def _admitted(self, task: Task, answer: Answer | None) -> None:
        """A joined or cached task is durable."""
        self._name(task)
        self._reorder(task.run)
        if answer is not None:
            if task.end:
                self._shelf.ended(task)
            answer(Opened(task=task, origin=task.origin))
        self._unpark_key(task)

    def _refused(self, task: Task, answer: Answer | None, error: HubError) -> None:
        """A task could not be recorded: it never was."""
        run = task.run
        if task in run.tasks:
            run.tasks.remove(task)
        if task.origin == Origin.NEW:
            self._drop_run(run)
        else:
            self._reorder(run)
        self._forget(task)
        if answer is not None:
            answer(error)
        self._unpark_key(task)
        request = run.request
        if (
            task.origin == Origin.NEW
            and request.flight is not None
            and request.cache != "off"
        ):
            self._unpark(request.flight)

    def _drop_run(self, run: Run) -> None:
        """Take back a run that could not be recorded."""
        mood, run.mood = run.mood, Mood.ENDED
        if mood is Mood.QUEUED:
            self._dequeue(run)
        elif not run.finishing:
            # A worker's slot was meant for it.
            self.release(run)

    def _name(self, task: Task) -> None:
        """Let a task be found by its key."""
        if task.key is not None:
            self._keys[task.principal, task.key] = task

    def _forget(self, task: Task) -> None:
        """Drop a task from memory."""
        self._shelf.forget(task)
        if task.key is not None:
            slot = (task.principal, task.key)
            if self._keys.get(slot) is task:
                del self._keys[slot]

    def _unpark_key(self, task: Task) -> None:
        """Decide on the submissions that waited for a task's key."""
        if task.key is not None:
            self._unpark((task.principal, task.key))

    def _park(self, what: Slot | bytes) -> None:
        """Let submissions wait that would build on what is being committed."""
        self._holds[what] = self._holds.get(what, 0) + 1
        self._parked.setdefault(what, [])

    def _unpark(self, what: Slot | bytes) -> None:
        """Decide on the submissions that waited, with the last commit they wait for."""
        holds = self._holds.pop(what, 1) - 1
        if holds:
            self._holds[what] = holds
            return
        for parked in self._parked.pop(what, ()):
            self.submit(*parked)

    def _key_unreadable(self, slot: Slot) -> None:
        """The store could not say which task has a key: nobody may guess."""
        self._holds.pop(slot, None)
        for _, answer, _ in self._parked.pop(slot, ()):
            answer(UnavailableError(retry_after_ms=RETRY_AFTER_MS))

    def _key_fetched(self, slot: Slot, task: Task | None) -> None:
        """The store has said which task has a key."""
        if task is not None:
            self._keys[slot] = task
        self._unpark(slot)


def _existing(task: Task, request: Submission) -> Opened | HubError:
    """Answer a submission whose key is known."""
    first = task.run.request
    same = (
        first.plugin == request.plugin
        and first.command == request.command
        and first.params == request.params
    )
    return Opened(task=task, origin=Origin.EXISTING) if same else KeyConflictError()
