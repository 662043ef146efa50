"""What the tests of the core are made from: values, runs, tasks and their output."""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec
from hypothesis import strategies as st

from hub.codec import to_json
from hub.events import Piece
from hub.runs import Departure, Outcome, Run, Submission, Task
from hub.tasks import NULL, Metadata, TaskResponse, TaskStatus

Json: TypeAlias = (
    "bool | int | float | str | Sequence[Json] | dict[str, Json] | None"  # recursive
)

INTEGERS: Final = st.integers(-(2**63), 2**64 - 1)
"""Every integer that has a place in a value, the edges often."""

SCALARS: Final[st.SearchStrategy[Json]] = st.one_of(
    st.none(),
    st.booleans(),
    INTEGERS,
    st.sampled_from([-(2**63), 2**63, 2**64 - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)

VALUES: Final[st.SearchStrategy[Json]] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=8), inner, max_size=4),
    ),
    max_leaves=8,
)
"""JSON values within the value domain."""

TASK_IDS: Final = st.text("0123456789abcdef", min_size=8, max_size=43)
"""Ids as the hub makes them."""

CHANNELS: Final = st.one_of(st.sampled_from(["out", "log"]), st.text(max_size=10))

KINDS: Final = st.one_of(
    st.none(), st.sampled_from(["text", "ansi", "json", "row", "number", "image/png"])
)

PIECES: Final[st.SearchStrategy[Piece]] = st.one_of(
    st.tuples(
        st.integers(0, 2**53),
        CHANNELS,
        KINDS,
        VALUES.map(msgspec.json.encode),
        st.just(False),
    ),
    st.tuples(
        st.integers(0, 2**53),
        CHANNELS,
        KINDS,
        st.binary(max_size=300),
        st.just(True),
    ),
)
"""Chunks before they have numbers."""

FEW_PIECES: Final[st.SearchStrategy[Piece]] = st.one_of(
    st.tuples(
        st.integers(0, 9),
        st.sampled_from(["out", "log", "é"]),
        st.sampled_from([None, "text"]),
        st.sampled_from([b"null", b'"abc"', b"[1,2.5]", b'{"a":"%b"}' % (b"x" * 200)]),
        st.just(False),
    ),
    st.tuples(
        st.integers(0, 9),
        st.just("out"),
        st.just("image/png"),
        st.sampled_from([b"", b"\x00\xff", b"\x01" * 99]),
        st.just(True),
    ),
)
"""Chunks of few shapes, for tests of order and size."""

ACCEPTED: Final = 1_000_000_000.25
"""When runs and tasks are accepted: 2001-09-09T01:46:40.250Z."""

COMPLETED: Final = Outcome(status=TaskStatus.COMPLETED, result=b"42", ended_at=1.0)
CANCELLED: Final = Departure(
    status=TaskStatus.CANCELLED, code="cancelled", ended_at=1.0
)


def text_piece(text: str, at: int = 0) -> Piece:
    """Return a chunk of text on `out`."""
    return at, "out", "text", msgspec.json.encode(text), False


def a_run(number: int = 1, *, id: str = "0a", **request: object) -> Run:
    """Return a run that was accepted just now and waits."""
    asked = {
        "principal": "local",
        "plugin": "demo",
        "command": "count",
        "params": b"{}",
        "queue": "default:async",
    } | request
    submission = msgspec.convert(asked, Submission, builtin_types=(bytes,))
    run = Run(number, id, submission, 50.0, ACCEPTED)
    run.updated_at = ACCEPTED
    return run


def a_task(run: Run, id: str | None = None, origin: str = "new") -> Task:
    """Return a ticket onto a run."""
    task = Task.of(id or run.id, run, run.request, origin, ACCEPTED)
    run.tasks = [*run.tasks, task]
    return task


def a_response(result: msgspec.Raw = NULL, **metadata: object) -> TaskResponse:
    """Return an answer with all its required fields."""
    facts = {
        "plugin": "demo",
        "command": "count",
        "origin": "new",
        "attempt": 1,
        "queued_ms": 3,
        "execution_time_ms": 1.5,
        "chunks": 0,
    } | metadata
    return TaskResponse(
        task_id="0a",
        status=TaskStatus.COMPLETED,
        progress=1.0,
        result=result,
        error=None,
        created_at="2026-01-02T03:04:05.678Z",
        updated_at="2026-01-02T03:04:06.000Z",
        message="Task completed",
        metadata=msgspec.convert(facts, Metadata),
    )


ORIGINS: Final = ["new", "joined", "cached"]
OUTCOMES: Final = st.one_of(
    st.builds(
        Outcome,
        status=st.just(TaskStatus.COMPLETED),
        result=VALUES.map(to_json),
        ended_at=st.floats(ACCEPTED, ACCEPTED + 9e5),
        execution_ms=st.floats(0, 1e6),
    ),
    st.builds(
        Outcome,
        status=st.sampled_from([TaskStatus.FAILED, TaskStatus.CANCELLED]),
        code=st.sampled_from(["plugin_error", "cancelled", "deadline_exceeded"]),
        error=st.one_of(st.none(), st.text(max_size=20)),
        retry=st.booleans(),
        ran=st.sampled_from(["no", "yes", "maybe"]),
        detail=st.sampled_from([b"", b'{"code":"mine","at":[1]}']),
        ended_at=st.floats(ACCEPTED, ACCEPTED + 9e5),
        execution_ms=st.floats(0, 1e6),
    ),
)
"""Ends of runs, good and bad."""


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Return a task in any state: waiting, running, left, ended, from the cache."""
    run = a_run(id=draw(TASK_IDS), params=draw(st.sampled_from([b"{}", b'{"a":[1]}'])))
    task = a_task(run, draw(TASK_IDS), draw(st.sampled_from(ORIGINS)))
    task.created_at += draw(st.floats(0, 1e6))
    task.trace = draw(st.sampled_from([None, "00-ab-cd-01"]))
    task.deadline_ms = draw(st.sampled_from([None, 5000]))
    if draw(st.booleans()):
        run.started, run.started_at = 51.0, run.created_at + draw(st.floats(0, 1e4))
        run.updated_at = run.started_at
        run.fraction = draw(st.one_of(st.none(), st.floats(0, 1)))
        run.message = draw(st.one_of(st.none(), st.text(min_size=1, max_size=20)))
        run.log.head = run.log.write(draw(st.lists(FEW_PIECES, max_size=3)))
    if draw(st.booleans()):
        run.attempt = 2
        run.log.head = run.log.write_reset(7, 2, "again")
        run.log.head = run.log.write(draw(st.lists(FEW_PIECES, max_size=3)))
    if draw(st.booleans()):
        run.outcome, task.end = draw(OUTCOMES), run.log.head + 1
        run.cached_at = run.outcome.ended_at
        run.expires_at = run.cached_at + 300
    elif task.origin != "cached" and draw(st.booleans()):
        task.end = run.log.head + 1
        task.early = msgspec.structs.replace(
            CANCELLED, attempt=run.attempt, chunks=run.log.chunks, fraction=run.fraction
        )
    return task
