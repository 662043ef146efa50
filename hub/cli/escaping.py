"""Texts of others, made harmless for a terminal and a log."""

import re
from typing import Final

FIELD_CHARACTERS: Final = 2048
"""How much of a field is shown."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def escape(text: str, most: int = FIELD_CHARACTERS) -> str:
    """Make control characters harmless, and cut what is too long."""
    if len(text) > most:
        text = text[: most - 1] + "…"
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
