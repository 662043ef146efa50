"""What a peer's messages mean: bytes in, frames out.

Rules:

1. A message is one frame or an array of frames, and each frame of an array is judged
   for itself. A message is never refused because one of its frames is bad.
2. The common case costs one typed decode. Only what that refuses is looked at again,
   to say what is wrong with which frame.
3. `hello` may only be the first frame.
4. The fifth undecodable message in a minute ends the connection.
5. The peer's params leave here as JSON, whatever codec it uses.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from hub.codec import ValueDomainError, json_from_msgpack
from hub.errors import (
    BadFrameError,
    FrameTooLargeError,
    HubError,
    InvalidParamsError,
    UnknownTypeError,
)
from hub.protocol import salvage
from hub.protocol.frames import AnyClientFrame, Execute, Hello, Id, Watch
from hub.protocol.ranges import wrong_in_execute, wrong_in_hello, wrong_in_watch
from hub.protocol.writing import Framing, Subprotocol, framing

MINUTE: Final = 60.0
_EMPTY_MAP: Final = b"\x80"
_UNDECODABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What decoders raise."""


class _Decoder(Protocol):
    """What the decoders of both codecs can do."""

    def decode(self, data: Any, /) -> Any:  # bytes or Raw; the type it was made for
        """Decode one value."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that is answered with an error.

    Attributes:
        id: Of the frame, where one could be read.
        error: What is wrong with it.
        fatal: Whether the connection ends with it (4501).
    """

    id: Id | msgspec.UnsetType
    error: HubError
    fatal: bool = False


TYPES: Final = frozenset(
    str(kind.__struct_config__.tag) for kind in AnyClientFrame.__args__
)
"""The types of frames that clients may send."""


_NAMES: Final = {
    field.encode_name
    for kind in AnyClientFrame.__args__
    for field in msgspec.structs.fields(kind)
}
"""The names of all fields that mean something."""


