"""Letters as bytes: written, cut, read, and not believed."""

import pytest

from hub.plugin.context import Facts
from hub.runner.caps import Caps
from hub.runner.letters import (
    Advance,
    AnyLetter,
    Died,
    Ended,
    Fork,
    Left,
    Limits,
    Order,
    Piece,
    Ready,
    Said,
)
from hub.runner.post import (
    HEAD,
    SMALL,
    GarbledError,
    TooLargeError,
    Unpacker,
    check_line,
    check_outcome,
    measure,
    read,
    to_bytes,
)
from hub.runs import Outcome
from hub.tasks import TaskStatus

DONE = Outcome(status=TaskStatus.COMPLETED, result=b"1")
LETTERS: list[AnyLetter] = [
    Fork(number=1, limits=Limits(cpu_s=3)),
    Died(number=1, code=-9),
    Order(
        command="x",
        params=b"{}",
        facts=Facts(run_id="r", task_id="r", locale="zh-CN"),
        left=None,
        grace=2.0,
        caps=Caps(chunk_bytes=10),
    ),
    Left(left=0.5),
    Ready(),
    Advance(fraction=0.5, message="ä", step=1, total=2),
    Piece(channel="out", kind=None, data=b"\xff", binary=True),
    Said(logger="a", level=20, message="b", trace=None),
]


@pytest.mark.parametrize("letter", LETTERS, ids=lambda each: type(each).__name__)
def test_a_letter_is_read_as_it_was_written(letter: AnyLetter) -> None:
    """Whatever its kind."""
    data = to_bytes(letter)
    head, body = data[: HEAD.size], data[HEAD.size :]

    assert HEAD.unpack(head)[1] == len(body)
    assert read(head, body) == letter


def test_an_outcome_comes_through() -> None:
    """With all that a command can say of its end."""
    outcome = Outcome(
        status=TaskStatus.FAILED, code="plugin_error", error="no", retry=True
    )
    data = to_bytes(Ended(outcome=outcome, dropped=3))

    letter = read(data[: HEAD.size], data[HEAD.size :])

    assert isinstance(letter, Ended)
    assert letter.dropped == 3
    assert check_outcome(letter.outcome) == outcome


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_a_stream_may_be_cut_anywhere(size: int) -> None:
    """Letters are complete when their last byte is there, and none is lost."""
    stream = b"".join(to_bytes(each) for each in LETTERS)
    unpacker, found = Unpacker(trusting=True), list[AnyLetter]()

    for at in range(0, len(stream), size):
        found += unpacker.feed(stream[at : at + size])

    assert found == LETTERS


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (HEAD.pack(b"\0", 0), "no known kind"),
        (HEAD.pack(b"C", SMALL + 1), "bytes long"),
        (HEAD.pack(b"R", 2**32 - 1), "bytes long"),
        (HEAD.pack(b"O", 2**32 - 1), "only the hub"),
        (HEAD.pack(b"l", 1), "only the hub"),
    ],
)
def test_a_head_is_not_believed(head: bytes, reason: str) -> None:
    """Unknown kinds and impossible lengths are seen before a byte is waited for."""
    with pytest.raises(GarbledError, match=reason):
        measure(head)


def test_who_trusts_the_hub_still_reads_letters_only() -> None:
    """Whatever else comes is not from the hub."""
    with pytest.raises(GarbledError, match="no known kind"):
        Unpacker(trusting=True).feed(HEAD.pack(b"\0", 0))


def test_an_outcome_may_be_as_long_as_a_log() -> None:
    """Beyond that it is known for what it is: too much output."""
    head = HEAD.pack(b"E", 1001)

    assert measure(head, 1001) == 1001
    with pytest.raises(TooLargeError):
        measure(head, 1000)


@pytest.mark.parametrize(
    "letter",
    [
        HEAD.pack(b"C", 3) + b"\xc1\xc1\xc1",
        HEAD.pack(b"R", 1) + b"\xc0",
        HEAD.pack(b"L", 2) + b"\x91\xa1",
        HEAD.pack(b"P", 5) + b"\x94\x02\xc0\xc0\xc0",
        HEAD.pack(b"P", 7) + b"\x94\xc0\xa2\xff\xff\xc0\xc0",
    ],
    ids=["noise", "no array", "cut", "out of range", "no text"],
)
def test_a_body_is_read_into_its_type(letter: bytes) -> None:
    """What does not fit is no letter, and nothing else is raised."""
    with pytest.raises(GarbledError):
        Unpacker(trusting=False).feed(letter)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"1\n", b"[1,\r2]", b"\xff", b"123456789012345678901234"]
)
def test_data_is_one_line_of_json(data: bytes) -> None:
    """It is put into frames as it is, so it must be what it claims to be."""
    with pytest.raises(GarbledError):
        check_line(data)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(status=TaskStatus.RUNNING),
        Outcome(status=TaskStatus.COMPLETED, code="plugin_error"),
        Outcome(status=TaskStatus.FAILED, code="internal"),
        Outcome(status=TaskStatus.COMPLETED, result=b"nonsense"),
        Outcome(status=TaskStatus.FAILED, code="plugin_error", detail=b"{"),
        Outcome(status=TaskStatus.FAILED, code="plugin_error", error="x" * 100_000),
    ],
)
def test_an_end_that_no_command_can_have_is_not_believed(outcome: Outcome) -> None:
    """Codes of the hub's own are the hub's to give."""
    with pytest.raises(GarbledError):
        check_outcome(outcome)


def test_only_what_is_the_commands_is_kept() -> None:
    """Times and verdicts that are the hub's affair do not come from a process."""
    said = Outcome(
        status=TaskStatus.COMPLETED, result=b"1", ran="no", ended_at=5, execution_ms=5
    )

    assert check_outcome(said) == DONE
