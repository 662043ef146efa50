"""A run's log against a plain list of entries, under random schedules."""

import json
from base64 import b64decode
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given
from hypothesis import strategies as st

from hub.events import Piece
from hub.log import RunLog
from tests.samples import FEW_PIECES, text_piece


class Model:
    """A log, and the plain list that it must be like."""

    def __init__(self, base: int = 0) -> None:
        self.log = RunLog(base, base)
        self.first = base
        self.frames: list[dict[str, Any]] = []  # decoded tails, from number first + 1
        self.head = base
        self.forgotten = base
        self.lost = 0
        self.attempt = 1

    @property
    def written(self) -> int:
        """The number of the last entry."""
        return self.first + len(self.frames)

    def entry(self, seq: int) -> dict[str, Any]:  # any JSON
        """Return an entry that was written."""
        return self.frames[seq - self.first - 1]

    def write(self, pieces: list[Piece]) -> None:
        """Write chunks to both."""
        for at, channel, kind, data, binary in pieces:
            frame: dict[str, Any] = {"seq": self.written + 1, "at": at}
            frame["channel"] = channel
            frame |= {} if kind is None else {"kind": kind}
            frame |= {"bin": data} if binary else {"data": json.loads(data)}
            self.frames.append(frame)

        assert self.log.write(pieces) == self.written

    def write_reset(self) -> None:
        """Write a reset to both."""
        self.attempt += 1
        seq = self.written + 1
        frame = {"seq": seq, "at": 5, "attempt": self.attempt, "reason": "é"}
        self.frames.append(frame)

        assert self.log.write_reset(5, self.attempt, "é") == seq

    def show(self, amount: int) -> None:
        """Show readers some more entries."""
        self.log.head = self.head = min(self.written, self.head + amount)

    def forget(self, amount: int) -> None:
        """Let some shown entries leave memory."""
        upto = min(self.head, self.forgotten + amount)
        self.forgotten = max(self.forgotten, upto)
        self.log.forget(upto)

    def lose(self, amount: int) -> None:
        """Lose some shown entries."""
        upto = min(self.head, self.lost + amount)
        self.lost = max(self.lost, upto)
        self.forgotten = max(self.forgotten, upto)
        self.log.lose(upto)

    def compare(self) -> None:
        """Compare everything that does not need an argument."""
        log = self.log
        kept = [self.entry(n) for n in range(self.forgotten + 1, self.written + 1)]

        assert log.floor <= log.base <= log.head <= log.written
        assert (log.floor, log.base) == (self.lost, self.forgotten)
        assert (log.head, log.written) == (self.head, self.written)
        assert log.attempt == self.attempt
        assert log.chunks == sum("channel" in frame for frame in self.frames)
        tails = log.tails(log.base, log.written)
        assert [decoded(tail) for tail in tails] == kept
        assert log.size == sum(map(len, tails))
        packed = log.packed_tails(log.base, log.written)
        assert [unpacked(tail) for tail in packed] == kept

    def compare_reads(self, after: int, limit: int, budget: int) -> None:
        """Compare what is asked for with numbers; they are within memory."""
        log = self.log
        sizes = {n: len(log.tails(n - 1, n)[0]) for n in range(after + 1, limit + 1)}
        resets = [
            n for n in range(self.first + 1, self.written + 1) if self.is_reset(n)
        ]

        last = log.page(after, limit, budget)

        assert after < last <= limit
        given = sum(sizes[n] for n in range(after + 1, last + 1))
        assert given <= budget or last == after + 1
        assert last == limit or given + sizes[last + 1] > budget
        assert log.last_reset(limit) == max(
            (n for n in resets if n <= limit), default=0
        )
        assert log.attempt_at(limit) == 1 + sum(n <= limit for n in resets)

    def is_reset(self, seq: int) -> bool:
        """Whether an entry is a reset."""
        return "reason" in self.entry(seq)


