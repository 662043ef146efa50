"""The hub's side of a connection, and peers that speak to it in either codec."""

import json
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # it ships no types

from hub.protocol.connection import Connection, Refusal
from hub.protocol.frames import AnyClientFrame
from hub.protocol.writing import Subprotocol

JSON: Final = Subprotocol.JSON
MSGPACK: Final = Subprotocol.MSGPACK
BOTH: Final = [JSON, MSGPACK]

Heard = AnyClientFrame | Refusal


class Peer:
    """A peer that says things, and hears at once what the hub makes of them.

    Attributes:
        now: The time of the hub's side.
        connection: The hub's side.
    """

    def __init__(
        self, subprotocol: Subprotocol = JSON, *, frame_bytes: int = 262_144
    ) -> None:
        self.now = 1000.0
        self.subprotocol = subprotocol
        self.connection = Connection(
            subprotocol,
            frame_bytes=frame_bytes,
            hello_bytes=4096,
            bad_frames=5,
            timer=lambda: self.now,
        )

    def encode(self, value: object) -> str | bytes:
        """Encode a message."""
        if self.subprotocol is JSON:
            return json.dumps(value, ensure_ascii=False)
        packed: bytes = msgpack.packb(value)
        return packed

    def say(self, value: object) -> list[Heard]:
        """Say a message, which may be any value at all."""
        return self.connection.receive_data(self.encode(value))

    def refused(self, value: object) -> Refusal:
        """Say a message that is refused as a whole."""
        heard = self.say(value)
        assert len(heard) == 1
        assert isinstance(heard[0], Refusal), heard
        return heard[0]

    def garbage(self) -> Refusal:
        """Say something that cannot be decoded."""
        data: str | bytes = "{nonsense" if self.subprotocol is JSON else b"\xc1"
        heard = self.connection.receive_data(data)
        assert len(heard) == 1
        assert isinstance(heard[0], Refusal)
        return heard[0]


def fields(frame: Heard) -> dict[str, Any]:  # any JSON
    """Return what a frame or a refusal says, params decoded, to be compared."""
    if isinstance(frame, Refusal):
        return {"code": frame.error.code, "id": frame.id, "fatal": frame.fatal}
    said = {name: getattr(frame, name) for name in frame.__struct_fields__}
    if "params" in said:
        said["params"] = json.loads(bytes(said["params"]) or b"{}")
    return {"type": type(frame).__name__} | said


def ping(id: str | int = 1) -> dict[str, str | int]:
    """Return the simplest frame that is answered."""
    return {"type": "ping", "id": id}


def execute(**fields: object) -> dict[str, object]:
    """Return an `execute`."""
    return {"type": "execute", "id": 1, "plugin": "demo", "command": "count"} | fields
