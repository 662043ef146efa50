"""Frames to messages: one framing per subprotocol, and one for streams over HTTP.

A message is one frame or an array of whole frames. A framing encodes frames, splices
runs of chunks behind a watcher's head, and closes what was gathered into one message.
Parts are bytes until the message is closed; how many frames a part holds is counted
beside it.
"""

import enum
from abc import ABC, abstractmethod

import msgspec

from hub.codec import (
    json_head,
    msgpack_array_header,
    msgpack_from_json,
    msgpack_head,
    msgpack_tail,
    splice_json,
    splice_msgpack,
)
from hub.log import RunLog
from hub.tasks import NULL, TaskResponse


class Subprotocol(enum.Enum):
    """The names that a client may offer at the upgrade."""

    JSON = "taskhub.v1.json"
    MSGPACK = "taskhub.v1.msgpack"


class Framing(ABC):
    """How frames are written for one kind of client."""

    @abstractmethod
    def frame(self, frame: msgspec.Struct) -> bytes:
        """Encode one frame; a `TaskResponse` in it has its result as JSON."""

    @abstractmethod
    def head(self, kind: str, task_id: str) -> bytes:
        """Return what comes before the tails of a watch."""

    @abstractmethod
    def splice(self, head: bytes, log: RunLog, after: int, last: int) -> bytes:
        """Return the entries from `after` + 1 to `last` as frames."""

    @abstractmethod
    def splice_tails(self, head: bytes, tails: list[bytes]) -> bytes:
        """Return entries that were loaded from the store as frames, from JSON tails."""

    @abstractmethod
    def join(self, parts: list[bytes]) -> bytes:
        """Join parts that must leave in one message to one part."""

    @abstractmethod
    def message(self, parts: list[bytes], count: int) -> str | bytes:
        """Close a message of `count` frames."""


class JsonFraming(Framing):
    """Text messages: a JSON object, or an array of them."""

    separator = b","
    _encode = staticmethod(msgspec.json.Encoder().encode)

    def frame(self, frame: msgspec.Struct) -> bytes:
        """Encode one frame."""
        return self._encode(frame)

    def head(self, kind: str, task_id: str) -> bytes:
        """Return what comes before the tails of a watch."""
        return json_head(kind, task_id)

    def splice(self, head: bytes, log: RunLog, after: int, last: int) -> bytes:
        """Return the entries from `after` + 1 to `last` as frames."""
        return splice_json(head, log.tails(after, last), self.separator)

    def splice_tails(self, head: bytes, tails: list[bytes]) -> bytes:
        """Return loaded entries as frames."""
        return splice_json(head, tails, self.separator)

    def join(self, parts: list[bytes]) -> bytes:
        """Join parts to one."""
        return self.separator.join(parts)

    def message(self, parts: list[bytes], count: int) -> str | bytes:
        """Close a message of `count` frames."""
        if count == 1:
            return parts[0].decode()
        return f"[{b','.join(parts).decode()}]"


class StreamFraming(JsonFraming):
    """A stream over HTTP: a block ``data: {JSON}`` for each frame."""

    separator = b"\n\ndata: "

    def message(self, parts: list[bytes], count: int) -> str | bytes:
        """Close a piece of the stream."""
        return b"data: " + self.separator.join(parts) + b"\n\n"


class MsgpackFraming(Framing):
    """Binary messages: a MessagePack map, or an array of them."""

    _encode = staticmethod(msgspec.msgpack.Encoder().encode)

    def frame(self, frame: msgspec.Struct) -> bytes:
        """Encode one frame."""
        response = getattr(frame, "response", None)
        if isinstance(response, TaskResponse):
            _pack_raw(response)
        return self._encode(frame)

    def head(self, kind: str, task_id: str) -> bytes:
        """Return what comes before the tails of a watch."""
        return msgpack_head(kind, task_id)

    def splice(self, head: bytes, log: RunLog, after: int, last: int) -> bytes:
        """Return the entries from `after` + 1 to `last` as frames."""
        return splice_msgpack(head, log.packed_tails(after, last))

    def splice_tails(self, head: bytes, tails: list[bytes]) -> bytes:
        """Return loaded entries as frames."""
        return splice_msgpack(head, [msgpack_tail(t) for t in tails])

    def join(self, parts: list[bytes]) -> bytes:
        """Join parts to one."""
        return b"".join(parts)

    def message(self, parts: list[bytes], count: int) -> str | bytes:
        """Close a message of `count` frames."""
        if count == 1:
            return parts[0]
        return msgpack_array_header(count) + b"".join(parts)


_NULL_PACKED = msgspec.Raw(b"\xc0")


def _pack_raw(response: TaskResponse) -> None:
    """Turn the JSON in a response into MessagePack."""
    result = response.result
    response.result = (
        _NULL_PACKED
        if result is NULL
        else msgspec.Raw(msgpack_from_json(bytes(result)))
    )
    request = response.metadata.request
    if request is not msgspec.UNSET:
        packed = msgspec.Raw(msgpack_from_json(bytes(request.params)))
        response.metadata.request = msgspec.structs.replace(request, params=packed)


JSON = JsonFraming()
MSGPACK = MsgpackFraming()
STREAM = StreamFraming()


def framing(subprotocol: Subprotocol) -> Framing:
    """Return the framing of a subprotocol."""
    return JSON if subprotocol is Subprotocol.JSON else MSGPACK
