"""How people and programs look on while tasks run."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from hub.cli.escaping import escape
from hub.cli.exits import say
from hub.cli.lines import Line, Lines
from hub.cli.output import is_terminal, put, put_json, put_json_lines
from hub.client.cursor import Event
from hub.events import Progress
from hub.tasks import TaskResponse, TaskStatus

QUIET_S: Final = 10.0
"""How often a task whose progress is not known may say something, off a terminal."""
TENTHS: Final = 10


class View:
    """Somebody who looks on; this one looks away.

    Attributes:
        reads: Whether to show what tasks say.
    """

    reads = False

    def begin(self, task_id: str, name: str, origin: str | None) -> None:
        """See that a task is followed from now on."""

    def tell(self, task_id: str, events: Sequence[Event]) -> None:
        """See what it says."""

    def note(self, text: str) -> None:
        """See something about the way to the hub, or about what was typed."""
        say(text)

    def end(self, response: TaskResponse) -> None:
        """See its end."""

    def tick(self, *, connected: bool) -> None:
        """Do what is due, ten times a second."""

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Leave the terminal to something else for a moment."""
        yield

    def close(self) -> None:
        """Look on no longer."""


class Records(View):
    """Programs: a line of JSON on standard output for everything that happens."""

    reads = True

    def begin(self, task_id: str, name: str, origin: str | None) -> None:
        """Say that a task is followed."""
        opened = {"type": "opened", "task_id": task_id, "command": name}
        put_json({**opened, "origin": origin}, line=True)

    def tell(self, task_id: str, events: Sequence[Event]) -> None:
        """Say what it says, as the frames that it came in."""
        put_json_lines(frame_of(event) for event in events)

    def end(self, response: TaskResponse) -> None:
        """Say how it ended."""
        result = {"type": "result", "task_id": response.task_id, "response": response}
        put_json(result, line=True)


def frame_of(event: Event) -> object:
    """Return an event as the object that it is on the wire."""
    if not hasattr(event, "level"):
        return event
    found = msgspec.to_builtins(event)
    head = {
        "type": "chunk",
        **{key: found.pop(key) for key in ("task_id", "seq", "at")},
    }
    return {**head, "channel": "log", "data": found}


class Plain(View):
    """People who read a log later: lines on standard error, progress in tenths.

    Args:
        several: Whether more than one task is looked at: lines then say whose they are.
        now: Returns the time in seconds.
    """

    reads = True

    def __init__(
        self, *, several: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._several = several
        self._now = now
        self._names: dict[str, str] = {}
        self._lines: dict[str, Lines] = {}
        self._said: dict[str, tuple[int, float, str | None]] = {}

    def begin(self, task_id: str, name: str, origin: str | None) -> None:
        """Say which task it is."""
        self._names[task_id] = f"{name} {task_id[-6:]}" if self._several else name
        self._lines[task_id] = Lines(tables=False)
        self._said[task_id] = (0, -QUIET_S, None)
        how = f", {origin}" if origin in ("joined", "cached", "existing") else ""
        self.line(task_id, Line(f"task {task_id}{how}"))

    def tell(self, task_id: str, events: Sequence[Event]) -> None:
        """Say what it says; of progress, each tenth."""
        for event in events:
            if isinstance(event, Progress):
                self._progress(task_id, event)
            else:
                for line in self._lines[task_id].of(event):
                    self.line(task_id, line)

    def _progress(self, task_id: str, event: Progress) -> None:
        """Say how far it is, where that is another tenth than before."""
        tenth, then, text = self._said[task_id]
        now, words = self._now(), doing(event)
        reached = int((event.progress or 0.0) * TENTHS)
        news = words != text and now - then >= QUIET_S
        news = news and bool(words) and event.progress is None
        if reached > tenth or news:
            self._said[task_id] = (reached, now, words)
            share = "" if event.progress is None else f"{event.progress * 100:.0f} %"
            self.line(task_id, Line("  ".join(part for part in (share, words) if part)))

    def end(self, response: TaskResponse) -> None:
        """Say how it ended."""
        if response.status is TaskStatus.COMPLETED:
            self.line(response.task_id, Line(outcome(response)))

    def line(self, task_id: str, line: Line) -> None:
        """Say a line of a task."""
        text = line.styled() if is_terminal(sys.stderr) else line.plain()
        say(f"{self._names[task_id]}: {text}", colours=True)


class Reader(View):
    """People who read what a task has logged and put out: lines on standard output."""

    reads = True

    def __init__(self) -> None:
        self._looks = is_terminal(sys.stdout)
        self._lines = Lines(tables=self._looks)

    def tell(self, task_id: str, events: Sequence[Event]) -> None:
        """Write what it says."""
        colours = self._looks and not os.environ.get("NO_COLOR")
        lines = [
            line.styled() if colours else line.plain()
            for event in events
            if not isinstance(event, Progress)
            for line in self._lines.of(event)
        ]
        put("".join(f"{line}\n" for line in lines), colours=True)


def doing(progress: Progress) -> str:
    """Say what a task does, beside how much of it is done."""
    if progress.status is TaskStatus.CREATED:
        place = progress.position
        return "waiting" if place is UNSET else f"waiting, place {place} in the queue"
    parts = []
    if progress.step is not UNSET:
        total = "" if progress.total is UNSET else f"/{progress.total}"
        parts.append(f"{progress.step}{total}")
    if progress.message:
        parts.append(escape(progress.message).replace("\n", " "))
    if progress.retry_at is not UNSET:
        parts.append(escape(f"next attempt at {progress.retry_at}"))
    return "  ".join(parts)


def outcome(response: TaskResponse) -> str:
    """Say how a task ended, in a few words."""
    data = response.metadata
    spent = data.execution_time_ms / 1000
    took = f"in {spent:.1f} s" if spent >= 1 else f"in {data.execution_time_ms:.0f} ms"
    if data.origin == "cached":
        took = "before, its answer was kept"
    return f"{response.status.text} {took}"
