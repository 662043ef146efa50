"""A client that keeps the whole rule of the protocol, and nothing else.

It is told frames as plain tuples, and notes what a well-behaved hub never does. What
is in `output` and `gaps` is what its user would see.
"""

from typing import NamedTuple


class Opened(NamedTuple):
    """The first frame of a watch: where it really reads from."""

    after: int


class Chunk(NamedTuple):
    """A piece of output."""

    seq: int
    text: str


class Reset(NamedTuple):
    """A new attempt begins."""

    seq: int
    attempt: int


class Gap(NamedTuple):
    """Entries that will not come."""

    first: int
    last: int
    why: str
    attempt: int


class Result(NamedTuple):
    """The end."""

    seq: int


class Progress(NamedTuple):
    """How far the task is; not numbered."""

    attempt: int


Frame = Opened | Chunk | Reset | Gap | Result | Progress


class Client:
    """What one reader knows of a task.

    Args:
        last: The number of the last entry that it says it has.
        attempt: The attempt that it says that entry belongs to.

    Attributes:
        start: Above this number it has been given everything itself.
        output: The chunks that stand.
        gaps: What its user is told is missing.
        results: How often it was given the end.
        faults: What a hub that keeps its promises never does on a whole connection.
    """

    def __init__(self, last: int = 0, attempt: int = 1) -> None:
        self.last = self.start = last
        self.attempt = attempt
        self.output: list[Chunk] = []
        self.gaps: list[Gap] = []
        self.results: list[Result] = []
        self.progress: Progress | None = None
        self.faults: list[str] = []
        self._opened = False

    def watch(self) -> None:
        """Send `watch`: the next frame must be its answer."""
        self._opened = False

    def take(self, frame: Frame) -> None:
        """Take the next frame of the connection."""
        if isinstance(frame, Opened) == self._opened:
            self.faults.append(f"out of place: {frame}")
        elif self.results:
            self.faults.append(f"after the result: {frame}")
        if isinstance(frame, Opened):
            self._take_opened(frame)
        elif isinstance(frame, Gap):
            self._take_gap(frame)
        elif isinstance(frame, Progress):
            if frame.attempt >= self.attempt and not self.results:
                self.progress = frame
        elif isinstance(frame, Result):
            self._take_result(frame)
        else:
            self._take_entry(frame)

    def _take_opened(self, frame: Opened) -> None:
        self._opened = True
        if frame.after > self.last:
            self.faults.append(f"opened above {self.last}: {frame}")
        if frame.after < self.last:
            self._forget()
            self.last, self.attempt = frame.after, 1
            self.start = min(self.start, frame.after)

    def _take_gap(self, frame: Gap) -> None:
        if frame.last <= self.last or frame.first != self.last + 1:
            # The rule allows for less; one ordered connection never needs it.
            self.faults.append(f"at {self.last}: {frame}")
        if frame.last <= self.last or frame.first > self.last + 1:
            return
        if frame.attempt > self.attempt:
            self._forget()
        self.gaps.append(frame)
        self.last, self.attempt = frame.last, frame.attempt

    def _take_entry(self, frame: Chunk | Reset) -> None:
        if frame.seq != self.last + 1:
            self.faults.append(f"at {self.last}: {frame}")
            return
        self.last = frame.seq
        if isinstance(frame, Reset):
            self._forget()
            self.attempt = frame.attempt
        else:
            self.output.append(frame)

    def _take_result(self, frame: Result) -> None:
        if frame.seq != self.last + 1:
            self.faults.append(f"at {self.last}: {frame}")
        if frame.seq <= self.last + 1 and not self.results:
            self.results.append(frame)
            self.last = frame.seq

    def _forget(self) -> None:
        self.output.clear()
        self.gaps.clear()
