"""Rows: what is stored is what comes back."""

import sqlite3

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from hub.engines.sqlite import rows
from hub.engines.sqlite.statements import SQL
from hub.events import Piece, chunk_tail
from hub.runs import Departure, Mood, Outcome, Run, Submission, Task
from hub.tasks import TaskStatus
from tests.engines.doubles import BASE, FakeTime, piece

CLOCK = FakeTime().clock()
text = st.text(max_size=20)
maybe_text = st.none() | text
seconds = st.floats(0, 2**40)
submissions = st.builds(
    Submission,
    principal=text,
    plugin=text,
    command=text,
    params=st.binary(max_size=50),
    queue=text,
    flight=st.none() | st.binary(max_size=16),
    ttl=st.none() | seconds,
    join=st.booleans(),
    public=st.booleans(),
    locale=text,
    key=maybe_text,
    deadline_ms=st.none() | st.integers(0, 2**63 - 1),
    priority=text,
    cache=text,
    trace=maybe_text,
)
ended = {
    "status": st.sampled_from(TaskStatus),
    "result": st.binary(max_size=50),
    "code": maybe_text,
    "error": maybe_text,
    "retry": st.booleans(),
    "ran": text,
    "detail": st.binary(max_size=50),
    "ended_at": seconds,
    "execution_ms": seconds,
}
outcomes = st.builds(Outcome, **ended)
departures = st.builds(
    Departure,
    **ended,
    attempt=st.integers(1, 100),
    chunks=st.integers(0, 2**32),
    fraction=st.none() | st.floats(0, 1),
    started_at=seconds,
)
pieces = st.lists(
    st.tuples(
        st.integers(0, 2**40),
        text,
        maybe_text,
        st.binary(max_size=50),
        st.just(value=True),
    )
    | st.tuples(
        st.integers(0, 2**40),
        text,
        maybe_text,
        text.map(msgspec.json.encode),
        st.just(value=False),
    ),
    min_size=1,
    max_size=8,
)


def row_of(run: Run, *changes: tuple[str, tuple[object, ...]]) -> rows.RunRow:
    """Return a run's row, as the statements of its life leave it."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(SQL["schema"])
    state = rows.STATES[run.mood]
    request = rows.pack_request(run.request)
    new = (run.number, run.id, state, run.created_at, run.started_at, request)
    connection.execute(SQL["insert_run"], new)
    for statement, values in changes:
        connection.execute(SQL[statement], values)
    row: rows.RunRow = connection.execute(SQL["run_by_id"], (run.id,)).fetchone()
    connection.close()
    return row


@given(submissions, st.integers(0, 2**20))
def test_a_submission_comes_back(request: Submission, room: int) -> None:
    """All of it, but for what is of no use later."""
    body = rows.pack_request(replace(request, room=room))

    assert rows.unpack_request(body) == request


@given(submissions, submissions)
def test_a_ticket_keeps_what_is_its_own(first: Submission, second: Submission) -> None:
    """A joined or cached task has its own wishes, on another one's run."""
    run = Run(7, "first", first, 0.0, 1.0)
    task = Task.of("second", run, second, "joined", 5.0)

    row = ("second", 7, "joined", 5.0, rows.pack_ticket(task), 0, None)
    again = rows.load_task(row, run)

    assert asdict(again) == asdict(task)


@given(submissions, outcomes, seconds, seconds)
def test_an_ended_run_comes_back(
    request: Submission, outcome: Outcome, cached_at: float, expires_at: float
) -> None:
    """Its request, its times, its end, and how long its log is."""
    run = Run(2**30, "id", request, 0.0, 10.0)
    run.mood, run.started_at = Mood.ENDED, 11.0
    run.cached_at, run.expires_at = cached_at, expires_at
    run.log.write([piece("a"), piece("b")])
    run.log.head = 2

    body = rows.pack_outcome(outcome, run)
    row = row_of(run, ("finish_run", (11.0, 2, 2, outcome.ended_at, body, run.number)))
    again = rows.load_run(row, CLOCK)
    task = rows.load_first(row, again)

    assert (again.number, again.id, again.request) == (2**30, "id", request)
    assert (again.mood, again.outcome) == (Mood.ENDED, outcome)
    assert (again.cached_at, again.expires_at) == (cached_at, expires_at)
    assert (again.created_at, again.started_at) == (10.0, 11.0)
    assert (again.log.head, again.log.base, again.log.chunks) == (2, 2, 2)
    assert (task.id, task.origin, task.end) == ("id", "new", 3)
    assert (task.outcome, task.key, task.trace) == (outcome, request.key, request.trace)


