"""The engine with a file: decisions in memory, effects when the file has them.

What is shown is stored: each `_record_*` hook hands the writer what to write and what
to do once it is written. Ended tasks leave memory when there are many, and are fetched
again by who asks for them.
"""

from functools import partial
from pathlib import Path
from typing import Any, Final

from hub.clock import Clock
from hub.engines.admission import RETRY_AFTER_MS, Slot
from hub.engines.base import Answer, Bounds, Done, Found, Loaded
from hub.engines.ledger import Ledger
from hub.engines.shelf import Shelf
from hub.engines.sqlite import queries, rows
from hub.engines.sqlite.folder import (
    DATABASE,
    Lock,
    connect,
    hub_of,
    legible,
    open_reader,
)
from hub.engines.sqlite.recovery import Recovered, recover
from hub.engines.sqlite.retention import Retention
from hub.engines.sqlite.writer import Reader, Record, Row, Writer
from hub.errors import HubError, UnavailableError
from hub.events import Piece
from hub.ids import TaskIds
from hub.runs import Departure, Mood, Origin, Outcome, Run, Task

KEEP_BYTES: Final = 2**18
"""How much of a running run's log stays in memory once it has grown."""
SPILL_BYTES: Final = 2**20
"""At which size the older part of a running run's log leaves memory."""


