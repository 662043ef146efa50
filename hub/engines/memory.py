"""The engine in memory: the reference, and the fastest. It forgets at its end."""

import secrets
from collections.abc import Sequence

from hub.clock import Clock
from hub.engines.base import Answer, Bounds, Done, Found, Loaded
from hub.engines.ledger import Ledger
from hub.engines.shelf import Shelf
from hub.events import Piece
from hub.ids import TaskIds
from hub.runs import Departure, Outcome, Run, Task

_NO_TAILS: Sequence[bytes] = ()


class MemoryEngine(Ledger):
    """Keeps everything in this process; every record is committed at once.

    Args:
        bounds: How much it takes.
        clock: The time.
        ids: Makes the ids of tasks.
    """

    def __init__(self, bounds: Bounds, clock: Clock, ids: TaskIds) -> None:
        super().__init__(bounds, clock, ids, Shelf(bounds, clock))
        self.hub = secrets.token_hex(8)

    async def start(self) -> None:
        """Do nothing: there is no earlier life."""

    async def close(self) -> None:
        """Do nothing: there is no later life."""

    def load(self, task: Task, after: int, budget: int, loaded: Loaded) -> None:
        """Answer with nothing: what has left memory is gone."""
        loaded(_NO_TAILS)

    def _record_run(self, task: Task, answer: Answer, *, claimed: bool) -> None:
        self._accepted(task, answer, claimed=claimed)

    def _record_task(self, task: Task, answer: Answer | None) -> None:
        self._admitted(task, answer)

    def _record_begin(self, run: Run) -> None:
        self._begun(run)

    def _record_pieces(
        self, run: Run, pieces: list[Piece], last: int, size: int
    ) -> None:
        self._appended(run, last, size)

    def _record_finish(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        self._finished(run, outcome, done)

    def _record_early(
        self, task: Task, end: int, outcome: Departure, done: Done
    ) -> None:
        self._left(task, end, outcome, done)

    def _record_closing(self, run: Run, done: Done) -> None:
        self._closing(run, done)

    def _record_nothing(self, done: Done) -> None:
        done(None)

    def _stored_key(self, slot: tuple[str, str]) -> bool:
        return False

    def _fetch_key(self, slot: tuple[str, str]) -> None:
        self._key_fetched(slot, None)

    def _fetch(self, task_id: str, found: Found) -> None:
        found(None)
