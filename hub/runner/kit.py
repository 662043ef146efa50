"""The files that a process is given, and the hub's ends of them."""

import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Final

from hub.runner.printed import Printed

WORDS_BYTES: Final = 64 * 1024
"""How much is read of what a process wrote as it crashed."""


class Kit:
    """A socket, two pipes for what is printed, and a file for last words.

    Args:
        take: Takes the lines that are printed, as JSON of log records.

    Attributes:
        wire: The hub's end of the socket; whoever takes it closes it.
        theirs: The process's ends, in the order that the nursery expects; closed by
            whoever passes them on.

    Raises:
        OSError: There are not enough files.
    """

    def __init__(self, take: Callable[[bytes], None]) -> None:
        with ExitStack() as opened:
            self._words = opened.enter_context(tempfile.TemporaryFile(buffering=0))
            self.wire, theirs = socket.socketpair()
            opened.callback(self.wire.close)
            opened.callback(theirs.close)
            self._printed = (
                opened.enter_context(Printed("stdout", "info", take)),
                opened.enter_context(Printed("stderr", "warning", take)),
            )
            words = os.dup(self._words.fileno())
            opened.pop_all()
        printed = (each.theirs for each in self._printed)
        self.theirs: list[int] = [theirs.detach(), *printed, words]

    def drain(self) -> None:
        """Take what was printed by now, and nothing after that."""
        for each in self._printed:
            each.drain()

    def last_words(self) -> str:
        """Return what the process wrote as it crashed."""
        with suppress(OSError):
            words = os.pread(self._words.fileno(), WORDS_BYTES, 0)
            return words.decode(errors="backslashreplace")
        return ""

    def close(self) -> None:
        """Close the pipes and the file."""
        for each in self._printed:
            each.close()
        self._words.close()
