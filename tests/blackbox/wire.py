"""The two codecs, as a stranger reads them: strict, and with none of the hub's code.

A frame is a map with a `type`. JSON travels as text, MessagePack as bytes. Both
readers refuse what a sloppy writer could let through: a field said twice, a NaN, a
key that is no string.
"""

import base64
import json
from collections.abc import Iterable
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it ships no types

JSON = "taskhub.v1.json"
MSGPACK = "taskhub.v1.msgpack"
FRAME_BYTES = 262_144
Frame = dict[str, Any]  # Any: a decoded frame is whatever the hub sent


def encode(value: object, subprotocol: str) -> str | bytes:
    """Write a value as one WebSocket message of the subprotocol.

    Returns:
        Text for JSON, bytes for MessagePack.
    """
    if subprotocol == MSGPACK:
        return pack(value)
    return json.dumps(value, ensure_ascii=False)


def decode(message: str | bytes, subprotocol: str) -> list[Frame]:
    """Read one WebSocket message: one frame, or an array of them.

    Returns:
        The frames in their order.
    """
    value: object
    if subprotocol == MSGPACK:
        assert isinstance(message, bytes), "a text message on msgpack"
        value = unpack(message)
    else:
        assert isinstance(message, str), "a binary message on JSON"
        value = strict_json(message)
    frames: list[Frame] = []
    for item in value if isinstance(value, list) else [value]:
        assert isinstance(item, dict), item
        assert isinstance(item.get("type"), str), item
        frames.append(item)
    return frames


def pack(value: object) -> bytes:
    """Write a value as MessagePack."""
    packed = msgpack.packb(value, use_bin_type=True)
    assert isinstance(packed, bytes)
    return packed


def unpack(message: bytes) -> object:
    """Read one MessagePack value that fills the whole message."""
    value: object = msgpack.unpackb(message, object_pairs_hook=_once)
    return value


def strict_json(text: str) -> Any:  # Any: JSON of any shape
    """Read JSON as RFC 8259 has it: no NaN, no field twice."""
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)


def blob(frame: Frame) -> bytes:
    """Give the bytes of a binary chunk, whichever codec brought it."""
    value = frame["bin"]
    if isinstance(value, bytes):
        return value
    assert isinstance(value, str), frame
    return base64.b64decode(value, validate=True)


def _once(pairs: Iterable[tuple[object, Any]]) -> Frame:
    found: Frame = {}
    for key, value in pairs:
        assert isinstance(key, str), f"a key that is no string: {key!r}"
        assert key not in found, f"the field {key!r} twice"
        found[key] = value
    return found


def _no_constant(name: str) -> object:
    raise AssertionError(f"{name} is no JSON")
