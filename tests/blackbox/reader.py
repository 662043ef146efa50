"""One task, read by the client's whole rule of the protocol, section 4.

A Reader keeps `last` and `attempt` and applies frames; a hub that keeps its promises
never makes it see a hole, a stranger's frame or anything after the end, so those are
kept apart and the tests assert that there were none.
"""

from typing import Any

from tests.blackbox.wire import Frame


class Reader:
    """What a client knows of one task.

    Attributes:
        last: The number of the last entry seen.
        chunks: The output that stands, as chunk frames.
        trail: Every frame of this task in the order of its arrival.
        faults: What a well-behaved hub never sends.
        rewatch: Whether `watch` must be sent again, from `last`.
    """

    def __init__(self, task_id: str) -> None:
        """Begin with nothing seen."""
        self.task_id = task_id
        self.last = 0
        self.attempt = 1
        self.chunks: list[Frame] = []
        self.gaps: list[Frame] = []
        self.trail: list[Frame] = []
        self.faults: list[str] = []
        self.progress: Frame | None = None
        self.error: Frame | None = None
        self.result: Frame | None = None
        self.rewatch = False
        self._watched = False

    @property
    def opened(self) -> Frame:
        """The newest `opened`."""
        return [frame for frame in self.trail if frame["type"] == "opened"][-1]

    @property
    def origin(self) -> str:
        """Where the newest `opened` says that this task comes from."""
        origin: str = self.opened["origin"]
        return origin

    @property
    def output(self) -> list[Any]:  # Any: a command's values
        """The data of the chunks that stand, the log channel left out."""
        return [c["data"] for c in self.chunks if c["channel"] != "log"]

    @property
    def logs(self) -> list[Frame]:
        """The records of the log channel."""
        return [c["data"] for c in self.chunks if c["channel"] == "log"]

    @property
    def response(self) -> Frame:
        """The final TaskResponse."""
        assert self.result is not None, self.trail[-5:]
        final: Frame = self.result["response"]
        return final

    @property
    def value(self) -> Any:  # Any: a command's value
        """The result of a task that completed."""
        assert self.response["status"] == "completed", self.response
        return self.response["result"]

    @property
    def failure(self) -> Frame:
        """Why the task did not complete."""
        failure: Frame = self.response["metadata"]["failure"]
        return failure

    def apply(self, frame: Frame) -> None:
        """Take one frame of this task."""
        kind = frame["type"]
        self.trail.append(frame)
        if not self._watched and kind not in ("opened", "error"):
            self.faults.append(f"{kind} before opened")
        if kind == "opened":
            self._apply_opened(frame)
        elif kind == "progress":
            self._apply_progress(frame)
        elif kind == "gap":
            self._apply_gap(frame)
        elif kind == "error":
            self.error = frame
        elif self.result is not None:
            self.faults.append(f"{kind} {frame['seq']} after result")
        elif self._fits(frame["seq"], kind):
            self._apply_entry(kind, frame)

    def _apply_opened(self, frame: Frame) -> None:
        self._watched = True
        self.rewatch = False
        if frame["from"] < self.last:
            self._forget()
            self.last = frame["from"]
            self.attempt = 1
            # Its own output is forgotten with the rest: the end comes again, too.
            self.result = None

    def _apply_progress(self, frame: Frame) -> None:
        if self.result is not None:
            self.faults.append("progress after result")
        elif frame["attempt"] >= self.attempt:
            self.progress = frame

    def _apply_gap(self, frame: Frame) -> None:
        if frame["to"] <= self.last:
            self.faults.append(f"gap to {frame['to']} at {self.last}")
            return
        if frame["from"] > self.last + 1:
            self._hole(f"gap from {frame['from']} at {self.last}")
            return
        self.gaps.append(frame)
        self.last = frame["to"]
        if frame["attempt"] > self.attempt:
            self._forget()
            self.attempt = frame["attempt"]

    def _apply_entry(self, kind: str, frame: Frame) -> None:
        self.last = frame["seq"]
        if kind == "reset":
            self._forget()
            self.attempt = frame["attempt"]
        elif kind == "chunk":
            self.chunks.append(frame)
        elif kind == "result":
            self.result = frame

    def _fits(self, seq: int, kind: str) -> bool:
        if seq <= self.last:
            self.faults.append(f"{kind} {seq} again at {self.last}")
            # A result counts all the same, once.
            return kind == "result"
        if seq != self.last + 1:
            self._hole(f"{kind} {seq} at {self.last}")
            return False
        return True

    def _hole(self, what: str) -> None:
        self.faults.append(f"hole: {what}")
        self.rewatch = True

    def _forget(self) -> None:
        self.chunks.clear()
        self.gaps.clear()
