"""A store that is slow: the engine in memory, whose commits wait for the test."""

from collections.abc import Callable

from hub.clock import Clock
from hub.engines.base import Bounds, Done
from hub.engines.memory import MemoryEngine
from hub.events import Piece
from hub.ids import TaskIds
from hub.runs import Outcome, Run


class LateEngine(MemoryEngine):
    """Commits chunks, and the ends behind them, when it is told to."""

    def __init__(self, bounds: Bounds, clock: Clock) -> None:
        super().__init__(bounds, clock, TaskIds())
        self.late = True
        self._held: list[Callable[[], None]] = []

    def commit(self) -> None:
        """Commit what waits."""
        held, self._held = self._held, []
        for record in held:
            record()

    def at_once(self) -> None:
        """Commit what waits, and everything from now on at once."""
        self.late = False
        self.commit()

    def _hold(self, record: Callable[[], None]) -> None:
        """Commit a record later, behind those that wait."""
        self._held.append(record)
        if not self.late:
            self.commit()

    def _record_pieces(
        self, run: Run, pieces: list[Piece], last: int, size: int
    ) -> None:
        self._hold(lambda: self._appended(run, last, size))

    def _record_finish(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        self._hold(lambda: self._finished(run, outcome, done))
