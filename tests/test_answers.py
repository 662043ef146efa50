"""Answers: what waits for one reader leaves whole, in order, and says when it may."""

from hypothesis import given
from hypothesis import strategies as st

from hub.answers import CONGESTED_BYTES, Answers

PARTS = st.lists(
    st.tuples(st.binary(max_size=40), st.integers(1, 5)), min_size=1, max_size=20
)


@given(PARTS, st.lists(st.integers(0, 60), max_size=30))
def test_all_leave_in_their_order(
    given: list[tuple[bytes, int]], rooms: list[int]
) -> None:
    """Message by message: whole parts, no more than there is room for."""
    answers, left = Answers(), []
    for part, count in given:
        answers.append(part, count)

    counted = 0
    for room in [*rooms, 10_000]:
        message: list[bytes] = []
        count, rest = answers.gather(message, room)
        size = sum(map(len, message))
        # A single part may be larger than a message should be.
        assert size <= room or len(message) == 1
        assert rest == (0 if answers else room - size)
        counted += count
        left += message

    if answers:
        # Where the first of the last message was too large for all others.
        message = []
        counted += answers.gather(message, 10_000)[0]
        left += message
    assert left == [part for part, _ in given]
    assert counted == sum(count for _, count in given)
    assert not answers


def test_what_is_already_gathered_counts() -> None:
    """Behind other parts nothing goes out that does not fit."""
    answers, message = Answers(), [b"before"]
    answers.append(b"answer", 1)

    assert answers.gather(message, 5) == (0, 0)
    assert message == [b"before"]
    assert answers.gather(message, 6) == (1, 0)
    assert message == [b"before", b"answer"]


def test_nothing_waits_at_first() -> None:
    """And gathering then changes nothing."""
    answers, message = Answers(), list[bytes]()

    assert not answers
    assert not answers.congested
    assert answers.gather(message, 9) == (0, 9)
    assert message == []


def test_too_much_is_congested_until_enough_has_left() -> None:
    """Up to the bound is fine; the relief comes once, when it is down there again."""
    answers, calls, seen = Answers(), list[bool](), list[bool]()
    half = CONGESTED_BYTES // 2
    for size in (half, half, 1, half):
        answers.append(b"x" * size, 1)
        seen.append(answers.congested)
    answers.when_relieved(lambda: calls.append(answers.congested))
    assert seen == [False, False, True, True]

    told = []
    for _ in range(4):
        answers.gather([], 1)
        told.append(list(calls))

    # Half and one byte are left after the second.
    assert told == [[], [False], [False], [False]]


def test_a_relief_comes_with_the_next_message_at_the_latest() -> None:
    """Whoever asks when nothing is congested is told soon, not never."""
    answers, calls = Answers(), list[str]()
    answers.append(b"x", 1)
    answers.when_relieved(lambda: calls.append("now"))

    answers.gather([], 9)

    assert calls == ["now"]


def test_a_relief_may_ask_for_the_next_one() -> None:
    """It is over before it is called, so a new one is kept."""
    answers, calls = Answers(), list[str]()

    def again() -> None:
        calls.append("first")
        answers.when_relieved(lambda: calls.append("second"))

    answers.when_relieved(again)
    answers.relieve()
    assert calls == ["first"]
    answers.relieve()
    answers.relieve()

    assert calls == ["first", "second"]


def test_what_is_dropped_is_gone_and_relieves() -> None:
    """A reader that has gone holds back nobody."""
    answers, calls = Answers(), list[str]()
    answers.append(b"x" * (CONGESTED_BYTES + 1), 1)
    answers.when_relieved(lambda: calls.append("free"))

    answers.clear()

    assert calls == ["free"]
    assert not answers
    assert not answers.congested
    assert answers.gather([], 9) == (0, 9)
