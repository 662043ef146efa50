"""Large JSON from a process, checked without holding up the loop.

To decode some ten MiB may take a second, and no other thread runs meanwhile. So the
syntax is checked in one go, which builds nothing and takes about 1 ms for each MiB, and
the rest of the value domain piece by piece, in a thread: between two pieces the loop
has its turn.
"""

import codecs
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

import msgspec

from hub.codec import MAX_DEPTH, ValueDomainError, from_json

LARGE: Final = 256 * 1024
"""From how many bytes on JSON is checked here."""
PIECE: Final = 128 * 1024
"""How many bytes are looked at between two turns; twice as many where no comma is."""

_LONG: Final = 64
"""How long a number may be that stands where no comma is near."""
_check_syntax = msgspec.json.Decoder(msgspec.Raw).decode
_DOUBTFUL: Final = re.compile(rb"-?[0-9][-+.eE0-9]{18,}|-?[0-9][.0-9]*[eE][-+0-9]+")
"""Numbers that may not fit."""
_TO_ZERO: Final = bytes.maketrans(b"123456789", b"0" * 9)
_DOUBTS: Final = (b"0" * 19, b"0e", b"0E")
"""What stands in such a number once each digit is a zero: found at no cost."""
_STEPS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS: Final = bytes(each for each in range(256) if each not in _STEPS)


def check_large(data: bytes) -> None:
    """Check that bytes are JSON within the value domain; for a thread.

    Raises:
        ValueDomainError: They are not; the text says what is wrong.
    """
    try:
        _check_syntax(data)
    except RecursionError:
        raise ValueDomainError(f"nested deeper than {MAX_DEPTH}") from None
    except msgspec.DecodeError as error:
        raise ValueDomainError(str(error)) from None
    depth = 0
    for bare in _without_strings(_pieces(data)):
        steps = map(_STEPS.__getitem__, bare.translate(None, _NO_BRACKETS))
        for depth in accumulate(steps, initial=depth):  # noqa: B020  # it goes on from there
            if depth > MAX_DEPTH:
                raise ValueDomainError(f"nested deeper than {MAX_DEPTH}")
        shape = bare.translate(_TO_ZERO)
        if any(each in shape for each in _DOUBTS):
            for number in _DOUBTFUL.findall(bare):
                from_json(number)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Cut JSON where neither a number nor an escape is cut; it is UTF-8, or refused.

    Raises:
        ValueDomainError: It is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    begin = 0
    while begin < len(data):
        end = begin + PIECE
        comma = data.find(b",", end, end + PIECE)
        if comma >= 0:
            piece = data[begin : comma + 1]
        elif end + PIECE >= len(data):
            piece = data[begin:]
        else:
            # Most likely the middle of a text. A number that is longer is none.
            piece = data[begin:end]
            rest = len(piece[-_LONG:].rstrip(b"0123456789-+.eE"))
            piece = piece[: len(piece) - _LONG + rest] if rest else piece
            odd = (len(piece) - len(piece.rstrip(b"\\"))) % 2
            piece = piece[: len(piece) - odd]
        begin += len(piece)
        try:
            decoder.decode(piece, final=begin == len(data))
        except UnicodeDecodeError as error:
            raise ValueDomainError(str(error)) from None
        yield piece


def _without_strings(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what stands outside of texts."""
    within = False
    for piece in pieces:
        parts = piece.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        yield b'"'.join(parts[within::2])
        within ^= len(parts) % 2 == 0