@given(departures)
def test_an_early_end_comes_back(departure: Departure) -> None:
    """Of the first task or another: with what it had seen of its run."""
    run = Run(1, "first", BASE, 0.0, 1.0)
    body = rows.pack_departure(departure)

    row = row_of(run, ("leave_first", (4, body, 1)))
    first = rows.load_first(row, run)
    ticket = rows.pack_ticket(Task.of("second", run, BASE, "joined", 1.0))
    second = rows.load_task(("second", 1, "joined", 1.0, ticket, 5, body), run)

    assert (first.early, first.end) == (departure, 4)
    assert (second.early, second.end) == (departure, 5)
    assert first.outcome == second.outcome == departure


@pytest.mark.parametrize("mood", list(Mood))
def test_every_mood_has_a_state(mood: Mood) -> None:
    """What a run was doing is known after a restart, and why it was closing."""
    run = Run(1, "1", BASE, 0.0, 1.0)
    run.mood = mood

    closed = row_of(run, ("close_run", ("cancelled", 1)))
    row = row_of(run)
    again = rows.load_run(row, CLOCK)

    assert (again.mood, again.outcome) == (mood, None)
    assert rows.load_run(closed, CLOCK).why == "cancelled"
    assert rows.load_first(row, again).end == 0


@given(pieces, st.integers(1, 2**20), st.data())
def test_chunks_come_back_as_their_tails(
    said: list[Piece], first: int, data: st.DataObject
) -> None:
    """Any part of a row is the same bytes as were shown when it was live."""
    last = first + len(said) - 1
    after = data.draw(st.integers(first - 1, last))
    upto = data.draw(st.integers(after, last))
    tails = [chunk_tail(seq, each) for seq, each in enumerate(said, first)]

    stored = rows.pack_pieces(7, said, last)

    assert stored[-1][0] == rows.place(7, last)
    whole = [rows.unpack_tails(body, first - 1, last) for _, body in stored]
    assert [tail for part in whole for tail in part] == tails
    parts = [rows.unpack_tails(body, after, upto) for _, body in stored]
    found = [tail for part in parts for tail in part]
    assert found == tails[after - first + 1 : upto - first + 1]


def test_no_row_is_so_large_that_a_page_of_it_is_dear() -> None:
    """A page costs what it holds, however much was said between two commits."""
    many = rows.pack_pieces(1, [piece("x")] * 1_000, 1_000)
    large = rows.pack_pieces(1, [piece("x" * 40_000)] * 10, 10)

    assert [place - rows.place(1, 0) for place, _ in many] == [256, 512, 768, 1_000]
    assert len(large) == 5
    assert max(len(body) for _, body in large) < 2 * rows.ROW_BYTES


@given(
    st.tuples(st.integers(1, 2**36), st.integers(1, rows.MOST_ENTRIES)),
    st.tuples(st.integers(1, 2**36), st.integers(1, rows.MOST_ENTRIES)),
)
def test_places_are_in_order(one: tuple[int, int], other: tuple[int, int]) -> None:
    """Entries of a run stand together, in their order; all fit into 63 bits."""
    assert (rows.place(*one) < rows.place(*other)) == (one < other)
    assert rows.place(*one) < 2**63


def test_keys_of_principals_do_not_collide() -> None:
    """A digest stands for one principal's one key."""
    pairs = [("a", "b"), ("ab", ""), ("", "ab"), ("b", "a"), ("a", "b\0"), ("a", "B")]

    assert len({rows.digest(*pair) for pair in pairs}) == len(pairs)
    assert rows.digest("a", "b") == rows.digest("a", "b")
    assert len(rows.digest("a", "b")) == 16


def test_bodies_carry_their_format() -> None:
    """The first element of each body says how to read it."""
    run = Run(1, "1", BASE, 0.0, 1.0)
    bodies = [
        rows.pack_request(BASE),
        rows.pack_ticket(Task.of("2", run, BASE, "joined", 1.0)),
        rows.pack_outcome(Outcome(status=TaskStatus.COMPLETED), run),
        rows.pack_departure(Departure(status=TaskStatus.CANCELLED)),
        rows.pack_pieces(1, [piece("a")], 1)[0][1],
    ]

    assert {msgspec.msgpack.decode(body)[0] for body in bodies} == {rows.FORMAT}