def decoded(tail: bytes) -> dict[str, Any]:  # any JSON
    """Return the fields of a JSON tail, binary data as bytes."""
    fields: dict[str, Any] = json.loads(b"{" + tail)
    return fields | ({"bin": b64decode(fields["bin"])} if "bin" in fields else {})


def unpacked(tail: bytes) -> dict[str, Any]:  # any JSON
    """Return the fields of a MessagePack tail, which counts two that it lacks."""
    head = b"\xa4type\xa5chunk\xa7task_id\xa20a"
    fields: dict[str, Any] = msgpack.unpackb(tail[:1] + head + tail[1:])
    assert (fields.pop("type"), fields.pop("task_id")) == ("chunk", "0a")
    return fields


AMOUNTS: Final = st.integers(0, 8)
STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(FEW_PIECES, max_size=4)),
        st.tuples(st.just("write_reset"), st.none()),
        st.tuples(st.sampled_from(["show", "show", "forget", "lose"]), AMOUNTS),
    ),
    max_size=25,
)


@given(STEPS, st.integers(0, 20), st.data())
def test_a_log_is_a_list_of_entries(
    steps: list[tuple[str, Any]],  # the argument of a verb
    base: int,
    data: st.DataObject,
) -> None:
    """Whatever is written, shown, forgotten and lost: every entry keeps its number.

    What is in memory is exactly what was written and not let go, in both codecs.
    """
    model = Model(base)
    for verb, argument in steps:
        method = getattr(model, verb)
        method() if argument is None else method(argument)
        model.compare()
    if model.log.base < model.log.written:
        after = data.draw(st.integers(model.log.base, model.log.written - 1))
        limit = data.draw(st.integers(after + 1, model.log.written))
        model.compare_reads(after, limit, data.draw(st.integers(0, 600)))


@given(st.lists(FEW_PIECES, min_size=1, max_size=12), st.integers(0, 3000))
def test_the_newest_entries_can_be_kept(pieces: list[Piece], budget: int) -> None:
    """What stands behind `tail_start` fits the budget, and nothing more would."""
    log = RunLog(3, 3)
    log.write(pieces)

    start = log.tail_start(budget)

    assert sum(map(len, log.tails(start, log.written))) <= budget
    if log.size > budget:
        assert sum(map(len, log.tails(start - 1, log.written))) > budget


def test_an_entry_is_packed_once() -> None:
    """A thousand MessagePack readers cost one encoding."""
    log = RunLog()
    log.write([text_piece("a"), text_piece("b")])

    first = log.packed_tails(0, 2)

    assert all(a is b for a, b in zip(first, log.packed_tails(0, 2), strict=True))


def test_logs_share_nothing() -> None:
    """What one run says is never in another's log."""
    one, other = RunLog(), RunLog()
    one.write([text_piece("a")])
    one.packed_tails(0, 1)
    one.write_reset(0, 2, "again")

    assert (other.written, other.size, other.attempt) == (0, 0, 1)
    other.write_reset(0, 2, "other")
    assert other.chunks == 0
    assert one.written == 2
    assert decoded(other.tails(0, 1)[0])["reason"] == "other"
    assert unpacked(other.packed_tails(0, 1)[0])["reason"] == "other"


def test_a_log_that_left_memory_goes_on_at_its_number() -> None:
    """A log of which nothing is in memory shows all, and counts on from there."""
    log = RunLog(7, 7)

    assert (log.base, log.head, log.written) == (7, 7, 7)
    assert log.write([text_piece("next")]) == 8
    assert decoded(log.tails(7, 8)[0])["seq"] == 8
    assert log.head == 7


def test_forgetting_again_changes_nothing() -> None:
    """What is not in memory can be forgotten once more, and lost later."""
    log = RunLog()
    log.write([text_piece(letter) for letter in "abc"])
    log.head = 3
    log.forget(2)
    log.forget(1)

    assert (log.floor, log.base) == (0, 2)
    log.lose(1)
    assert (log.floor, log.base) == (1, 2)
    log.lose(3)
    assert (log.floor, log.base, log.size) == (3, 3, 0)
    log.lose(2)
    assert log.floor == 3
