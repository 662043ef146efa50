"""How the loss of a process is told: to readers, and to the operator."""

import logging
import signal

from hub.codec import to_json
from hub.errors import WorkerLostError
from hub.runs import Outcome
from hub.tasks import TaskStatus


def how(code: int) -> str:
    """Say how a process ended."""
    return f"exit code {code}" if code >= 0 else _signal_name(-code)


def _signal_name(number: int) -> str:
    """Name a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def lost(code: int, reason: str | None) -> Outcome:
    """Return the end of a run whose process was lost."""
    detail: dict[str, object] = {}
    if reason is not None:
        detail["reason"] = reason
    elif code < 0:
        detail["signal"] = _signal_name(-code)
    else:
        detail["exit_code"] = code
    return Outcome(
        status=TaskStatus.FAILED,
        code=WorkerLostError.code,
        retry=WorkerLostError.retry,
        ran=WorkerLostError.ran,
        detail=to_json(detail),
    )


def log(name: str, level: int, message: str, trace: str | None) -> None:
    """Write to the hub's log what a process said."""
    logger = logging.getLogger(name)
    if logger.isEnabledFor(level):
        record = logger.makeRecord(name, level, "", 0, "%s", (message,), None)
        record.exc_text = trace
        logger.handle(record)
