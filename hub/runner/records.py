"""`logging` inside of a command reaches the task's log channel."""

import logging
from typing import Final

from hub.codec import sayable, to_json
from hub.plugin.context import LogRecord, current

LEVELS: Final = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}
_OURS: Final = "hub"
"""The hub's own loggers speak to the operator, not to a task's readers."""


class TaskLogHandler(logging.Handler):
    """Passes records on to the command in whose context they were made."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, unless no command runs here."""
        ctx = current.get(None)
        if ctx is None or record.name.partition(".")[0] == _OURS:
            return
        try:
            level = LEVELS.get(record.levelno, record.levelname.lower())
            text = sayable(record.getMessage())
            said = LogRecord(level=level, logger=record.name, message=text)
            ctx.log_record(to_json(said))
        except Exception:  # noqa: BLE001  # logging must never fail the one who logs
            self.handleError(record)
