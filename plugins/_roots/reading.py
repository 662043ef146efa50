"""Reading a file as text, block by block, and telling what is none."""

import codecs
from collections.abc import Callable, Iterator
from typing import Final

from .opening import Opened, blocks
from .troubles import trouble

SNIFFED: Final = 8192
"""Bytes that are looked at to tell text from anything else."""

MARKS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The encodings that a text can begin by naming."""


def texts(
    opened: Opened,
    stopped: Callable[[], bool],
    told: Callable[[int], None] = lambda _: None,
) -> Iterator[str]:
    """Read a text in pieces of about a MiB, until it ends or is to stop.

    It is UTF-8, or UTF-16 where it says so; what cannot be decoded becomes U+FFFD.

    Args:
        opened: The file.
        stopped: Whether to stop.
        told: Told after each piece how many bytes were read so far.

    Raises:
        TaskError: It is binary, or cannot be read on.
    """
    read = 0
    decoder: codecs.IncrementalDecoder | None = None
    for block in blocks(opened, stopped):
        if decoder is None:
            encoding = _encoding(block, opened.path)
            decoder = codecs.getincrementaldecoder(encoding)("replace")
        yield decoder.decode(block)
        read += len(block)
        told(read)
    if decoder is not None and not stopped():
        yield decoder.decode(b"", final=True)


def _encoding(block: bytes, path: str) -> str:
    """Tell the encoding from how a file begins.

    Raises:
        TaskError: It is no text.
    """
    for mark, encoding in MARKS.items():
        if block.startswith(mark):
            return encoding
    if b"\0" in block[:SNIFFED]:
        raise trouble("binary", path, why="it holds a NUL")
    return "utf-8"
