"""What stands in for the rest of the hub: time, a worker, watchers, and requests."""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from contextvars import Context
from itertools import count

import msgspec

from hub.clock import Clock
from hub.errors import HubError
from hub.events import Piece
from hub.runs import Claim, Opened, Outcome, Submission, Task
from hub.tasks import TaskStatus

IDLE_LOOP = asyncio.new_event_loop()
"""Stands where a clock wants a loop: time here is not a loop's."""
IDLE_LOOP.close()


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
        handle = asyncio.TimerHandle(when, callback, args, IDLE_LOOP, context)
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
        clock = Clock(IDLE_LOOP, wall=self.wall, now=self.now)
        clock.call_at = self.call_at
        return clock


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


def outcome(status: TaskStatus = TaskStatus.COMPLETED, result: bytes = b"1") -> Outcome:
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


def ended(task: Task) -> bool:
    """Whether a task has an end that readers may see."""
    return task.end > 0


def tasks_of(answers: Sequence[Opened | HubError]) -> list[Task]:
    """Return the tasks of answers that must not be refusals."""
    return [answer.task for answer in answers if isinstance(answer, Opened)]


def words_of(answers: Sequence[Opened | HubError]) -> list[str]:
    """Return what became of submissions: an origin, or the code of a refusal."""
    return [
        answer.origin if isinstance(answer, Opened) else answer.code
        for answer in answers
    ]
