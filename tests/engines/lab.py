"""A bench for engines: time that stands still, a worker that only notes, and watchers.

A third engine joins the contract suite as one more `Kind` in `KINDS`. Nothing here
reaches behind the contract: the tests of `tests/engines/test_contract_*.py` see verbs,
callbacks, and what a session may see of tasks and runs.

Everything an engine tells comes by a callback; each rings the bell of its lab, and
`Lab.until` looks again whenever it rings. So nothing here sleeps.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from contextvars import Context
from itertools import count
from pathlib import Path
from typing import Protocol

import msgspec

from hub.clock import Clock
from hub.engines.base import Bounds, Engine
from hub.engines.memory import MemoryEngine
from hub.engines.sqlite.engine import SqliteEngine
from hub.errors import HubError
from hub.events import Piece
from hub.ids import TaskIds
from hub.runs import Claim, Opened, Outcome, Submission, Task
from hub.tasks import TaskStatus

PATIENCE_S = 20.0
"""How long a test waits for what must happen, on the slowest machine."""


class FakeTime:
    """Time that moves when a test says so."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.epoch = 1_800_000_000.0
        self._later: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = count()

    def now(self) -> float:
        """Return the loop's time."""
        return self.monotonic

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return self.epoch

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call a function when `pass_by` gets there."""
        loop = asyncio.get_running_loop()
        handle = asyncio.TimerHandle(when, callback, args, loop, context)
        heapq.heappush(self._later, (when, next(self._order), handle))
        return handle

    def pass_by(self, seconds: float) -> None:
        """Move both clocks, and call what was to be called by then."""
        self.monotonic += seconds
        self.epoch += seconds
        while self._later and self._later[0][0] <= self.monotonic:
            handle = heapq.heappop(self._later)[2]
            if not handle.cancelled():
                handle._run()

    def clock(self) -> Clock:
        """Return this time as the hub takes it."""
        clock = Clock(asyncio.get_running_loop(), wall=self.wall, now=self.now)
        clock.call_at = self.call_at  # type: ignore[method-assign, assignment]  # as loop.call_at but for variadic types
        return clock


class Kind(Protocol):
    """A sort of engine.

    Attributes:
        durable: Whether what it keeps outlives it.
    """

    durable: bool

    def make(self, bounds: Bounds, clock: Clock, folder: Path) -> Engine:
        """Return an engine that has not started."""


class MemoryKind:
    """The reference."""

    durable = False

    def make(self, bounds: Bounds, clock: Clock, folder: Path) -> Engine:
        """Return an engine in memory."""
        return MemoryEngine(bounds, clock, TaskIds())


class SqliteKind:
    """The one with a file."""

    durable = True

    def make(self, bounds: Bounds, clock: Clock, folder: Path) -> Engine:
        """Return an engine on a real file."""
        return SqliteEngine(bounds, clock, TaskIds(), folder=folder, retry_s=0.01)


KINDS: dict[str, Kind] = {"memory": MemoryKind(), "sqlite": SqliteKind()}


class Worker:
    """Notes what it is given, and runs nothing.

    Attributes:
        accepted: Every claim, in order.
        revoked: Every claim that it was told to stop.
    """

    def __init__(self, bell: asyncio.Event) -> None:
        self.accepted: list[Claim] = []
        self.revoked: list[Claim] = []
        self._bell = bell

    def accept(self, claim: Claim) -> None:
        """Note a claim."""
        self.accepted.append(claim)
        self._bell.set()

    def revoke(self, claim: Claim) -> None:
        """Note that nobody wants a run any more."""
        self.revoked.append(claim)
        self._bell.set()


class Watcher:
    """Follows a task.

    Attributes:
        heads: The head and the end of the task at each mark.
        news: How often it was told of progress.
        gone: How often it was told that the task is gone.
        on_move: Called at each mark.
    """

    def __init__(self, task: Task, bell: asyncio.Event, progress_ms: int) -> None:
        self.task = task
        self.progress_ms = progress_ms
        self.heads: list[tuple[int, int]] = []
        self.news = 0
        self.gone = 0
        self.on_move: Callable[[], None] = bell.set
        self._bell = bell

    def moved(self) -> None:
        """Note how far the log is."""
        self.heads.append((self.task.run.log.head, self.task.end))
        self.on_move()
        self._bell.set()

    def progressed(self) -> None:
        """Note that there is news."""
        self.news += 1
        self._bell.set()

    def vanished(self) -> None:
        """Note that the task is gone."""
        self.gone += 1
        self._bell.set()


def piece(text: str, channel: str = "out", at: int = 0) -> Piece:
    """Return a chunk of text."""
    return (at, channel, None, msgspec.json.encode(text), False)


def outcome(
    status: TaskStatus = TaskStatus.COMPLETED, result: bytes = b"1"
) -> Outcome:
    """Return how a command ended; `Lab.finish` adds when."""
    if status is TaskStatus.COMPLETED:
        return Outcome(status=status, result=result)
    return Outcome(status=status, code="plugin_error")


BASE = Submission(
    principal="local", plugin="test", command="do", params=b"{}", queue="q"
)
"""What is asked for, where a test does not say more."""
SHARED = msgspec.structs.replace(BASE, flight=b"shared", ttl=300.0, join=True)
"""The same, of a command whose runs may be joined and whose results are cached."""


class Lab:
    """An engine on the bench.

    Args:
        kind: Which sort.
        folder: Where it may keep files.
        bounds: How much it takes.

    Attributes:
        engine: The engine of this life.
        worker: Its worker.
        time: Its time.
    """

    def __init__(self, kind: Kind, folder: Path, bounds: Bounds) -> None:
        self.kind = kind
        self.folder = folder
        self.bounds = bounds
        self.time = FakeTime()
        self.engine: Engine
        self.worker: Worker
        self._bell = asyncio.Event()
        self._taken = 0

    async def start(self, slots: int = 0) -> None:
        """Begin a life with so many free slots in the queue."""
        self.engine = self.kind.make(self.bounds, self.time.clock(), self.folder)
        await self.engine.start()
        self.worker = Worker(self._bell)
        self._taken = 0
        self.engine.attend(self.worker)
        if slots:
            self.engine.claim(BASE.queue, slots)

    async def restart(self, slots: int = 0) -> None:
        """End this life and begin the next."""
        await self.engine.close()
        await self.start(slots)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; look whenever the engine has told anything."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._bell.clear()
                await self._bell.wait()

    # Submit

    def ask(self, request: Submission = BASE) -> "asyncio.Future[Opened | HubError]":
        """Submit without waiting."""
        answered: asyncio.Future[Opened | HubError] = (
            asyncio.get_running_loop().create_future()
        )

        def answer(what: Opened | HubError) -> None:
            # A second call would raise here: exactly one answer is promised.
            answered.set_result(what)
            self._bell.set()

        self.engine.submit(request, answer)
        return answered

    async def answers(
        self, requests: Sequence[Submission]
    ) -> list[Opened | HubError]:
        """Submit all in one turn, then wait for every answer."""
        asked = [self.ask(request) for request in requests]
        async with asyncio.timeout(PATIENCE_S):
            return list(await asyncio.gather(*asked))

    async def opened(self, request: Submission = BASE) -> Opened:
        """Submit; the answer must be a task."""
        (answer,) = await self.answers([request])
        assert isinstance(answer, Opened), answer
        return answer

    async def refused(self, request: Submission = BASE) -> HubError:
        """Submit; the answer must be a refusal."""
        (answer,) = await self.answers([request])
        assert isinstance(answer, HubError), answer
        return answer

    # Work

    async def claimed(self) -> Claim:
        """Return the next claim that the worker is given."""
        await self.until(lambda: len(self.worker.accepted) > self._taken)
        claim = self.worker.accepted[self._taken]
        self._taken += 1
        return claim

    async def begun(self, request: Submission = BASE) -> tuple[Task, Claim]:
        """Submit a new run and claim it."""
        self.engine.claim(request.queue, 1)
        opened = await self.opened(request)
        claim = await self.claimed()
        assert claim.run is opened.task.run
        return opened.task, claim

    async def append(self, claim: Claim, *texts: str) -> None:
        """Write chunks and wait until readers may see them."""
        assert self.engine.append(claim, [piece(text) for text in texts])
        log = claim.run.log
        last = log.written
        watcher = self._shadow(claim)
        await self.until(lambda: log.head >= last)
        self.engine.unfollow(watcher)

    async def finish(self, claim: Claim, how: Outcome | None = None) -> None:
        """End a run and wait until readers may know."""
        watcher = self._shadow(claim)
        assert self.engine.finish(claim, self.stamped(how or outcome()))
        await self.until(lambda: claim.run.outcome is not None)
        self.engine.unfollow(watcher)

    def stamped(self, how: Outcome) -> Outcome:
        """Return an outcome that ends now."""
        return msgspec.structs.replace(how, ended_at=self.time.wall())

    def _shadow(self, claim: Claim) -> Watcher:
        """Follow a run by a task of no consequence, for the bell alone."""
        task = Task.of("", claim.run, claim.run.request, "watch", 0.0)
        return self.follow(task)

    async def done(
        self, request: Submission = BASE, *texts: str, how: Outcome | None = None
    ) -> Task:
        """Submit a new run, let it say something, and end it."""
        task, claim = await self.begun(request)
        if texts:
            await self.append(claim, *texts)
        await self.finish(claim, how)
        return task

    # Leave and read

    async def leave(self, task: Task, code: str = "cancelled") -> None:
        """Let a task leave, and wait until the wish is durable."""
        said: list[HubError | None] = []
        self.engine.leave(task, code, self._noting(said))
        await self.until(lambda: said)
        assert said == [None]

    def _noting(self, said: list[HubError | None]) -> Callable[[HubError | None], None]:
        def done(error: HubError | None) -> None:
            said.append(error)
            self._bell.set()

        return done

    async def find(self, task_id: str) -> Task | None:
        """Look a task up."""
        found: list[Task | None] = []

        def take(task: Task | None) -> None:
            found.append(task)
            self._bell.set()

        self.engine.find(task_id, take)
        await self.until(lambda: found)
        assert len(found) == 1
        return found[0]

    async def known(self, task_id: str) -> Task:
        """Look up a task that must be there."""
        task = await self.find(task_id)
        assert task is not None
        return task

    async def load(self, task: Task, after: int, budget: int = 2**20) -> list[bytes]:
        """Read what is in the store only."""
        found: list[Sequence[bytes]] = []

        def take(tails: Sequence[bytes]) -> None:
            found.append(tails)
            self._bell.set()

        self.engine.load(task, after, budget, take)
        await self.until(lambda: found)
        assert len(found) == 1
        return list(found[0])

    async def read(self, task: Task, after: int = 0) -> list[str]:
        """Read all that a reader of the task may see, as texts, without its result.

        Entries that were lost are left out.
        """
        log = task.run.log
        tails: list[bytes] = []
        limit = task.end - 1 if task.end else log.head
        after = max(after, log.floor)
        while after < limit:
            if after >= log.base:
                tails += log.tails(after, limit)
                break
            page = await self.load(task, after, 2**12)
            if not page:
                break
            tails += page
            after += len(page)
        return [said(tail) for tail in tails]

    def follow(self, task: Task, progress_ms: int = 100) -> Watcher:
        """Follow a task."""
        watcher = Watcher(task, self._bell, progress_ms)
        self.engine.follow(watcher)
        return watcher

    # Time

    async def tick(self, seconds: float = 0.0) -> None:
        """Let time pass and the engine act on it, however often it takes."""
        self.time.pass_by(seconds)
        for _ in range(20):
            self.engine.expire()
            # Whatever that has set off is done before this answer comes.
            await self.find("nobody")


class _Tail(msgspec.Struct):
    """What a test looks at in an entry."""

    seq: int
    data: str


def said(tail: bytes) -> str:
    """Return the text of an entry."""
    return msgspec.json.decode(b"{" + tail, type=_Tail).data


def numbers(tails: Sequence[bytes]) -> list[int]:
    """Return the numbers of entries."""
    return [msgspec.json.decode(b"{" + tail, type=_Tail).seq for tail in tails]


def tasks_of(answers: Sequence[Opened | HubError]) -> list[Task]:
    """Return the tasks of answers that must not be refusals."""
    return [answer.task for answer in answers if isinstance(answer, Opened)]


def words_of(answers: Sequence[Opened | HubError]) -> list[str]:
    """Return what became of submissions: an origin, or the code of a refusal."""
    return [
        answer.origin if isinstance(answer, Opened) else answer.code
        for answer in answers
    ]
