"""Retention: what leaves the file, and when.

A run leaves with its tasks when their time is over. When the file passes its bound,
the logs of ended runs go first, the oldest first, then whole runs. Each look covers a
bounded piece of the file, and what is deleted is deleted by the writer, in its turn.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from hub.clock import Clock
from hub.engines.base import Bounds
from hub.engines.sqlite import queries, rows
from hub.engines.sqlite.writer import Reader, Record, Row, Writer

LOOK_S: Final = 1.0
"""How often there is a look for what has expired."""


class Retention:
    """Keeps the file within its bounds.

    Args:
        bounds: How long and how much.
        clock: The time.
        writer: Deletes.
        reader: Looks.

    Attributes:
        keeps: Whether a run must stay, because it goes on or is cached.
        keys: Returns the numbers of keys by their digests.
        forget: Called with the ids and key digests of tasks that are deleted.
        lose: Called with the id of a run's first task when its log is deleted.
        full: Whether the file is over its bound and nothing in it may go.
    """

    keeps: Callable[[int], bool]
    keys: Callable[[list[bytes]], list[int]]
    forget: Callable[[list[str], list[bytes]], None]
    lose: Callable[[str], None]

    def __init__(
        self, bounds: Bounds, clock: Clock, writer: Writer, reader: Reader
    ) -> None:
        self.full = False
        self._bounds = bounds
        self._clock = clock
        self._writer = writer
        self._reader = reader
        self._swept = 0
        self._last = 0
        self._looking = False
        self._weighing = False
        self._next_look = 0.0
        self._size = 0
        self._after = 0
        self._whole = False
        self._freed = False

    def grown(self, size: int) -> None:
        """Note that so many bytes are written; act where that is too much."""
        self._size += size
        if self._size > self._bounds.store_bytes:
            self._weigh()

    def tick(self, last: int) -> None:
        """Look for what has expired.

        Args:
            last: The number of the newest run.
        """
        now = self._clock.now()
        self._last = last
        if not self._looking and now >= self._next_look:
            self._looking = True
            self._next_look = now + LOOK_S
            before = self._clock.wall() - self._bounds.retention_s
            self._reader.read(
                partial(queries.expired, self._swept, before), self._expired
            )
            self._weigh()

    def _expired(self, found: list[queries.Expired] | None) -> None:
        """Delete the runs whose time is over."""
        self._looking = False
        self._swept += queries.WINDOW
        if self._swept > self._last:
            self._swept = 0
        self._delete(found or [])

    def _delete(self, found: list[queries.Expired]) -> None:
        """Delete runs with everything that belongs to them."""
        for number, ids, digests in found:
            if self.keeps(number):
                continue
            keys = self.keys(digests)
            self.forget(ids, digests)
            deletions: list[tuple[str, Row]] = [
                ("delete_run", (number,)),
                ("delete_tasks", (number,)),
                ("delete_chunks", rows.places(number)),
            ]
            deletions += [("delete_key", (key,)) for key in keys]
            self._writer.record(Record(tuple(deletions), _nothing))

    def _weigh(self) -> None:
        """Compare the file with its bound."""
        if not self._weighing:
            self._weighing = True
            bound = self._bounds.store_bytes
            self._reader.read(
                partial(queries.heavy, bound, self._after, self._whole), self._weighed
            )

    def _weighed(self, found: queries.Heavy | None) -> None:
        """Let logs go while the file is over its bound, and then whole runs."""
        if found is None:
            self._weighing = False
            return
        self._size, logs, runs = found
        over = self._size > self._bounds.store_bytes
        freed = over and self._shed(logs, runs)
        if freed or not over:
            self.full = False
        if over:
            looked_at = [log[0] for log in logs] + [run[0] for run in runs]
            self._go_on(looked_at, freed=freed)
        else:
            self._after, self._whole, self._freed = 0, False, False
        # What was deleted counts only once it is committed.
        self._writer.record(Record((), self._done_weighing, (over and not self.full,)))

    def _shed(self, logs: list[tuple[int, str]], runs: list[queries.Expired]) -> bool:
        """Delete what may go; return whether there was anything."""
        may_go = [log for log in logs if not self.keeps(log[0])]
        for number, id_ in may_go:
            self.lose(id_)
            rows_ = (("delete_chunks", rows.places(number)), ("lose_log", (number,)))
            self._writer.record(Record(rows_, _nothing))
        old = [run for run in runs if not self.keeps(run[0])]
        self._delete(old)
        return bool(may_go or old)

    def _go_on(self, looked_at: list[int], *, freed: bool) -> None:
        """Choose where to look next: on, at whole runs, or from the beginning.

        Args:
            looked_at: The runs of this look, in order.
            freed: Whether anything of them may go.
        """
        self._freed = self._freed or freed
        if looked_at:
            self._after = looked_at[-1]
            return
        # All has been looked at. Whole runs go where no log could.
        self.full = self._whole and not self._freed
        self._whole = not self._whole and not self._freed
        self._after, self._freed = 0, False

    def _done_weighing(self, again: bool) -> None:  # noqa: FBT001  # a callback's argument
        """Weigh again where something has gone."""
        self._weighing = False
        if again:
            self._weigh()


def _nothing() -> None:
    """Take news that nobody waits for."""
