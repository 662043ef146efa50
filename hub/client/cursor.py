"""One reader's place in one task's log: the client's whole rule, pure.

A log is numbered from 1 without holes. A `Cursor` remembers the last number it applied
and says what each frame means. Rules:

1. Only a result ends the reading; a lost connection never does.
2. `reset` and `gap` set the attempt; `opened` and `progress` never do.
3. A hole is asked for once; met again at the same place, it is shown as a gap.
4. While a watch is on its way, what still comes belongs to the read before it: it is
   dropped, and comes again.
5. Whoever has to forget is told so by exactly one `Reset`, also where the hub says it
   with a gap, or by opening a watch further back than where it was asked to.
"""

from typing import Final, TypeAlias

import msgspec

from hub.events import Chunk, Gap, Progress, Reset, Result

QUIET: Final = frozenset({"void", "skipped"})
"""Gaps that stand for nothing a person would miss."""
LOST: Final = "lost"
"""Why entries are missing that the hub has twice not sent."""
REWOUND: Final = "rewound"
"""Why output is void that the hub's store does not have any more."""


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A record of what a command logs: a chunk of channel ``log``.

    Attributes:
        task_id: Of the task.
        seq: Number in the log.
        at: Milliseconds since the run was accepted.
        level: debug, info, warning, error or critical.
        logger: Who says it, where it says its name.
        message: What it says.
    """

    task_id: str
    seq: int
    at: int
    level: str
    logger: str | None = None
    message: str


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A frame of a type that is newer than this client.

    Attributes:
        task_id: Of the task, where it is about one.
        seq: Its number, where it has one.
    """

    task_id: str | None = None
    seq: int | None = None


Event: TypeAlias = Progress | Chunk | Log | Reset | Gap
"""What a task tells its reader."""
Numbered: TypeAlias = Chunk | Reset | Gap | Result | Unknown
"""Frames that have their place in a log."""


class Cursor:
    """A place in a log.

    Args:
        last: The number of the last entry that is known.
        attempt: The attempt of that entry.

    Attributes:
        last: The number of the last entry applied.
        attempt: The attempt of that entry.
        ended: Whether the result was applied: nothing changes any more.
        asked: The id of the watch that is on its way.
    """

    __slots__ = ("_hole", "_void", "asked", "attempt", "ended", "last")

    def __init__(self, last: int = 0, attempt: int = 1) -> None:
        self.last = last
        self.attempt = attempt
        self.ended = False
        self.asked: int | None = None
        self._hole = -1
        self._void: str | None = None

    def opened(self, after: int) -> None:
        """Take the answer to the watch that is on its way.

        Args:
            after: The number after which the hub really reads.
        """
        self.asked = None
        if after < self.last:
            self.last, self.attempt, self._hole = after, 1, -1
            self._void = REWOUND

    def takes(self, frame: Progress) -> bool:
        """Whether a progress is news: neither of a former attempt nor after the end."""
        return not self.ended and frame.attempt >= self.attempt

    def receive(self, frame: Numbered) -> list[Event] | None:
        """Take a numbered frame.

        Returns:
            What to tell the reader; None where entries are missing: watch again from
            `last`.
        """
        first, last = _span(frame)
        known = last <= self.last and not isinstance(frame, Result)
        if self.ended or self.asked is not None or known:
            return []
        told: list[Event] = []
        if first > self.last + 1:
            if self._hole != self.last:
                self._hole = self.last
                return None
            told = [_gap(frame, (self.last + 1, first - 1), LOST, self.attempt)]
        first, self.last = self.last + 1, max(last, self.last)
        if isinstance(frame, Result):
            self.ended = True
            return self._told(frame, told)
        return self._apply(frame, first, told)

    def _apply(
        self, frame: Chunk | Reset | Gap | Unknown, first: int, told: list[Event]
    ) -> list[Event]:
        """Return what the reader is told of an entry, or of a gap from `first` on."""
        if isinstance(frame, Reset):
            self.attempt, self._void = frame.attempt, None
            return [frame]
        if isinstance(frame, Gap):
            if frame.attempt > self.attempt:
                self._void, told = frame.why, []
            self.attempt = frame.attempt
            if frame.why in QUIET:
                return told
            span = max(first, frame.first), frame.last
            told.append(_gap(frame, span, frame.why, frame.attempt))
        elif isinstance(frame, Chunk):
            told.append(_log(frame) or frame)
        return self._told(frame, told) if told else told

    def _told(self, frame: Numbered, told: list[Event]) -> list[Event]:
        """Return what the reader is told, behind the order to forget if one is due."""
        if self._void is None:
            return told
        reason, self._void = self._void, None
        first, _ = _span(frame)
        reset = Reset(
            task_id=frame.task_id or "",
            seq=first - 1,
            at=0,
            attempt=self.attempt,
            reason=reason,
        )
        return [reset, *told]


def _span(frame: Numbered) -> tuple[int, int]:
    """Return the first and the last number that a frame stands for."""
    if isinstance(frame, Gap):
        return frame.first, frame.last
    seq = frame.seq or 0
    return seq, seq


def _gap(frame: Numbered, span: tuple[int, int], why: str, attempt: int) -> Gap:
    """Return a gap as it is told."""
    return Gap(
        task_id=frame.task_id or "",
        first=span[0],
        last=span[1],
        why=why,
        attempt=attempt,
    )


def _log(chunk: Chunk) -> Log | None:
    """Return a chunk as a log record, if it is one."""
    data = chunk.data
    if chunk.channel != "log" or not isinstance(data, dict):
        return None
    level, logger, message = (data.get(n) for n in ("level", "logger", "message"))
    if not isinstance(level, str) or not isinstance(message, str):
        return None
    return Log(
        task_id=chunk.task_id,
        seq=chunk.seq,
        at=chunk.at,
        level=level,
        logger=logger if isinstance(logger, str) else None,
        message=message,
    )
