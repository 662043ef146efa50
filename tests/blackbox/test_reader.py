"""The yardstick itself: the Reader keeps the client's rule, and sees who breaks it."""

import pytest

from tests.blackbox import shapes
from tests.blackbox.reader import Reader
from tests.blackbox.wire import Frame, pack, strict_json, unpack


def _opened(after: int = 0) -> Frame:
    return {"type": "opened", "from": after, "attempt": 1, "origin": "watch"}


def _chunk(seq: int) -> Frame:
    return {"type": "chunk", "seq": seq, "channel": "out", "data": seq}


def _gap(first: int, last: int, attempt: int = 1) -> Frame:
    return {"type": "gap", "from": first, "to": last, "attempt": attempt}


RESULT = {"type": "result", "response": {}}


def _read(*frames: Frame) -> Reader:
    reader = Reader("t")
    for frame in frames:
        reader.apply(frame)
    return reader


def test_entries_are_applied_in_order() -> None:
    """One after the other, to the result."""
    reader = _read(_opened(), _chunk(1), _chunk(2), RESULT | {"seq": 3})
    assert (reader.output, reader.last, reader.faults) == ([1, 2], 3, [])
    assert reader.result is not None


def test_a_hole_is_seen_and_asked_for_again() -> None:
    """A number that is missing means `watch` from `last`."""
    for frame in (_chunk(3), RESULT | {"seq": 3}, _gap(3, 5)):
        reader = _read(_opened(), _chunk(1), frame)
        assert reader.rewatch
        assert reader.last == 1
        assert reader.result is None
        assert len(reader.faults) == 1


def test_what_was_seen_is_dropped() -> None:
    """A number twice changes nothing, and is noted; a result counts once."""
    reader = _read(_opened(), _chunk(1), _chunk(1))
    assert (reader.output, len(reader.faults)) == ([1], 1)
    reader = _read(_opened(), _chunk(1), RESULT | {"seq": 1})
    assert reader.result is not None


def test_opened_below_last_forgets() -> None:
    """The hub reads from further back: so does the client."""
    reader = _read(_opened(), _chunk(1), _chunk(2), _opened(), _chunk(1))
    assert (reader.output, reader.last, reader.faults) == ([1], 1, [])


def test_a_gap_stands_for_its_entries() -> None:
    """`last` moves to its end; of a higher attempt it is a reset, too."""
    reader = _read(_opened(), _chunk(1), _gap(2, 5), _chunk(6))
    assert (reader.output, reader.last) == ([1, 6], 6)
    reader = _read(_opened(), _chunk(1), _gap(2, 5, attempt=2), _chunk(6))
    assert (reader.output, reader.attempt) == ([6], 2)


def test_a_reset_voids_what_came_before() -> None:
    """A new attempt: forget the output, drop the progress of the old one."""
    reset = {"type": "reset", "seq": 2, "attempt": 2}
    late = {"type": "progress", "attempt": 1}
    reader = _read(_opened(), _chunk(1), reset, late, _chunk(3))
    assert (reader.output, reader.attempt, reader.progress) == ([3], 2, None)


@pytest.mark.parametrize("late", [_chunk(3), {"type": "progress", "attempt": 1}])
def test_nothing_may_come_after_the_result(late: Frame) -> None:
    """Whatever does is a fault of the hub's."""
    assert len(_read(_opened(), _chunk(1), RESULT | {"seq": 2}, late).faults) == 1


def test_nothing_may_come_before_opened() -> None:
    """`opened` is the first frame of its watch."""
    assert _read(_chunk(1), _opened()).faults == ["chunk before opened"]


def test_the_shapes_are_strict() -> None:
    """A field missing, mistyped or unheard of is seen."""
    shapes.check({"type": "pong", "id": 1})
    for wrong in (
        {"type": "pong"},
        {"type": "pong", "id": None},
        {"type": "pong", "id": 1, "now": "x"},
        {"type": "mumble"},
        {"type": "error", "code": "not_found", "message": "", "retry": True},
    ):
        with pytest.raises(AssertionError):
            shapes.check(wrong)


def test_the_readers_are_strict() -> None:
    """A field twice, a NaN, a key that is no string: refused."""
    assert unpack(pack({"a": [1, b"\x00"]})) == {"a": [1, b"\x00"]}
    with pytest.raises(AssertionError):
        strict_json('{"a": 1, "a": 2}')
    with pytest.raises(AssertionError):
        strict_json("[NaN]")
    with pytest.raises(AssertionError):
        unpack(b"\x82\xa1a\x01\xa1a\x02")
    with pytest.raises(ValueError, match="map key"):
        unpack(b"\x81\x01\x02")
