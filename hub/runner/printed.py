"""What a process prints, as log records of its task.

A command's `print`, and whatever the programs that it starts write to their standard
output and errors, come through two pipes. Each line becomes a record of the channel
`log`, from the logger `stdout` or `stderr`. Bytes that are no UTF-8 are written out.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Final, Self

from hub.codec import to_json
from hub.plugin.context import LogRecord

READ_BYTES: Final = 4096
"""How much is read in one turn of the loop: it may be lines of one character each."""
LINE_BYTES: Final = 8192
"""A longer line is cut."""
LAST_READS: Final = 64
"""How often a pipe is read at the end: a process holds no more than that."""


class Printed:
    """One of the two pipes.

    Args:
        name: stdout or stderr.
        level: Of the records.
        take: Takes records, as JSON.

    Attributes:
        theirs: The end that the process writes to; not closed here, but by a context
            that fails.
    """

    def __init__(self, name: str, level: str, take: Callable[[bytes], None]) -> None:
        self._name = name
        self._level = level
        self._take = take
        self._line = b""
        self._loop = asyncio.get_running_loop()
        self._file, self.theirs = os.pipe()
        os.set_blocking(self._file, False)  # it takes no keyword
        self._open = True
        self._loop.add_reader(self._file, self._read)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give up both ends."""
        self.close()
        os.close(self.theirs)

    def drain(self) -> None:
        """Read what is there, and take what is written later for nobody's."""
        for _ in range(LAST_READS):
            if not self._open or not self._read():
                break
        self._split(b"\n")
        self._take = _ignore

    def close(self) -> None:
        """Let go of the pipe."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._file)
            os.close(self._file)

    def _read(self) -> bool:
        """Read once; return whether there may be more."""
        try:
            data = os.read(self._file, READ_BYTES)
        except BlockingIOError:
            return False
        self._split(data)
        if not data:
            self.close()
        return bool(data)

    def _split(self, data: bytes) -> None:
        """Make records of the lines that are complete."""
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > LINE_BYTES:
            lines.append(self._line)
            self._line = b""
        for line in lines:
            text = line.rstrip(b"\r").decode(errors="backslashreplace")
            if text:
                record = LogRecord(level=self._level, logger=self._name, message=text)
                self._take(to_json(record))


def _ignore(_record: bytes) -> None:
    """Take a record that comes too late."""
