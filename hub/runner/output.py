"""What a command says, on its way to the engine.

Chunks are gathered for one turn of the loop and appended together. An async command
speaks on the loop's thread; a threaded one speaks from its own, and what it says is
carried over.

Theory of waiting. `chunk` is given back something to await. It is nothing at all unless
the loop must have a turn (every 64 chunks, or 5 ms), or more of this run's output than
`uncommitted_bytes` waits for the store. So the store's pace slows a command, and never
a watcher's.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

import msgspec

from hub.clock import Clock
from hub.codec import to_json
from hub.engines.base import Engine
from hub.errors import OutputTooLargeError
from hub.events import Piece
from hub.messages import text as words
from hub.plugin.context import BINARY, LOG, READY, LogRecord
from hub.runner.caps import Caps, binary_pieces, chunk_too_large, text_pieces
from hub.runs import Claim

TURN_CHUNKS: Final = 64
TURN_SECONDS: Final = 0.005


NO_PIECES: Final[list[Piece]] = []
"""Stands where nothing was said; never written to."""


class Pipe(msgspec.Struct, frozen=True, kw_only=True):
    """What all outputs of a worker share.

    Attributes:
        engine: Takes what is said.
        clock: The time.
        caps: Bounds.
    """

    engine: Engine
    clock: Clock
    caps: Caps


class Output:
    """The sink of an async command.

    Args:
        pipe: What it shares with others.
        claim: Of the run.
        overflow: Called when the run has said more than its log may hold.

    Attributes:
        stopping: Whether the command is to stop.
        ends_at: When the attempt runs out of time, on the loop's clock.
    """

    # Where every output begins: most commands need few of these, so an instance has
    # them only once they differ.
    stopping = False
    ends_at: float | None = None
    _pieces: list[Piece] = NO_PIECES
    _size = 0
    _scheduled = False
    _closed = False
    _since_turn = 0
    _logged = 0
    _dropped = 0
    _overflow: Callable[[], None] | None = None

    def __init__(self, pipe: Pipe, claim: Claim, overflow: Callable[[], None]) -> None:
        self._pipe = pipe
        self._claim = claim
        self._run = claim.run
        self._now = pipe.clock.now
        self._turned = claim.run.started
        self._overflow = overflow

    @property
    def cancelled(self) -> bool:
        """Whether the command is to stop."""
        return self.stopping

    @property
    def deadline(self) -> float | None:
        """Seconds that are left."""
        ends = [at for at in (self._run.deadline, self.ends_at) if at is not None]
        return max(0.0, min(ends) - self._now()) if ends else None

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Take how far the command is."""
        if self._closed:
            return
        run = self._run
        run.fraction = fraction
        run.message = message
        run.step = step
        run.total = total
        run.updated_at = self._pipe.clock.wall()
        if run.followers and not run.fanning:
            self._pipe.engine.progressed(self._claim)

    def chunk(self, channel: str, kind: str | None, data: bytes) -> Awaitable[None]:
        """Take output, as JSON."""
        if len(data) > self._pipe.caps.chunk_bytes:
            raise chunk_too_large(len(data), self._pipe.caps.chunk_bytes)
        now = self._put(channel, kind, data, False)  # noqa: FBT003  # the hot path
        self._since_turn += 1
        if (
            self._since_turn >= TURN_CHUNKS
            or now - self._turned >= TURN_SECONDS
            or self._run.uncommitted + self._size > self._pipe.caps.uncommitted_bytes
        ):
            return self
        return READY

    def text(self, channel: str, kind: str | None, data: str) -> Awaitable[None]:
        """Take text; cut it where it is too long for one chunk."""
        encoded = to_json(data)
        most = self._pipe.caps.chunk_bytes
        if len(encoded) <= most:
            return self.chunk(channel, kind, encoded)
        waits: Awaitable[None] = READY
        for piece in text_pieces(data, most):
            waits = self.chunk(channel, kind, piece)
        return waits

    def write(self, channel: str, kind: str, data: bytes) -> Awaitable[None]:
        """Take binary output; cut it where it is too long for one chunk."""
        for piece in binary_pieces(data, self._pipe.caps.chunk_bytes):
            self._put(channel, kind, piece, True)  # noqa: FBT003  # ditto
        return self

    def log(self, record: bytes) -> None:
        """Take a log record; drop it where there were too many."""
        if self._closed:
            return
        self._logged += len(record)
        if (
            self._logged > self._pipe.caps.log_record_bytes
            or len(record) > self._pipe.caps.chunk_bytes
        ):
            self._dropped += 1
        else:
            self._put(LOG, None, record, False)  # noqa: FBT003  # the hot path

    def __await__(self) -> Generator[Any, None, None]:
        """Wait: awaiting an output is what `chunk` asks its caller to do."""
        return self.rest().__await__()

    async def rest(self) -> None:
        """Give the loop a turn, and wait while too much waits for the store."""
        self._since_turn = 0
        self.flush()
        await asyncio.sleep(0)
        self._turned = self._now()
        run = self._run
        while run.uncommitted > self._pipe.caps.uncommitted_bytes and not self._closed:
            committed = asyncio.Event()
            run.thirsty = (*run.thirsty, committed.set)
            await committed.wait()

    def flush(self) -> None:
        """Hand over what was said."""
        self._scheduled = False
        if not self._pieces:
            return
        pieces, self._pieces = self._pieces, NO_PIECES
        self._size = 0
        try:
            self._pipe.engine.append(self._claim, pieces)
        except OutputTooLargeError as full:
            self._append_output(pieces[full.taken :])

    def _append_output(self, pieces: list[Piece]) -> None:
        """Hand over what is left but log records, which never fail a run."""
        output = [piece for piece in pieces if piece[1] != LOG]
        self._dropped += len(pieces) - len(output)
        try:
            if output:
                self._pipe.engine.append(self._claim, output)
        except OutputTooLargeError:
            self._closed = True
            if self._overflow is not None:
                self._overflow()

    def close(self) -> None:
        """Hand over the last of it; what is said afterwards is lost."""
        if self._dropped and not self._closed:
            text = words("log_dropped", "en", count=self._dropped)
            record = to_json(LogRecord(level="warning", message=text))
            self._put(LOG, None, record, False)  # noqa: FBT003  # ditto
        if self._pieces:
            self.flush()
        self._closed = True
        self._overflow = None

    def stop(self) -> None:
        """Let the command know that it is to stop."""
        self.stopping = True

    def _put(
        self,
        channel: str,
        kind: str | None,
        data: bytes,
        binary: bool,  # noqa: FBT001  # the hot path
    ) -> float:
        """Take a piece for this turn; return the time."""
        now = self._now()
        if self._closed:
            return now
        at = int((now - self._run.created) * 1000)
        self._size += len(data)
        if self._pieces is NO_PIECES:
            self._pieces = [(at, channel, kind, data, binary)]
        else:
            self._pieces.append((at, channel, kind, data, binary))
        if not self._scheduled:
            self._scheduled = True
            self._pipe.clock.call_soon(self.flush)
        return now


