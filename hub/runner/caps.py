"""Bounds on what a command says, and what comes of passing them.

The hub and the processes of commands hold to the same ones.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from hub.codec import to_json
from hub.plugin.errors import TaskError

_TEXT_BYTES: Final = 6
"""What one character may take in JSON."""


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on what a command may say.

    Attributes:
        chunk_bytes: Of one chunk, encoded.
        uncommitted_bytes: Of output that waits for the store.
        log_record_bytes: Of log records in one run.
    """

    chunk_bytes: int = 128 * 1024
    uncommitted_bytes: int = 1024 * 1024
    log_record_bytes: int = 8 * 1024 * 1024


def chunk_too_large(size: int, most: int) -> TaskError:
    """Refuse a chunk that no frame can hold."""
    return TaskError(
        f"A chunk of {size} bytes is too large: the limit is {most}.",
        code="chunk_too_large",
        detail={"bytes": size, "limit": most},
    )


def text_pieces(text: str, most: int) -> Iterator[bytes]:
    """Yield a text as JSON; cut it where it is too long for one chunk."""
    encoded = to_json(text)
    if len(encoded) <= most:
        yield encoded
        return
    # A multiple of four, so that each piece of base64 can be read by itself.
    step = max(4, (most - 2) // _TEXT_BYTES & ~3)
    for at in range(0, len(text), step):
        yield to_json(text[at : at + step])


def binary_pieces(data: bytes, most: int) -> Iterator[bytes]:
    """Yield bytes; cut them where their base64 is too long for one chunk."""
    step = max(1, most * 3 // 4 - 4)
    for at in range(0, len(data) or 1, step):
        yield data[at : at + step]
