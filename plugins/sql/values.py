"""From the engine's values to JSON's."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

SMALLEST: Final = -(2**63)
LARGEST: Final = 2**64 - 1

PLAIN: Final = frozenset(
    {
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT",
        "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE", "VARCHAR", "DATE", "TIME",
        "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BLOB", "UUID", "INTERVAL",
    }
)  # fmt: skip  # a list of words
"""Types whose values the hub writes as they are."""

Convert = Callable[[object], object]


def converter(kind: str) -> Convert | None:
    """Return what makes a column's values JSON values; None where they are."""
    return None if kind in PLAIN else plain


def plain(value: object) -> object:
    """Return a value as JSON has it.

    Decimals become numbers where a float is exact, else text; integers beyond 64 bit
    become text; keys of maps become text.
    """
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _number(value)


def _number(value: object) -> object:
    """Return a number as JSON can hold it, and anything else as it is."""
    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        return str(value)
    return value


def distinct(names: list[str]) -> list[str]:
    """Return names of columns that a row can have side by side: `n`, `n_2`."""
    seen: dict[str, int] = {}
    taken = set(names)
    out = []
    for name in names:
        count = seen.get(name, 0) + 1
        new = name
        while count > 1 and (new := f"{name}_{count}") in taken:
            count += 1
        seen[name] = count
        taken.add(new)
        out.append(new)
    return out
