"""A report about a CSV file, with progress: a plugin, and the program that asks for it.

Put this file into a folder of plugins, and start the hub with it:

    mkdir mine && cp examples/csv_report.py mine
    taskhub serve --plugins mine

Then, from the folder that the hub was started in:

    python examples/csv_report.py plugins/weather/weather.csv --by weather
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from hub import (
    Chunk,
    ConnectionLost,
    Hub,
    Plugin,
    Progress,
    TaskContext,
    TaskError,
    TaskFailed,
    command,
)

EVERY = 200
"""After so many rows there is news."""


class Group(Struct):
    """One line of the report.

    Attributes:
        name: What the rows have in common.
        rows: How many there are.
        means: The mean of each column of numbers.
    """

    name: str
    rows: int
    means: dict[str, float]


class CsvReport(Plugin):
    """Reports about CSV files."""

    version = "1.0"

    class Config(Struct):
        """Settings of the plugin.

        Attributes:
            root: The folder whose files may be read.
        """

        root: str = "."

    @command
    def summary(self, ctx: TaskContext, path: str, by: str) -> Iterator[Group]:
        """Group the rows of a file by a column, and average the columns of numbers."""
        file = self._allowed(path)
        size, read, count = file.stat().st_size or 1, 0, 0
        groups: dict[str, list[dict[str, str]]] = defaultdict(list)
        with file.open("rb") as lines:
            header = next(csv.reader([text(lines.readline())]), [])
            if by not in header:
                raise TaskError(f"There is no column {by!r}", code="no_column")
            for line in lines:
                read += len(line)
                for values in csv.reader([text(line)]):
                    row = dict(zip(header, values, strict=False))
                    groups[row.get(by, "")].append(row)
                    count += 1
                if count % EVERY == 0:
                    ctx.progress(read / size, f"{count} rows")
                    if ctx.cancelled:
                        return
        for name, rows in sorted(groups.items()):
            yield Group(name=name, rows=len(rows), means=means(header, rows))
        ctx.result({"rows": count, "groups": len(groups)})

    def _allowed(self, path: str) -> Path:
        """Return a file that may be read."""
        root = Path(self.config.root).resolve()
        file = (root / path).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise TaskError(f"There is no file {path!r}", code="no_file")
        return file


def text(line: bytes) -> str:
    """Return a line of a file as text."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise TaskError("The file is no text in UTF-8", code="no_text") from None


def means(header: list[str], rows: list[dict[str, str]]) -> dict[str, float]:
    """Return the mean of each column that holds nothing but numbers."""
    found = {}
    for column in header:
        try:
            numbers = [float(row[column]) for row in rows]
        except (KeyError, ValueError):
            continue
        found[column] = round(sum(numbers) / len(numbers), 2)
    return found


def main() -> None:
    """Ask a hub for the report, and print it while it is made."""
    parser = argparse.ArgumentParser(description="Report about a CSV file.")
    parser.add_argument("path")
    parser.add_argument("--by", required=True, help="the column to group by")
    chosen = parser.parse_args()
    try:
        show(chosen.path, chosen.by)
    except (TaskFailed, ConnectionLost) as error:
        sys.exit(f"No report: {error}")


def show(path: str, by: str) -> None:
    """Ask for the report, and print what comes of it."""
    with Hub() as hub:
        task = hub.options(chunks=True).execute("csv_report.summary", path=path, by=by)
        for event in task:
            if isinstance(event, Progress) and event.progress is not None:
                print(f"{event.progress:.0%} {event.message or ''}", file=sys.stderr)
            elif isinstance(event, Chunk):
                print(event.data["name"], event.data["rows"], event.data["means"])
        print(task.wait().result)


if __name__ == "__main__":
    main()
