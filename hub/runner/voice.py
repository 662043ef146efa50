"""The sinks of commands in a process of their own: they speak over its line.

Back-pressure comes from the hub: it stops reading while too much of a run waits for the
store, the socket fills up, and what it does not take is held here. Beyond a bound
`ctx.chunk` waits: a plain command in its own thread, an async one for its loop.
"""

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any, Final

from hub.plugin.context import READY
from hub.responses import MESSAGE_BYTES, clip
from hub.runner.caps import Caps, binary_pieces, chunk_too_large, text_pieces
from hub.runner.letters import Advance, Piece, Record
from hub.runner.line import Line

HELD_BYTES: Final = 64 * 1024
"""How much waits in the process before `ctx.chunk` does."""
TURN_CHUNKS: Final = 64
"""After how many chunks an async command gives its loop a turn."""


class Voice:
    """The sink of a plain command. After a stop its verbs do nothing and never raise.

    Args:
        line: To the hub.
        caps: Bounds on what is said.

    Attributes:
        dropped: How many log records were left out.
    """

    def __init__(self, line: Line, caps: Caps) -> None:
        self.dropped = 0
        self._line = line
        self._caps = caps
        self._logged = 0

    @property
    def cancelled(self) -> bool:
        """Whether the command is to stop."""
        return self._line.stopping

    @property
    def deadline(self) -> float | None:
        """Seconds that are left."""
        return self._line.left

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Take how far the command is."""
        if self.cancelled:
            return
        if message is not None:
            message = clip(message, MESSAGE_BYTES)
        self._line.advance(
            Advance(fraction=fraction, message=message, step=step, total=total)
        )

    def chunk(self, channel: str, kind: str | None, data: bytes) -> Awaitable[None]:
        """Take output, as JSON."""
        if self.cancelled:
            return READY
        if len(data) > self._caps.chunk_bytes:
            raise chunk_too_large(len(data), self._caps.chunk_bytes)
        self._send(channel, kind, data, binary=False)
        return self._rest()

    def text(self, channel: str, kind: str | None, data: str) -> Awaitable[None]:
        """Take text; cut it where it is too long for one chunk."""
        if self.cancelled:
            return READY
        for piece in text_pieces(data, self._caps.chunk_bytes):
            self._send(channel, kind, piece, binary=False)
        return self._rest()

    def write(self, channel: str, kind: str, data: bytes) -> Awaitable[None]:
        """Take binary output; cut it where it is too long for one chunk."""
        if self.cancelled:
            return READY
        for piece in binary_pieces(data, self._caps.chunk_bytes):
            self._send(channel, kind, piece, binary=True)
        return self._rest()

    def log(self, record: bytes) -> None:
        """Take a log record; leave it out where there were too many."""
        if self.cancelled:
            return
        self._logged += len(record)
        if (
            self._logged > self._caps.log_record_bytes
            or len(record) > self._caps.chunk_bytes
        ):
            self.dropped += 1
        else:
            self._line.send(Record(data=record))

    def _send(
        self, channel: str, kind: str | None, data: bytes, *, binary: bool
    ) -> None:
        """Send a piece."""
        self._line.send(Piece(channel=channel, kind=kind, data=data, binary=binary))

    def _rest(self) -> Awaitable[None]:
        """Wait in this thread while too much is held."""
        self._line.wait(HELD_BYTES, lambda: self.cancelled)
        return READY


class LoopVoice(Voice):
    """The sink of an async command: it never holds up the loop, which waits for it."""

    def __init__(self, line: Line, caps: Caps) -> None:
        super().__init__(line, caps)
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        self._since_turn = 0
        line.listen(self._notice)

    def _notice(self) -> None:
        """Wake who waits; called in any thread."""
        try:
            self._loop.call_soon_threadsafe(self._moved.set)
        except RuntimeError:
            return  # the loop is closed: nobody waits

    def _rest(self) -> Awaitable[None]:
        """Return something to await where the loop needs a turn, or the hub is slow."""
        self._since_turn += 1
        if self._since_turn >= TURN_CHUNKS or self._line.held > HELD_BYTES:
            return self
        return READY

    def __await__(self) -> Generator[Any, None, None]:
        """Wait: awaiting a voice is what `chunk` asks its caller to do."""
        return self._wait().__await__()

    async def _wait(self) -> None:
        """Give the loop a turn, and wait while too much is held."""
        self._since_turn = 0
        await asyncio.sleep(0)
        while self._line.held > HELD_BYTES and not self.cancelled:
            self._moved.clear()
            self._line.pressed = True
            if self._line.held > HELD_BYTES:
                await self._moved.wait()
