"""What shows a task while it happens, and the texts that all kinds of it share."""

import re
from abc import ABC, abstractmethod
from typing import Final

import msgspec

from hub.client.cursor import Event, Log
from hub.events import Chunk, Gap, Reset
from hub.tasks import TaskResponse, TaskStatus

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
