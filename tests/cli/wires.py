"""Both ends of a WebSocket: uvicorn in this process, and a client that writes bytes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import (
    WebSocketsSansIOProtocol,
)
from uvicorn.server import ServerState

from hub.cli.sockets import SocketProtocol
from hub.http.wire import WIRE
from tests.stage import PATIENCE_S

LIMIT: Final = 70_000
"""How large a message may be here: more than two bytes can say."""
MASK: Final = b"\x11\x22\x33\x44"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

# As ASGI says it.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def frame(  # noqa: PLR0913  # a frame has so many parts
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    bits: int = 0,
    mask: bytes | None = MASK,
    width: int | None = None,
) -> bytes:
    """Return a frame of a client.

    Args:
        opcode: What it is.
        payload: What it says.
        fin: Whether it is the last of its message.
        bits: The three reserved ones.
        mask: None for a frame that is not masked.
        width: In how many bytes its length is written; None for as few as it takes.
    """
    size = len(payload)
    if width is None:
        width = 0 if size < 126 else 2 if size < 2**16 else 8
    masked = 0 if mask is None else 0x80
    head = bytes((fin << 7 | bits << 4 | opcode,))
    if width:
        head += bytes((masked | {2: 126, 8: 127}[width],)) + size.to_bytes(width, "big")
    else:
        head += bytes((masked | size,))
    if mask is None:
        return head + payload
    key = mask * (size // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, key, strict=False))


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a close frame of a client."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason)


class Far(NamedTuple):
    """The bytes of a client on a socket."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *data: bytes) -> None:
        """Write bytes."""
        self.writer.write(b"".join(data))

    async def frame(self) -> tuple[int, bytes]:
        """Read a frame: its first byte, and its payload."""
        async with asyncio.timeout(PATIENCE_S):
            first, size = await self.reader.readexactly(2)
            if size > 125:
                width = 2 if size == 126 else 8
                size = int.from_bytes(await self.reader.readexactly(width), "big")
            return first, await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Read until the hub closes the connection."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()

    async def code(self) -> int:
        """Read until the hub closes; return the code that it closes with."""
        rest = await self.rest()
        assert rest[0] == 0x80 | CLOSE
        return int.from_bytes(rest[2:4], "big")


class Near:
    """What the application has of a connection.

    Attributes:
        messages: What has come.
        code: Of the disconnect.
        send: Sends by ASGI.
    """

    def __init__(self, scope: Message, send: Send) -> None:
        self.messages: list[str | bytes] = []
        self.code = 0
        self.send = send
        self._wire = scope["extensions"].get(WIRE)
        self._bell = asyncio.Event()

    @property
    def wire(self) -> SocketProtocol:
        """The short way."""
        assert isinstance(self._wire, SocketProtocol)
        return self._wire

    def take(self, message: str | bytes) -> None:
        """Keep a message."""
        self.messages.append(message)
        self._bell.set()

    def leave(self, code: int) -> None:
        """Keep why the connection ended."""
        self.code = code
        self._bell.set()

    async def until(self, messages: int = 0, *, over: bool = False) -> None:
        """Wait for so many messages, or for the end."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.messages) < messages or (over and not self.code):
                self._bell.clear()
                await self._bell.wait()


class Listener:
    """An application that keeps what it is told, served by uvicorn's protocols.

    Args:
        short: Whether messages come by the short way.

    Attributes:
        attach: Set when the application may take the short way.
        port: Where it listens.
        state: What uvicorn knows of its connections.
    """

    def __init__(self, *, short: bool = True) -> None:
        self.attach = asyncio.Event()
        self.attach.set()
        self.port = 0
        self.state = ServerState()
        self._short = short
        self._writers: list[asyncio.StreamWriter] = []
        self._near: asyncio.Queue[Near] = asyncio.Queue()

    async def app(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        assert (await receive())["type"] == "websocket.connect"
        near = Near(scope, send)
        await send({"type": "websocket.accept"})
        self._near.put_nowait(near)
        await self.attach.wait()
        if self._short:
            near.wire.attach(near.take)
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            near.take(message["bytes"] if text is None else text)
        near.leave(message["code"])

    async def dial(self) -> tuple[Far, Near]:
        """Connect a client; return both ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101 ")
            return Far(reader, writer), await self._near.get()

    async def hang_up(self) -> None:
        """Close the clients' sockets."""
        for each in self._writers:
            each.transport.abort()
            with contextlib.suppress(ConnectionError):
                await each.wait_closed()


@asynccontextmanager
async def listening(*, short: bool = True) -> AsyncIterator[Listener]:
    """Listen by the short way, or as uvicorn does on its own."""
    listener = Listener(short=short)
    config = uvicorn.Config(
        listener.app,
        interface="asgi3",
        http="h11",
        ws=SocketProtocol if short else WebSocketsSansIOProtocol,
        ws_max_size=LIMIT,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    config.load()
    state = listener.state
    protocol: Any = config.http_protocol_class  # the classes' common base is private
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), "127.0.0.1"
    )
    listener.port = server.sockets[0].getsockname()[1]
    try:
        yield listener
    finally:
        server.close()
        await listener.hang_up()
        for each in list(state.connections):
            each.shutdown()
        async with asyncio.timeout(PATIENCE_S):
            while state.tasks:
                await asyncio.wait(list(state.tasks))
