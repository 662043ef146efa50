"""From pieces of text to numbered lines, in bounded memory."""

from collections.abc import Iterable, Iterator
from typing import Final

from .pattern import Pattern

LONGEST: Final = 64 * 1024
"""Characters of a line that are searched at once; a longer one is cut."""
BLOCK: Final = 16 * 1024
"""Characters that are searched at once before their lines are."""

Line = tuple[int, int, str]
"""Number from 1, characters of the line before this part of it, and the part."""


def numbered(pieces: Iterable[str], pattern: Pattern) -> Iterator[Line]:
    """Yield the lines in which a pattern may be, without their ends."""
    number, column, rest = 1, 0, ""
    for piece in pieces:
        lines, end, rest = (rest + piece).rpartition("\n")
        for block in _blocks(lines + end):
            if pattern.may_be_in(block):
                yield from _lines(block[:-1], number, column)
            number += block.count("\n")
            column = 0
        while len(rest) > LONGEST:
            yield number, column, rest[:LONGEST]
            column += LONGEST
            rest = rest[LONGEST:]
    if rest:
        yield number, column, rest.removesuffix("\r")


def _blocks(lines: str) -> Iterator[str]:
    """Cut text that ends a line into blocks of whole lines."""
    at = 0
    while at < len(lines):
        end = lines.find("\n", at + BLOCK) + 1 or len(lines)
        yield lines[at:end]
        at = end


def _lines(block: str, number: int, column: int) -> Iterator[Line]:
    """Split whole lines; only the first one may have begun before."""
    for line in block.split("\n"):
        for at in range(0, len(line) or 1, LONGEST):
            yield number, column + at, line[at : at + LONGEST].removesuffix("\r")
        number += 1
        column = 0


def around(line: str, start: int, most: int) -> str:
    """Return a line, or the part of it around a place, with dots for the rest."""
    if len(line) <= most:
        return line
    first = max(0, min(start - most // 3, len(line) - most))
    part = line[first : first + most]
    return ("…" if first else "") + part + ("…" if first + most < len(line) else "")
