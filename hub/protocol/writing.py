"""Frames to messages: one framing per subprotocol, and one for streams over HTTP.

A message is one frame or an array of whole frames. A framing encodes frames, splices
runs of chunks behind a watcher's head, and closes what was gathered into one message.
Parts are bytes until the message is closed; how many frames a part holds is counted
beside it.
"""

import enum
from abc import ABC, abstractmethod
from typing import Final

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
from hub.events import Result
from hub.log import RunLog
from hub.protocol.frames import Id, OpenedFrame
from hub.rendering import (
    CachedAnswer,
    fresh_json,
    opened_json,
    response_json,
    result_json,
)
from hub.responses import response, result_url
from hub.runs import Origin, Task
from hub.tasks import NULL, TaskResponse


class Subprotocol(enum.Enum):
    """The names that a client may offer at the upgrade."""

    JSON = "taskhub.v1.json"
    MSGPACK = "taskhub.v1.msgpack"


TOLD_AGAIN: Final = (Origin.EXISTING, Origin.JOINED, Origin.WATCH)
"""In `opened` of these the request is repeated."""
ENVELOPE_BYTES: Final = 4096
"""What the frame of a result takes beside the result, except texts."""


class View(msgspec.Struct, frozen=True, gc=False):
    """Who reads, and when.

    Attributes:
        locale: The reader's language.
        now: The present, on the loop's clock.
        frame_bytes: How large one message may be.
        id: Of the frame that is answered.
    """

    locale: str
    now: float
    frame_bytes: int
    id: Id | msgspec.UnsetType = msgspec.UNSET


class Framing(ABC):
    """How frames are written for one kind of client."""

    @abstractmethod
    def frame(self, frame: msgspec.Struct) -> bytes:
        """Encode one frame; a `TaskResponse` in it has its result as JSON."""

    @abstractmethod
    def opened(self, view: "View", task: Task, origin: str, start: int) -> bytes:
        """Return the first frame of a watch.

        Args:
            view: Who reads, and when.
            task: What is read.
            origin: How the reader came to it.
            start: The number after which it reads.
        """

    @abstractmethod
    def result(self, view: "View", task: Task, seq: int) -> bytes:
        """Return the last frame of a watch; a result that is too large is left out."""

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

    def opened(self, view: View, task: Task, origin: str, start: int) -> bytes:
        """Return the first frame of a watch."""
        id = self._id(view.id)
        if origin == Origin.NEW:
            fresh = fresh_json(task, id, view.locale)
            if fresh is not None:
                return fresh
        again = origin in TOLD_AGAIN
        answer = response_json(task, view.locale, view.now, result=False, request=again)
        return opened_json(task, origin, start, id, answer)

    def result(self, view: View, task: Task, seq: int) -> bytes:
        """Return the last frame of a watch."""
        if too_large(task, view):
            return self.frame(_result(view, task, seq, large=True))
        return result_json(task, seq, response_json(task, view.locale, view.now))

    def cached(self, view: View, task: Task) -> tuple[bytes, int]:
        """Return the whole answer that a cached run gives, and its frames' number."""
        run = task.run
        shared = run.shared.get(view.locale)
        if not isinstance(shared, CachedAnswer):
            shared = run.shared[view.locale] = CachedAnswer(run, view.locale, task)
        opened, result = shared.fill(self._id(view.id), task)
        log = run.log
        if not log.head:
            return self.join([opened, result]), 2
        chunks = self.splice(self.head("chunk", task.id), log, 0, log.head)
        return self.join([opened, chunks, result]), log.head + 2

    def _id(self, id: Id | msgspec.UnsetType) -> bytes:
        """Return the field of an id."""
        if isinstance(id, int):
            return b'"id":%d,' % id
        return b"" if id is msgspec.UNSET else b'"id":%b,' % self._encode(id)

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

    def opened(self, view: View, task: Task, origin: str, start: int) -> bytes:
        """Return the first frame of a watch."""
        again = origin in TOLD_AGAIN
        answer = response(task, view.locale, view.now, result=False, request=again)
        return self.frame(
            OpenedFrame(
                id=view.id,
                task_id=task.id,
                origin=origin,
                after=start,
                attempt=task.attempt,
                head=task.head,
                floor=task.run.log.floor,
                response=answer,
            )
        )

    def result(self, view: View, task: Task, seq: int) -> bytes:
        """Return the last frame of a watch."""
        frame = self.frame(_result(view, task, seq, large=too_large(task, view)))
        if len(frame) <= view.frame_bytes:
            return frame
        # Short floats are longer in MessagePack than in JSON.
        return self.frame(_result(view, task, seq, large=True))

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


def too_large(task: Task, view: View) -> bool:
    """Whether a task's result fits into no frame of its reader."""
    outcome = task.outcome
    size = len(outcome.result) if outcome is not None else 0
    return size + ENVELOPE_BYTES > view.frame_bytes


def _result(view: View, task: Task, seq: int, *, large: bool) -> Result:
    """Return the last frame of a watch as a struct, without a large result."""
    return Result(
        task_id=task.id,
        seq=seq,
        response=response(task, view.locale, view.now, result=not large),
        result_url=result_url(task) if large else msgspec.UNSET,
    )


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
