"""Sockets of a whole hub: frames cut by hand mean what they always meant."""

import asyncio
import base64
import os
import struct
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from tests.peer import Frame, decode
from tests.served import Served, served
from tests.stage import PATIENCE_S, soon

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
SEED = b"\x12\x34\x56\x78"


def frame(
    opcode: int,
    payload: bytes,
    *,
    final: bool = True,
    masked: bool = True,
    rsv: int = 0,
) -> bytes:
    """Write one frame as RFC 6455 has it, as a client."""
    first = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head = bytes([bit | size])
    elif size < 2**16:
        head = bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head = bytes([bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return first + head + payload
    body = bytes(byte ^ SEED[at % 4] for at, byte in enumerate(payload))
    return first + head + SEED + body


def ping(id: object, pad: int = 0) -> bytes:
    """Return a frame of the hub's own `ping`."""
    return frame(TEXT, msgspec.json.encode({"type": "ping", "id": id, "p": "x" * pad}))


class Raw:
    """A client that writes and reads bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: Any) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, *parts: bytes) -> None:
        """Send bytes."""
        self.writer.write(b"".join(parts))

    async def slowly(self, parts: Iterable[bytes]) -> None:
        """Send bytes, each part in a segment of its own as far as that can be had."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def read(self) -> tuple[int, bytes]:
        """Read one frame; return opcode and payload."""
        first, second = await self.reader.readexactly(2)
        assert not second & 0x80, "a server does not mask"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        assert first & 0x80, "the hub sends whole frames"
        return first & 0x0F, await self.reader.readexactly(size)

    async def frames(self, count: int, kind: str = "pong") -> list[Frame]:
        """Read messages until so many frames of a type have come."""
        found: list[Frame] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(found) < count:
                opcode, payload = await self.read()
                if opcode in (TEXT, BINARY):
                    data = payload.decode() if opcode == TEXT else payload
                    found += [each for each in decode(data) if each["type"] == kind]
        return found

    async def closed(self) -> int:
        """Read until the close; return its code."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                opcode, payload = await self.read()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")


@asynccontextmanager
async def connected(hub: Served) -> AsyncIterator[Raw]:
    """Shake hands, and close at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{hub.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head
    assert b"sec-websocket-extensions" not in head.lower()
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def hub() -> AsyncIterator[Served]:
    """A hub on a real socket."""
    async with served() as hub:
        yield hub


@pytest.mark.parametrize("pad", [0, 60, 200, 70_000], ids=["7", "7+", "16", "64"])
async def test_frames_of_every_length_are_read(hub: Served, pad: int) -> None:
    """However long their header is."""
    async with connected(hub) as raw:
        raw.write(ping(1, pad), ping(2))

        assert [each["id"] for each in await raw.frames(2)] == [1, 2]


async def test_frames_may_be_cut_anywhere(hub: Served) -> None:
    """Every byte a segment of its own, headers and masks too."""
    data = b"".join(ping(number, 130 * (number % 2)) for number in range(6))
    async with connected(hub) as raw:
        await raw.slowly(data[at : at + 1] for at in range(len(data)))

        assert [each["id"] for each in await raw.frames(6)] == list(range(6))


@pytest.mark.parametrize("size", [2, 3, 5, 7, 64, 127, 1_000, 4_096])
async def test_frames_may_come_in_any_pieces(hub: Served, size: int) -> None:
    """Several in one, and one in several."""
    data = b"".join(ping(number, number * 37 % 400) for number in range(60))
    async with connected(hub) as raw:
        await raw.slowly(data[at : at + size] for at in range(0, len(data), size))

        assert [each["id"] for each in await raw.frames(60)] == list(range(60))


async def test_fragments_are_one_message(hub: Served) -> None:
    """With control frames between them, as the standard allows."""
    body = msgspec.json.encode({"type": "ping", "id": "fragmented"})
    async with connected(hub) as raw:
        raw.write(
            ping("before"),
            frame(TEXT, body[:5], final=False),
            frame(PING, b"still there?"),
            frame(MORE, body[5:12], final=False),
            frame(MORE, body[12:]),
            ping("behind"),
        )

        ids = [each["id"] for each in await raw.frames(3)]
        assert ids == ["before", "fragmented", "behind"]


async def test_control_frames_are_answered(hub: Served) -> None:
    """A ping by a pong with its payload; an unasked pong by nothing."""
    async with connected(hub) as raw:
        raw.write(frame(PONG, b"unasked"), frame(PING, b"payload"))
        async with asyncio.timeout(PATIENCE_S):
            while (found := await raw.read())[0] != PONG:
                pass

        assert found == (PONG, b"payload")


async def test_a_close_is_answered_by_a_close(hub: Served) -> None:
    """With its code; the session ends."""
    async with connected(hub) as raw:
        raw.write(ping(1), frame(CLOSE, struct.pack("!H", 1000)), ping(2))

        assert await raw.closed() == 1000
        await soon(lambda: hub.node.metrics.sessions == 0)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"\xff\xfe{}"), 1007),
        (frame(TEXT, b"\xff", final=False) + frame(MORE, b"\xfe"), 1007),
        (frame(TEXT, b'{"type":"ping","id":1}', masked=False), 1002),
        (frame(TEXT, b"{}", rsv=4), 1002),
        (frame(3, b"{}"), 1002),
        (frame(PING, b"x", final=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(MORE, b"{}"), 1002),
        (frame(TEXT, b"{", final=False) + frame(TEXT, b"}"), 1002),
        (frame(CLOSE, b"\x03"), 1002),
    ],
    ids=[
        "utf-8",
        "utf-8 in fragments",
        "unmasked",
        "reserved bit",
        "unknown opcode",
        "fragmented control",
        "long control",
        "nothing to continue",
        "interrupted fragments",
        "half a code",
    ],
)
async def test_what_the_standard_forbids_closes(
    hub: Served, data: bytes, code: int
) -> None:
    """With the standard's code; another connection goes on."""
    async with connected(hub) as raw, connected(hub) as other:
        raw.write(ping(1))
        await raw.frames(1)
        raw.write(data)

        assert await raw.closed() == code
        other.write(ping(2))
        assert (await other.frames(1))[0]["id"] == 2


