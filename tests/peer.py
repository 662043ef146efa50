"""A peer: a transport that keeps what it is sent, and stops taking it when told."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from tests.stage import PATIENCE_S

Frame = dict[str, Any]
"""A frame as JSON."""


def decode(message: str | bytes) -> list[Frame]:
    """Return the frames of a message, whatever it is written in."""
    if isinstance(message, bytes) and message.startswith(b"data: "):
        return [
            msgspec.json.decode(block.removeprefix(b"data: "))
            for block in message.split(b"\n\n")
            if block
        ]
    if isinstance(message, bytes):
        found = msgspec.msgpack.decode(message)
    else:
        found = msgspec.json.decode(message)
    return found if isinstance(found, list) else [found]


class Peer:
    """The far end of a connection.

    Attributes:
        messages: What it was sent.
        closed: Code and reason, once it is closed.
        broken: What a send raises, where the peer is gone.
    """

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.closed: tuple[int, str] | None = None
        self.broken: Exception | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._news = asyncio.Event()

    async def send(self, data: str | bytes) -> None:
        """Take a message; it is not done with while the peer is blocked."""
        if self.broken is not None:
            raise self.broken
        self.messages.append(data)
        self._news.set()
        await self._free.wait()
        if self.broken is not None:
            raise self.broken

    def blocked(self) -> None:
        """Take a message at any time; `send` waits."""

    async def close(self, code: int, reason: str) -> None:
        """Take the end."""
        self.closed = (code, reason)
        self._news.set()

    def block(self) -> None:
        """Take one more message, and no other before `release`."""
        self._free.clear()

    def release(self) -> None:
        """Take messages again."""
        self._free.set()

    @property
    def frames(self) -> list[Frame]:
        """Everything it was sent, frame by frame."""
        return [frame for message in self.messages for frame in decode(message)]

    def of(self, *types: str) -> list[Frame]:
        """Return the frames of some types."""
        return [frame for frame in self.frames if frame["type"] in types]

    def types(self) -> list[str]:
        """Return the types of all frames, in order."""
        return [frame["type"] for frame in self.frames]

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self.messages.clear()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; it is looked at with every message."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"it never came; got {self.types()}") from None

    async def get(self, kind: str, number: int = 1) -> Frame:
        """Wait for the frame of a type that comes first, second …; return it."""
        await self.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    async def end(self) -> tuple[int, str]:
        """Wait until it is closed."""
        await self.until(lambda: self.closed)
        assert self.closed is not None
        return self.closed
