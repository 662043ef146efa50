"""A client from outside: one WebSocket, both codecs, every wait bounded.

It reads on the test's own thread and only when the test waits, so a client that is
not asked to read is a frozen one. Every frame is checked on arrival.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.blackbox import shapes
from tests.blackbox.reader import Reader
from tests.blackbox.wire import FRAME_BYTES, JSON, Frame, decode, encode

WAIT = 15.0


class Client:
    """One connection, and a Reader for each task that it watches.

    Attributes:
        frames: Every frame that came, in order.
        sizes: The bytes of every message that came.
        readers: The tasks, by id.
        answers: The frames that carried an id, by that id.
    """

    def __init__(
        self,
        port: int,
        *subprotocols: str,
        origin: str | None = None,
        hello: Frame | None = None,
        path: str = "/ws",
    ) -> None:
        """Connect, and wait for the `welcome`."""
        # Compression off, as the hub has it; no message may be over its limit; no
        # ping of WebSocket's own; no proxy of the environment.
        self._open = ExitStack()
        self.ws: ClientConnection = self._open.enter_context(
            connect(
                f"ws://127.0.0.1:{port}{path}",
                subprotocols=[Subprotocol(item) for item in subprotocols] or None,
                origin=Origin(origin) if origin is not None else None,
                compression=None,
                max_size=FRAME_BYTES,
                ping_interval=None,
                close_timeout=2,
                proxy=None,
            )
        )
        self.subprotocol: str = self.ws.subprotocol or JSON
        self.frames: list[Frame] = []
        self.sizes: list[int] = []
        self.readers: dict[str, Reader] = {}
        self.answers: dict[object, Frame] = {}
        self._ids = 0
        if hello is not None:
            self.send({"type": "hello", **hello})
        self.pump(lambda: self.count("welcome") == (1 if hello is None else 2))

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, and see that the hub broke no rule of reading."""
        self._open.close()
        if kind is None:
            faults = {r.task_id: r.faults for r in self.readers.values() if r.faults}
            assert not faults, faults

    @property
    def welcome(self) -> Frame:
        """The newest `welcome`."""
        return [frame for frame in self.frames if frame["type"] == "welcome"][-1]

    def count(self, kind: str) -> int:
        """Count the frames of a type that came."""
        return sum(frame["type"] == kind for frame in self.frames)

    def send(self, *frames: object) -> None:
        """Send one frame, or several as one array."""
        value = frames[0] if len(frames) == 1 else list(frames)
        self.ws.send(encode(value, self.subprotocol))

    def send_raw(self, message: str | bytes) -> None:
        """Send a message as it is."""
        self.ws.send(message)

    def next_id(self) -> int:
        """Give an id that this connection has not used."""
        self._ids += 1
        return self._ids

    def pump(self, until: Callable[[], bool], timeout: float = WAIT) -> None:
        """Read and apply messages until a condition holds.

        Raises:
            AssertionError: It does not hold in time.
        """
        end = time.monotonic() + timeout
        while not until():
            left = end - time.monotonic()
            try:
                self._take(max(left, 0.001))
            except TimeoutError:
                last = "\n".join(str(frame)[:500] for frame in self.frames[-8:])
                raise AssertionError(f"not within {timeout} s; last:\n{last}") from None

    def ask(self, kind: str, **more: Any) -> Frame:  # Any: a frame's fields
        """Send a frame that is answered, and wait for the answer.

        Returns:
            `opened`, `ok`, `pong` or `error`.
        """
        name = more.setdefault("id", self.next_id())
        self.answers.pop(name, None)
        self.send({"type": kind, **more})
        return self.answer(name)

    def answer(self, name: object, timeout: float = WAIT) -> Frame:
        """Wait for the frame with this id."""
        self.pump(lambda: name in self.answers, timeout)
        return self.answers[name]

    def refused(self, kind: str, **more: Any) -> Frame:  # Any: a frame's fields
        """Send a frame that must be answered by an error; give that."""
        answer = self.ask(kind, **more)
        assert answer["type"] == "error", answer
        return answer

    def start(
        self, plugin: str, command: str, params: Frame | None = None, **more: Any
    ) -> Reader:  # Any: a frame's fields
        """Execute, wait for `opened`, and give the task's Reader."""
        if params is not None:
            more["params"] = params
        answer = self.ask("execute", plugin=plugin, command=command, **more)
        assert answer["type"] == "opened", answer
        return self.readers[answer["task_id"]]

    def run(
        self, plugin: str, command: str, params: Frame | None = None, **more: Any
    ) -> Reader:  # Any: a frame's fields
        """Execute, and read to the end."""
        return self.finish(self.start(plugin, command, params, **more))

    def watch(self, task_id: str, after: int = 0, **more: Any) -> Reader:
        """Watch a task from a number, and wait for `opened`.

        What lies before the number counts as seen.
        """
        reader = self.readers.setdefault(task_id, Reader(task_id))
        reader.last = max(reader.last, after)
        answer = self.ask("watch", task_id=task_id, **{"from": after, **more})
        assert answer["type"] == "opened", answer
        assert answer["origin"] == "watch", answer
        assert answer["from"] <= after, answer
        return reader

    def finish(self, reader: Reader, timeout: float = WAIT) -> Reader:
        """Read until the task's `result`."""
        self.pump(lambda: reader.result is not None, timeout)
        return reader

    def complaint(self, count: int = 1) -> Frame:
        """Read until so many errors came in all; give the newest."""
        self.pump(lambda: self.count("error") >= count)
        errors = [frame for frame in self.frames if frame["type"] == "error"]
        assert len(errors) == count, errors
        return errors[-1]

    def chunks(self, reader: Reader, count: int) -> Reader:
        """Read until so many chunks of a task are there."""
        self.pump(lambda: len(reader.chunks) >= count)
        return reader

    def fence(self) -> None:
        """Run a task from end to end: what was due before it has come by then."""
        self.run("basic", "noop")
        self.run("basic", "noop")

    def closed(self, timeout: float = WAIT) -> int:
        """Read until the hub closes, and give the close code."""
        end = time.monotonic() + timeout
        try:
            while True:
                self._take(max(end - time.monotonic(), 0.001))
        except ConnectionClosed as end_of_it:
            if end_of_it.rcvd is None:
                raise
            return end_of_it.rcvd.code

    def _take(self, timeout: float) -> None:
        message = self.ws.recv(timeout=timeout)
        size = len(message.encode()) if isinstance(message, str) else len(message)
        self.sizes.append(size)
        for frame in decode(message, self.subprotocol):
            shapes.check(frame)
            self.frames.append(frame)
            if "id" in frame:
                self.answers[frame["id"]] = frame
            if "task_id" in frame:
                self._dispatch(frame)

    def _dispatch(self, frame: Frame) -> None:
        task_id = frame["task_id"]
        reader = self.readers.setdefault(task_id, Reader(task_id))
        reader.apply(frame)
        if reader.rewatch:
            reader.rewatch = False
            self.send(
                {
                    "type": "watch",
                    "id": self.next_id(),
                    "task_id": task_id,
                    "from": reader.last,
                }
            )
