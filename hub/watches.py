"""Watches: one reader's place in one task's log, and what it reads as frames.

A watch is the engine's `Follower`. Its marks say only that there is something; what it
is, the cursor finds out when the reader has room for it.
"""

import sys
from typing import Protocol

import msgspec

from hub.clock import Clock
from hub.errors import HubError
from hub.events import Gap
from hub.messages import text
from hub.protocol.cursors import Cursor, Step, What
from hub.protocol.frames import ErrorFrame, Id
from hub.protocol.writing import Framing, View
from hub.responses import MESSAGE_BYTES, clip, rfc3339
from hub.runs import Run, Task
from hub.tasks import TaskStatus

_FRAME_BYTES = 34
"""What the frame of a chunk has beside its tail and its task's id."""
EARLY = 0.0005
"""Seconds by which a mark may come too early: the engine's own pace is not exact."""


class Reader(Protocol):
    """Whom a watch reads for.

    Attributes:
        framing: How frames are written.
        progress_ms: How often progress is told at most.
        clock: The time.
    """

    framing: Framing
    progress_ms: int
    clock: Clock

    def view(self) -> View:
        """Say who reads, and when."""

    def dirty(self, watch: "Watch") -> None:
        """Take the mark of a watch whose log has moved."""

    def newsworthy(self, watch: "Watch") -> None:
        """Take the mark of a watch whose progress has changed."""

    def vanished(self, watch: "Watch") -> None:
        """Take the mark of a watch whose task is gone."""


class Watch:
    """A reader's place in one task's log.

    Args:
        reader: Whom it reads for.
        task: What it reads.
        cursor: How far it has read.

    Attributes:
        task: What it reads.
        cursor: How far it has read.
        head_bytes: How many bytes the frame of a chunk has beside its tail.
        progress_ms: How often progress is told at most.
        queued: Whether its log has moved and the reader knows.
        followed: Whether the engine marks it.
        seen: The status that the reader was told last.
        since: What its run had said when the watch began.
    """

    __slots__ = (
        "_chunk_head",
        "_late",
        "_news",
        "_progress_head",
        "_reader",
        "_told_at",
        "cursor",
        "followed",
        "head_bytes",
        "progress_ms",
        "queued",
        "seen",
        "since",
        "task",
    )

    def __init__(self, reader: Reader, task: Task, cursor: Cursor) -> None:
        self.task = task
        self.cursor = cursor
        self.head_bytes = len(task.id) + _FRAME_BYTES
        self.progress_ms = reader.progress_ms
        self.queued = False
        self.followed = False
        self.seen: TaskStatus = task.status
        self.since = said(task.run)
        self._reader = reader
        self._news = False
        self._late = False
        self._told_at = 0.0
        self._chunk_head = b""
        self._progress_head = b""

    # Marks

    def moved(self) -> None:
        """Note that there is something to read, or that the status has changed."""
        if not self.queued:
            self.queued = True
            self._reader.dirty(self)

    def progressed(self) -> None:
        """Note that the progress has changed, unless that was told just now."""
        clock = self._reader.clock
        due = self._told_at + self.progress_ms / 1000
        now = clock.now()
        if now < due - EARLY:
            if not self._late:
                self._late = True
                clock.call_at(due, self._lately)
            return
        self._told_at = now
        if not self._news:
            self._news = True
            self._reader.newsworthy(self)

    def _lately(self) -> None:
        """Tell progress that came too early."""
        self._late = False
        if not self.cursor.done:
            self.progressed()

    def vanished(self) -> None:
        """Note that the task's record has expired."""
        self._reader.vanished(self)

    # Frames

    def progress(self) -> bytes | None:
        """Return a progress frame; None where a result says more."""
        self._news = False
        task = self.task
        if self.cursor.done or task.end:
            return None
        return self.status()

    def status(self) -> bytes:
        """Return a progress frame that tells where the task stands."""
        if not self._progress_head:
            self._progress_head = self._reader.framing.head("progress", self.task.id)
        self.seen = self.task.status
        tail = progress_tail(self.task)
        return self._reader.framing.splice_tails(self._progress_head, [tail])

    def frames(self, step: Step) -> tuple[bytes, int]:
        """Return a step of the cursor as frames, and how many they are."""
        task, framing = self.task, self._reader.framing
        if step.what is What.CHUNKS:
            if not self._chunk_head:
                self._chunk_head = framing.head("chunk", task.id)
            first, last = step.first, step.last
            part = framing.splice(self._chunk_head, task.run.log, first - 1, last)
            return part, last - first + 1
        if step.what is What.RESET:
            head = framing.head("reset", task.id)
            return framing.splice(head, task.run.log, step.first - 1, step.last), 1
        if step.what is What.GAP:
            gap = Gap(
                task_id=task.id,
                first=step.first,
                last=step.last,
                why=step.why,
                attempt=step.attempt,
            )
            return framing.frame(gap), 1
        return framing.result(self._reader.view(), task, step.last), 1

    def whole(self, first: bytes) -> tuple[bytes, int]:
        """Return all there is behind a first frame, and how many frames it is."""
        parts, count = [first], 1
        while step := self.cursor.step(self.task, sys.maxsize):
            part, frames = self.frames(step)
            parts.append(part)
            count += frames
        return self._reader.framing.join(parts), count

    def stored(self, first: int, tails: list[bytes]) -> bytes:
        """Return entries that came from the store, the first of number `first`."""
        framing = self._reader.framing
        resets = {seq for seq, _ in self.task.run.log.resets}
        kind = "reset" if first in resets else "chunk"
        return framing.splice_tails(framing.head(kind, self.task.id), tails)


