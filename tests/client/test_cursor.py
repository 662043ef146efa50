"""The client's rule, one frame after the other."""

import pytest

from hub.client.cursor import LOST, REWOUND, Cursor, Log, Unknown
from hub.events import Chunk, Gap, Reset, Result
from tests.client.model import Log as Stored
from tests.client.test_show import progress


def chunk(seq: int, **fields: object) -> Chunk:
    """Return a chunk."""
    channel = str(fields.get("channel", "out"))
    data = fields.get("data", seq)
    return Chunk(task_id="t", seq=seq, at=0, channel=channel, data=data)


def reset(seq: int, attempt: int) -> Reset:
    """Return a reset."""
    return Reset(task_id="t", seq=seq, at=0, attempt=attempt, reason="retry")


def gap(first: int, last: int, why: str, attempt: int = 1) -> Gap:
    """Return a gap."""
    return Gap(task_id="t", first=first, last=last, why=why, attempt=attempt)


def result(seq: int) -> Result:
    """Return an end."""
    return Result(task_id="t", seq=seq, response=Stored("t").response())


def test_what_was_applied_is_not_applied_again() -> None:
    """`seq <= last`: dropped; a gap that ends there, too."""
    cursor = Cursor()
    assert cursor.receive(chunk(1)) == [chunk(1)]

    assert cursor.receive(chunk(1)) == []
    assert cursor.receive(gap(1, 1, "trimmed")) == []
    assert cursor.last == 1


def test_a_hole_is_asked_for_once_then_shown() -> None:
    """Watch again from `last`; at the second time the reader is told of a gap."""
    cursor = Cursor()
    assert cursor.receive(chunk(3)) is None
    assert cursor.last == 0
    cursor.asked = 1
    assert cursor.receive(chunk(4)) == []
    cursor.opened(0)

    assert cursor.receive(chunk(3)) == [gap(1, 2, LOST), chunk(3)]
    assert cursor.receive(chunk(5)) is None, "another place is asked for anew"


def test_a_gap_behind_a_hole_is_a_hole() -> None:
    """`from > last + 1`: as for any entry."""
    cursor = Cursor()
    assert cursor.receive(gap(3, 4, "trimmed")) is None


def test_a_gap_may_overlap_what_is_known() -> None:
    """Only what is really missing is told."""
    cursor = Cursor(3)
    assert cursor.receive(gap(2, 5, "trimmed")) == [gap(4, 5, "trimmed")]
    assert cursor.last == 5


@pytest.mark.parametrize("why", ["void", "skipped"])
def test_a_quiet_gap_is_not_shown(why: str) -> None:
    """It stands for nothing a person would miss."""
    cursor = Cursor()
    assert cursor.receive(gap(1, 4, why)) == []
    assert cursor.receive(chunk(5)) == [chunk(5)]


def test_a_new_attempt_is_told_once() -> None:
    """A void gap and the reset behind it are one order to forget."""
    cursor = Cursor(2)
    assert cursor.receive(gap(3, 6, "void", attempt=3)) == []
    assert cursor.receive(reset(7, 3)) == [reset(7, 3)]
    assert cursor.attempt == 3
    assert cursor.receive(chunk(8)) == [chunk(8)]


def test_a_new_attempt_is_told_where_its_reset_is_gone() -> None:
    """A gap of a higher attempt is a reset, too."""
    cursor = Cursor(2)
    forgotten, told = cursor.receive(gap(3, 7, "trimmed", attempt=2)) or []

    assert isinstance(forgotten, Reset)
    assert (forgotten.attempt, forgotten.seq) == (2, 2)
    assert told == gap(3, 7, "trimmed", attempt=2)


def test_what_the_store_has_lost_is_forgotten() -> None:
    """`opened.from` below `last`: the reader is told before it gets anything else."""
    cursor = Cursor(9, 3)
    cursor.opened(4)
    assert (cursor.last, cursor.attempt) == (4, 1)

    told = cursor.receive(chunk(5))
    assert told is not None
    forgotten, again = told
    assert isinstance(forgotten, Reset)
    assert (forgotten.seq, forgotten.reason) == (4, REWOUND)
    assert again == chunk(5)


def test_the_end_is_applied_once() -> None:
    """Whenever it is no hole; then nothing changes any more."""
    cursor = Cursor(4)
    assert cursor.receive(result(6)) is None
    assert cursor.receive(result(3)) == []
    assert cursor.ended
    assert cursor.receive(chunk(5)) == []
    assert not cursor.takes(progress(1.0))


def test_progress_of_a_former_attempt_is_no_news() -> None:
    """Of this or a later one it is; the attempt stays as it was."""
    cursor = Cursor(1, 2)
    assert not cursor.takes(progress(0.5))
    cursor.attempt = 1
    assert cursor.takes(progress(0.5))


def test_an_unknown_entry_has_its_number() -> None:
    """A frame of a newer hub is ignored, and moves the place."""
    cursor = Cursor()
    assert cursor.receive(Unknown(task_id="t", seq=1)) == []
    assert cursor.last == 1


def test_a_record_is_a_log() -> None:
    """A chunk of channel log, with level and message; else it stays a chunk."""
    cursor = Cursor()
    data = {"level": "info", "logger": "x", "message": "m"}
    told = cursor.receive(chunk(1, channel="log", data=data))
    assert told == [
        Log(task_id="t", seq=1, at=0, level="info", logger="x", message="m")
    ]
    for seq, odd in enumerate(("text", {"level": 3, "message": "m"}), 2):
        entry = chunk(seq, channel="log", data=odd)
        assert cursor.receive(entry) == [entry]
