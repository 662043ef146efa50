"""What can still be read of JSON that no decoder takes.

A decoder refuses a message as a whole for a lone surrogate or for nesting that goes too
deep, even where only one field of one frame is to blame. Here such a message is cut at
its outermost commas, so that each of its frames can be judged for itself. It is the
slow path of bad input; a message has at most the size of a frame.
"""

import re
from typing import Final

import msgspec

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_KEY: Final = re.compile(rb'\s*("(?:[^"\\]|\\.)*")\s*:\s*(.*)', re.DOTALL)
_STEPS: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def elements(data: bytes) -> list[bytes] | None:
    """Cut an array into its elements; None where it is no whole array."""
    return _cut(data.strip(), b"[", b"]")


def fields(data: bytes) -> dict[str, bytes] | None:
    """Cut an object into the JSON of its fields; None where it is no whole object."""
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
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # a field of such a name is none of ours
    return found


def _cut(data: bytes, opening: bytes, closing: bytes) -> list[bytes] | None:
    """Cut a container at its outermost commas."""
    if data[:1] != opening or data[-1:] != closing:
        return None
    parts: list[bytes] = []
    depth, start = 0, 1
    for token in _TOKEN.finditer(data):
        sign = token[0]
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
