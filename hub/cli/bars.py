"""A terminal that somebody looks at: live bars, what tasks say above them.

rich is imported only once a task has run for a moment: most have ended by then.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from hub.cli.escaping import escape, harmless
from hub.cli.exits import say
from hub.cli.lines import Line, Lines
from hub.cli.output import styled
from hub.cli.views import View, doing, outcome
from hub.client.cursor import Event
from hub.events import Progress
from hub.tasks import TaskResponse, TaskStatus

PATIENCE_S: Final = 0.15
"""How long a task runs before it gets a bar."""
MOST: Final = 12
"""How many bars there are at most; further tasks are counted in one."""
BAR_WIDTH: Final = 28
OTHER_COLUMNS: Final = BAR_WIDTH + 4 + 7 + 4 + 4
"""What stands on a line beside label and words: bar, share, time, gaps, and a rest."""


class _Seen(Struct, kw_only=True):
    """What is known of a task that runs.

    Attributes:
        label: What its bar is called.
        lines: Turns what it says into lines.
        words: What it does.
        done: How much of it is done; None where that is not known.
        bar: The bar's number, where it has one.
    """

    label: str
    lines: Lines
    words: str = ""
    done: float | None = None
    bar: Any = None  # rich's number of a bar


class Bars(View):
    """People at a terminal.

    Args:
        several: Whether more than one task is looked at.
        now: Returns the time in seconds.
    """

    reads = True

    def __init__(
        self, *, several: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._several = several
        self._now = now
        self._began = now()
        self._seen: dict[str, _Seen] = {}
        self._ended = 0
        self._rest: Any = None
        self._live: Any = None  # rich's Progress, imported late
        self._connected = True

    def begin(self, task_id: str, name: str, origin: str | None) -> None:
        """Give a task a bar, when it has run for a moment."""
        # rich writes what it is given.
        label = escape(f"{name} {task_id[-6:]}" if self._several else name)
        self._seen[task_id] = _Seen(label=label, lines=Lines(tables=True))

    def tell(self, task_id: str, events: Sequence[Event]) -> None:
        """Show what it says above the bars, and its progress in its bar."""
        seen = self._seen[task_id]
        mark = f"{seen.label}: " if self._several else ""
        lines = []
        for event in events:
            if isinstance(event, Progress):
                seen.words, seen.done = doing(event), event.progress
            else:
                lines += [
                    line._replace(text=mark + line.text)
                    for line in seen.lines.of(event)
                ]
        if lines:
            self._above(*lines)

    def note(self, text: str) -> None:
        """Show a line above the bars."""
        self._above(Line(text, "yellow"))

    def end(self, response: TaskResponse) -> None:
        """Take the bar away, and say how it ended."""
        seen = self._seen.pop(response.task_id)
        self._ended += 1
        if self._live is not None and seen.bar is not None:
            self._live.remove_task(seen.bar)
        if response.status is TaskStatus.COMPLETED:
            sign = styled("✓", sys.stderr, fg="green")
            text = f"{sign} {seen.label} {outcome(response)}"
            self._above(Line(text, coloured=True))
        if not self._seen:
            self.close()

    def tick(self, *, connected: bool) -> None:
        """Move the bars."""
        self._connected = connected
        if self._live is None:
            if self._seen and self._now() - self._began >= PATIENCE_S:
                self._live = _live()
                self._live.start()
            else:
                return
        for seen in self._seen.values():
            self._move(seen)
        self._move_rest()
        self._live.refresh()

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the bars away while something else is written to the terminal."""
        live = self._live
        if live is not None:
            live.stop()
        yield
        if live is not None and self._live is live:
            live.start()

    def close(self) -> None:
        """Take all bars away."""
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()

    def _above(self, *lines: Line) -> None:
        """Show lines, all at once: the bars are drawn again below them each time."""
        plain = bool(os.environ.get("NO_COLOR"))
        text = "\n".join(line.plain() if plain else line.styled() for line in lines)
        if self._live is None:
            say(text, colours=True)
        else:
            safe = harmless(text, colours=True)
            self._live.console.print(_Raw(f"{safe}\n"), end="")

    def _move(self, seen: _Seen) -> None:
        """Bring one bar up to date."""
        if seen.bar is None:
            if (
                len([each for each in self._seen.values() if each.bar is not None])
                >= MOST
            ):
                return
            seen.bar = self._live.add_task(seen.label, total=None, words="", share="")
        known = seen.done is not None
        self._live.update(
            seen.bar,
            total=1.0 if known else None,
            completed=seen.done or 0.0,
            share=f"{seen.done:.0%}" if seen.done is not None else "",
            words=self._fitting(seen),
        )

    def _fitting(self, seen: _Seen) -> str:
        """Return what a task does, as far as there is room.

        The last columns stay free: a terminal writes ^C there, and a line that is full
        would break, and be left behind.
        """
        from rich.cells import cell_len, set_cell_size

        words = seen.words if self._connected else "reconnecting …"
        label = max(cell_len(each.label) for each in self._seen.values())
        room = max(1, int(self._live.console.width) - label - OTHER_COLUMNS)
        if cell_len(words) <= room:
            return words
        return f"{set_cell_size(words, room - 1).rstrip()}…"

    def _move_rest(self) -> None:
        """Bring the bar of those that have none up to date."""
        rest = [each for each in self._seen.values() if each.bar is None]
        if not rest:
            if self._rest is not None:
                self._live.remove_task(self._rest)
                self._rest = None
            return
        if self._rest is None:
            self._rest = self._live.add_task("", total=None, words="", share="")
        self._live.update(self._rest, description=f"{len(rest)} more", words="")


class _Raw:
    """A text that rich writes as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, *_: object) -> Iterator[Any]:
        """Yield the text as one piece, which is neither parsed nor wrapped."""
        from rich.segment import Segment

        yield Segment(self._text)


def _live() -> Any:
    """Return rich's display on standard error, which is cleared in the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False, style="bold"),
        BarColumn(bar_width=BAR_WIDTH),
        TextColumn("{task.fields[share]:>4}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        console=Console(file=sys.stderr, highlight=False),
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )
