"""`TaskResponse` made from a task and its run, in the reader's language.

The hub's own texts are not stored: an outcome keeps a code, and the text is made here
for whoever reads. A plugin's words stay as they were said.
"""

import time
from typing import Final

import msgspec

from hub.codec import from_json
from hub.messages import text as words
from hub.runs import NOTHING, Outcome, Run, Task
from hub.tasks import (
    NULL,
    Failure,
    Metadata,
    RequestInfo,
    TaskResponse,
    TaskStatus,
)

MESSAGE_BYTES: Final = 2048
"""How much of a message is shown."""
ERROR_BYTES: Final = 16384
"""How much of an error, or of a failure's detail, is shown."""
PARAMS_BYTES: Final = 65536
"""Up to this size `request` repeats the params."""

_MOST_TIMES: Final = 1024
_times: dict[int, bytes] = {}


def stamp(seconds: float) -> bytes:
    """Return a time since the epoch as RFC 3339 in UTC, to the millisecond."""
    milliseconds = int(seconds * 1000 + 0.5)
    made = _times.get(milliseconds)
    if made is None:
        second, rest = divmod(milliseconds, 1000)
        whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        made = b"%b.%03dZ" % (whole.encode(), rest)
        if len(_times) >= _MOST_TIMES:
            _times.clear()
        _times[milliseconds] = made
    return made


def rfc3339(seconds: float) -> str:
    """Return what `stamp` does, as text."""
    return stamp(seconds).decode()


def clip(text: str, most: int) -> str:
    """Cut a text to so many bytes of UTF-8, marking the cut with an ellipsis."""
    if len(text) * 4 <= most:
        return text
    data = text.encode()
    if len(data) <= most:
        return text
    return data[: most - 3].decode(errors="ignore") + "…"


def error_text(outcome: Outcome, locale: str) -> str | None:
    """Return what to tell a person about a failure."""
    if outcome.status is not TaskStatus.FAILED or outcome.code is None:
        return None
    if outcome.error:
        return outcome.error
    detail = from_json(outcome.detail) if outcome.detail else {}
    return words(outcome.code, locale, **detail)


def _failure(outcome: Outcome, code: str) -> Failure:
    """Return what to tell a program about a failure."""
    detail = from_json(outcome.detail) if outcome.detail else None
    return Failure(code=code, retry=outcome.retry, ran=outcome.ran, detail=detail)


def _request_info(task: Task) -> RequestInfo:
    """Return what was asked for."""
    params = task.run.request.params
    return RequestInfo(
        params=msgspec.Raw(params) if len(params) <= PARAMS_BYTES else NULL,
        priority=task.priority,
        deadline_ms=task.deadline_ms,
        cache=task.cache,
    )


def metadata(task: Task, now: float, *, request: bool = False) -> Metadata:
    """Return the facts about a task.

    Args:
        task: The task.
        now: The present, on the loop's clock; for a run that still executes.
        request: Whether to say what was asked for.
    """
    run, early = task.run, task.early
    outcome = task.outcome
    started_at = run.started_at if early is None else early.started_at
    ran_for = 0.0
    if outcome is not None:
        ran_for = outcome.execution_ms
    elif run.started:
        ran_for = (now - run.started) * 1000
    made = Metadata(
        plugin=run.request.plugin,
        command=run.request.command,
        origin=task.origin,
        attempt=task.attempt if early is None else early.attempt,
        queued_ms=_queued_ms(run, started_at, outcome),
        execution_time_ms=int(ran_for * 1000 + 0.5) / 1000,
        chunks=run.log.chunks if early is None else early.chunks,
    )
    if started_at:
        made.started_at = rfc3339(started_at)
    if task.origin == "cached":
        made.cached_at = rfc3339(run.cached_at)
        made.expires_at = rfc3339(run.expires_at)
    if outcome is not None and outcome.code is not None:
        made.failure = _failure(outcome, outcome.code)
    if task.trace is not None:
        made.trace = task.trace
    if request:
        made.request = _request_info(task)
    return made


def _queued_ms(run: Run, started_at: float, outcome: Outcome | None) -> int:
    """Return for how long the run waited for its first attempt."""
    until = started_at or (outcome.ended_at if outcome else run.created_at)
    return max(0, int((until - run.created_at) * 1000))


def response(
    task: Task, locale: str, now: float, *, result: bool = True, request: bool = False
) -> TaskResponse:
    """Return a task as its readers may see it now.

    Args:
        task: The task.
        locale: en or zh-CN.
        now: The present, on the loop's clock.
        result: Whether to give the result; rows and `opened` do not.
        request: Whether to say what was asked for.
    """
    run = task.run
    outcome = task.outcome
    if outcome is None:
        status, error, value = task.status, None, NULL
        progress, updated = run.fraction, max(run.updated_at, task.created_at)
        text = run.message or words(status.text, locale, pool=_pool_without(run))
    else:
        status, error = outcome.status, error_text(outcome, locale)
        value = NULL
        if result and outcome.result != NOTHING:
            value = msgspec.Raw(outcome.result)
        progress = 1.0 if status is TaskStatus.COMPLETED else outcome.fraction
        updated = max(outcome.ended_at, task.created_at)
        text = words(status.text, locale)
    return TaskResponse(
        task_id=task.id,
        status=status,
        progress=progress,
        result=value,
        error=clip(error, ERROR_BYTES) if error else error,
        created_at=rfc3339(task.created_at),
        updated_at=rfc3339(updated),
        message=clip(text, MESSAGE_BYTES),
        metadata=metadata(task, now, request=request),
    )


def _pool_without(run: Run) -> str | None:
    """Return the pool that a run waits for and nobody serves; None for no such."""
    return run.request.queue.rpartition(".")[0] if run.unserved else None


def result_url(task: Task) -> str:
    """Return where the result of a task is, relative to the hub's root."""
    return f"api/v1/tasks/{task.id}/result"
