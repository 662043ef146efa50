"""WebSockets on uvicorn: small buffers, and a short way for the common case.

Theory of operation. uvicorn's protocol feeds every byte to a general parser, wraps
each message in a dict, and passes it through a queue and two coroutines; it also stops
and starts reading for each one. Nearly all messages are single, final data frames, and
for them that is most of what they cost. So frames are cut here:

- a final, unfragmented data frame of allowed length is unmasked and handed over;
- every other frame (control, fragment, extension bits, too long, not masked) goes to
  uvicorn's own parser, which keeps all its checks. It is given whole frames only, so it
  always stands at the beginning of one.

What this class adds for the application stands in the scope's extensions as ``WIRE``;
without it (under another server) the application uses plain ASGI.
"""

import socket
from asyncio.transports import BaseTransport, WriteTransport
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import (
    WebSocketsSansIOProtocol,
)
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.speedups import apply_mask

from hub.http.wire import WIRE

HIGH_WATER: Final = 8 * 1024
"""When the transport holds more than this, the hub composes no more for the peer."""
SEND_BUFFER: Final = 256 * 1024
"""What the kernel may hold for one peer."""
DEAD_AFTER_MS: Final = 30_000
"""When the kernel gives up on a peer that acknowledges nothing."""

_FINAL_TEXT: Final = 0x81
_FINAL_BINARY: Final = 0x82
_MASKED: Final = 0x80
_SHORT: Final = 125
_TWO_BYTES: Final = 126
_HEADER: Final = 14
"""The longest header of a masked frame."""

Receiver = Callable[[str | bytes], None]
"""Takes a message."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    _receiver: Receiver | None = None
    _rest: bytearray | None = None
    _wanted = 0

    def connection_made(self, transport: BaseTransport) -> None:
        """Set the buffers."""
        # By cast: the transports of some loops do not say that they are what they are.
        writing = cast(WriteTransport, transport)
        writing.set_write_buffer_limits(high=HIGH_WATER)
        found = transport.get_extra_info("socket")
        if found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                found.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_MS
                )
        super().connection_made(transport)

    def handle_connect(self, event: Request) -> None:
        """Offer the short way to the application."""
        super().handle_connect(event)
        if self.response.status_code == 101:  # noqa: PLR2004  # switching protocols
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[WIRE] = self

    # For the application

    def attach(self, receiver: Receiver) -> None:
        """Hand messages to a function from now on, those that wait first."""
        waiting = []
        while not self.queue.empty():
            event = self.queue.get_nowait()
            if event["type"] == "websocket.receive":
                text = event.get("text")
                receiver(event["bytes"] if text is None else text)  # type: ignore[arg-type]  # one of them is there
            else:
                waiting.append(event)
        for event in waiting:
            self.queue.put_nowait(event)
        self._receiver = receiver
        self.resume()

    def pause(self) -> None:
        """Read nothing more for now."""
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def blocked(self) -> Coroutine[Any, Any, None] | None:
        """Return what to await before a message would be taken; None where one is."""
        return None if self.writable.is_set() else self._unblocked()

    async def _unblocked(self) -> None:
        """Wait until the transport takes more."""
        await self.writable.wait()

    def write(self, data: str | bytes) -> Coroutine[Any, Any, None] | None:
        """Send one message.

        Returns:
            None where it was taken; else what to await until it is.

        Raises:
            ConnectionError: The connection is gone.
        """
        if not self.writable.is_set():
            return self._write_later(data)
        self._write(data)
        return None

    async def _write_later(self, data: str | bytes) -> None:
        """Wait until the transport takes more, then send."""
        await self.writable.wait()
        self._write(data)

    def _write(self, data: str | bytes) -> None:
        """Send one message now."""
        if self.disconnected or self.close_sent or self.conn.state is not OPEN:
            raise ConnectionError("the peer is gone")
        if isinstance(data, str):
            payload, first = data.encode(), _FINAL_TEXT
        else:
            payload, first = data, _FINAL_BINARY
        size = len(payload)
        if size <= _SHORT:
            head = bytes((first, size))
        elif size < 2**16:
            head = bytes((first, _TWO_BYTES)) + size.to_bytes(2, "big")
        else:
            head = bytes((first, 127)) + size.to_bytes(8, "big")
        self.transport.write(head + payload)

    # From the peer

    def data_received(self, data: bytes) -> None:
        """Cut what has come into frames."""
        if not self.handshake_initiated:
            super().data_received(data)
            return
        if self._rest is not None:
            # Gathered in place: a frame that trickles must not be copied each time.
            self._rest += data
            if len(self._rest) < self._wanted:
                return
            data = bytes(self._rest)
        at = 0
        while (end := self._frame(data, at)) > at:
            at = end
        self._rest = bytearray(data[at:]) if at < len(data) else None

    def _frame(  # noqa: PLR0911  # a way out for each kind of header
        self, data: bytes, at: int
    ) -> int:
        """Take one frame; return where it ends, or `at` where it is not whole."""
        have = len(data) - at
        if have < 2:  # noqa: PLR2004  # the shortest header
            self._wanted = 2
            return at
        first, second = data[at], data[at + 1]
        size, start = second & 0x7F, at + 2
        if size > _SHORT:
            width = 2 if size == _TWO_BYTES else 8
            if have < 2 + width:
                self._wanted = 2 + width
                return at
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        masked = second & _MASKED
        if size > self.config.ws_max_size or not masked:
            # Refused by the parser, which needs no more than the header for that.
            self._general(data[at:])
            return len(data)
        end = start + 4 + size
        if end > len(data):
            self._wanted = end - at
            return at
        plain = first in (_FINAL_TEXT, _FINAL_BINARY) and self.conn.current_size is None
        if plain and self.conn.state is OPEN:
            payload = apply_mask(data[start + 4 : end], data[start : start + 4])
            if self._deliver(first, payload):
                return end
        self._general(data[at:end])
        return end

    def _deliver(self, first: int, payload: bytes) -> bool:
        """Hand over a message; return whether it was one."""
        receiver = self._receiver
        if receiver is None:
            return False
        if first == _FINAL_BINARY:
            receiver(payload)
            return True
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            return False
        receiver(text)
        return True

    def _general(self, data: bytes) -> None:
        """Give frames to the general parser."""
        super().data_received(data)

    def send_receive_event_to_app(self) -> None:
        """Hand over a message that came in fragments."""
        receiver = self._receiver
        if receiver is None or self.close_sent:
            super().send_receive_event_to_app()
            return
        data = b"".join(self.frames)
        self.frames = []
        kind = _FINAL_TEXT if self.curr_msg_data_type == "text" else _FINAL_BINARY
        if not self._deliver(kind, data):
            self.conn.send_close(1007)
            self.handle_parser_exception()
