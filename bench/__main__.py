"""Measure the hub and print the table: `python -m bench --help`.

A row that cannot be measured says so in the table and on standard error; the exit
status is 0 all the same, because this is a measurement and not a check.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench import table
from bench.rows import ROWS, Row
from bench.scale import TINY, Figures, Scale
from bench.servers import pin_client


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    numbers = sorted({row.number for row in ROWS})
    parser.add_argument(
        "--rows",
        type=int,
        nargs="+",
        metavar="N",
        choices=numbers,
        help=f"measure these rows only, of {numbers[0]} to {numbers[-1]}",
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--tiny", action="store_true", help="only see that it runs")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write Markdown, too"
    )
    return parser.parse_args()


async def _round(rows: Sequence[Row], scale: Scale) -> Figures:
    """Run every family once that one of the rows needs."""
    figures: Figures = {}
    for family in dict.fromkeys(row.family for row in rows):
        begun = time.monotonic()
        try:
            figures |= await family(scale)
        except Exception as error:  # noqa: BLE001 (one failure is not the others')
            reason = f"{type(error).__name__}: {error}"
            print(f"{family.__name__}: not measured: {reason}", file=sys.stderr)
        spent = time.monotonic() - begun
        print(f"  {family.__name__}: {spent:.1f} s", file=sys.stderr, flush=True)
    return figures


async def _measure(rows: Sequence[Row], scale: Scale, count: int) -> list[Figures]:
    pin_client()
    rounds = []
    for number in range(1, count + 1):
        print(f"round {number} of {count}", file=sys.stderr, flush=True)
        rounds.append(await _round(rows, scale))
    return rounds


def main() -> None:
    """Measure what the arguments ask for."""
    arguments = _arguments()
    wanted = arguments.rows
    rows = [row for row in ROWS if wanted is None or row.number in wanted]
    scale = TINY if arguments.tiny else Scale()
    load = f"{os.getloadavg()[0]:.1f}"
    rounds = uvloop.run(_measure(rows, scale, arguments.rounds))
    lines = [table.line(row, rounds, scale) for row in rows]
    setting = f"{table.machine()}; rounds: {len(rounds)}; load before: {load}"
    print(f"\n{setting}\n")
    print(table.text(lines))
    if arguments.write:
        arguments.write.parent.mkdir(parents=True, exist_ok=True)
        arguments.write.write_text(table.markdown(lines, setting), encoding="utf-8")


if __name__ == "__main__":
    main()
