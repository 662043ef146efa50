"""A bench for engines: any sort of engine, and a test that sees what the hub sees.

A third engine joins the contract suite as one more `Kind` in `KINDS`. Nothing here
reaches behind the contract: the tests of `tests/engines/test_contract_*.py` see verbs,
callbacks, and what a session may see of tasks and runs.

Everything an engine tells comes by a callback; each rings the bell of its lab, and
`Lab.until` looks again whenever it rings. So nothing here sleeps.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from hub.clock import Clock
from hub.engines.base import Bounds, Engine
from hub.engines.memory import MemoryEngine
from hub.engines.sqlite.engine import SqliteEngine
from hub.errors import HubError
from hub.ids import TaskIds
from hub.runs import Claim, Opened, Outcome, Run, Submission, Task
from tests.engines.doubles import (
    BASE,
    FakeTime,
    Watcher,
    Worker,
    outcome,
    piece,
    said,
)

PATIENCE_S = 20.0
"""How long a test waits for what must happen, on the slowest machine."""


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

    async def answers(self, requests: Sequence[Submission]) -> list[Opened | HubError]:
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

    async def end_of(self, task: Task) -> Outcome:
        """Wait until readers may know how a task ended."""
        watcher = self.follow(task)
        await self.until(lambda: task.end)
        self.engine.unfollow(watcher)
        assert task.outcome is not None
        return task.outcome

    async def find(self, task_id: str) -> Task | None:
        """Look a task up."""
        found: list[Task | HubError | None] = []

        def take(task: Task | HubError | None) -> None:
            found.append(task)
            self._bell.set()

        self.engine.find(task_id, take)
        await self.until(lambda: found)
        assert len(found) == 1
        assert not isinstance(found[0], HubError)
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
            # What that has looked for and written is done before these answers come.
            await self.find("nobody")
            await self.settle()

    async def settle(self) -> None:
        """Wait until all that was recorded so far is committed, and was told."""
        run = Run(0, "", BASE, 0.0, 0.0)
        task = Task.of("", run, BASE, "new", 0.0)
        task.end = 1
        await self.leave(task)
