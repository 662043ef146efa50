"""The SQL of the engine, read from `statements.sql`: named, described blocks."""

from importlib.resources import files
from typing import Final


def read(text: str) -> dict[str, str]:
    """Cut a text of blocks that begin with ``-- name --`` into statements by name."""
    found: dict[str, list[str]] = {}
    block: list[str] = []
    for line in text.splitlines():
        if line.startswith("-- ") and line.endswith(" --"):
            block = found.setdefault(line[3:-3].strip(), [])
        elif not line.startswith("--"):
            block.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


SQL: Final = read(
    files("hub.engines.sqlite").joinpath("statements.sql").read_text("utf-8")
)
"""Every statement by its name."""
