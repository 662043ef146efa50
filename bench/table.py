"""One honest table: what was measured, in what spread, and whether it is enough.

Every comparison is made within a round, side with side; the table shows the median of
the rounds and their extremes. A verdict gives the floor 15 % of slack, and says when it
has used it.
"""

import datetime
import importlib.metadata
import os
import platform
import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path

from bench.rows import Row
from bench.scale import DISTURBED, Figures, Scale

SLACK = 0.15
HEADS = (
    "#",
    "what",
    "measured",
    "beside",
    "comparison",
    "rounds",
    "per CPU s",
    "floor",
    "aim",
    "verdict",
)
PACKAGES = ("uvicorn", "starlette", "websockets", "msgspec", "uvloop")
NOTES = (
    '"beside" is the echo (120 bytes, Starlette on uvicorn, the options of the',
    "hub), measured just before with the same client and as many connections, or",
    "what the row names. The server runs on one core and the client, which decodes",
    'everything, on another. "comparison" is the median of the rounds, "rounds" the',
    'lowest and the highest; "per CPU s" is the same comparison of units per CPU',
    'second of the server. ">" marks a comparison at which the client was busy over',
    '90 % of the time: it is a lower bound; "~" one during which other programs',
    "took over a tenth of a core in most rounds: it is worth little. Rows marked",
    "(derived) divide by a ratio that was measured once, elsewhere: nothing but the",
    'hub, the echo and the send loop ran here. A verdict of "floor (slack)" needs',
    "the 15 % that comparisons are allowed for noise.",
)


def compare(row: Row, figures: Figures) -> float | None:
    """Return a row's comparison in one round, or None if a figure is missing."""
    figure = figures.get(row.figure)
    other = figures.get(row.against) if row.against else 1.0
    if figure is None or not other:
        return None
    if row.how == "difference":
        return figure - other
    return figure / other / row.scale if row.how == "ratio" else figure


def verdict(row: Row, value: float) -> str:
    """Say what a comparison is worth: `aim`, `floor`, `floor (slack)` or `below`."""
    wanted = (("aim", row.aim, 0.0), ("floor", row.floor, 0.0))
    for word, bound, slack in (*wanted, ("floor (slack)", row.floor, SLACK)):
        if bound is None:
            continue
        least = bound * (1 - slack) if row.more else bound * (1 + slack)
        if value >= least if row.more else value <= least:
            return word
    return "" if row.floor is None else "BELOW"


def number(value: float | None) -> str:
    """Write a figure with three digits that count."""
    if value is None:
        return ""
    if abs(value) >= 10_000:
        return f"{value / 1000:.1f}k"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}" if abs(value) >= 0.095 or not value else f"{value:.3f}"


def _median(rounds: Sequence[Figures], name: str | None) -> float | None:
    found = [figures[name] for figures in rounds if name in figures] if name else []
    return statistics.median(found) if found else None


def _cpu(row: Row, rounds: Sequence[Figures]) -> str:
    """Compare units per CPU second; for a latency, CPU time per unit."""
    if not row.cpu:
        return ""
    hub, echo = (
        _median(rounds, name and name.rpartition(".")[0] + ".cpu")
        for name in (row.figure, row.against)
    )
    if not hub or not echo:
        return ""
    return number(hub / echo)


def line(row: Row, rounds: Sequence[Figures], scale: Scale) -> tuple[str, ...]:
    """Return the cells of a row."""
    size = {"connections": scale.connections, "watchers": f"{scale.watchers:,}"}
    head = (str(row.number), row.what.format(**size))
    found = [value for value in (compare(row, r) for r in rounds) if value is not None]
    floor, aim = number(row.floor), number(row.aim)
    if not found:
        return (*head, "", "", "", "", "", floor, aim, "not measured")
    value = statistics.median(found)
    measured, beside = _median(rounds, row.figure), _median(rounds, row.against)
    load = row.figure.rpartition(".")[0]
    bound = ">" if row.more and (_median(rounds, f"{load}.client") or 0) > 0.9 else ""
    noise = "~" if (_median(rounds, f"{load}.others") or 0) > DISTURBED else ""
    sign = "+" if row.how == "difference" and value > 0 else ""
    return (
        *head,
        number(measured) + row.unit,
        number(beside) + row.unit if beside is not None else "",
        noise if row.how == "alone" else f"{noise}{bound}{sign}{number(value)}",
        f"{number(min(found))} to {number(max(found))}",
        _cpu(row, rounds),
        floor,
        aim,
        verdict(row, value) and f"{verdict(row, value)} {noise}".rstrip(),
    )


def text(lines: Sequence[tuple[str, ...]]) -> str:
    """Lay the table out for a terminal."""
    cells = [HEADS, *lines]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADS))]
    left = {1, len(HEADS) - 1}
    laid = [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    laid.insert(1, "-" * max(map(len, laid)))
    return "\n".join((*laid, "", textwrap.fill(" ".join(NOTES), 88), ""))


def machine() -> str:
    """Name the day, the machine and the versions, in one sentence."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = (li for li in cpuinfo.read_text().splitlines() if "model name" in li)
        model = next(names, f": {model}").partition(":")[2].strip()
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in PACKAGES
    )
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    system = f"{platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()}"
    return f"{today}, {os.cpu_count()} x {model}, {system}, {python}, {versions}"


def markdown(lines: Sequence[tuple[str, ...]], setting: str) -> str:
    """Write the page for the documentation."""
    rule = [
        "---:" if column not in {1, len(HEADS) - 1} else "---" for column in range(10)
    ]
    rows = ["| " + " | ".join(row) + " |" for row in (HEADS, tuple(rule), *lines)]
    return "\n".join(
        (
            "# Benchmarks",
            "",
            "Made by `make bench ARGS='--write docs/benchmarks.md'`.",
            f"{setting}.",
            "",
            *rows,
            "",
            *NOTES,
            "",
        )
    )
