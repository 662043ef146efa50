"""The contract between the two halves of the hub and whoever keeps its tasks.

The orchestrator submits, cancels and reads; the worker claims, appends and finishes.
They meet only here. Every engine keeps these rules, and one suite of tests holds each
of them to it:

1. What a submission becomes (existing, cached, joined or new) is one atomic decision.
   `submit` answers when the task is durable.
2. Append, then deliver: nothing is shown that a later read could miss.
3. Numbers in a log are contiguous from 1, across attempts. `finish` is atomic with the
   last append and fenced by the attempt: exactly one result, and a stale attempt's
   writes are refused.
4. A claim is a lease that names an attempt.
5. Everything has a bound. A full store refuses new work and recovers by itself.

Verbs are plain functions, called on the loop's thread. What takes time is answered by
a callback on the same thread, so that no request costs a coroutine. A callback is
called exactly once, and it may be called before the verb returns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from hub.cache import CacheStatistics
from hub.errors import HubError
from hub.events import Piece
from hub.runs import Claim, Follower, Opened, Outcome, Run, Submission, Task

Answer = Callable[[Opened | HubError], None]
"""Takes what became of a submission."""
Found = Callable[[Task | HubError | None], None]
"""Takes a task, None where there is none of that id, or why that is not known."""
Done = Callable[[HubError | None], None]
"""Takes the news that a wish is durable, or why it is not."""
Loaded = Callable[[Sequence[bytes]], None]
"""Takes the JSON tails of entries."""


class Runner(Protocol):
    """The half of the hub that executes runs."""

    def accept(self, claim: Claim) -> None:
        """Begin to execute; the run is durably this worker's."""

    def revoke(self, claim: Claim) -> None:
        """Stop executing: nobody wants the run any more. `Engine.finish` follows."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much an engine takes.

    Attributes:
        queued: Runs that wait for a worker.
        max_log_bytes: Of one run's log, its result included.
        memory_bytes: Of all that is kept in memory; over it new work is refused.
        tail_bytes: From here on what has ended leaves memory, logs first.
        store_bytes: Of all that is kept in a file.
        retention_s: How long an ended task is kept.
        cache_entries: Finished runs that may answer others.
        cache_bytes: Of their logs and results.
        cache_sweep: Cache entries examined in one `expire`.
        progress_ms: The shortest time between two progress marks.
        ageing_s: After which time a waiting run is overdue, whatever its priority.
        pools: Whose runs this node's worker takes; none for all.
    """

    queued: int = 10_000
    max_log_bytes: int = 64 * 2**20
    memory_bytes: int = 512 * 2**20
    tail_bytes: int = 512 * 2**20
    store_bytes: int = 10 * 2**30
    retention_s: float = 86_400.0
    cache_entries: int = 10_000
    cache_bytes: int = 64 * 2**20
    cache_sweep: int = 100
    progress_ms: int = 100
    ageing_s: float = 20.0
    pools: tuple[str, ...] = ()


class Engine(ABC):
    """Keeps tasks, runs and logs, and hands work to workers.

    Attributes:
        hub: Names the life of the log store; a new one means that older ids are void.
    """

    hub: str

    @abstractmethod
    async def start(self) -> None:
        """Open the store and take up what an earlier life left.

        Waiting runs are queued again, in their order; runs that were executing end
        `hub_restarted`, or `cancelled` where that was wished.

        Raises:
            DataFolderError: Another hub uses the store, it is newer than this program
                knows, or it is broken.
        """

    @abstractmethod
    async def close(self) -> None:
        """Make everything durable that was said, and close the store."""

    @abstractmethod
    def attend(self, worker: Runner) -> None:
        """Name the worker of this node; call it before the first `claim`."""

    @abstractmethod
    def submit(
        self, request: Submission, answer: Answer, prepared: object = None
    ) -> None:
        """Decide what a request becomes, atomically.

        In this order: the task of the same principal and key (the same request:
        existing, else KeyConflictError); a cached run; a running one, where the command
        allows it; a new run. A refused submission leaves no key.

        Args:
            request: What to execute.
            answer: Takes the outcome, once the task is durable (but see
                `Opened.together`): KeyConflictError, QueueFullError or
                StorageFullError where it is refused.
            prepared: For the worker, where the run starts in this process
                (`Run.prepared`).
        """

    @abstractmethod
    def claim(self, queue: str, count: int) -> None:
        """Ask for so many more runs of a queue's kind, of all pools that are served.

        `Runner.accept` is called for each when there is one, which may be at once.
        """

    @abstractmethod
    def release(self, run: Run) -> None:
        """Give back the slot of a claimed run, and with it ask for one more.

        Call it once the command has really ended: it counts as running until then.
        """

    @abstractmethod
    def append(self, claim: Claim, pieces: list[Piece]) -> bool:
        """Write chunks to the log of a claimed run.

        Returns:
            Whether they were taken; a stale claim's are not.

        Raises:
            OutputTooLargeError: The log would pass its bound. `taken` says how many
                of the chunks were written all the same, because they still fit.
        """

    @abstractmethod
    def progressed(self, claim: Claim) -> None:
        """Tell the followers of a run that its progress fields have changed.

        The fields of `Claim.run` are set first. Followers hear of it at most as often
        as the most eager of them wants to.
        """

    @abstractmethod
    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """End a run, and with it all tasks that still want it.

        Returns:
            Whether the outcome was taken; a stale claim's is not.
        """

    @abstractmethod
    def leave(self, task: Task, code: str, done: Done) -> None:
        """Let a task leave its run: `cancelled` or `deadline_exceeded`.

        The run stops when no interested task is left. An ended task stays as it is.

        Args:
            task: Which one.
            code: Why.
            done: Called when the wish is durable.
        """

    @abstractmethod
    def settle(self, done: Done) -> None:
        """Call back when everything that was recorded so far is committed."""

    @abstractmethod
    def find(self, task_id: str, found: Found) -> None:
        """Look a task up.

        Args:
            task_id: Which one.
            found: Takes it; UnavailableError where the store cannot be read.
        """

    @abstractmethod
    def load(self, task: Task, after: int, budget: int, loaded: Loaded) -> None:
        """Read entries that are in the store only (`RunLog.base`).

        Args:
            task: Whose log.
            after: The number after which to read.
            budget: How many bytes to read; at least one entry comes.
            loaded: Takes the tails of the entries from `after` + 1 on, up to the
                task's end or head; none where the task is gone, or where they are
                lost, as `RunLog.floor` says then.
        """

    @abstractmethod
    def follow(self, follower: Follower) -> None:
        """Mark a follower whenever its task has something to read."""

    @abstractmethod
    def unfollow(self, follower: Follower) -> None:
        """Stop marking a follower."""

    @abstractmethod
    def expire(self) -> None:
        """Act on everything that is due: deadlines, cache, retention, bounds.

        The node calls it once a tick. It does a bounded piece of work.
        """

    @abstractmethod
    def cached(self, plugin: str | None, command: str | None) -> list[Run]:
        """List the runs in the cache, or a plugin's or a command's among them."""

    @abstractmethod
    def clear_cache(self, plugin: str | None, command: str | None) -> int:
        """Drop the cache, or a part of it; return how many entries went."""

    @abstractmethod
    def cache_statistics(self) -> CacheStatistics:
        """Return the counters of the cache."""