class Connection:
    """One peer's side of the conversation.

    Args:
        subprotocol: What was agreed at the upgrade.
        frame_bytes: Size that a message may have.
        hello_bytes: Size that a `hello` may have.
        bad_frames: How many undecodable messages in a minute end the connection.
        timer: The time in seconds.
    """

    __slots__ = (
        "_bad",
        "_bad_frames",
        "_encode",
        "_frame_bytes",
        "_frame_decoder",
        "_hello_bytes",
        "_id_decoder",
        "_list_decoder",
        "_object_decoder",
        "_raw_decoder",
        "_started",
        "_text",
        "_timer",
        "_type_decoder",
        "framing",
    )

    def __init__(
        self,
        subprotocol: Subprotocol,
        *,
        frame_bytes: int,
        hello_bytes: int,
        bad_frames: int,
        timer: Callable[[], float],
    ) -> None:
        self._text = subprotocol is Subprotocol.JSON
        self.framing: Framing = framing(subprotocol)
        decoders = _JSON_DECODERS if self._text else _MSGPACK_DECODERS
        self._frame_decoder, self._list_decoder = decoders[0], decoders[1]
        self._raw_decoder, self._object_decoder = decoders[2], decoders[3]
        self._id_decoder, self._type_decoder = decoders[4], decoders[5]
        self._frame_bytes = frame_bytes
        self._hello_bytes = hello_bytes
        self._bad_frames = bad_frames
        self._encode = msgspec.json.encode if self._text else msgspec.msgpack.encode
        self._bad: deque[float] = deque()
        self._timer = timer
        self._started = False

    def receive_data(self, data: str | bytes) -> list[AnyClientFrame | Refusal]:
        """Take one message.

        Returns:
            What it says, in order: a frame to act on, or a refusal to answer with.
            After a fatal refusal the connection is to be closed with 4501.
        """
        if isinstance(data, str) is not self._text:
            got, agreed = ("binary", "JSON") if self._text else ("text", "MessagePack")
            return [self._undecodable(f"{got} where {agreed} was agreed")]
        if isinstance(data, str):
            data = data.encode()
        if len(data) > self._frame_bytes:
            return [self._too_large(data)]
        if data[:1] == b"{" or not self._is_array(data):
            return [self._one(data)]
        return self._array(data)

    def _is_array(self, data: bytes) -> bool:
        """Whether the message is an array of frames."""
        if self._text:
            return data[:1] == b"[" or data.lstrip()[:1] == b"["
        first = data[0] if data else 0
        return first & 0xF0 == 0x90 or first in (0xDC, 0xDD)  # noqa: PLR2004  # format

    def _array(self, data: bytes) -> list[AnyClientFrame | Refusal]:
        """Take an array of frames."""
        try:
            frames = self._list_decoder.decode(data)
        except _UNDECODABLE:
            return self._each(data)
        # Where a `hello` may be too large its own size counts, so it is read alone.
        if len(data) > self._hello_bytes and frames and type(frames[0]) is Hello:
            return self._each(data)
        return [self._checked(frame, 0) for frame in frames]

    def _each(self, data: bytes) -> list[AnyClientFrame | Refusal]:
        """Take an array frame by frame."""
        try:
            parts = [bytes(part) for part in self._raw_decoder.decode(data)]
        except _UNDECODABLE as error:
            cut = salvage.elements if self._text else salvage.packed_elements
            salvaged = cut(data)
            if salvaged is None:
                return [self._undecodable(str(error))]
            parts = salvaged
        found: list[AnyClientFrame | Refusal] = []
        for part in parts:
            found.append(self._one(part))
            if isinstance(found[-1], Refusal) and found[-1].fatal:
                break  # nothing is read behind the end of a connection
        return found

    def _one(self, data: bytes) -> AnyClientFrame | Refusal:
        """Take one frame."""
        try:
            frame = self._frame_decoder.decode(data)
        except _UNDECODABLE as error:
            return self._explain(data, error)
        return self._checked(frame, len(data))

    def _checked(self, frame: AnyClientFrame, size: int) -> AnyClientFrame | Refusal:
        """Check what types cannot say."""
        kind = type(frame)
        if kind is Execute:
            return self._execute(frame)  # type: ignore[arg-type]  # by its type
        if kind is Hello:
            return self._hello(frame, size)  # type: ignore[arg-type]  # by its type
        self._started = True
        if kind is Watch:
            return self._watch(frame)  # type: ignore[arg-type]  # by its type
        return frame

    def _hello(self, frame: Hello, size: int) -> Hello | Refusal:
        """Check a `hello`."""
        error: HubError | None = None
        if self._started:
            error = BadFrameError("hello may only be the first frame")
        elif size > self._hello_bytes:
            error = FrameTooLargeError(detail={"limit": self._hello_bytes})
        else:
            error = wrong_in_hello(frame)
        self._started = True
        return frame if error is None else Refusal(id=msgspec.UNSET, error=error)

    def _watch(self, frame: Watch) -> Watch | Refusal:
        """Check a `watch`."""
        wrong = wrong_in_watch(frame)
        return frame if wrong is None else Refusal(id=frame.id, error=wrong)

    def _execute(self, frame: Execute) -> Execute | Refusal:
        """Check an `execute`; its params become JSON."""
        self._started = True
        if not self._text:
            try:
                given = bytes(frame.params) or _EMPTY_MAP
                params = msgspec.Raw(json_from_msgpack(given))
            except ValueDomainError as error:
                refused = InvalidParamsError(
                    f"params: {error}", detail={"field": "params", "reason": str(error)}
                )
                return Refusal(id=frame.id, error=refused)
            frame = msgspec.structs.replace(frame, params=params)
        wrong = wrong_in_execute(frame)
        return frame if wrong is None else Refusal(id=frame.id, error=wrong)

    def _explain(self, data: bytes, error: Exception) -> AnyClientFrame | Refusal:
        """Say what is wrong with a frame that no type fits."""
        try:
            found = self._object_decoder.decode(data)
        except _UNDECODABLE:
            return self._salvage(data, error)
        return self._misfit(found, error)

    def _misfit(self, found: dict[str, msgspec.Raw], error: Exception) -> Refusal:
        """Refuse a frame of unknown type, or with a field missing or mistyped."""
        self._started = True
        kind = _field(found, "type", self._type_decoder)
        if kind is not None and kind not in TYPES:
            refused: HubError = UnknownTypeError(detail={"type": kind[:64]})
        else:
            refused = BadFrameError(str(error))
        return Refusal(id=self._id_of(found), error=refused)

    def _salvage(self, data: bytes, error: Exception) -> AnyClientFrame | Refusal:
        """Judge a frame that cannot be decoded as a whole, by its fields.

        Unknown fields are ignored as ever, and params that are no value are named.
        """
        cut = salvage.fields if self._text else salvage.packed_fields
        look = salvage.trouble if self._text else salvage.packed_trouble
        found = cut(data)
        if found is None:
            return self._undecodable(str(error))
        raw = {name: msgspec.Raw(value) for name, value in found.items()}
        troubles = {name: look(value) for name, value in found.items()}
        if salvage.MALFORMED in troubles.values():
            return self._undecodable(str(error), self._id_of(raw))
        kept = {name: raw[name] for name in raw if troubles[name] is None}
        reason = troubles.pop("params", None)
        judged: AnyClientFrame | Refusal
        try:
            if any(troubles[name] for name in troubles.keys() & _NAMES):
                raise error
            judged = self._checked(
                self._frame_decoder.decode(self._encode(kept)), len(data)
            )
        except _UNDECODABLE as misfit:
            judged = self._misfit(kept, misfit)
        if reason is None or isinstance(judged, Refusal):
            return judged
        refused = InvalidParamsError(
            f"params: {reason}", detail={"field": "params", "reason": reason}
        )
        return Refusal(id=self._id_of(kept), error=refused)

    def _id_of(self, fields: dict[str, msgspec.Raw]) -> Id | msgspec.UnsetType:
        """Return the id of a frame whose other fields are wrong."""
        found = _field(fields, "id", self._id_decoder)
        return msgspec.UNSET if found is None else found

    def _too_large(self, data: bytes) -> Refusal:
        """Refuse a message that is over the limit, but within the hard bound."""
        self._started = True
        try:
            fields = self._object_decoder.decode(data)
        except _UNDECODABLE:
            fields = {}
        error = FrameTooLargeError(detail={"limit": self._frame_bytes})
        return Refusal(id=self._id_of(fields), error=error)

    def _undecodable(
        self, reason: str, id: Id | msgspec.UnsetType = msgspec.UNSET
    ) -> Refusal:
        """Refuse a message that is no frame at all."""
        self._started = True
        now = self._timer()
        self._bad.append(now)
        while self._bad[0] < now - MINUTE:
            self._bad.popleft()
        fatal = len(self._bad) >= self._bad_frames
        return Refusal(id=id, error=BadFrameError(reason), fatal=fatal)


def _field(
    fields: dict[str, msgspec.Raw], name: str, decoder: _Decoder
) -> Any:  # what the decoder is for
    """Return one field of a frame that has no type; None where it is of no use."""
    try:
        return decoder.decode(fields[name])
    except (KeyError, *_UNDECODABLE):
        return None


_JSON_DECODERS = (
    msgspec.json.Decoder(AnyClientFrame),
    msgspec.json.Decoder(list[AnyClientFrame]),
    msgspec.json.Decoder(list[msgspec.Raw]),
    msgspec.json.Decoder(dict[str, msgspec.Raw]),
    msgspec.json.Decoder(Id),
    msgspec.json.Decoder(str),
)
_MSGPACK_DECODERS = (
    msgspec.msgpack.Decoder(AnyClientFrame),
    msgspec.msgpack.Decoder(list[AnyClientFrame]),
    msgspec.msgpack.Decoder(list[msgspec.Raw]),
    msgspec.msgpack.Decoder(dict[str, msgspec.Raw]),
    msgspec.msgpack.Decoder(Id),
    msgspec.msgpack.Decoder(str),
)
