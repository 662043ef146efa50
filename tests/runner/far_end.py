"""The far end of a process's line: what the hub does there, a test does here."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hub.runner.letters import AnyLetter
from hub.runner.line import Line
from hub.runner.post import Unpacker, to_bytes

PATIENCE_S = 10.0
LOOK_S = 0.01


class Hub:
    """The other end of a line."""

    def __init__(self) -> None:
        self.wire, theirs = socket.socketpair()
        self.wire.settimeout(PATIENCE_S)
        self.line = Line(theirs)
        self.thread = self.line.start()
        self._unpacker = Unpacker(trusting=False)
        self._heard: list[AnyLetter] = []

    def hear(self, count: int) -> list[AnyLetter]:
        """Wait for so many letters."""
        while len(self._heard) < count:
            self._heard += self._unpacker.feed(self.wire.recv(65536))
        heard, self._heard = self._heard[:count], self._heard[count:]
        return heard

    def say(self, *letters: AnyLetter) -> None:
        """Send letters."""
        self.wire.sendall(b"".join(to_bytes(each) for each in letters))

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds about the line."""
        told = threading.Event()
        self.line.listen(told.set)
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end
            # Not all that can hold is told of.
            told.wait(LOOK_S)
            told.clear()


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Connect a line, and hang up afterwards."""
    made = Hub()
    yield made
    made.wire.close()
    made.thread.join(PATIENCE_S)
    assert not made.thread.is_alive()
