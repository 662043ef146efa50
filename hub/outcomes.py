"""How a run ended, or a task that left its run: values that are made once."""

from typing import Final

import msgspec

from hub.tasks import TaskStatus

NOTHING: Final = b"null"
"""The JSON of no result."""


class Outcome(msgspec.Struct, kw_only=True, gc=False):
    """How a run ended, or a task that left its run.

    Whoever ends it completes it with the times; afterwards it does not change.

    Attributes:
        status: completed, failed or cancelled.
        result: JSON.
        code: The code of the failure; None on completed.
        error: The plugin's own words; None where the hub's text for the code is meant.
        retry: Whether the same request may succeed later.
        ran: Whether work may have begun: no, yes or maybe.
        detail: JSON of what else is known of the failure; empty for nothing.
        ended_at: Seconds since the epoch.
        execution_ms: How long the run executed.
        fraction: How far it was.
    """

    status: TaskStatus
    result: bytes = NOTHING
    code: str | None = None
    error: str | None = None
    retry: bool = False
    ran: str = "yes"
    detail: bytes = b""
    ended_at: float = 0.0
    execution_ms: float = 0.0
    fraction: float | None = None


class Departure(Outcome, kw_only=True, gc=False):
    """How a task ended that left its run, and what it had seen of the run by then.

    Attributes:
        attempt: Which the run was in.
        chunks: How many it had sent.
        started_at: When it began, in seconds since the epoch; 0 for not at all.
    """

    attempt: int = 1
    chunks: int = 0
    started_at: float = 0.0