def said(run: Run) -> tuple[float | None, str | None, int | None]:
    """Return what a run says of its progress, to be compared."""
    return run.fraction, run.message, run.step


def progress_tail(task: Task) -> bytes:
    """Return the tail of a progress frame, the same for all who ask in this turn."""
    run = task.run
    status = task.status
    stamp = (
        run.updated_at,
        run.fraction,
        run.message,
        run.log.head,
        status,
        task.end,
        run.position,
    )
    if run.told is None or run.told[0] != stamp:
        run.told = (stamp, _progress_tail(task, run, status))
    return run.told[1]


class _ProgressTail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A progress frame without type and task."""

    attempt: int
    head: int
    status: TaskStatus
    progress: float | None
    message: str | None
    step: int | msgspec.UnsetType = msgspec.UNSET
    total: int | msgspec.UnsetType = msgspec.UNSET
    position: int | msgspec.UnsetType = msgspec.UNSET
    updated_at: str


_encode = msgspec.json.Encoder().encode


def _progress_tail(task: Task, run: Run, status: TaskStatus) -> bytes:
    """Encode the tail of a progress frame."""
    message = run.message
    waits = status is TaskStatus.CREATED
    frame = _ProgressTail(
        attempt=task.attempt,
        head=task.head,
        status=status,
        progress=1.0 if status is TaskStatus.COMPLETED else run.fraction,
        message=None if message is None else clip(message, MESSAGE_BYTES),
        step=msgspec.UNSET if run.step is None else run.step,
        total=msgspec.UNSET if run.total is None else run.total,
        position=run.position if waits and run.position else msgspec.UNSET,
        updated_at=rfc3339(run.updated_at),
    )
    return _encode(frame)[1:]


def error_frame(
    error: HubError, locale: str, *, id: Id | None = None, task_id: str | None = None
) -> ErrorFrame:
    """Return an error as a frame, in the reader's language."""
    after = error.retry_after_ms
    return ErrorFrame(
        id=msgspec.UNSET if id is None else id,
        task_id=msgspec.UNSET if task_id is None else task_id,
        code=error.code,
        message=error_message(error, locale),
        retry=error.retry,
        ran=error.ran,
        retry_after_ms=msgspec.UNSET if after is None else after,
        detail=msgspec.UNSET if error.detail is None else error.detail,
    )


def error_message(error: HubError, locale: str) -> str:
    """Return an error's text in the reader's language."""
    if error.custom and locale == "en":
        return error.message
    return text(error.code, locale, **(error.detail or {}))