class SqliteEngine(Ledger):
    """Keeps everything in one SQLite file.

    Args:
        bounds: How much it takes.
        clock: The time.
        ids: Makes the ids of tasks.
        folder: The data folder; made if it does not exist.
        durability: normal survives the death of the process, full that of the machine.
        commit_statements: How many statements one transaction holds at most.
        retry_s: Seconds between two tries while the store refuses.
    """

    def __init__(  # noqa: PLR0913  # each is a setting of its own
        self,
        bounds: Bounds,
        clock: Clock,
        ids: TaskIds,
        *,
        folder: Path,
        durability: str = "normal",
        commit_statements: int = 500,
        retry_s: float = 1.0,
    ) -> None:
        super().__init__(bounds, clock, ids, Shelf(bounds, clock, durable=True))
        self._folder = folder
        self._durability = durability
        self._commit_statements = commit_statements
        self._retry_s = retry_s
        self._live: dict[int, Run] = {}
        self._key_numbers: dict[bytes, int] = {}
        self._last_key = 0
        self._digested: tuple[Slot, bytes] = (("", ""), b"")
        self._writer: Writer
        self._reader: Reader
        self._retention: Retention
        self._lock: Lock

    @property
    def commits(self) -> int:
        """How many transactions there were."""
        return self._writer.commits

    @property
    def statements(self) -> int:
        """How many statements they held."""
        return self._writer.statements

    async def start(self) -> None:
        """Open the store and take up what an earlier life left."""
        self._lock = Lock(self._folder)
        path = self._folder / DATABASE
        try:
            connection = connect(path, self._durability)
            with legible(path, connection):
                self.hub = hub_of(connection)
                found = recover(connection, self._clock)
        except HubError:
            self._lock.release()
            raise
        self._writer = Writer(
            connection, most=self._commit_statements, pause=self._retry_s
        )
        self._reader = Reader(open_reader(path))
        self._retention = self._retain()
        self._take_up(found)

    def _take_up(self, found: Recovered) -> None:
        """Go on with what an earlier life left."""
        self._number = found.last_number
        self._key_numbers = found.keys
        self._last_key = max(found.keys.values(), default=0)
        for run, tasks in found.runs:
            for task in tasks:
                self._shelf.add(task)
                if task.key is not None:
                    self._keys[task.principal, task.key] = task
                if task.end:
                    self._shelf.ended(task)
                    continue
                run.tasks = [*run.tasks, task]
                if task.deadline_ms is not None:
                    self._resume_limit(task)
            self._live[run.number] = run
            if run.mood is Mood.QUEUED:
                self._enqueue(run)
                self._take_off(run)
            else:
                outcome = found.interrupted(run, self._clock.wall())
                self._end(run, outcome, None)

    def _resume_limit(self, task: Task) -> None:
        """Let a task of an earlier life give up when it would have."""
        whole = (task.deadline_ms or 0) / 1000
        gone = self._clock.wall() - task.created_at
        # A clock that was set in between must neither kill a task nor keep it for ever.
        self._limit(task, min(max(whole - gone, 0.0), whole))

    def _take_off(self, run: Run) -> None:
        """Let others join a waiting run of an earlier life."""
        request = run.request
        if request.flight is not None and request.join and request.cache != "off":
            self._flights[request.flight] = run

    async def close(self) -> None:
        """Make everything durable, and close the store."""
        await self._writer.close()
        await self._reader.close()
        self._lock.release()

    # Records

    @property
    def _refusing(self) -> bool:
        """Whether the store takes nothing new at the moment."""
        return self._writer.failing or self._retention.full

    def _record_run(self, task: Task, answer: Answer, *, claimed: bool) -> None:
        run = task.run
        self._live[run.number] = run
        row: tuple[str, Row] = (
            "insert_run",
            (
                run.number,
                run.id,
                rows.STATES[run.mood],
                run.created_at,
                run.created_at if claimed else 0.0,
                rows.pack_request(run.request),
            ),
        )
        statements = (row,) if task.key is None else (row, self._key_row(task))
        self._writer.record(
            Record(
                statements,
                self._accepted_or_running if claimed else self._accepted_waiting,
                (task, answer),
                partial(self._refused, task, answer),
            )
        )

    def _accepted_or_running(self, task: Task, answer: Answer) -> None:
        self._accepted(task, answer, claimed=True)

    def _accepted_waiting(self, task: Task, answer: Answer) -> None:
        self._accepted(task, answer, claimed=False)

    def _refused(self, task: Task, answer: Answer | None, error: HubError) -> None:
        if task.key is not None:
            self._key_numbers.pop(self._digest((task.principal, task.key)), None)
        if task.origin == Origin.NEW:
            self._live.pop(task.run.number, None)
        super()._refused(task, answer, error)

    def _record_task(self, task: Task, answer: Answer | None) -> None:
        request = rows.pack_ticket(task)
        row: tuple[str, Row] = (
            "insert_task",
            (task.id, task.run.number, task.origin, task.created_at, request),
        )
        statements = (row,) if task.key is None else (row, self._key_row(task))
        self._writer.record(
            Record(
                statements,
                self._admitted,
                (task, answer),
                partial(self._refused, task, answer),
            )
        )

    def _record_begin(self, run: Run) -> None:
        self._writer.record(
            Record(
                (("begin_run", (self._clock.wall(), run.number)),), self._begun, (run,)
            )
        )

    def _record_pieces(
        self, run: Run, pieces: list[Piece], last: int, size: int
    ) -> None:
        chunks = rows.pack_pieces(run.number, pieces, last)
        self._retention.grown(sum([len(body) for _, body in chunks]))
        statements = tuple([("insert_chunks", row) for row in chunks])
        self._writer.record(Record(statements, self._spilling, (run, last, size)))

    def _spilling(self, run: Run, last: int, size: int) -> None:
        """Show chunks that are stored; keep only the newer part of them in memory."""
        self._appended(run, last, size)
        log = run.log
        if log.size > SPILL_BYTES:
            before = log.size
            log.forget(min(log.tail_start(KEEP_BYTES), log.head))
            self._shelf.grow(log.size - before)

    def _record_finish(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        log = run.log
        row = (
            run.started_at,
            log.written,
            log.chunks,
            outcome.ended_at,
            rows.pack_outcome(outcome, run),
            run.number,
        )
        self._writer.record(
            Record((("finish_run", row),), self._finished, (run, outcome, done))
        )

    def _finished(self, run: Run, outcome: Outcome, done: Done | None) -> None:
        self._live.pop(run.number, None)
        super()._finished(run, outcome, done)

    def _record_early(
        self, task: Task, end: int, outcome: Departure, done: Done
    ) -> None:
        name = "leave_first" if task.origin == Origin.NEW else "leave_task"
        where = task.run.number if task.origin == Origin.NEW else task.id
        row = (end, rows.pack_departure(outcome), where)
        self._writer.record(
            Record(((name, row),), self._left, (task, end, outcome, done))
        )

    def _record_closing(self, run: Run, done: Done) -> None:
        self._writer.record(
            Record((("close_run", (run.why, run.number)),), self._closing, (run, done))
        )

    def _record_nothing(self, done: Done) -> None:
        self._writer.record(Record((), done, (None,)))

    # What is in the store only

    def _stored_key(self, slot: Slot) -> bool:
        return self._digest(slot) in self._key_numbers

    def _digest(self, slot: Slot) -> bytes:
        """Return the digest of a key; a new key is asked for twice in a row."""
        if self._digested[0] != slot:
            self._digested = (slot, rows.digest(*slot))
        return self._digested[1]

    def _key_row(self, task: Task) -> tuple[str, Row]:
        """Return the row of a task's key, and note its number."""
        digest = self._digest((task.principal, task.key or ""))
        self._last_key += 1
        self._key_numbers[digest] = self._last_key
        return ("insert_key", (self._last_key, digest, task.id))

    def _fetch_key(self, slot: Slot) -> None:
        self._reader.read(
            partial(queries.task_of_key, self._key_numbers[self._digest(slot)]),
            partial(self._key_found, slot),
            partial(self._key_unreadable, slot),
        )

    def _key_found(self, slot: Slot, task_id: str | None) -> None:
        """Go on with a key once the store has said whose it is."""
        task = self._shelf.tasks.get(task_id or "")
        if task_id is None or task is not None:
            self._key_task(slot, task)
        else:
            self._reader.read(
                partial(queries.task_rows, task_id),
                partial(self._fetched, task_id, partial(self._key_task, slot)),
                partial(self._key_unreadable, slot),
            )

    def _key_task(self, slot: Slot, task: Task | None) -> None:
        """Go on with a key once its task is in memory, or there is none."""
        if task is None:
            self._key_numbers.pop(self._digest(slot), None)
        self._key_fetched(slot, task)

    def _fetch(self, task_id: str, found: Found) -> None:
        self._reader.read(
            partial(queries.task_rows, task_id),
            partial(self._fetched, task_id, found),
            lambda: found(UnavailableError(retry_after_ms=RETRY_AFTER_MS)),
        )

    def _fetched(self, task_id: str, found: Found, answer: Any) -> None:
        """Put a task from the store on the shelf.

        Args:
            task_id: Which one.
            found: Takes it.
            answer: The row of its run, and its own where it is not the first; None
                where there is no such task.
        """
        task = self._shelf.tasks.get(task_id)
        if task is None and answer is not None:
            run_row, task_row = answer
            run = self._live.get(run_row[0]) or rows.load_run(run_row, self._clock)
            if task_row is None:
                task = rows.load_first(run_row, run)
            else:
                task = rows.load_task(task_row, run)
            self._shelf.add(task)
            if task.end:
                self._shelf.ended(task)
        found(task)

    def load(self, task: Task, after: int, budget: int, loaded: Loaded) -> None:
        """Read entries that are in the store only."""
        upto = task.end - 1 if task.end else task.run.log.head

        def take(tails: list[bytes]) -> None:
            if not tails and self._shelf.tasks.get(task.id) is task:
                # Its log made room; it was another ticket of the run that was told.
                task.run.log.lose(upto)
            loaded(tails)

        self._reader.read(
            partial(queries.tails, task.run.number, after, upto, budget),
            take,
            lambda: loaded(()),
        )

    # Retention

    def expire(self) -> None:
        """Act on everything that is due."""
        super().expire()
        self._retention.tick(self._number)

    def _retain(self) -> Retention:
        """Return who keeps the file within its bounds."""
        retention = Retention(self._bounds, self._clock, self._writer, self._reader)
        retention.keeps = self._is_kept
        retention.keys = self._numbers_of
        retention.forget = self._deleted
        retention.lose = self._lost
        return retention

    def _is_kept(self, number: int) -> bool:
        """Whether a run goes on, or may answer others."""
        return number in self._live or self._shelf.caches(number)

    def _deleted(self, ids: list[str], digests: list[bytes]) -> None:
        """Let tasks go that leave the file."""
        for task_id in ids:
            task = self._shelf.tasks.get(task_id)
            if task is not None:
                self._vanish(task)
        for digest in digests:
            self._key_numbers.pop(digest, None)

    def _numbers_of(self, digests: list[bytes]) -> list[int]:
        """Return the numbers of the keys that are in the file."""
        known = self._key_numbers
        return [known[digest] for digest in digests if digest in known]

    def _lost(self, task_id: str) -> None:
        """Let a log go that leaves the file."""
        task = self._shelf.tasks.get(task_id)
        if task is not None:
            log = task.run.log
            self._shelf.grow(-log.size)
            log.lose(log.head)
