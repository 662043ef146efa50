"""The bar, on a real terminal."""

import os
import pty
import re
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from hub import AsyncHub, TaskStatus
from hub.client.show import screen_for
from tests.client.test_show import chunk, progress


class Terminal:
    """A terminal, and everything that was written to it."""

    def __init__(self) -> None:
        self._ours, theirs = pty.openpty()
        self.stream: TextIO = os.fdopen(theirs, "w")
        self.seen = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 4096)
            except OSError:
                return
            if not data:
                return
            self.seen += data

    def close(self) -> str:
        """Close it; return what was seen."""
        if not self.stream.closed:
            self.stream.close()
            self._thread.join(5)
            os.close(self._ours)
        return self.seen.decode(errors="replace")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Give a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    made = Terminal()
    yield made
    made.close()


async def test_a_task_is_shown_as_a_bar(hub: AsyncHub, terminal: Terminal) -> None:
    """The bar moves, the output stands above it, the end takes its place."""
    task = await hub.execute("lab.count", n=20, pace_ms=20)

    response = await task.show(terminal.stream)

    seen = terminal.close()
    assert response.status is TaskStatus.COMPLETED
    assert "lab.count completed in" in seen
    assert re.search(r"━.* \d+%", seen)


def test_colours_are_kept_and_commands_are_not(terminal: Terminal) -> None:
    """Text that is declared as ansi has its colours; nothing else reaches through."""
    screen = screen_for("p.c", terminal.stream)
    screen.take(progress(None, "starting"))
    screen.take(chunk(data="\x1b[31mred\x1b[0m", kind="ansi"))
    screen.take(chunk(data="\x1b]52;c;aGk=\x07", kind="ansi"))
    screen.take(chunk(data="\x1b[2Jcleared"))
    screen.close()

    seen = terminal.close()
    assert "\x1b[31mred" in seen
    assert "\x1b]52" not in seen
    assert "\x1b[2J" not in seen
