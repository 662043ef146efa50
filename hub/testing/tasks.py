"""A task as a test sees it: everything it has said, and how it ended."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from hub.client.cursor import Event, Log
from hub.clock import Clock
from hub.codec import from_json, json_head
from hub.events import Chunk, Gap, Progress, Reset
from hub.responses import response as response_of
from hub.runs import Task
from hub.tasks import Failure, TaskResponse, TaskStatus
from hub.watches import progress_tail


class TestTask:
    """A task that a test has started.

    It fills by itself as the loop runs. Chunks are in their order; progress, which has
    no number, stands where it was heard.

    Args:
        task: The engine's.
        origin: new, existing, joined or cached.
        clock: The time.
        locale: The language of the hub's texts.
        heard: Called whenever there is something new.

    Attributes:
        id: The task's id.
        name: `plugin.command`.
        origin: How it came to its run: new, existing, joined or cached.
        events: Everything it has said so far.
    """

    # pytest is not to take it for a class of tests.
    __test__ = False
    progress_ms = 0

    def __init__(
        self,
        task: Task,
        origin: str,
        clock: Clock,
        locale: str,
        heard: Callable[[], None],
    ) -> None:
        request = task.run.request
        self.id: str = task.id
        self.name: str = f"{request.plugin}.{request.command}"
        self.origin: str = origin
        self.events: list[Event] = []
        self.task = task
        self._clock = clock
        self._locale = locale
        self._heard = heard
        self._read = 0
        self._response: TaskResponse | None = None
        self.moved()

    # What it has said

    @property
    def output(self) -> list[Any]:  # whatever the command sends
        """The data of its chunks on channel `out`; bytes where they are binary."""
        return [
            chunk.data if chunk.bin is UNSET else chunk.bin
            for chunk in self.chunks
            if chunk.channel == "out"
        ]

    @property
    def chunks(self) -> list[Chunk]:
        """Its chunks on all channels but `log`."""
        return [each for each in self.events if isinstance(each, Chunk)]

    @property
    def logs(self) -> list[Log]:
        """Its log records."""
        return [each for each in self.events if isinstance(each, Log)]

    @property
    def progress(self) -> list[Progress]:
        """All that it has said of its progress."""
        return [each for each in self.events if isinstance(each, Progress)]

    # How it stands, and how it ended

    @property
    def status(self) -> TaskStatus:
        """Where it stands."""
        return self.task.status

    @property
    def ended(self) -> bool:
        """Whether nothing can follow."""
        return self._response is not None

    @property
    def response(self) -> TaskResponse:
        """How it stands now; with its result once it has ended."""
        return self._response or self._answer()

    @property
    def result(self) -> Any:  # whatever the command returned, as JSON gives it back
        """What it returned, as its callers get it."""
        return self.response.result

    @property
    def error(self) -> str | None:
        """What people are told of its failure."""
        return self.response.error

    @property
    def failure(self) -> Failure | None:
        """What programs are told of its failure: code, retry, ran, detail."""
        failure = self.response.metadata.failure
        return None if failure is UNSET else failure

    @property
    def code(self) -> str | None:
        """The code of its failure; a plugin's own one where it gave one."""
        failure = self.failure
        if failure is None:
            return None
        own = (failure.detail or {}).get("code", failure.code)
        return str(own)

    def __repr__(self) -> str:
        """Say what a failing test wants to know."""
        told = f", {self.error!r}" if self.error else ""
        return f"<TestTask {self.name} {self.status.text}{told}>"

    # The engine's marks

    def moved(self) -> None:
        """Read what is new in the log."""
        task, log = self.task, self.task.run.log
        last = task.end - 1 if task.end else log.head
        if log.base > self._read:
            self.events.append(
                Gap(
                    task_id=self.id,
                    first=self._read + 1,
                    last=log.base,
                    why="trimmed",
                    attempt=log.attempt_at(log.base + 1),
                )
            )
            self._read = log.base
        for tail in log.tails(self._read, last):
            self.events.append(self._entry(from_json(b"{" + tail)))
        self._read = max(self._read, last)
        if task.end and self._response is None:
            self._response = self._answer()
        self._heard()

    def progressed(self) -> None:
        """Note how far the run says it is."""
        frame = json_head("progress", self.id) + progress_tail(self.task)
        self.events.append(msgspec.json.decode(frame, type=Progress))
        self._heard()

    def vanished(self) -> None:
        """Keep what is known of a task whose record has expired."""

    def _entry(self, fields: dict[str, Any]) -> Event:  # of a log's entry
        """Return an entry of the log as an event."""
        if "reason" in fields:
            return Reset(task_id=self.id, **fields)
        data = fields.get("data", UNSET)
        if fields["channel"] == "log" and isinstance(data, dict):
            place = {name: fields[name] for name in ("seq", "at")}
            return Log(task_id=self.id, **place, **data)
        if "bin" in fields:
            fields["bin"] = b64decode(fields["bin"])
        return Chunk(task_id=self.id, **fields)

    def _answer(self) -> TaskResponse:
        """Return how the task stands, with the values themselves."""
        now = self._clock.now()
        made = response_of(self.task, self._locale, now, request=True)
        made.result = from_json(bytes(made.result))
        return made
