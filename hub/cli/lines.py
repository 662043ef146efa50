"""What tasks say, as lines for people."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import click
from msgspec import UNSET

from hub.cli.escaping import escape, harmless
from hub.cli.values import shown
from hub.client.cursor import Log
from hub.events import Chunk, Gap, Reset

TEXT_CHARACTERS: Final = 1024 * 1024
"""What is shown of one piece of text: the hub cuts them far below."""
_STYLES: Final = {
    "debug": "dim",
    "warning": "yellow",
    "error": "red",
    "critical": "red",
}

# Any: what tasks put out is JSON.


class Line(NamedTuple):
    """A line for a terminal.

    Attributes:
        text: Without a line break. Nothing in it moves a cursor.
        style: bold, dim, yellow, red, or none.
        coloured: Whether the text has colours of its own in it.
    """

    text: str
    style: str = ""
    coloured: bool = False

    def plain(self) -> str:
        """Return the text without colours."""
        return click.unstyle(self.text) if self.coloured else self.text

    def styled(self) -> str:
        """Return the text for a terminal that shows colours."""
        if self.coloured:
            return f"{self.text}\x1b[0m"
        if self.style == "bold":
            return click.style(self.text, bold=True)
        if self.style == "dim":
            return click.style(self.text, dim=True)
        return click.style(self.text, fg=self.style) if self.style else self.text


class Lines:
    """Turns what one task says into lines; rows become a table as they come.

    Args:
        tables: Whether to write rows as a table, else as JSON.
    """

    def __init__(self, *, tables: bool) -> None:
        self._tables = tables
        self._rows: Any = None  # a `Rows`, once there is one

    def of(self, event: Chunk | Log | Reset | Gap) -> list[Line]:
        """Return the lines of an event."""
        if isinstance(event, Log):
            self._rows = None
            return list(_log(event))
        if isinstance(event, Chunk):
            return self._chunk(event)
        self._rows = None
        return [_broken(event)]

    def _chunk(self, chunk: Chunk) -> list[Line]:
        mark = "" if chunk.channel in ("out", "log") else f"[{escape(chunk.channel)}] "
        if chunk.bin is not UNSET:
            kind = "bytes" if chunk.kind is UNSET else chunk.kind
            self._rows = None
            return [Line(escape(f"{mark}<{kind}, {len(chunk.bin):,} bytes>"), "dim")]
        data: Any = chunk.data
        if self._tables and isinstance(data, dict) and _is_row(data):
            return self._row(mark, data)
        self._rows = None
        if not isinstance(data, str):
            return [Line(mark + escape(shown(data), TEXT_CHARACTERS))]
        text = data[:TEXT_CHARACTERS].removesuffix("\n")
        coloured = chunk.kind == "ansi"
        safe = harmless(text, colours=coloured)
        return [Line(mark + each, "", coloured) for each in safe.split("\n")]

    def _row(self, mark: str, row: Mapping[str, Any]) -> list[Line]:
        """Return a row, below the heads where those are other ones than before."""
        if self._rows is None:
            # Here, because only a terminal needs to know how wide a text is shown.
            from hub.cli.table import Rows

            self._rows = Rows()
        *heads, cells = self._rows.of(row)
        return [*(Line(mark + head, "bold") for head in heads), Line(mark + cells)]


def _log(event: Log) -> Iterator[Line]:
    """Yield the lines of a log record."""
    style = _STYLES.get(event.level, "")
    head = event.level.upper().ljust(7)
    name = f"{event.logger}: " if event.logger else ""
    for number, line in enumerate(event.message.split("\n")):
        yield Line(escape(f"{head if not number else ' ' * 7} {name}{line}"), style)


def _broken(event: Reset | Gap) -> Line:
    """Return what is said about output that is void or missing."""
    if isinstance(event, Reset):
        text = (
            f"-- attempt {event.attempt} begins ({event.reason}); what is above is void"
        )
        return Line(escape(text), "yellow")
    count = event.last - event.first + 1
    return Line(escape(f"-- {count:,} entries are missing ({event.why})"), "yellow")


def _is_row(data: Mapping[str, Any]) -> bool:
    """Whether an object is a row of a table: some simple values."""
    simple = (str, int, float, type(None))  # bool is an int
    return bool(data) and all(isinstance(each, simple) for each in data.values())
