"""Tasks as their callers see them, and the table of a task's states.

`TaskResponse` is the same object on WebSocket, over HTTP and in the Python API. At the
hub, JSON values stand in it as bytes (`msgspec.Raw`): they were encoded once, when the
command returned. A client finds the values themselves.
"""

import enum
from typing import Any, Final

import msgspec

NULL: Final = msgspec.Raw(b"null")
"""The JSON of no result."""


class TaskStatus(enum.Enum):
    """Where a task stands."""

    CREATED = "created"
    """Accepted, waiting for its turn."""
    RUNNING = "running"
    """A worker has begun; stays so between attempts."""
    COMPLETED = "completed"
    """Ended with a result."""
    FAILED = "failed"
    """Ended with an error."""
    CANCELLED = "cancelled"
    """Ended because nobody wanted it any more."""

    text: str
    """The word on the wire, without the cost of `value`."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def ended(self) -> bool:
        """Whether nothing can follow."""
        return not MOVES[self]


MOVES: Final[dict[TaskStatus, frozenset[TaskStatus]]] = {
    TaskStatus.CREATED: frozenset(
        {TaskStatus.RUNNING, TaskStatus.FAILED, TaskStatus.CANCELLED}
        | {TaskStatus.COMPLETED}  # a cached answer is complete when it is made
    ),
    TaskStatus.RUNNING: frozenset(
        {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}
    ),
    TaskStatus.COMPLETED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELLED: frozenset(),
}
"""Which state may follow which. None goes back."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a task ended without a result, for programs.

    Attributes:
        code: One of the codes of the protocol.
        retry: Whether the same request may succeed later.
        ran: Whether work may have begun: no, yes or maybe.
        detail: What else is known; a plugin's own code stands in ``detail.code``.
    """

    code: str
    retry: bool
    ran: str
    detail: dict[str, object] | None = None


class RequestInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, for those who may read the result.

    Attributes:
        params: A JSON object; null where it would be too large to repeat.
        priority: high, normal or low.
        deadline_ms: As the caller gave it, from acceptance.
        cache: use, refresh or off.
    """

    params: Any  # any JSON value; at the hub its bytes
    priority: str = "normal"
    deadline_ms: int | None = None
    cache: str = "use"


class Metadata(msgspec.Struct, kw_only=True, gc=False):
    """Facts about a task and its run.

    Attributes:
        plugin: The plugin's name.
        command: The command's name.
        origin: How the task came to its run: new, joined or cached.
        attempt: Of the run, from 1.
        queued_ms: How long the run waited for its first attempt.
        execution_time_ms: How long the run has been executing.
        started_at: When the first attempt began, RFC 3339.
        cached_at: When the run that answered was put into the cache.
        expires_at: When it leaves the cache.
        chunks: How many chunks the run has sent.
        failure: Why there is no result.
        trace: The caller's W3C traceparent.
        request: What was asked for.
        principal: Who asked; for scope monitor.
    """

    plugin: str
    command: str
    origin: str
    attempt: int
    queued_ms: int
    execution_time_ms: float
    started_at: str | msgspec.UnsetType = msgspec.UNSET
    cached_at: str | msgspec.UnsetType = msgspec.UNSET
    expires_at: str | msgspec.UnsetType = msgspec.UNSET
    chunks: int
    failure: Failure | msgspec.UnsetType = msgspec.UNSET
    trace: str | msgspec.UnsetType = msgspec.UNSET
    request: RequestInfo | msgspec.UnsetType = msgspec.UNSET
    principal: str | msgspec.UnsetType = msgspec.UNSET


class TaskResponse(msgspec.Struct, kw_only=True, gc=False):
    """A task, as it stands now.

    Attributes:
        task_id: Made by the hub, never reused.
        status: Where it stands.
        progress: 0.0 to 1.0, or null where it is not known.
        result: A JSON value; null until it is completed.
        error: For people; null unless it failed.
        created_at: When it was accepted, RFC 3339 in UTC.
        updated_at: When it last changed.
        message: For people, in the reader's language.
        metadata: Everything else.
    """

    task_id: str
    status: TaskStatus
    progress: float | None
    result: Any  # any JSON value; at the hub its bytes
    error: str | None
    created_at: str
    updated_at: str
    message: str | None
    metadata: Metadata


class PluginExecuteResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a direct call of a command.

    Attributes:
        plugin_name: The plugin's name.
        command: The command's name.
        result: JSON; null where it failed.
        success: Whether it completed.
        error: For people; null where it completed.
        execution_time_ms: How long it ran.
    """

    plugin_name: str
    command: str
    result: msgspec.Raw
    success: bool
    error: str | None
    execution_time_ms: float
