"""Tables for terminals, as plain columns that `awk` and eyes can read."""

from collections.abc import Sequence

from rich.cells import cell_len

from hub.cli.escaping import escape

GAP = "  "


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; nothing in a cell breaks one."""
    shown = [
        [escape(cell).replace("\n", " ") for cell in row] for row in (heads, *rows)
    ]
    widths = [max(cell_len(row[at]) for row in shown) for at in range(len(heads))]
    return [
        GAP.join(
            cell + " " * (width - cell_len(cell))
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in shown
    ]


def age(seconds: float) -> str:
    """Return a time as people say it, such as `4 min` or `2 h`."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
