"""A WebSocket client as cheap as Python allows, so that the server is what is measured.

It is real all the same: it performs the handshake, parses every frame the server sends
and hands over every message. What it leaves out costs a client nothing in practice: it
masks with a key of zeros (legal, and the server unmasks as ever), and it takes no
fragments, because neither server makes any.

One `data_received` is one call of `on_read` with all messages of that read. Each
message that is sent is a write of its own, as in browsers and client libraries.
"""

import asyncio
import base64
import secrets
from collections.abc import Callable
from typing import cast

OnRead = Callable[[list[bytes]], None]

_HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    "{subprotocol}\r\n"
)
_TEXT, _BINARY, _CLOSE, _PING = 0x81, 0x82, 0x88, 0x89


class WireError(Exception):
    """The server did what this client does not take, or went away."""


def frame(payload: bytes, *, first: int = _TEXT) -> bytes:
    """Make one client frame of a message, masked with zeros."""
    length = len(payload)
    if length < 126:
        return bytes((first, 0x80 | length, 0, 0, 0, 0)) + payload
    if length < 65536:
        return bytes((first, 0xFE)) + length.to_bytes(2) + b"\0\0\0\0" + payload
    return bytes((first, 0xFF)) + length.to_bytes(8) + b"\0\0\0\0" + payload


class Socket(asyncio.Protocol):
    """One connection.

    Attributes:
        on_read: called with the messages of each read; may be replaced.
        failure: why the socket can no longer be used, or None.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.on_read: OnRead = lambda _: None
        self.failure: Exception | None = None
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    # What a driver calls.

    def write(self, payloads: list[bytes]) -> None:
        """Send messages, one frame and one write each, as a client's `send` does."""
        for payload in payloads:
            self.transport.write(frame(payload))

    @property
    def transport(self) -> asyncio.Transport:
        """The transport; there is one as soon as `connect` has returned."""
        if self._transport is None:
            raise WireError("not connected")
        return self._transport

    async def close(self) -> None:
        """Close without waiting for the peer's close frame."""
        self.on_read = lambda _: None
        self.transport.resume_reading()
        self.transport.abort()
        await self.closed

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; `connect` sends the handshake."""
        # uvloop's transports are asyncio's in all but inheritance.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so to whoever waits."""
        self.failure = self.failure or exc or WireError("the server closed the socket")
        if not self.opened.done():
            self.opened.set_exception(self.failure)
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Parse what has come; a driver's exception ends the socket."""
        try:
            self._receive(self._rest + data if self._rest else data)
        except Exception as error:  # noqa: BLE001 (the loop would only log it)
            self.failure = self.failure or error
            self.transport.abort()

    def _receive(self, data: bytes) -> None:
        if not self.opened.done():
            head, separator, rest = data.partition(b"\r\n\r\n")
            if not separator:
                self._rest = data
                return
            if not head.startswith(b"HTTP/1.1 101 "):
                raise WireError(head.decode("latin-1").partition("\r\n")[0])
            self.opened.set_result(None)
            data = rest
        messages = self._parse(data)
        if messages:
            self.on_read(messages)

    def _parse(self, data: bytes) -> list[bytes]:
        """Cut whole frames off the data; keep the rest for the next read."""
        messages = []
        at, size = 0, len(data)
        while size - at >= 2:
            first, length, start = data[at], data[at + 1], at + 2
            if length > 125:
                start += 2 if length == 126 else 8
                if size < start:
                    break
                length = int.from_bytes(data[at + 2 : start])
            end = start + length
            if end > size:
                break
            if first in (_TEXT, _BINARY):
                messages.append(data[start:end])
            else:
                self._control(first, data[start:end])
            at = end
        self._rest = data[at:]
        return messages

    def _control(self, first: int, payload: bytes) -> None:
        if first == _PING:
            self.transport.write(frame(payload, first=0x8A))
        elif first == _CLOSE:
            code = int.from_bytes(payload[:2])
            raise WireError(f"closed by the server: {code} {payload[2:].decode()}")
        else:
            raise WireError(f"unexpected frame 0x{first:02x}")


async def connect(
    port: int, on_read: OnRead | None = None, *, subprotocol: str | None = None
) -> Socket:
    """Open a socket to /ws on loopback.

    Messages that come with the handshake already reach `on_read`.

    Raises:
        WireError: the upgrade was refused.
        OSError: nothing listens there.
    """
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(Socket, "127.0.0.1", port)
    if on_read is not None:
        socket.on_read = on_read
    offer = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    handshake = _HANDSHAKE.format(port=port, key=key, subprotocol=offer)
    socket.transport.write(handshake.encode())
    await socket.opened
    return socket
