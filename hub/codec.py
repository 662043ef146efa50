"""Bytes and values: the only place of the hub that encodes.

Three rules:

1. A value (params, result, chunk data) is a JSON value, whatever the client's codec
   is. It becomes JSON bytes once, at the edge where it enters the hub, and stays
   bytes from there on; MessagePack is made from those bytes for who wants it.
2. The value domain is checked where a value enters: integers within 64 bit, text
   without lone surrogates, depth up to `MAX_DEPTH`. The check costs nothing for
   ordinary values: fewer brackets than the depth allows and no run of 19 digits
   mean that there is nothing to look at.
3. Frames are spliced, not encoded: a *tail* (an entry of a log without its type and
   task) is encoded once per codec, and a *head* (type and task id) once per watch.
   In JSON the head is the separator, so a run of chunks is one `bytes.join`.
"""

import re
from binascii import a2b_base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec

MAX_DEPTH: Final = 32
"""How deeply a value may be nested."""

_MANY_DIGITS = re.compile(rb"[0-9]{19}")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_INT_MIN = -(2**63)
_INT_MAX = 2**64 - 1

_encode = msgspec.json.Encoder().encode
_encode_canonical = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class ValueDomainError(ValueError):
    """The value is none that JSON clients and MessagePack clients both can hold."""


def to_json(value: object) -> bytes:
    """Encode a value of a plugin or a client as JSON.

    Bytes become base64, datetimes text, NaN and infinities null, keys strings.

    Raises:
        ValueDomainError: It holds something that has no place in the value domain;
            the text says what.
    """
    try:
        data = _encode(value)
    except RecursionError:
        raise ValueDomainError(f"nested deeper than {MAX_DEPTH}") from None
    except UnicodeEncodeError:
        raise ValueDomainError("text with a lone surrogate") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueDomainError(str(error)) from None
    if type(value) is not str:  # a text that could be encoded is within the domain
        check_json(data)
    return data


def check_json(data: bytes) -> None:
    """Check that well-formed JSON is within the value domain.

    Raises:
        ValueDomainError: It is not; the text says what is wrong.
    """
    deep = data.count(b"[") + data.count(b"{") > MAX_DEPTH
    if deep or _MANY_DIGITS.search(data) or _SURROGATE.search(data):
        try:
            _check(_decode(data), MAX_DEPTH)
        except RecursionError:
            raise ValueDomainError(f"nested deeper than {MAX_DEPTH}") from None
        except msgspec.DecodeError as error:
            raise ValueDomainError(str(error)) from None


def from_json(data: bytes) -> Any:  # any JSON value
    """Decode JSON.

    Raises:
        ValueDomainError: It is not JSON, or outside the value domain.
    """
    try:
        value = _decode(data)
    except RecursionError:
        raise ValueDomainError(f"nested deeper than {MAX_DEPTH}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueDomainError(str(error)) from None
    check_json(data)
    return value


def canonical(value: object) -> bytes:
    """Encode as compact JSON with sorted keys, so that equal values are equal bytes.

    Raises:
        ValueDomainError: As for `to_json`.
    """
    try:
        data = _encode_canonical(value)
    except RecursionError:
        raise ValueDomainError(f"nested deeper than {MAX_DEPTH}") from None
    except UnicodeEncodeError:
        raise ValueDomainError("text with a lone surrogate") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueDomainError(str(error)) from None
    check_json(data)
    return data


def json_from_msgpack(data: bytes) -> bytes:
    """Turn a MessagePack value into the JSON of the same value.

    Raises:
        ValueDomainError: It is no MessagePack, or outside the value domain.
    """
    if data == b"\x80":
        return b"{}"
    try:
        value = _unpack(data)
    except RecursionError:
        raise ValueDomainError(f"nested deeper than {MAX_DEPTH}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise ValueDomainError(str(error)) from None
    return to_json(value)


def msgpack_from_json(data: bytes) -> bytes:
    """Turn JSON that is within the value domain into MessagePack."""
    return _pack(_decode(data))


def sayable(text: str) -> str:
    """Return a text that every client can read: lone surrogates are written out."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text


def _check(value: object, depth: int) -> None:
    """Walk a decoded value; raise `ValueDomainError` at the first trouble."""
    if isinstance(value, dict | list):
        if depth == 0:
            raise ValueDomainError(f"nested deeper than {MAX_DEPTH}")
        # Text is no trouble any more: what has lone surrogates was not decoded.
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth - 1)
    elif isinstance(value, int) and not _INT_MIN <= value <= _INT_MAX:
        raise ValueDomainError("an integer beyond 64 bit")


# Heads and tails


def json_head(kind: str, task_id: str) -> bytes:
    """Return the head of a frame: it is completed by a tail."""
    return b'{"type":"%b","task_id":"%b",' % (kind.encode(), task_id.encode())


def msgpack_head(kind: str, task_id: str) -> bytes:
    """Return the head of a frame without its map header, which the tail brings."""
    return b"\xa4type" + _pack(kind) + b"\xa7task_id" + _pack(task_id)


def msgpack_tail(json_tail: bytes) -> bytes:
    """Make the MessagePack tail of an entry from its JSON tail.

    Args:
        json_tail: The fields of the frame after its head, with the closing brace.

    Returns:
        The map header, counting the head's two fields as well, then the fields.
    """
    fields = _decode(b"{" + json_tail)
    if "bin" in fields:
        fields["bin"] = a2b_base64(fields["bin"])
    body = _pack(fields)
    # A map of fewer than 14 fields has one byte of header; no entry has more.
    return bytes((body[0] + 2,)) + body[1:]


def splice_json(head: bytes, tails: Sequence[bytes], separator: bytes) -> bytes:
    """Return frames of one kind and task, joined by what stands between frames."""
    return head + (separator + head).join(tails)


def splice_msgpack(head: bytes, tails: Sequence[bytes]) -> bytes:
    """Return frames of one kind and task, one behind the other."""
    return b"".join([part for tail in tails for part in (tail[:1], head, tail[1:])])


def msgpack_array_header(count: int) -> bytes:
    """Return what stands before an array of so many frames."""
    if count < 16:  # noqa: PLR2004  # the format's fixarray
        return bytes((0x90 | count,))
    return b"\xdc" + count.to_bytes(2, "big")
