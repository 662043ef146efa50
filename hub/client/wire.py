"""Messages as a client writes and reads them, in both codecs."""

from typing import Any, Final, TypeAlias

import msgspec

from hub.client.cursor import Unknown
from hub.codec import (
    ValueDomainError,
    msgpack_array_header,
    msgpack_from_json,
    to_json,
)
from hub.errors import ConfigError, InvalidParamsError
from hub.events import Chunk, Gap, Progress, Reset, Result
from hub.protocol.frames import (
    ClientFrame,
    ErrorFrame,
    Goaway,
    Heartbeat,
    Ok,
    OpenedFrame,
    Pong,
    Welcome,
)

HubSays: TypeAlias = (
    Welcome
    | OpenedFrame
    | Progress
    | Chunk
    | Reset
    | Gap
    | Result
    | Ok
    | Pong
    | ErrorFrame
    | Heartbeat
    | Goaway
)
Heard: TypeAlias = HubSays | Unknown
_KNOWN: Final = frozenset(str(kind.__struct_config__.tag) for kind in HubSays.__args__)
_ARRAYS: Final = (0xDC, 0xDD)


class UndecodableError(ValueError):
    """What came is no message of a hub."""


class Codec:
    """How one connection's messages are written.

    Args:
        name: json or msgpack.

    Attributes:
        subprotocol: What is offered at the upgrade.

    Raises:
        ConfigError: There is no such codec.
    """

    def __init__(self, name: str) -> None:
        if name not in ("json", "msgpack"):
            raise ConfigError(f"{name!r} is no codec: json, or msgpack")
        self._is_json = name == "json"
        self.subprotocol = f"taskhub.v1.{name}"
        kind: Any = msgspec.json if self._is_json else msgspec.msgpack  # either module
        self._encode = kind.Encoder().encode
        self._one = kind.Decoder(HubSays).decode
        self._many = kind.Decoder(list[HubSays]).decode
        self._pieces = kind.Decoder(list[msgspec.Raw]).decode
        self._anything = kind.Decoder(_Outline).decode

    def params(self, params: object) -> msgspec.Raw:
        """Encode params.

        Raises:
            InvalidParamsError: They hold what is no JSON value.
        """
        try:
            data = to_json(params)
        except ValueDomainError as error:
            raise InvalidParamsError(f"params: {error}") from None
        return msgspec.Raw(data if self._is_json else msgpack_from_json(data))

    def encode(self, frame: ClientFrame) -> bytes:
        """Encode one frame."""
        data: bytes = self._encode(frame)
        return data

    def messages(self, parts: list[bytes], most: int) -> list[str | bytes]:
        """Make as few messages as may be of encoded frames.

        Args:
            parts: The frames.
            most: How many bytes one message may have.
        """
        made, batch, size = [], list[bytes](), 0
        for part in parts:
            # A separator each, and what stands around an array.
            if batch and size + len(part) + 1 > most - 3:
                made.append(self._message(batch))
                batch, size = [], 0
            batch.append(part)
            size += len(part) + 1
        return [*made, self._message(batch)] if batch else made

    def decode(self, data: str | bytes) -> list[Heard]:
        """Return the frames of a message.

        Raises:
            UndecodableError: It is none.
        """
        if isinstance(data, str) and not self._is_json:
            raise UndecodableError("text where MessagePack was agreed")
        try:
            if self._is_array(data):
                try:
                    return list(self._many(data))
                except msgspec.ValidationError:
                    return [self._any(bytes(piece)) for piece in self._pieces(data)]
            return [self._any(data)]
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise UndecodableError(str(error)) from None

    def _any(self, data: str | bytes) -> Heard:
        """Return one frame, whatever its type."""
        try:
            frame: HubSays = self._one(data)
        except msgspec.ValidationError:
            outline: _Outline = self._anything(data)
            if outline.type in _KNOWN:
                raise
            return Unknown(task_id=outline.task_id, seq=outline.seq)
        return frame

    def _is_array(self, data: str | bytes) -> bool:
        """Whether a message has several frames."""
        if isinstance(data, str):
            return data.lstrip()[:1] == "["
        if self._is_json:
            return data.lstrip()[:1] == b"["
        return bool(data) and (data[0] & 0xF0 == 0x90 or data[0] in _ARRAYS)  # noqa: PLR2004  # the format's arrays

    def _message(self, batch: list[bytes]) -> str | bytes:
        """Close one message."""
        if not self._is_json:
            head = msgpack_array_header(len(batch)) if len(batch) > 1 else b""
            return head + b"".join(batch)
        text = b",".join(batch).decode()
        return f"[{text}]" if len(batch) > 1 else text


class _Outline(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of any frame."""

    type: str
    task_id: str | None = None
    seq: int | None = None
