"""What a task says, shown while it happens: on a terminal, in a notebook, as lines.

A `Screen` takes events. Which one there is depends on where the program runs; each
kind's library is imported when it is needed, since most programs show nothing.
"""

import re
import sys
from abc import ABC, abstractmethod
from importlib import import_module
from typing import Final, TextIO

import msgspec

from hub.client.cursor import Event, Log
from hub.events import Chunk, Gap, Progress, Reset
from hub.tasks import TaskResponse, TaskStatus

STEPS: Final = 10
"""How many lines of progress a task has at the most, where lines are shown."""
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MOST_LINE: Final = 2000


class Screen(ABC):
    """Shows one task.

    Args:
        name: What the task is called.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def take(self, event: Event) -> None:
        """Show an event."""

    @abstractmethod
    def end(self, response: TaskResponse) -> None:
        """Show the end."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the screen, whatever was seen of the task."""


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


def line(event: Event) -> str:
    """Return what is said of anything but progress, as text."""
    if isinstance(event, Log):
        text = f"{event.level}: {event.message}"
    elif isinstance(event, Chunk):
        text = _value(event)
    elif isinstance(event, Reset):
        text = f"(attempt {event.attempt} begins: {event.reason})"
    elif isinstance(event, Gap):
        text = f"({event.last - event.first + 1} entries are missing: {event.why})"
    else:
        text = event.message or ""
    return safe(text)


def _value(chunk: Chunk) -> str:
    """Return a chunk's value as text."""
    if chunk.bin is not msgspec.UNSET:
        return f"({len(chunk.bin)} bytes of {chunk.kind or 'data'})"
    if isinstance(chunk.data, str):
        return chunk.data.removesuffix("\n")
    return msgspec.json.encode(chunk.data).decode()


def ending(name: str, response: TaskResponse) -> str:
    """Return how a task ended, as a line."""
    seconds = response.metadata.execution_time_ms / 1000
    text = f"{name} {response.status.text} in {seconds:.1f} s"
    if response.status is TaskStatus.COMPLETED:
        return text
    return safe(f"{text}: {response.error or response.message or ''}".rstrip(": "))


def safe(text: str) -> str:
    """Return a text that does nothing to a terminal but show itself."""
    cut = text if len(text) <= _MOST_LINE else f"{text[:_MOST_LINE]}…"
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", cut)
