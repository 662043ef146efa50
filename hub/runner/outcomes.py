"""From what a command returned or raised to how its run ends."""

import logging

from hub.codec import ValueDomainError, sayable, to_json
from hub.errors import CODES, HubError, PluginError
from hub.plugin.errors import Retry, TaskError
from hub.responses import ERROR_BYTES, clip
from hub.runs import Outcome
from hub.tasks import TaskStatus

logger = logging.getLogger("hub.runner")


def returned(value: object) -> Outcome:
    """Return the end of a command that returned."""
    if value is None:
        return Outcome(status=TaskStatus.COMPLETED)
    try:
        result = to_json(value)
    except ValueDomainError as error:
        return Outcome(
            status=TaskStatus.FAILED,
            code=PluginError.code,
            error=f"The result is no JSON value: {error}",
        )
    return Outcome(status=TaskStatus.COMPLETED, result=result)


def raised(error: BaseException, task_id: str) -> Outcome:
    """Return the end of a command that raised.

    What a command says to people (`TaskError`) is passed on; of anything else people
    get class and text, and the traceback goes to the hub's log.
    """
    if isinstance(error, TaskError):
        return Outcome(
            status=TaskStatus.FAILED,
            code=PluginError.code,
            error=_text(error.message),
            retry=bool(error.retry),
            detail=_detail(error),
        )
    if isinstance(error, Retry):
        return Outcome(
            status=TaskStatus.FAILED,
            code=PluginError.code,
            error=_text(error.message),
            retry=True,
        )
    logger.error("task %s: the command raised", task_id, exc_info=error)
    return Outcome(
        status=TaskStatus.FAILED,
        code=PluginError.code,
        error=_text(_said(error)),
    )


def _text(said: object) -> str | None:
    """Return what a plugin says to people as text, whatever it is."""
    if said is None:
        return None
    try:
        text = str(said)
    except Exception:  # noqa: BLE001  # a plugin's __str__ may do anything
        text = type(said).__name__
    return clip(sayable(text), ERROR_BYTES)


def _said(error: BaseException) -> str:
    """Return class and text of an exception."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  # a plugin's __str__ may do anything
        text = ""
    name = type(error).__name__
    return f"{name}: {text}" if text else name


def _detail(error: TaskError) -> bytes:
    """Return the JSON of what a plugin says to programs about its failure."""
    known: dict[str, object] = {}
    if isinstance(error.detail, dict):
        known.update({str(name): value for name, value in error.detail.items()})
    elif error.detail is not None:
        known["detail"] = error.detail
    code = clip(sayable(str(error.code)), 256)
    known["code"] = code
    try:
        data = to_json(known)
    except ValueDomainError:
        data = b""
    return data if 0 < len(data) <= ERROR_BYTES else to_json({"code": code})


def refused(error: HubError) -> Outcome:
    """Return the end of a run that could not begin."""
    return Outcome(
        status=TaskStatus.FAILED,
        code=error.code,
        # The hub's own text is made for whoever reads, in their language.
        error=error.message if error.custom else None,
        retry=error.retry,
        ran="no",
        detail=b"" if error.detail is None else to_json(error.detail),
    )


def stopped(code: str) -> Outcome:
    """Return the end of a run that the hub ended: `deadline_exceeded` and such."""
    kind = CODES[code]
    return Outcome(status=TaskStatus.FAILED, code=code, retry=kind.retry, ran=kind.ran)
