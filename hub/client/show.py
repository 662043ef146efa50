"""The screen that a program has: a terminal, a notebook, or a stream of lines.

The first two need libraries, which are imported when they are needed: most programs
show nothing.
"""

import sys
from importlib import import_module
from typing import Final, TextIO

from hub.client.cursor import Event
from hub.client.screen import Screen, ending, line, safe
from hub.events import Progress
from hub.tasks import TaskResponse

STEPS: Final = 10
"""How many lines of progress a task has at the most, where lines are shown."""


class Lines(Screen):
    """Plain lines: for pipes, files and logs."""

    def __init__(self, name: str, stream: TextIO) -> None:
        super().__init__(name)
        self._stream = stream
        self._step = 0
        self._message: str | None = None

    def take(self, event: Event) -> None:
        """Write a line, unless it would be one too many."""
        if isinstance(event, Progress):
            self._progress(event)
        else:
            self._write(line(event))

    def end(self, response: TaskResponse) -> None:
        """Write how it ended."""
        self._write(ending(self.name, response))

    def close(self) -> None:
        """Do nothing: a line is whole."""

    def _progress(self, event: Progress) -> None:
        """Write a line for each tenth, and for a new message where there are none."""
        if event.progress is None:
            if event.message and event.message != self._message:
                self._write(f"{self.name}: {safe(event.message)}")
        elif int(event.progress * STEPS) > self._step:
            self._step = int(event.progress * STEPS)
            message = f" {safe(event.message)}" if event.message else ""
            self._write(f"{self.name}: {event.progress:.0%}{message}")
        self._message = event.message

    def _write(self, text: str) -> None:
        """Write a line, and let it be seen."""
        print(text, file=self._stream, flush=True)  # this is what it is for


def screen_for(name: str, stream: TextIO | None = None) -> Screen:
    """Return the screen that this program has.

    Args:
        name: What the task is called.
        stream: Where to write; by default standard output, or the notebook's cell.
    """
    if stream is None and is_notebook():
        found: Screen = import_module("hub.client.notebook").Cell(name)
        return found
    stream = stream or sys.stdout
    if stream.isatty():
        bar: Screen = import_module("hub.client.bar").Bar(name, stream)
        return bar
    return Lines(name, stream)


def is_notebook() -> bool:
    """Whether this is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
