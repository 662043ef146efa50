"""The benchmark still runs, and its verdicts are fair."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import table
from bench.rows import ROWS, Row
from bench.scale import TINY, Figures
from bench.throughput import deep

ROOT = Path(__file__).parent.parent


def row(floor: float, *, aim: float | None = None, more: bool = True) -> Row:
    """Make a row of `a` over `b`."""
    return Row(
        number=0,
        what="",
        family=deep,
        figure="a",
        against="b",
        floor=floor,
        aim=aim,
        more=more,
    )


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_row_is_measured_against_a_real_hub(tmp_path: Path) -> None:
    """A tiny round fills every row of the table, on the screen and in the page."""
    page = tmp_path / "docs" / "benchmarks.md"
    arguments = ["--tiny", "--rounds", "1", "--write", str(page)]

    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "not measured" not in done.stdout + done.stderr, done.stderr
    written = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    assert len(written) == 2 + len(ROWS)


@pytest.mark.parametrize(
    ("value", "more", "said"),
    [
        (1.0, True, "aim"),
        (0.6, True, "floor"),
        (0.43, True, "floor (slack)"),
        (0.42, True, "BELOW"),
        (0.4, False, "aim"),
        (0.45, False, "floor"),
        (0.57, False, "floor (slack)"),
        (0.58, False, "BELOW"),
    ],
)
def test_a_verdict_knows_which_way_is_better(
    value: float, more: bool, said: str
) -> None:
    """More is better for rates, less for latencies; slack is named where used."""
    aim = 1.0 if more else 0.4

    assert table.verdict(row(0.5, aim=aim, more=more), value) == said


def test_a_row_compares_within_each_round() -> None:
    """The comparison is the median of the rounds' own, not one of medians."""
    rounds: list[Figures] = [{"a": 1, "b": 1}, {"a": 6, "b": 2}, {"a": 8, "b": 4}]

    cells = table.line(row(2.0), rounds, TINY)

    assert cells[2:] == (
        "6.00/s",
        "2.00/s",
        "2.00",
        "1.00 to 3.00",
        "",
        "2.00",
        "",
        "floor",
    )


def test_a_row_without_figures_says_so() -> None:
    """A row whose family failed is neither left out nor filled in."""
    assert table.line(row(1.0), [{"b": 1}], TINY)[-1] == "not measured"
