"""Messages, in both codecs."""

import msgspec
import pytest

from hub.client.cursor import Unknown
from hub.client.wire import Codec, UndecodableError
from hub.errors import ConfigError
from hub.events import Chunk
from hub.protocol.frames import Heartbeat, Ping
from tests.client.test_cursor import chunk

CODECS = ["json", "msgpack"]


def encode(codec: str, value: object) -> str | bytes:
    """Encode as a hub would."""
    if codec == "json":
        return msgspec.json.encode(value).decode()
    return msgspec.msgpack.encode(value)


@pytest.mark.parametrize("codec", CODECS)
def test_a_message_is_a_frame_or_an_array(codec: str) -> None:
    """Either is read, whatever its length."""
    wire = Codec(codec)
    one = wire.decode(encode(codec, Heartbeat(now="x")))
    many = wire.decode(encode(codec, [chunk(n) for n in range(1, 21)]))
    huge = wire.decode(encode(codec, [chunk(n) for n in range(70_000)]))

    assert one == [Heartbeat(now="x")]
    assert many == [chunk(n) for n in range(1, 21)]
    assert len(huge) == 70_000


@pytest.mark.parametrize("codec", CODECS)
def test_a_frame_of_a_newer_hub_is_unknown(codec: str) -> None:
    """Alone or between others; its number is known, unknown fields are ignored."""
    wire = Codec(codec)
    newer = {"type": "sparkle", "task_id": "t", "seq": 2, "colour": "red"}
    wider = {**msgspec.to_builtins(chunk(1)), "colour": "red"}

    assert wire.decode(encode(codec, newer)) == [Unknown(task_id="t", seq=2)]
    found = wire.decode(encode(codec, [wider, newer, {"type": "rain"}]))
    assert found == [chunk(1), Unknown(task_id="t", seq=2), Unknown()]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "value", [3, "text", {"no": "type"}, {"type": "chunk", "seq": 1}, [[1]], [None]]
)
def test_what_is_no_frame_cannot_be_decoded(codec: str, value: object) -> None:
    """A clear error, no guess."""
    with pytest.raises(UndecodableError):
        Codec(codec).decode(encode(codec, value))


@pytest.mark.parametrize("data", ["", "{", "\ud800", b"\xff", b"", b"\xc1"])
def test_rubbish_cannot_be_decoded(data: str | bytes) -> None:
    """Of either kind, in either codec."""
    for codec in CODECS:
        with pytest.raises(UndecodableError):
            Codec(codec).decode(data)


@pytest.mark.parametrize("codec", CODECS)
def test_frames_leave_together_as_far_as_they_fit(codec: str) -> None:
    """Each message is whole and within the limit; all frames are in them, in order."""
    wire = Codec(codec)
    parts = [wire.encode(Ping(id=number)) for number in range(1000)]

    messages = wire.messages(parts, 500)

    assert all(len(message) <= 500 for message in messages)
    read = [
        frame["id"]
        for message in messages
        for frame in (
            msgspec.json.decode(message)
            if isinstance(message, str)
            else msgspec.msgpack.decode(message)
        )
    ]
    assert read == list(range(1000))
    assert wire.messages([], 500) == []
    assert len(wire.messages(parts[:1], 500)) == 1


def test_another_codec_is_refused() -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError, match="no codec"):
        Codec("xml")


def test_json_may_come_as_bytes() -> None:
    """A binary message on JSON is read as the text that it is."""
    found = Codec("json").decode(msgspec.json.encode([chunk(1)]))

    assert isinstance(found[0], Chunk)
