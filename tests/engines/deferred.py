"""An engine that commits when a test says so: every schedule, without a thread.

It decides as every ledger does, and keeps its records until they are committed or
refused, in the order in which they were made, as a store does.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from hub.clock import Clock
from hub.engines.admission import Slot
from hub.engines.base import Answer, Bounds, Done
from hub.engines.memory import MemoryEngine
from hub.errors import HubError, StorageFullError
from hub.events import Piece
from hub.ids import TaskIds
from hub.runs import Departure, Outcome, Run, Task

Record = tuple[Callable[[], None], Callable[[HubError], None] | None]
"""What a commit does, and what a refusal, where the record can be refused."""


class DeferredEngine(MemoryEngine):
    """Keeps records until they are committed.

    Attributes:
        records: What waits, the oldest first.
        looks: Keys that the store is being asked for.
        stored: Keys that the store may hold.
    """

    def __init__(self, bounds: Bounds, clock: Clock) -> None:
        super().__init__(bounds, clock, TaskIds())
        self.records: deque[Record] = deque()
        self.looks: list[Slot] = []
        self.stored: dict[Slot, Task | None] = {}

    def commit(self, count: int | None = None) -> None:
        """Commit so many records, or all, and what follows from them."""
        while self.records and count != 0:
            self.records.popleft()[0]()
            count = None if count is None else count - 1

    def refuse(self) -> None:
        """Refuse the submissions that wait, as a full store does."""
        waiting, self.records = self.records, deque()
        for record in waiting:
            if record[1] is None:
                self.records.append(record)
            else:
                record[1](StorageFullError())

    def look(self) -> None:
        """Answer what the store was asked for."""
        looks, self.looks = self.looks, []
        for slot in looks:
            self._key_fetched(slot, self.stored.pop(slot))

    def _keep(
        self,
        commit: Callable[[], None],
        refuse: Callable[[HubError], None] | None = None,
    ) -> None:
        self.records.append((commit, refuse))

    def _record_run(self, task: Task, answer: Answer, *, claimed: bool) -> None:
        self._keep(
            partial(self._accepted, task, answer, claimed=claimed),
            partial(self._refused, task, answer),
        )

    def _record_task(self, task: Task, answer: Answer | None) -> None:
        self._keep(
            partial(self._admitted, task, answer), partial(self._refused, task, answer)
        )

    def _record_begin(self, run: Run) -> None:
        self._keep(partial(self._begun, run))

    def _record_pieces(
        self, run: Run, pieces: list[Piece], last: int, size: int
    ) -> None:
        self._keep(partial(self._appended, run, last, size))

    def _record_finish(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        self._keep(partial(self._finished, run, outcome, done))

    def _record_early(
        self, task: Task, end: int, outcome: Departure, done: Done
    ) -> None:
        self._keep(partial(self._left, task, end, outcome, done))

    def _record_closing(self, run: Run, done: Done) -> None:
        self._keep(partial(self._closing, run, done))

    def _record_nothing(self, done: Done) -> None:
        self._keep(partial(done, None))

    def _stored_key(self, slot: Slot) -> bool:
        return slot in self.stored

    def _fetch_key(self, slot: Slot) -> None:
        self.looks.append(slot)
