"""Runs and tasks as the hub holds them.

A `Run` is the work: one execution of a command, and its log. A `Task` is one caller's
ticket onto a run. Several tasks share a run when they joined it or were answered from
the cache; each has an id and an end of its own.

Both change while the work goes on, and only an engine changes them. How a run, or
a ticket that left early, has ended is a value: `hub.outcomes`.
"""

import enum
from collections.abc import Callable
from math import inf
from typing import Final, Protocol

import msgspec

from hub.events import Piece
from hub.log import RunLog
from hub.outcomes import NOTHING, Departure, Outcome
from hub.tasks import TaskStatus


class Mood(enum.Enum):
    """What a run is doing; finer than the status that callers see."""

    QUEUED = enum.auto()
    """Waits for a worker."""
    RUNNING = enum.auto()
    """A worker has it."""
    CLOSING = enum.auto()
    """Nobody wants it any more; its worker was told to stop."""
    ENDED = enum.auto()
    """Has an outcome that readers may see."""


class Submission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request as the engine decides on it: checked, and its params canonical.

    Attributes:
        principal: Who asks.
        plugin: The plugin's name.
        command: The command's name.
        params: Canonical JSON.
        queue: Which workers may run it: pool and isolation.
        flight: Hash under which a finished or running run may answer; None for never.
        ttl: Seconds that the completed run may answer others; None for never.
        join: Whether it may join a run that is not done.
        public: Whether other principals may share the run.
        locale: What ``ctx.locale`` will be.
        key: The caller's idempotency key.
        deadline_ms: From acceptance to the end.
        priority: high, normal or low.
        cache: use, refresh or off.
        trace: W3C traceparent.
        concurrency: Runs of the command at once on a node; None for any number.
        room: How many bytes of a cached answer the caller takes in one message; such
            an answer needs not be durable before it is shown.
    """

    principal: str
    plugin: str
    command: str
    params: bytes
    queue: str
    flight: bytes | None = None
    ttl: float | None = None
    join: bool = False
    public: bool = False
    locale: str = "en"
    key: str | None = None
    deadline_ms: int | None = None
    priority: str = "normal"
    cache: str = "use"
    trace: str | None = None
    concurrency: int | None = None
    room: int = 0


class Follower(Protocol):
    """Who follows a task; its verbs only leave a mark, and are called on the loop.

    Attributes:
        task: The task that is followed.
        progress_ms: How often it wants to hear of progress at most.
    """

    task: "Task"
    progress_ms: int

    def moved(self) -> None:
        """Note that there is something to read."""

    def progressed(self) -> None:
        """Note that the progress has changed."""

    def vanished(self) -> None:
        """Note that the task is gone: its record has expired."""


NO_TASKS: Final[list["Task"]] = []
"""Stands where no task wants a run any more; never written to."""
NO_FOLLOWERS: Final[set["Follower"]] = set()
"""Stands where nobody follows; never written to."""
NOTHING_SHARED: Final[dict[str, object]] = {}
"""Stands where a run has no answers to share; never written to."""


class Run(msgspec.Struct, gc=False, eq=False):
    """One execution of a command.

    The garbage collector does not track it, so whoever ends a run breaks its cycles:
    `tasks` and `followers` are emptied.

    Attributes:
        number: Made by the engine; later runs have higher ones.
        id: The id of its first task.
        request: What is executed.
        mood: What it is doing.
        attempt: From 1; a claim of an older one has nothing to say.
        log: Its entries.
        tasks: Those who still want it.
        followers: Who watches it.
        outcome: How it ended, once that is certain.
        created: When it was accepted, on the loop's clock.
        created_at: The same in seconds since the epoch.
        started: When the first attempt began, on the loop's clock.
        started_at: The same in seconds since the epoch; 0 before.
        updated_at: When it last changed, in seconds since the epoch.
        fraction: Its progress, 0.0 to 1.0, or None.
        message: What it said last.
        step: Of `total` steps.
        total: Steps in all.
        uncommitted: Bytes of its log that no commit has seen.
        thirsty: Who waits for these bytes to be committed.
        cached_at: When it entered the cache, in seconds since the epoch; 0 for never.
        expires_at: When it leaves the cache.
        pins: How many tasks and cache entries keep it in memory.
        finishing: Whether its end has been decided, and waits for its commit.
        why: With which code it is closing.
        fanned: Before when its followers need not hear of progress again.
        fanning: Whether they will at that time.
        position: Its place in the queue as it was told last; 0 for none.
        unserved: Whether it waits in a pool that no worker of this node serves.
        told: The last progress tail, and what it was made from.
        shared: What answers from the cache have in common, by language.
        prepared: What admission has made ready for the worker of this process.
    """

    number: int
    id: str
    request: Submission
    created: float
    created_at: float
    mood: Mood = Mood.QUEUED
    attempt: int = 1
    log: RunLog = msgspec.field(default_factory=RunLog)
    # By factory: msgspec copies an empty default, which would not be known again.
    tasks: list["Task"] = msgspec.field(default_factory=lambda: NO_TASKS)
    followers: set[Follower] = msgspec.field(default_factory=lambda: NO_FOLLOWERS)
    outcome: Outcome | None = None
    started: float = 0.0
    started_at: float = 0.0
    updated_at: float = 0.0
    fraction: float | None = None
    message: str | None = None
    step: int | None = None
    total: int | None = None
    uncommitted: int = 0
    thirsty: tuple[Callable[[], None], ...] = ()
    cached_at: float = 0.0
    expires_at: float = 0.0
    pins: int = 0
    finishing: bool = False
    why: str | None = None
    fanned: float = 0.0
    fanning: bool = False
    position: int = 0
    unserved: bool = False
    told: tuple[object, bytes] | None = None
    shared: dict[str, object] = msgspec.field(default_factory=lambda: NOTHING_SHARED)
    prepared: object = None

    @classmethod
    def fresh(
        cls, number: int, id: str, request: Submission, now: float, wall: float
    ) -> "Run":
        """Return a run that is accepted now.

        Args:
            number: Made by the engine.
            id: The id of its first task.
            request: What is executed.
            now: The present, on the loop's clock.
            wall: The same in seconds since the epoch.
        """
        # All that would have to be made by a factory is given: this is done often.
        return cls(
            number,
            id,
            request,
            now,
            wall,
            Mood.QUEUED,
            1,
            RunLog.empty(),
            NO_TASKS,
            NO_FOLLOWERS,
            None,
            0.0,
            0.0,
            wall,
            shared=NOTHING_SHARED,
        )

    @property
    def deadline(self) -> float | None:
        """When the last of its tasks gives up, on the loop's clock; None for never."""
        latest = 0.0
        for task in self.tasks:
            if task.deadline is None:
                return None
            latest = max(latest, task.deadline)
        return latest or None