class ThreadOutput(Output):
    """The sink of a threaded command: called in its thread, acts on the loop's.

    After a stop its verbs do nothing and never raise.
    """

    def __init__(self, pipe: Pipe, claim: Claim, overflow: Callable[[], None]) -> None:
        super().__init__(pipe, claim, overflow)
        loop = asyncio.get_running_loop()
        self._soon_threadsafe = loop.call_soon_threadsafe
        self._lock = threading.Lock()
        self._room = threading.Event()
        self._latest: tuple[float | None, str | None, int | None, int | None]
        self._telling = False

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Take how far the command is."""
        if self.stopping:
            return
        self._latest = (fraction, message, step, total)
        if not self._telling:
            self._telling = True
            self._soon(self._tell)

    def _tell(self) -> None:
        """Hand the latest progress over, on the loop's thread."""
        self._telling = False
        super().progress(*self._latest)

    def chunk(self, channel: str, kind: str | None, data: bytes) -> Awaitable[None]:
        """Take output, as JSON; wait in the thread while too much is on its way."""
        if not self.stopping:
            if len(data) > self._pipe.caps.chunk_bytes:
                raise chunk_too_large(len(data), self._pipe.caps.chunk_bytes)
            self._put(channel, kind, data, False)  # noqa: FBT003  # the hot path
            self._wait()
        return READY

    def write(self, channel: str, kind: str, data: bytes) -> Awaitable[None]:
        """Take binary output."""
        if not self.stopping:
            _ = super().write(channel, kind, data)
            self._wait()
        return READY

    def log(self, record: bytes) -> None:
        """Take a log record."""
        if not self.stopping:
            super().log(record)

    def flush(self) -> None:
        """Hand over what was said; called on the loop's thread."""
        with self._lock:
            super().flush()

    def stop(self) -> None:
        """Let the command know that it is to stop, and never hold it up again."""
        super().stop()
        self._room.set()

    def _put(
        self,
        channel: str,
        kind: str | None,
        data: bytes,
        binary: bool,  # noqa: FBT001  # the hot path
    ) -> float:
        """Take a piece, in the command's thread."""
        now = self._now()
        at = int((now - self._run.created) * 1000)
        with self._lock:
            if self._closed:
                return now
            self._size += len(data)
            if self._pieces is NO_PIECES:
                self._pieces = [(at, channel, kind, data, binary)]
            else:
                self._pieces.append((at, channel, kind, data, binary))
            first, self._scheduled = not self._scheduled, True
        if first:
            self._soon(self.flush)
        return now

    def _soon(self, call: Callable[[], None]) -> None:
        """Call something on the loop's thread, if there still is one."""
        try:
            self._soon_threadsafe(call)
        except RuntimeError:
            self.stopping = True

    def _wait(self) -> None:
        """Hold the thread up while too much is on its way."""
        most = self._pipe.caps.uncommitted_bytes
        while self._size + self._run.uncommitted > most and not self.stopping:
            self._room.clear()
            self._soon(self._make_room)
            self._room.wait()

    def _make_room(self) -> None:
        """Wake the thread when there is room, on the loop's thread."""
        self.flush()
        if self._run.uncommitted > self._pipe.caps.uncommitted_bytes:
            self._run.thirsty = (*self._run.thirsty, self._room.set)
        else:
            self._room.set()


class ProcessOutput(Output):
    """The sink of a command in a process: what comes from there passes through it.

    After a stop it takes no more output and no progress.

    Attributes:
        told: Called when the command is to stop.
    """

    told: Callable[[], None] | None = None

    def progress(
        self,
        fraction: float | None,
        message: str | None,
        step: int | None,
        total: int | None,
    ) -> None:
        """Take how far the command is."""
        if not self.stopping:
            super().progress(fraction, message, step, total)

    def pass_on(
        self, channel: str, kind: str | None, data: bytes, *, binary: bool
    ) -> Awaitable[None]:
        """Take output that was cut where it came from; wait as `chunk` does."""
        if self.stopping:
            return READY
        if not binary:
            return self.chunk(channel, kind, data)
        return self.write(channel, kind or BINARY, data)

    def leave_out(self, count: int) -> None:
        """Note log records that were left out where they were made."""
        self._dropped += count

    def stop(self) -> None:
        """Tell the process that its command is to stop."""
        super().stop()
        if self.told is not None:
            self.told()