@pytest.mark.parametrize("way", ["one frame", "fragments", "header only"])
async def test_what_is_too_long_closes(hub: Served, way: str) -> None:
    """Over four times the limit of a frame: 1009, from the header on."""
    most = 4 * 262_144
    async with connected(hub) as raw:
        if way == "one frame":
            raw.write(frame(BINARY, bytes(most + 1)))
        elif way == "fragments":
            piece = bytes(most // 2)
            raw.write(frame(BINARY, piece, final=False))
            raw.write(frame(MORE, piece, final=False), frame(MORE, b"x"))
        else:
            raw.write(b"\x82\xff" + struct.pack("!Q", most + 1) + SEED)

        assert await raw.closed() == 1009


async def test_binary_and_text_are_told_apart(hub: Served) -> None:
    """Binary on JSON is a bad frame; the connection stays."""
    async with connected(hub) as raw:
        raw.write(frame(BINARY, b'{"type":"ping","id":1}'), ping(2))
        error = (await raw.frames(1, "error"))[0]

        assert error["code"] == "bad_frame"


async def test_what_comes_behind_the_last_bad_frame_is_not_acted_on(
    hub: Served,
) -> None:
    """In one segment with it."""
    wish = {"type": "execute", "id": 1, "plugin": "lab", "command": "wait"}
    async with connected(hub) as raw:
        raw.write(*[frame(TEXT, b"{")] * 5, frame(TEXT, msgspec.json.encode(wish)))

        assert await raw.closed() == 4501
        assert hub.node.metrics.accepted == 0


async def test_a_frame_that_trickles_costs_what_it_holds(hub: Served) -> None:
    """Ten times the bytes are ten times the work, in however many pieces."""

    async def spent(size: int) -> float:
        data = ping(size, size)
        async with connected(hub) as raw:
            raw.write(ping(0))
            await raw.frames(1)
            # Past the socket, so that each piece is what it was cut to.
            # Past the socket, so that each piece is what it was cut to.
            protocol = next(iter(hub.server.server_state.connections))
            began = time.process_time()
            for at in range(0, len(data), 64):
                protocol.data_received(data[at : at + 64])
            cost = time.process_time() - began
            kind = "pong" if size < 262_144 else "error"
            assert (await raw.frames(1, kind))[0]["id"] == size
        await soon(lambda: not hub.server.server_state.connections)
        return cost

    small, large = await spent(100_000), await spent(1_000_000)

    assert large < 30 * small


async def test_a_reader_that_stops_is_waited_for(hub: Served) -> None:
    """Its messages wait, bounded; when it reads again they come, whole and in order."""
    async with connected(hub) as raw:
        wish = {"plugin": "lab", "command": "count", "params": {"n": 200_000}}
        raw.write(
            frame(TEXT, msgspec.json.encode({"type": "execute", "id": 1, **wish}))
        )
        await soon(lambda: hub.node.metrics.completed == 1)
        await asyncio.sleep(0)
        assert hub.node.metrics.bytes_out < 8 * 2**20
        chunks = await raw.frames(200_000, "chunk")

        assert [each["data"] for each in chunks] == list(range(200_000))


async def test_a_peer_that_is_gone_in_the_middle_harms_nobody(hub: Served) -> None:
    """Half a frame, and then nothing: the session ends."""
    async with connected(hub) as raw:
        raw.write(ping(1))
        await raw.frames(1)
        raw.write(ping(2)[:4])
        raw.writer.transport.abort()
    await soon(lambda: hub.node.metrics.sessions == 0)
