"""Bytes on the wire: however TCP cuts and joins frames, they mean the same.

A hand-made WebSocket, because a library sends only what is right.
"""

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import FRAME_BYTES, Frame

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
FIN, MASKED = 0x80, 0x80


class Raw:
    """A socket that speaks WebSocket byte by byte."""

    def __init__(self, hub: HubProcess) -> None:
        """Upgrade, and wait for the `welcome`."""
        self.socket = socket.create_connection(("127.0.0.1", hub.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self.socket.sendall(request.encode())
        self._rest = b""
        while b"\r\n\r\n" not in self._rest:
            self._rest += self.socket.recv(65_536)
        head, self._rest = self._rest.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        assert self.frame()["type"] == "welcome"

    def __enter__(self) -> "Raw":
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.socket.close()

    def send(self, *pieces: bytes) -> None:
        """Send each piece as a segment of its own."""
        for piece in pieces:
            self.socket.sendall(piece)

    def message(self) -> tuple[int, bytes]:
        """Read one frame of the hub's; they are whole and never masked."""
        first, second = self._take(2)
        assert second < MASKED
        size = second
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        assert first & FIN
        return first & 0x0F, self._take(size)

    def frame(self) -> Frame:
        """Read one message with one frame of the protocol."""
        opcode, payload = self.message()
        assert opcode == TEXT, (opcode, payload)
        frame: Frame = json.loads(payload)
        return frame

    def pongs(self, count: int) -> list[object]:
        """Read until so many pong frames of the protocol came; give their ids."""
        found: list[object] = []
        while len(found) < count:
            _, payload = self.message()
            value = json.loads(payload)
            frames = value if isinstance(value, list) else [value]
            found += [frame["id"] for frame in frames if frame["type"] == "pong"]
        return found

    def closed(self) -> int:
        """Read until the hub closes; give the code."""
        while True:
            opcode, payload = self.message()
            if opcode == CLOSE:
                code: int = struct.unpack("!H", payload[:2])[0]
                return code

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            more = self.socket.recv(65_536)
            assert more, "hung up"
            self._rest += more
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def packed(
    payload: bytes, opcode: int = TEXT, *, fin: int = FIN, masked: int = MASKED
) -> bytes:
    """Make one frame as a client sends it."""
    size = len(payload)
    if size < 126:
        head = bytes([fin | opcode, masked | size])
    elif size < 65_536:
        head = bytes([fin | opcode, masked | 126]) + struct.pack("!H", size)
    else:
        head = bytes([fin | opcode, masked | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    covered = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + mask + covered


def ping(name: object, pad: int = 0) -> bytes:
    """Make a `ping` of the protocol, as large as wanted."""
    frame = {"type": "ping", "id": name} | ({"pad": "p" * pad} if pad else {})
    return json.dumps(frame).encode()


@pytest.fixture
def raw(hub: HubProcess) -> Iterator[Raw]:
    """Connect by hand."""
    with Raw(hub) as connected:
        yield connected


def test_a_frame_may_come_byte_by_byte(raw: Raw) -> None:
    """Segments have nothing to do with frames."""
    for name, pad in ((1, 0), (2, 200)):
        data = packed(ping(name, pad))
        raw.send(*(data[i : i + 1] for i in range(len(data))))
        assert raw.pongs(1) == [name]


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 6, 7, 8, 13, 14, 15, 1000])
def test_a_frame_may_be_cut_anywhere(raw: Raw, cut: int) -> None:
    """In its head, its length, its mask or its payload."""
    for name, pad in ((1, 0), (2, 300), (3, 70_000)):
        data = packed(ping(name, pad))
        raw.send(data[:cut], data[cut:])
    assert raw.pongs(3) == [1, 2, 3]


def test_many_frames_may_come_at_once(raw: Raw) -> None:
    """A hundred in one segment are answered, in order."""
    raw.send(b"".join(packed(ping(i)) for i in range(100)))
    assert raw.pongs(100) == list(range(100))


def test_whole_and_cut_frames_keep_their_order(raw: Raw) -> None:
    """One and a half, the other half and one more."""
    one, two, three = (packed(ping(i, i * 100)) for i in (1, 2, 3))
    raw.send(one + two[:9], two[9:] + three)
    assert raw.pongs(3) == [1, 2, 3]


def test_fragments_are_one_message(raw: Raw) -> None:
    """With a protocol ping in between, and frames after it."""
    payload = ping(7, 50)
    raw.send(
        packed(payload[:5], fin=0),
        packed(b"alive?", PING),
        packed(payload[5:20], 0, fin=0),
        packed(b"", 0, fin=0),
        packed(payload[20:], 0) + packed(ping(8)),
    )
    assert raw.message() == (PONG, b"alive?")
    assert raw.pongs(2) == [7, 8]


def test_control_frames_mix_with_data(raw: Raw) -> None:
    """Pings, unasked pongs and data in one segment."""
    raw.send(
        packed(b"", PONG)
        + packed(ping(1))
        + packed(b"a", PING)
        + packed(ping(2))
        + packed(b"b", PING)
    )
    seen = [raw.message() for _ in range(3)]
    while sum(opcode == PONG for opcode, _ in seen) < 2:
        seen.append(raw.message())
    assert [data for opcode, data in seen if opcode == PONG] == [b"a", b"b"]
    text = b"".join(data for opcode, data in seen if opcode == TEXT).decode()
    if '"id":2' not in text:
        assert raw.pongs(1) == [2]


def test_a_close_after_data_is_answered(raw: Raw) -> None:
    """In the segment of a frame: the hub closes, too, with the same code."""
    raw.send(packed(ping(1)) + packed(struct.pack("!H", 1000), CLOSE))
    seen: list[tuple[int, bytes]] = []
    while not seen or seen[-1][0] != CLOSE:
        seen.append(raw.message())
    assert struct.unpack("!H", seen[-1][1][:2])[0] == 1000


def test_an_odd_length_encoding_is_no_trap(raw: Raw) -> None:
    """A short payload with a long length: refused or read, never misread."""
    payload = ping(1)
    head = bytes([FIN | TEXT, MASKED | 127]) + struct.pack("!Q", len(payload))
    raw.send(head + bytes(4) + payload + packed(ping(2)))
    opcode, data = raw.message()
    assert opcode == CLOSE or b'"id":1' in data


@pytest.mark.parametrize(
    "data",
    [
        packed(ping(1), masked=0),
        packed(ping(1), 0x3),
        packed(ping(1), 0xB),
        packed(ping(1), fin=FIN | 0x40),
        packed(ping(1), fin=FIN | 0x10),
        packed(ping(1), 0),
        packed(b"p" * 126, PING),
        packed(b"p", PING, fin=0),
        packed(ping(1), fin=0) + packed(ping(2)),
    ],
    ids=[
        "unmasked",
        "reserved opcode",
        "reserved control",
        "reserved bit",
        "another reserved bit",
        "continues nothing",
        "long control",
        "cut control",
        "message in a message",
    ],
)
def test_what_is_no_websocket_closes_1002(
    hub: HubProcess, client: Client, data: bytes
) -> None:
    """A broken frame ends its connection, and no other."""
    with Raw(hub) as raw:
        raw.send(data)
        assert raw.closed() == 1002
    client.fence()


def test_text_that_is_no_utf_8_closes_1007(hub: HubProcess) -> None:
    """Also when the character was cut by a fragment, and after a good frame."""
    for data in (
        packed(b'{"type":"\xff"}'),
        packed(ping(1)) + packed(b"\xc3\x28"),
        packed(b'{"\xc3', fin=0) + packed(b'"}', 0),
    ):
        with Raw(hub) as raw:
            raw.send(data)
            assert raw.closed() == 1007


def test_a_character_may_be_cut_by_a_fragment(raw: Raw) -> None:
    """Only the whole message must be UTF-8."""
    payload = '{"type":"ping","id":"é"}'.encode()
    cut = payload.index(b"\xa9")
    raw.send(packed(payload[:cut], fin=0), packed(payload[cut:], 0))
    assert raw.pongs(1) == ["é"]


@pytest.mark.parametrize("size", [FRAME_BYTES * 4 + 1, 2**32, 2**62, 2**64 - 1])
def test_a_length_too_large_closes_at_once(
    hub: HubProcess, client: Client, size: int
) -> None:
    """The head alone is enough: nothing is waited for, nothing is allocated."""
    with Raw(hub) as raw:
        raw.send(bytes([FIN | TEXT, MASKED | 127]) + struct.pack("!Q", size) + b"mask")
        assert raw.closed() in (1009, 1002)
    client.fence()


def test_fragments_count_together(hub: HubProcess, client: Client) -> None:
    """No message gets past its limit in pieces."""
    with Raw(hub) as raw:
        raw.send(packed(b"[" + b" " * FRAME_BYTES, fin=0))
        piece = packed(b" " * FRAME_BYTES, 0, fin=0)
        for _ in range(3):
            raw.send(piece)
        assert raw.closed() == 1009
    with Raw(hub) as raw:
        raw.send(packed(b" " * FRAME_BYTES, fin=0), packed(ping(1), 0))
        assert raw.frame()["code"] == "frame_too_large"
        raw.send(packed(ping(2)))
        assert raw.pongs(1) == [2]
    client.fence()


def test_an_empty_message_is_a_bad_frame(raw: Raw) -> None:
    """Nothing is nothing, whole or in pieces."""
    raw.send(packed(b""))
    assert raw.frame()["code"] == "bad_frame"
    raw.send(packed(b"", fin=0), packed(b"", 0))
    assert raw.frame()["code"] == "bad_frame"
    raw.send(packed(b"", BINARY))
    assert raw.frame()["code"] == "bad_frame"


def test_a_reset_in_mid_frame_harms_nobody(hub: HubProcess, client: Client) -> None:
    """Half a frame and gone, with and without a goodbye."""
    for linger in (False, True):
        with Raw(hub) as raw:
            raw.send(packed(ping(1, 5000))[:100])
            if linger:
                option = struct.pack("ii", 1, 0)
                raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
    client.fence()