class Task(msgspec.Struct, gc=False, eq=False):
    """One caller's ticket onto a run.

    Attributes:
        id: Made by the hub, never reused.
        run: The work.
        principal: Whose it is.
        origin: new, joined or cached.
        created_at: When it was accepted, in seconds since the epoch.
        key: Its idempotency key.
        deadline_ms: As the caller gave it.
        priority: As the caller gave it.
        cache: As the caller gave it.
        trace: As the caller gave it.
        deadline: When it gives up, on the loop's clock.
        end: Number of its result in its log; 0 while it has none.
        early: How it ended, where it left its run before the run's end.
        leaving: Whether it is about to leave.
    """

    id: str
    run: Run
    principal: str
    origin: str
    created_at: float
    key: str | None
    deadline_ms: int | None
    priority: str
    cache: str
    trace: str | None
    deadline: float | None = None
    end: int = 0
    early: Departure | None = None
    leaving: bool = False

    @classmethod
    def of(
        cls, id: str, run: Run, request: Submission, origin: str, created_at: float
    ) -> "Task":
        """Make the ticket of a submission."""
        return cls(
            id,
            run,
            request.principal,
            origin,
            created_at,
            request.key,
            request.deadline_ms,
            request.priority,
            request.cache,
            request.trace,
        )

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while readers may not know."""
        if not self.end:
            return None
        return self.early or self.run.outcome

    @property
    def ended_at(self) -> float:
        """When it ended, in seconds since the epoch; infinity while it has not.

        A cached answer has ended when it was given, long after its run.
        """
        outcome = self.outcome
        return inf if outcome is None else max(outcome.ended_at, self.created_at)

    @property
    def status(self) -> TaskStatus:
        """Where it stands, as its readers may know."""
        outcome = self.outcome
        if outcome is not None:
            return outcome.status
        return TaskStatus.RUNNING if self.run.started_at else TaskStatus.CREATED

    @property
    def head(self) -> int:
        """The number of the last entry that its readers may see."""
        return self.end or self.run.log.head

    @property
    def last_reset(self) -> int:
        """The number of the last reset that its readers may see; 0 for none."""
        log = self.run.log
        return log.last_reset(self.end - 1 if self.end else log.head)

    @property
    def attempt(self) -> int:
        """The attempt of the last entry that its readers may see."""
        return self.run.log.attempt_at(self.end - 1 if self.end else self.run.log.head)


class Claim(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A worker's lease on one attempt of a run.

    Attributes:
        run: What to execute.
        attempt: Which attempt; the engine refuses the writes of an older one.
    """

    run: Run
    attempt: int


class Origin:
    """How a submission was answered: the words of `Opened.origin`."""

    NEW: Final = "new"
    EXISTING: Final = "existing"
    JOINED: Final = "joined"
    CACHED: Final = "cached"
    WATCH: Final = "watch"


class Opened(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the engine decided on a submission.

    Attributes:
        task: The caller's ticket.
        origin: new, existing, joined or cached.
        together: The ticket is not durable yet: its whole answer must leave in one
            message or not at all.
    """

    task: Task
    origin: str
    together: bool = False


__all__ = [
    "NOTHING",
    "Claim",
    "Departure",
    "Follower",
    "Mood",
    "Opened",
    "Origin",
    "Outcome",
    "Piece",
    "Run",
    "Submission",
    "Task",
]
