"""The hub's log on standard error: lines for people, JSON for machines."""

import logging
import sys
from typing import Final, TextIO

import msgspec

from hub.cli.escaping import FIELD_CHARACTERS, escape
from hub.responses import rfc3339

TRACE_CHARACTERS: Final = 8 * FIELD_CHARACTERS
"""How much of a traceback is logged."""
QUIET: Final = ("httpx", "httpcore", "uvicorn.error", "uvicorn.access", "websockets")
"""Loggers that say too much at the level info: whole URLs, every connection."""


class NoPeersMistakes(logging.Filter):
    """Leaves out what peers' bad bytes make a server log: anyone could fill it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep everything else."""
        return not record.getMessage().startswith("Invalid UTF-8 sequence")


class _Formatter(logging.Formatter):
    """What both kinds of lines need."""

    def _trace(self, record: logging.LogRecord) -> str | None:
        """Return the traceback of a record; one of a process came as text."""
        if record.exc_info:
            return self.formatException(record.exc_info)
        return record.exc_text


class PlainFormatter(_Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and the traceback where there is one."""
        message = escape(record.getMessage()).replace("\n", "\\n")
        line = f"{record.levelname.lower()}: {record.name}: {message}"
        trace = self._trace(record)
        if trace:
            line += "\n" + escape(trace, TRACE_CHARACTERS)
        return line


class JsonFormatter(_Formatter):
    """Lines for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object."""
        fields = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": escape(record.getMessage()),
        }
        trace = self._trace(record)
        if trace:
            fields["exception"] = escape(trace, TRACE_CHARACTERS)
        return msgspec.json.encode(fields).decode()


def configure(stream: TextIO | None = None) -> None:
    """Send the log to standard error: plain on a terminal, JSON elsewhere."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter() if stream.isatty() else JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(NoPeersMistakes())
