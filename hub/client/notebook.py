"""A task in a notebook: text in one cell, renewed in place; no widgets, no HTML."""

import time
from collections import deque
from importlib import import_module
from typing import Any, Final

from hub.client.cursor import Event
from hub.client.screen import Screen, ending, line, safe
from hub.events import Progress, Reset
from hub.tasks import TaskResponse

WIDTH: Final = 30
MOST_LINES: Final = 20
EVERY_S: Final = 0.1


class Cell(Screen):
    """The output of one cell."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._head = name
        self._shown = 0.0
        # Any: IPython, which is there where this is used, brings no types.
        self._handle: Any = import_module("IPython.display").display(
            self._bundle(), raw=True, display_id=True
        )

    def take(self, event: Event) -> None:
        """Renew the cell, ten times a second at the most."""
        if isinstance(event, Progress):
            self._head = (
                f"{self.name} {bar(event.progress)} {safe(event.message or '')}"
            )
        else:
            if isinstance(event, Reset):
                self._lines.clear()
            self._lines.append(line(event))
        if time.monotonic() - self._shown >= EVERY_S:
            self._show()

    def end(self, response: TaskResponse) -> None:
        """Show the end."""
        self._head = ending(self.name, response)
        self._show()

    def close(self) -> None:
        """Show what was seen last."""
        self._show()

    def _show(self) -> None:
        """Renew the cell."""
        self._shown = time.monotonic()
        self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        """Return what is shown, for any front end."""
        return {"text/plain": "\n".join([self._head, *self._lines])}


def bar(fraction: float | None) -> str:
    """Return a bar made of text."""
    if fraction is None:
        return "…"
    full = round(min(max(fraction, 0.0), 1.0) * WIDTH)
    return f"{'█' * full}{'░' * (WIDTH - full)} {fraction:.0%}"
