"""Errors that the hub answers with, each knowing its code on the wire.

The tree::

    HubError
    ├── RequestError                a request was refused, nothing ran for it
    │   ├── BadFrameError           bad_frame
    │   ├── UnknownTypeError        unknown_type
    │   ├── UnauthenticatedError    unauthenticated
    │   ├── ForbiddenError          forbidden
    │   ├── UnknownCommandError     unknown_command
    │   ├── NotFoundError           not_found
    │   ├── KeyConflictError        key_conflict
    │   ├── FrameTooLargeError      frame_too_large
    │   ├── InvalidParamsError      invalid_params
    │   ├── RateLimitedError        rate_limited
    │   ├── QueueFullError          queue_full
    │   ├── DrainingError           draining
    │   ├── UnavailableError        unavailable
    │   └── StorageFullError        storage_full
    ├── RunError                    a run that was accepted has ended badly
    │   ├── DeadlineExceededError   deadline_exceeded
    │   ├── RunCancelledError       cancelled
    │   ├── OutputTooLargeError     output_too_large
    │   ├── PoisonedError           poisoned
    │   ├── PluginError             plugin_error
    │   ├── WorkerLostError         worker_lost
    │   └── HubRestartedError       hub_restarted
    ├── InternalError               internal: a fault of the hub itself
    ├── ConfigError                 the configuration is wrong; the hub does not start
    ├── PluginRefusedError          a plugin cannot be loaded
    └── DataFolderError             the data folder is locked, newer or broken

Errors carry plain data only. ``code``, ``retry`` and ``ran`` are the verdict for
the peer: *retry* says whether the same request may succeed later, *ran* whether
work may have begun ("no", "yes", "maybe"). The first line of a docstring is the
default message.
"""

CODES: dict[str, type["HubError"]] = {}
"""Every error that has a code on the wire, by its code."""


class HubError(Exception):
    """Something went wrong in the hub."""

    # Not ClassVar: a client learns the verdict of one refusal from its frame.
    code: str = "internal"
    """The code on the wire."""
    status: int = 500
    """The HTTP status of the refusal."""
    retry: bool = True
    """Whether the same request may succeed later."""
    ran: str = "maybe"
    """Whether work may have begun: no, yes or maybe."""

    def __init_subclass__(cls) -> None:
        """Enter the class under its code."""
        if "code" in cls.__dict__:
            CODES[cls.code] = cls

    def __init__(
        self,
        message: str | None = None,
        *,
        detail: dict[str, object] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        self.custom = message is not None
        """Whether the text was said at the raise, and so is not localised."""
        self.message = message or (type(self).__doc__ or "").partition("\n")[0]
        self.detail = detail
        self.retry_after_ms = retry_after_ms
        super().__init__(self.message)


class RequestError(HubError):
    """The request was refused."""

    status = 400
    retry = False
    ran = "no"


class BadFrameError(RequestError):
    """The frame cannot be understood."""

    code = "bad_frame"


class UnknownTypeError(RequestError):
    """The hub knows no frame of this type."""

    code = "unknown_type"


class UnauthenticatedError(RequestError):
    """A valid credential is needed."""

    code = "unauthenticated"
    status = 401


class ForbiddenError(RequestError):
    """This credential does not allow that."""

    code = "forbidden"
    status = 403


class UnknownCommandError(RequestError):
    """There is no such plugin or command."""

    code = "unknown_command"
    status = 404


class NotFoundError(RequestError):
    """There is no such task."""

    code = "not_found"
    status = 404
    ran = "maybe"


class KeyConflictError(RequestError):
    """The key was used for another request."""

    code = "key_conflict"
    status = 409


class FrameTooLargeError(RequestError):
    """The frame is too large."""

    code = "frame_too_large"
    status = 413


class InvalidParamsError(RequestError):
    """A parameter is missing, unknown or out of range."""

    code = "invalid_params"
    status = 422


class RateLimitedError(RequestError):
    """Too many requests."""

    code = "rate_limited"
    status = 429
    retry = True


class QueueFullError(RequestError):
    """Too many tasks are waiting."""

    code = "queue_full"
    status = 503
    retry = True


class DrainingError(RequestError):
    """The hub is shutting down."""

    code = "draining"
    status = 503
    retry = True


class UnavailableError(RequestError):
    """The hub cannot take this now."""

    code = "unavailable"
    status = 503
    retry = True


class StorageFullError(RequestError):
    """The store is full."""

    code = "storage_full"
    status = 507
    retry = True


class RunError(HubError):
    """The run has ended badly."""

    status = 200
    retry = False
    ran = "yes"


class DeadlineExceededError(RunError):
    """The task took longer than it was allowed to."""

    code = "deadline_exceeded"


class RunCancelledError(RunError):
    """The task was cancelled."""

    code = "cancelled"


class OutputTooLargeError(RunError):
    """The run wrote more than its log may hold.

    Args:
        taken: How many of the pieces that were given the log still took.
    """

    code = "output_too_large"

    def __init__(self, taken: int = 0) -> None:
        self.taken = taken
        super().__init__()


class PoisonedError(RunError):
    """The run's process died too often."""

    code = "poisoned"


class PluginError(RunError):
    """The command failed."""

    code = "plugin_error"


class WorkerLostError(RunError):
    """The worker that ran the task was lost."""

    code = "worker_lost"
    retry = True
    ran = "maybe"


class HubRestartedError(RunError):
    """The hub was restarted while the task ran."""

    code = "hub_restarted"
    retry = True
    ran = "maybe"


class InternalError(HubError):
    """The hub made a mistake; its log says more."""

    code = "internal"


class ConfigError(HubError):
    """The configuration is wrong."""


class PluginRefusedError(HubError):
    """The plugin cannot be loaded.

    Args:
        reason: What is wrong, for the plugin's author.
        file: Where it was found.
        line: The line in that file, where one is known.
    """

    def __init__(self, reason: str, *, file: str, line: int | None = None) -> None:
        self.reason = reason
        self.file = file
        self.line = line
        where = file if line is None else f"{file}:{line}"
        super().__init__(f"{where}: {reason}")


class DataFolderError(HubError):
    """The data folder cannot be used."""
