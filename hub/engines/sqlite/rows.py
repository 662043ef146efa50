"""Runs, tasks and chunks as rows, and back.

Bodies are MessagePack with a format number of their own, so that the file and the wire
can change apart. Chunks are stored as they were said (JSON, or raw bytes), not as
frames.
"""

import hashlib
from typing import Any, Final

import msgspec

from hub.clock import Clock
from hub.events import Piece, chunk_tail
from hub.log import RunLog
from hub.runs import Departure, Mood, Outcome, Run, Submission, Task

FORMAT: Final = 1
"""The format of the bodies that are written."""
SHIFT: Final = 26
"""Bits of a place that number an entry within its run."""
ROW_BYTES: Final = 64 * 1024
"""When chunks have so many bytes together, their row is full."""
ROW_ENTRIES: Final = 256
"""How many chunks one row holds at the most."""
MOST_ENTRIES: Final = 2**SHIFT - 1
"""How many entries a run's log may have in the store."""

STATES: Final = {Mood.QUEUED: 0, Mood.RUNNING: 1, Mood.CLOSING: 2, Mood.ENDED: 3}


class StoredRequest(msgspec.Struct, frozen=True, array_like=True):
    """A submission, without what is of no use later."""

    format: int
    principal: str
    plugin: str
    command: str
    params: bytes
    queue: str
    flight: bytes | None
    ttl: float | None
    join: bool
    public: bool
    locale: str
    key: str | None
    deadline_ms: int | None
    priority: str
    cache: str
    trace: str | None
    concurrency: int | None = None


class StoredOutcome(msgspec.Struct, frozen=True, array_like=True):
    """How a run ended, and when its result entered the cache."""

    format: int
    outcome: Outcome
    cached_at: float
    expires_at: float


class StoredDeparture(msgspec.Struct, frozen=True, array_like=True):
    """How a task ended that left its run."""

    format: int
    departure: Departure


class StoredChunks(msgspec.Struct, frozen=True, array_like=True):
    """Chunks in a row, and the number of the first."""

    format: int
    first: int
    pieces: list[Piece]


_pack = msgspec.msgpack.Encoder().encode
_request = msgspec.msgpack.Decoder(StoredRequest).decode
_outcome = msgspec.msgpack.Decoder(StoredOutcome).decode
_departure = msgspec.msgpack.Decoder(StoredDeparture).decode
_chunks = msgspec.msgpack.Decoder(StoredChunks).decode

RunRow = tuple[
    int,
    str,
    int,
    float,
    float,
    bytes,
    int,
    int,
    int,
    int,
    bytes | None,
    str | None,
    Any,  # a body or None
]
TaskRow = tuple[str, int, str, float, bytes, int, bytes | None]


def digest(principal: str, key: str) -> bytes:
    """Return what stands for a principal's key in the index."""
    return hashlib.blake2b(f"{principal}\0{key}".encode(), digest_size=16).digest()


def place(run: int, seq: int) -> int:
    """Return where a run's entry stands among all chunks."""
    return run << SHIFT | seq


def places(run: int) -> tuple[int, int]:
    """Return between which places a run's entries stand: behind one, up to another."""
    return place(run, 0), place(run + 1, 0) - 1


def pack_request(request: Submission) -> bytes:
    """Encode a submission."""
    return _pack(
        StoredRequest(
            FORMAT,
            request.principal,
            request.plugin,
            request.command,
            request.params,
            request.queue,
            request.flight,
            request.ttl,
            request.join,
            request.public,
            request.locale,
            request.key,
            request.deadline_ms,
            request.priority,
            request.cache,
            request.trace,
            request.concurrency,
        )
    )


def pack_ticket(task: Task) -> bytes:
    """Encode what a joined or cached task asked for beside what its run says."""
    request = task.run.request
    return _pack(
        StoredRequest(
            FORMAT,
            task.principal,
            request.plugin,
            request.command,
            b"",
            request.queue,
            None,
            None,
            request.join,
            request.public,
            request.locale,
            task.key,
            task.deadline_ms,
            task.priority,
            task.cache,
            task.trace,
        )
    )


def unpack_request(body: bytes) -> Submission:
    """Decode a submission."""
    stored = _request(body)
    return Submission(
        principal=stored.principal,
        plugin=stored.plugin,
        command=stored.command,
        params=stored.params,
        queue=stored.queue,
        flight=stored.flight,
        ttl=stored.ttl,
        join=stored.join,
        public=stored.public,
        locale=stored.locale,
        key=stored.key,
        deadline_ms=stored.deadline_ms,
        priority=stored.priority,
        cache=stored.cache,
        trace=stored.trace,
        concurrency=stored.concurrency,
    )


def pack_departure(departure: Departure) -> bytes:
    """Encode how a task ended that left its run."""
    return _pack(StoredDeparture(FORMAT, departure))


def pack_outcome(outcome: Outcome, run: Run) -> bytes:
    """Encode how a run ended."""
    return _pack(StoredOutcome(FORMAT, outcome, run.cached_at, run.expires_at))


def pack_pieces(run: int, pieces: list[Piece], last: int) -> list[tuple[int, bytes]]:
    """Encode chunks as rows: place and body, none so large that a page of it is dear.

    Args:
        run: Whose they are.
        pieces: What was said.
        last: The number of the last of them.
    """
    found: list[tuple[int, bytes]] = []
    first = last - len(pieces) + 1
    start = size = 0
    for at, piece in enumerate(pieces, 1):
        size += len(piece[3])
        if size >= ROW_BYTES or at - start >= ROW_ENTRIES or at == len(pieces):
            body = _pack(StoredChunks(FORMAT, first + start, pieces[start:at]))
            found.append((place(run, first + at - 1), body))
            start, size = at, 0
    return found


def unpack_tails(body: bytes, after: int, upto: int) -> list[bytes]:
    """Decode the chunks behind one entry, up to another, as JSON tails."""
    stored = _chunks(body)
    return [
        chunk_tail(seq, piece)
        for seq, piece in enumerate(stored.pieces, stored.first)
        if after < seq <= upto
    ]


def load_run(row: RunRow, clock: Clock) -> Run:
    """Make a run from its row; its log stays in the store."""
    number, id_, state, created_at, started_at, request = row[:6]
    head, chunks, lost, _, _, why, outcome = row[6:]
    run = Run(number, id_, unpack_request(request), clock.now(), created_at)
    run.updated_at = started_at or created_at
    run.mood = next(mood for mood, code in STATES.items() if code == state)
    run.started_at = started_at
    run.why = why
    run.log = RunLog(head, head)
    run.log.chunks = chunks
    run.log.floor = lost
    if outcome is not None:
        stored = _outcome(outcome)
        run.outcome = stored.outcome
        run.cached_at, run.expires_at = stored.cached_at, stored.expires_at
        run.updated_at = stored.outcome.ended_at
    return run


def load_first(row: RunRow, run: Run) -> Task:
    """Make a run's first task from the run's row."""
    task = Task.of(run.id, run, run.request, "new", run.created_at)
    _load_end(task, row[9], row[10])
    return task


def load_task(row: TaskRow, run: Run) -> Task:
    """Make a joined or cached task from its row."""
    id_, _, origin, created_at, request, early_end, early = row
    task = Task.of(id_, run, unpack_request(request), origin, created_at)
    _load_end(task, early_end, early)
    return task


def _load_end(task: Task, early_end: int, early: bytes | None) -> None:
    """Give a task its end, where it has one."""
    if early is not None:
        task.early = _departure(early).departure
        task.end = early_end
    elif task.run.outcome is not None:
        task.end = task.run.log.head + 1
