"""Tables for terminals, as plain columns that `awk` and eyes can read."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

from hub.cli.escaping import escape
from hub.cli.values import shown

GAP: Final = "  "
CELL_WIDTH: Final = 40
"""What is shown of a text in a row, of those that come one by one."""
NUMBER_WIDTH, TEXT_WIDTH = 6, 10
"""Least widths of their columns, since what will come is not known at first."""


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; nothing in a cell breaks one."""
    cells = [[_line(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(cell_len(row[at]) for row in cells) for at in range(len(heads))]
    return [_laid(row, widths) for row in cells]


def _laid(cells: Iterable[str], widths: Iterable[int], right: str = "") -> str:
    """Lay cells out in columns.

    Args:
        cells: The cells.
        widths: How wide each column is.
        right: A letter for each column; `r` puts its cells to the right.
    """
    laid = []
    for at, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        room = " " * (width - cell_len(cell))
        laid.append(room + cell if right[at : at + 1] == "r" else cell + room)
    return GAP.join(laid).rstrip()


class Rows:
    """A table whose rows come one by one, and are shown as they come."""

    def __init__(self) -> None:
        self._heads: tuple[str, ...] = ()
        self._widths: list[int] = []

    def of(self, row: Mapping[str, object]) -> list[str]:
        """Return the lines of a row: itself, below new heads where it has others."""
        cells = [_cell(value) for value in row.values()]
        right = "".join("r" if _is_number(each) else "l" for each in row.values())
        heads: list[str] = []
        if tuple(row) != self._heads:
            self._heads = tuple(row)
            names = [escape(name) for name in row]
            least = [NUMBER_WIDTH if side == "r" else TEXT_WIDTH for side in right]
            self._widths = _grown(least, names)
            heads = [_laid(names, self._widths, right)]
        self._widths = _grown(self._widths, cells)
        return [*heads, _laid(cells, self._widths, right)]


def _grown(widths: list[int], cells: list[str]) -> list[int]:
    """Return widths that hold these cells, too."""
    pairs = zip(widths, cells, strict=True)
    return [max(width, cell_len(cell)) for width, cell in pairs]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _line(text: str) -> str:
    """Return a text as a part of one line."""
    return escape(text).replace("\n", " ")


def _cell(value: object) -> str:
    """Return a value as the text of a cell."""
    text = "" if value is None else _line(shown(value))
    if cell_len(text) <= CELL_WIDTH:
        return text
    return f"{set_cell_size(text, CELL_WIDTH - 1).rstrip()}…"


def age(seconds: float) -> str:
    """Return a time as people say it, such as `4 min` or `2 h`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
