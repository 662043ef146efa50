"""Letters as bytes, and how much of what a process sends is believed.

A letter is one byte for its kind, four for its length, and a MessagePack body. The hub
believes a process nothing: plugins share its memory, and may write anything into its
socket. So every length has a bound that fits its kind, every body is read into a type,
and what is passed on to readers is checked to be one line of JSON.
"""

import struct
from typing import Final

import msgspec

from hub.codec import ValueDomainError, from_json
from hub.responses import ERROR_BYTES
from hub.runner.large import LARGE
from hub.runner.letters import (
    Advance,
    Alive,
    AnyLetter,
    Ask,
    Begin,
    Begun,
    Born,
    Died,
    Ended,
    Fork,
    Left,
    Load,
    Order,
    Piece,
    Ready,
    Record,
    Refused,
    Said,
    Signal,
    Stop,
)
from hub.runs import Outcome

HEAD: Final = struct.Struct(">cI")
"""The kind, and the length of the body."""
SMALL: Final = 256 * 1024
"""How long a letter of most kinds may be, in bytes."""


class GarbledError(Exception):
    """What came is no letter."""


class TooLargeError(GarbledError):
    """A command's result is larger than a run's log may be."""


_KINDS: Final[dict[bytes, type[AnyLetter]]] = {
    b"l": Load,
    b"f": Fork,
    b"s": Signal,
    b"a": Ask,
    b"A": Alive,
    b"b": Born,
    b"d": Died,
    b"B": Begin,
    b"O": Order,
    b"L": Left,
    b"S": Stop,
    b"R": Ready,
    b"T": Begun,
    b"X": Refused,
    b"P": Advance,
    b"C": Piece,
    b"G": Record,
    b"H": Said,
    b"E": Ended,
}
_BYTES: Final = {kind: byte for byte, kind in _KINDS.items()}
_DECODERS: Final = {
    byte: msgspec.msgpack.Decoder(kind).decode for byte, kind in _KINDS.items()
}
_UNBOUNDED: Final = {b"l", b"B", b"O"}
"""Kinds that only the hub writes: it believes itself."""
_encode = msgspec.msgpack.Encoder().encode


def to_bytes(letter: AnyLetter) -> bytes:
    """Write a letter."""
    body = _encode(letter)
    return HEAD.pack(_BYTES[type(letter)], len(body)) + body


def measure(head: bytes, ended_bytes: int = SMALL, most: int = SMALL) -> int:
    """Return how long the body is that a head announces, if a process may say that.

    Args:
        head: The first bytes of a letter.
        ended_bytes: How long an `Ended` may be.
        most: How long other letters may be.

    Raises:
        TooLargeError: It is an `Ended` that is too long.
        GarbledError: There is no such kind, only the hub says it, or it is too long.
    """
    kind, length = HEAD.unpack(head)
    if kind not in _KINDS:
        raise GarbledError("it is of no known kind")
    if kind in _UNBOUNDED:
        raise GarbledError("it is of a kind that only the hub says")
    if kind == b"E":
        if length > ended_bytes:
            raise TooLargeError
    elif length > most:
        raise GarbledError(f"it is {length} bytes long, and the limit is {most}")
    return int(length)


def read(head: bytes, body: bytes) -> AnyLetter:
    """Read a letter.

    Raises:
        GarbledError: It is not what its kind says.
    """
    try:
        letter: AnyLetter = _DECODERS[head[:1]](body)
    except KeyError:
        raise GarbledError("it is of no known kind") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbledError(str(error)) from None
    return letter


class Unpacker:
    """Cuts a stream of bytes into letters; for the sides that need not wait.

    Args:
        trusting: Whether it is the hub who speaks: it may say anything, at any length.
    """

    def __init__(self, *, trusting: bool) -> None:
        self._trusting = trusting
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[AnyLetter]:
        """Take bytes; return the letters that are complete now.

        Raises:
            GarbledError: As `measure` and `read` say.
        """
        self._bytes += data
        letters: list[AnyLetter] = []
        while len(self._bytes) >= HEAD.size:
            head = bytes(self._bytes[: HEAD.size])
            size = HEAD.unpack(head)[1] if self._trusting else measure(head)
            end = HEAD.size + size
            if len(self._bytes) < end:
                break
            letters.append(read(head, bytes(self._bytes[HEAD.size : end])))
            del self._bytes[:end]
        return letters


def check_line(data: bytes) -> None:
    """Check that bytes are one line of JSON within the value domain.

    Raises:
        GarbledError: They are not.
    """
    if b"\n" in data or b"\r" in data:
        raise GarbledError("it holds JSON of more than one line")
    try:
        from_json(data)
    except ValueDomainError as error:
        raise GarbledError(f"it holds no JSON value: {error}") from None


def check_outcome(outcome: Outcome) -> Outcome:
    """Return what may be believed of how a process says that its command ended.

    Whether a result of `LARGE` bytes or more is JSON is left to `check_large`.

    Raises:
        GarbledError: It says what no command can say.
    """
    ended = {("completed", None), ("failed", "plugin_error"), ("failed", "cancelled")}
    if (outcome.status.value, outcome.code) not in ended:
        raise GarbledError(f"it ended {outcome.status.value}: {outcome.code}")
    if len(outcome.result) < LARGE:
        check_line(outcome.result)
    elif b"\n" in outcome.result or b"\r" in outcome.result:
        raise GarbledError("it holds JSON of more than one line")
    if outcome.detail:
        check_line(outcome.detail)
    if len(outcome.detail) > ERROR_BYTES or len(outcome.error or "") > ERROR_BYTES:
        raise GarbledError("its error is too long")
    return Outcome(
        status=outcome.status,
        result=outcome.result,
        code=outcome.code,
        error=outcome.error,
        retry=outcome.retry,
        detail=outcome.detail,
    )
