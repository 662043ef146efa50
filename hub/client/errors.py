"""What a program catches.

The tree, beside the errors of `hub.errors` that a refused request raises::

    HubError
    ├── UnreachableError            no hub could be reached: nothing was sent
    │   ├── NotAHubError            something else answers at that address
    │   │   └── UnsupportedVersionError  a hub that speaks another version
    │   └── ConnectionLost          it was reached, was lost, and did not come back
    └── TaskFailed                  the task has ended with an error
        └── TaskCancelled           the task has ended because it was cancelled
"""

import msgspec

from hub.errors import CODES, HubError, InternalError, RequestError
from hub.protocol.frames import ErrorFrame
from hub.tasks import Failure, TaskResponse, TaskStatus


class UnreachableError(HubError):
    """No hub could be reached."""

    retry = True
    ran = "no"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)
        # No code of the wire, so it has no place among those.
        self.code = "unreachable"


class NotAHubError(UnreachableError):
    """Something else than a hub answers at this address."""

    retry = False


class UnsupportedVersionError(NotAHubError):
    """The hub speaks another version of the protocol."""


class ConnectionLost(UnreachableError):
    """The connection was lost, and did not come back in time.

    What was under way goes on at the hub: ``attach`` reads it, and the same key makes
    sending a request again safe.
    """

    ran = "maybe"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message)
        self.code = "connection_lost"


class TaskFailed(HubError):
    """The task has ended without a result.

    Attributes:
        response: How it ended.
        code: Why; one of the protocol's codes.
        retry: Whether the same request may succeed later.
        ran: Whether work may have begun: no, yes or maybe.
        detail: What else is known; a plugin's own code stands in ``detail["code"]``.
    """

    def __init__(self, response: TaskResponse) -> None:
        self.response = response
        failure = response.metadata.failure
        if failure is msgspec.UNSET:
            failure = Failure(code="internal", retry=False, ran="maybe")
        text = response.error or response.message or response.status.text
        super().__init__(text, detail=failure.detail)
        self.code, self.retry, self.ran = failure.code, failure.retry, failure.ran


class TaskCancelled(TaskFailed):
    """The task was cancelled."""


def ended_badly(response: TaskResponse) -> TaskFailed | None:
    """Return what awaiting a task raises for this end; None for a completed one."""
    if response.status is TaskStatus.COMPLETED:
        return None
    cancelled = response.status is TaskStatus.CANCELLED
    return (TaskCancelled if cancelled else TaskFailed)(response)


def refused(frame: ErrorFrame) -> HubError:
    """Return the error that a frame stands for, of its own class where there is one."""
    kind = CODES.get(frame.code, HubError)
    if not issubclass(kind, RequestError | InternalError):
        kind = HubError
    after, detail = frame.retry_after_ms, frame.detail
    error = kind(
        frame.message,
        detail=None if detail is msgspec.UNSET else detail,
        retry_after_ms=None if after is msgspec.UNSET else after,
    )
    error.code, error.retry, error.ran = frame.code, frame.retry, frame.ran
    return error
