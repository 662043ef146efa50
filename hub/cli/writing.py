"""Writing to a stream so that all of a text arrives, or an error says that it did not.

Python alone does not promise that: where it keeps no buffer (PYTHONUNBUFFERED), what a
full disk or a pipe did not take at once is dropped without a word.
"""

import contextlib
import os
import select
from typing import IO, Any

# Any throughout: whoever writes an error may have any stream.


def write(stream: IO[Any], text: str) -> None:
    """Write a text whole; wait for the reader of a pipe that does not block.

    Raises:
        OSError: It cannot be written; a part of it may be.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    data = text.encode(encoding, "backslashreplace")
    descriptor = _descriptor(stream)
    if descriptor is None:
        stream.write(data.decode(encoding))
        stream.flush()
        return
    while not _is_flushed(stream):
        _wait(descriptor)
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            _wait(descriptor)


def _descriptor(stream: IO[Any]) -> int | None:
    """Return the number of the file behind a stream, if there is one."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return stream.fileno()
    return None


def _is_flushed(stream: IO[Any]) -> bool:
    """Send what others have written to the stream; return whether all of it is gone."""
    try:
        stream.flush()
    except BlockingIOError:
        return False
    return True


def _wait(descriptor: int) -> None:
    """Wait until a pipe takes more."""
    select.select([], [descriptor], [])
