"""What can still be read of a message that no decoder takes.

A decoder refuses a message as a whole for nesting that goes too deep or a lone
surrogate, even where only one field of one frame is to blame. Here such a message is
cut into its elements, and a frame into its fields, without recursion, so that each can
be judged for itself. It is the slow path of bad input; a message has at most the size
of a frame.
"""

import json
import re
from typing import Final

import msgspec

DEEP: Final = "nested too deeply"
SURROGATE: Final = "text with a lone surrogate"
MALFORMED: Final = "malformed"

# Possessive, and content with a text that has no end: looking for it again from each
# quote inside would take the square of its length.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
_KEY: Final = re.compile(rb'\s*("(?:[^"\\]|\\.)*+")\s*:\s*(.*)', re.DOTALL)
_STEPS: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError)


def elements(data: bytes) -> list[bytes] | None:
    """Cut a JSON array into its elements; None where it is no whole array."""
    return _cut(data.strip(), b"[", b"]")


def fields(data: bytes) -> dict[str, bytes] | None:
    """Cut a JSON object into its fields; None where it is no whole object."""
    parts = _cut(data.strip(), b"{", b"}")
    if parts is None:
        return None
    found: dict[str, bytes] = {}
    for part in parts:
        pair = _KEY.match(part)
        if pair is None:
            return None
        try:
            found[msgspec.json.decode(pair[1], type=str)] = pair[2].strip()
        except _UNREADABLE:
            continue  # a field of such a name is none of ours
    return found


def trouble(data: bytes) -> str | None:
    """Say what is wrong with a JSON value, None where nothing is."""
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except RecursionError:
        return DEEP
    except _UNREADABLE:
        # The standard library is more patient: it tells bad text from bad JSON.
        try:
            json.loads(data, parse_int=len, parse_constant=_refuse)
        except (ValueError, RecursionError):
            return MALFORMED
        return SURROGATE
    return None


def _refuse(name: str) -> None:
    """Refuse what is no JSON: NaN and infinities."""
    raise ValueError(name)


def _cut(  # noqa: PLR0911  # a way out for each thing that may be wrong
    data: bytes, opening: bytes, closing: bytes
) -> list[bytes] | None:
    """Cut a container at its outermost commas."""
    if data[:1] != opening or data[-1:] != closing:
        return None
    parts: list[bytes] = []
    depth, start = 0, 1
    for token in _TOKEN.finditer(data):
        sign = token[0]
        if sign[:1] == b'"' and (len(sign) == 1 or sign[-1:] != b'"'):
            return None
        step = _STEPS.get(sign, 0)
        depth += step
        if depth == 0 and step and token.end() != len(data):
            return None
        if depth == 1 and sign == b",":
            parts.append(data[start : token.start()])
            start = token.end()
    if depth != 0:
        return None
    last = data[start:-1]
    return [*parts, last] if parts or last.strip() else []


# MessagePack

_LENGTHS: Final = {
    0xD9: (1, 0),
    0xC4: (1, 0),
    0xDA: (2, 0),
    0xC5: (2, 0),
    0xDB: (4, 0),
} | {0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)}
"""Text, bytes and extensions, by how many bytes their length and kind take."""
_COUNTS: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Arrays and maps, by how many bytes their count takes, and the values it counts."""
_SIZES: Final = (
    {0xC0: 1, 0xC2: 1, 0xC3: 1, 0xCA: 5, 0xCB: 9}
    | {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9}
    | {0xD4: 3, 0xD5: 4, 0xD6: 6, 0xD7: 10, 0xD8: 18}
)
"""What has one size."""


def packed_elements(data: bytes) -> list[bytes] | None:
    """Cut a MessagePack array into its elements; None where it is no whole array."""
    return _unpack(data, {0xDC, 0xDD}, 0x90)


def packed_fields(data: bytes) -> dict[str, bytes] | None:
    """Cut a MessagePack map into its fields; None where it is no whole map."""
    parts = _unpack(data, {0xDE, 0xDF}, 0x80)
    if parts is None:
        return None
    found: dict[str, bytes] = {}
    for name, value in zip(parts[::2], parts[1::2], strict=True):
        try:
            found[msgspec.msgpack.decode(name, type=str)] = value
        except (*_UNREADABLE, RecursionError):
            continue  # a field of such a name is none of ours
    return found


def packed_trouble(data: bytes) -> str | None:
    """Say what is wrong with a MessagePack value, None where nothing is."""
    try:
        msgspec.msgpack.decode(data, type=msgspec.Raw)
    except RecursionError:
        return DEEP
    except _UNREADABLE:
        return MALFORMED
    return None


def _unpack(data: bytes, kinds: set[int], small: int) -> list[bytes] | None:
    """Cut a container into the values that stand in it."""
    first = data[0] if data else 0
    if first not in kinds and first & 0xF0 != small:
        return None
    at, left = _head(data, 0)
    parts = []
    for _ in range(left):
        end = _end(data, at)
        if end > len(data):
            return None
        parts.append(data[at:end])
        at = end
    return parts if at == len(data) else None


def _end(data: bytes, at: int) -> int:
    """Return where the value that begins at a place ends; behind all if it does not."""
    left = 1
    while left:
        if at >= len(data):
            return len(data) + 1
        at, inner = _head(data, at)
        left += inner - 1
    return at


def _head(data: bytes, at: int) -> tuple[int, int]:
    """Return where the head of a value ends, text included, and how many follow."""
    first = data[at]
    size, inner = _SIZES.get(first, 1), 0
    if first in _COUNTS:
        width, each = _COUNTS[first]
        size, inner = 1 + width, each * _number(data, at + 1, width)
    elif first in _LENGTHS:
        width, extra = _LENGTHS[first]
        size = 1 + width + extra + _number(data, at + 1, width)
    elif 0x80 <= first < 0xA0:  # noqa: PLR2004  # the format's small maps and arrays
        inner = (first & 0x0F) * (2 if first < 0x90 else 1)  # noqa: PLR2004  # ditto
    elif 0xA0 <= first < 0xC0:  # noqa: PLR2004  # the format's short text
        size += first & 0x1F
    return at + size, inner


def _number(data: bytes, at: int, width: int) -> int:
    """Return a number of the format."""
    return int.from_bytes(data[at : at + width], "big")
