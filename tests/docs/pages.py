"""Pages as tests see them: sections, tables, and blocks of code with their place."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
OURS = (
    "README.md",
    "docs/README.md",
    "docs/architecture.md",
    "docs/bundled-plugins.md",
    "docs/client.md",
    "docs/command-line.md",
    "docs/operations.md",
    "docs/protocol.md",
)
"""The pages whose blocks are tried here; the others have tests of their own."""
FENCE = re.compile(r"^```(\S*) ?(.*)$")


class Block(NamedTuple):
    """A block of code.

    Attributes:
        place: Page and line, for messages.
        section: The heading that it stands under.
        language: What follows the fence.
        note: What follows the language.
        text: Its lines.
    """

    place: str
    section: str
    language: str
    note: str
    text: str


def read(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text("utf-8")


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    return list(_blocks(page))


def _blocks(page: str) -> Iterator[Block]:
    section, fence, start, lines = "", None, 0, list[str]()
    for number, line in enumerate(read(page).splitlines(), 1):
        found = FENCE.match(line)
        if fence is None and found is not None:
            fence, start, lines = found, number, []
        elif fence is not None and line == "```":
            text = "".join(f"{each}\n" for each in lines)
            yield Block(f"{page}:{start}", section, fence[1], fence[2], text)
            fence = None
        elif fence is not None:
            lines.append(line)
        elif line.startswith("#"):
            section = line.lstrip("#").strip()
    assert fence is None, f"{page}:{start} is never closed"


def section(page: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of any level."""
    _, found, rest = read(page).partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the first table of a text, without its head."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table, "there is no table here"
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in table[0].splitlines()
    ]
    return cells[2:]
