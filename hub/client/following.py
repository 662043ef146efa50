"""What a client knows of one task, and how it reads it.

A task is read in one of two ways. *Lean*: without chunks, for whoever only wants its
progress and its end. *Full*: with its output, which waits in a mailbox for the reader.
Each way has a cursor of its own, and one of them is on the wire at a time. When the
mailbox is full, the reading falls back to lean, so that progress and the end still
come; when the reader has taken half of it, the output goes on where it stopped.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import structs

from hub.client.cursor import Cursor, Numbered
from hub.client.mailbox import LIMIT, Mailbox
from hub.errors import HubError
from hub.events import Progress, Result
from hub.protocol.frames import Execute, OpenedFrame
from hub.tasks import TaskResponse, TaskStatus

_NOTHING: Final = msgspec.Raw(b"")


def _nobody() -> None:
    """Wake nobody."""


class Following:
    """One task, as it is followed.

    Args:
        request: What is executed; None where the task is there already.
        task_id: The task, where it is known.
        limit: How many bytes of output may wait.

    Attributes:
        wake: Called after every change.
        request: What is executed.
        task_id: Known once the hub has accepted it.
        hub: The life of the store that the id belongs to.
        head: The last entry of the log when it was opened; None before.
        sent: Whether the request may have reached a hub.
        wanted: Whether somebody reads the output.
        response: The latest snapshot; after the end the final one.
        progress: The latest progress.
        origin: How the task came to its run.
        result_url: Where a result is that was too large for a frame.
        is_ended: Whether its end is known.
        error: Why nothing more will be known of it.
    """

    def __init__(
        self,
        request: Execute | None = None,
        task_id: str | None = None,
        limit: int = LIMIT,
    ) -> None:
        self.wake: Callable[[], None] = _nobody
        self.request = request
        self.task_id = task_id
        self.hub: str | None = None
        self.head: int | None = None
        self.sent = False
        self.wanted = request is not None and request.chunks
        self.response: TaskResponse | None = None
        self.progress: Progress | None = None
        self.origin: str | None = None
        self.result_url: str | None = None
        self.is_ended = False
        self.error: HubError | None = None
        self.mailbox = Mailbox(limit)
        self._output = Cursor()
        self._lean = Cursor()
        self._is_full = False
        self._cursor = self._output if self.wanted else self._lean

    @property
    def name(self) -> str:
        """``plugin.command``, as far as it is known."""
        if self.request is not None:
            return f"{self.request.plugin}.{self.request.command}"
        if self.response is None:
            return self.task_id or "task"
        return f"{self.response.metadata.plugin}.{self.response.metadata.command}"

    @property
    def status(self) -> TaskStatus | None:
        """Where the task stands; None while nothing is known."""
        if self.progress is not None and not self.is_ended:
            return self.progress.status
        return None if self.response is None else self.response.status

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be had from the hub."""
        if self.error is not None:
            return True
        return self.is_ended and (not self.wanted or self._output.ended)

    @property
    def is_read(self) -> bool:
        """Whether the reader has had everything."""
        return self._output.ended or self.error is not None

    @property
    def is_caught_up(self) -> bool:
        """Whether the reader has had what there was when the task was opened."""
        told = self.head is not None and self._output.last >= self.head
        return self.is_read or (told and not self.mailbox.size)

    @property
    def is_misread(self) -> bool:
        """Whether the way of reading on the wire is not the one that is wanted."""
        return self._cursor is not (self._output if self._reads_full else self._lean)

    @property
    def _reads_full(self) -> bool:
        """Whether output is to be had now."""
        return self.wanted and not self._is_full and not self._output.ended

    def want(self) -> None:
        """Read the output from now on."""
        self.wanted = True

    def took(self) -> bool:
        """Learn that the reader has taken something.

        Returns:
            Whether the output is to be read on.
        """
        if not self._is_full or not self.mailbox.is_low:
            return False
        self._is_full = False
        return True

    def ask(self, id: int) -> None:
        """Learn that the request is on its way, under that id."""
        self.sent = True
        self._cursor.asked = id

    def place(self, id: int) -> dict[str, Any]:  # fields of a watch
        """Return where to read on, for the watch of that id, which is on its way."""
        if self._reads_full:
            self._cursor = self._output
        else:
            if self._cursor is self._output:
                self._lean = Cursor(self._output.last, self._output.attempt)
            self._cursor = self._lean
        cursor = self._cursor
        cursor.asked = id
        # At 0 no entry was seen, so there is no attempt to speak of.
        attempt = cursor.attempt if cursor.last else None
        chunks = cursor is self._output
        return {"after": cursor.last, "attempt": attempt, "chunks": chunks}

    def cut(self) -> None:
        """Learn that no answer will come to a watch that is on its way."""
        self._cursor.asked = None

    def opened(self, frame: OpenedFrame, hub: str | None) -> None:
        """Take the answer to the newest `execute` or `watch`."""
        if self._cursor.asked is None or self._cursor.asked != frame.id:
            return
        self.task_id, self.hub, self.head = frame.task_id, hub, frame.head
        if self.request is not None:
            # It is never sent again, and may be large.
            self.request = structs.replace(self.request, params=_NOTHING)
        if frame.origin != "watch" or self.origin is None:
            self.origin = frame.origin
        if not self.is_ended:
            # The snapshot is the newest there is; what was said before is history.
            self.response, self.progress = frame.response, None
        self._cursor.opened(frame.after)
        self.wake()

    def advance(self, frame: Progress) -> None:
        """Take a progress."""
        if self.is_ended or not self._cursor.takes(frame):
            return
        self.progress = frame
        if self.wanted:
            self.mailbox.put(frame, 0)
        self.wake()

    def receive(self, frame: Numbered, weight: int) -> bool:
        """Take a numbered frame.

        Args:
            frame: Of this task.
            weight: How many bytes of the wire it was.

        Returns:
            Whether the task is to be watched again from where it stands: entries are
            missing, or no more may wait.
        """
        full = self._cursor is self._output
        is_end = isinstance(frame, Result)
        if full and not is_end and not self.mailbox.has_room(weight):
            self._is_full = True
            return self._cursor.asked is None
        told = self._cursor.receive(frame)
        if told is None:
            return True
        if full:
            for event in told:
                self.mailbox.put(event, weight if event is told[-1] else 0)
        if isinstance(frame, Result) and self._cursor.ended:
            self._end(frame)
        if told or is_end:
            self.wake()
        return self.is_misread and not self.is_over

    def fail(self, error: HubError) -> None:
        """Learn that nothing more will be known of this task."""
        if self.error is None:
            self.error = error
            self.wake()

    def _end(self, frame: Result) -> None:
        """Keep the end; a second reading of the log tells it again."""
        if self.is_ended:
            return
        self.is_ended = True
        self.response = frame.response
        url = frame.result_url
        self.result_url = None if url is msgspec.UNSET else url
