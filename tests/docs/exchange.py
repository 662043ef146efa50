"""Examples of frames, sent to a hub and compared with what comes back.

Two values are of one *shape* when they have the same fields of the same types, and the
same values, too, but for those that differ from run to run: ids, times, durations. A
task keeps its id through all examples of a page, so ids are also compared with ids.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any  # what JSON decodes to

from websockets.sync.client import ClientConnection, connect

WAIT_S = 15.0
CLIENT = ("hello", "execute", "watch", "unwatch", "more", "cancel", "list")
CHANGING = re.compile(r"hub|now|at|\w+_at|\w+_ms")
"""Fields of which only the type is compared."""
TAKEN = ("deadline_ms", "progress_ms", "pace_ms")
"""Fields that look like those, but are the client's."""
PASSING = ("progress", "ping", "welcome")
"""Frames that may come in between."""
NEWS = ("progress", "message", "head", "step")
"""Fields of a `progress` of which only the type is compared: the latest wins."""


def is_ours(frame: dict[str, Any]) -> bool:
    """Whether a frame is the client's."""
    kind = frame["type"]
    return kind in CLIENT or (kind == "ping" and "id" in frame)


class Exchange:
    """One connection after the other, on which a page's frames are tried.

    Args:
        port: Where the hub is.
    """

    def __init__(self, port: int) -> None:
        self._url = f"ws://127.0.0.1:{port}/ws"
        self._tasks: dict[str, str] = {}
        self._came: list[dict[str, Any]] = []
        self._open = ExitStack()
        self._socket: ClientConnection | None = None

    def connect(self) -> None:
        """Begin anew: a connection on which nothing has been said."""
        self.close()
        self._came = []
        self._socket = self._open.enter_context(
            connect(self._url, compression=None, proxy=None)
        )

    def close(self) -> None:
        """End the connection."""
        self._open.close()
        self._socket = None

    def try_frames(self, text: str, place: str) -> None:
        """Send what is the client's; wait for what is the hub's."""
        value = json.loads(text)
        frames = value if isinstance(value, list) else [value]
        if all(is_ours(frame) for frame in frames):
            assert self._socket is not None
            for real, said in self._tasks.items():
                text = text.replace(said, real)
            self._socket.send(text)
        else:
            for frame in frames:
                self._expect(frame, place)

    def _expect(self, expected: dict[str, Any], place: str) -> None:
        """Wait for a frame; only news and signs of life may come before it."""
        while True:
            frame = self._next()
            found = "\n".join(self._differences(expected, frame, ""))
            if not found:
                return
            told = f"{place}:\n{found}\nin {json.dumps(frame)}"
            assert frame["type"] in PASSING, told
            assert frame["type"] != expected["type"], told

    def _next(self) -> dict[str, Any]:
        """Return the next frame."""
        assert self._socket is not None
        while not self._came:
            value = json.loads(self._socket.recv(timeout=WAIT_S))
            self._came += value if isinstance(value, list) else [value]
        return self._came.pop(0)

    def _differences(self, expected: Any, real: Any, name: str) -> Iterator[str]:
        """Say where two values are not of one shape."""
        if isinstance(expected, dict) and isinstance(real, dict):
            if expected.keys() != real.keys():
                yield f"{name}: {sorted(expected)} are not {sorted(real)}"
                return
            passing = NEWS if expected.get("type") == "progress" else ()
            for key in expected.keys() - set(passing):
                yield from self._differences(expected[key], real[key], key)
        elif not self._alike(expected, real, name):
            yield f"{name}: {expected!r} is not {real!r}"

    def _alike(self, expected: object, real: object, name: str) -> bool:
        """Whether two plain values may stand for each other in a field."""
        if name == "task_id":
            return self._tasks.setdefault(str(real), str(expected)) == expected
        if CHANGING.fullmatch(name) and name not in TAKEN:
            return _kind(expected) is _kind(real)
        return expected == real and type(expected) is type(real)


def _kind(value: object) -> type[object]:
    """Return the type of a JSON value."""
    return float if type(value) is int else type(value)
