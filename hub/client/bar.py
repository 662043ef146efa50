"""A task on a terminal: a bar, and what it says above it."""

from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bars
from rich.text import Text

from hub.client.cursor import Event
from hub.client.screen import Screen, ending, line, safe
from hub.events import Chunk, Progress
from hub.tasks import TaskResponse, TaskStatus

_STYLES = {
    TaskStatus.COMPLETED: "green",
    TaskStatus.FAILED: "red",
    TaskStatus.CANCELLED: "yellow",
}


class Bar(Screen):
    """One live bar."""

    def __init__(self, name: str, stream: TextIO) -> None:
        super().__init__(name)
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[message]}", markup=False),
            TimeElapsedColumn(),
            console=Console(file=stream),
            transient=True,
        )
        self._bar = self._bars.add_task(safe(name), total=None, message="")
        self._bars.start()

    def take(self, event: Event) -> None:
        """Move the bar, or write a line above it."""
        if isinstance(event, Progress):
            self._bars.update(
                self._bar,
                total=None if event.progress is None else 1.0,
                completed=event.progress or 0.0,
                message=safe(event.message or event.status.text),
            )
        else:
            self._bars.console.print(_text(event), soft_wrap=True)

    def end(self, response: TaskResponse) -> None:
        """Put a line in place of the bar."""
        self.close()
        style = _STYLES.get(response.status, "")
        self._bars.console.print(Text(ending(self.name, response), style=style))

    def close(self) -> None:
        """Take the bar away."""
        self._bars.stop()


def _text(event: Event) -> Text:
    """Return a line; colours are kept where the command says that they are some."""
    if (
        isinstance(event, Chunk)
        and event.kind == "ansi"
        and isinstance(event.data, str)
    ):
        text = Text.from_ansi(event.data.removesuffix("\n"))
        if text.plain == safe(text.plain):
            return text
    return Text(line(event))
