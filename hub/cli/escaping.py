"""Texts of others, made harmless for a terminal and a log.

What is written passes through here once, at the door: `say` of `hub.cli.exits` for
standard error, `put` of `hub.cli.output` for standard output.
"""

import re
from typing import Final

FIELD_CHARACTERS: Final = 2048
"""How much of a field is shown."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
_ABOVE_ASCII = re.compile(r"[\x7f-\x9f]")


def escape(text: str, most: int = FIELD_CHARACTERS) -> str:
    """Make control characters harmless, and cut what is too long."""
    if len(text) > most:
        text = text[: most - 1] + "…"
    return harmless(text)


def harmless(text: str, *, colours: bool = False) -> str:
    """Let nothing in a text move a cursor, or tell a terminal what to do.

    Args:
        text: Any; line breaks and tabs stay.
        colours: Whether colours stay, too.
    """
    if not colours:
        return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    parts = _COLOUR.split(text)
    return "".join(
        part if number % 2 else harmless(part) for number, part in enumerate(parts)
    )


def harmless_json(text: str) -> str:
    """Escape, the way of JSON, the control characters that JSON lets stand.

    Args:
        text: JSON, in which what is no ASCII stands in strings only.
    """
    return _ABOVE_ASCII.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
