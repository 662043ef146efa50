"""Sorted numbers: whatever comes and goes, they are what a sorted list would be."""

from hypothesis import given
from hypothesis import strategies as st

from hub.backlog.numbers import Numbers

steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 30)),
        st.tuples(st.just("end"), st.integers(0, 3)),
        st.tuples(st.just("remove"), st.integers(0, 1000)),
        st.tuples(st.just("first"), st.just(0)),
    ),
    max_size=300,
)


@given(steps)
def test_they_are_what_a_sorted_list_would_be(script: list[tuple[str, int]]) -> None:
    """Added anywhere, removed anywhere, asked for any index."""
    numbers, plain = Numbers(), list[int]()
    for step, what in script:
        if step in ("add", "end"):
            number = what if step == "add" else max(plain, default=0) + what
            numbers.add(number)
            plain.append(number)
            plain.sort()
        elif plain:
            number = plain.pop(what % len(plain) if step == "remove" else 0)
            numbers.remove(number)
        assert len(numbers) == len(plain)
        assert not plain or numbers.first == plain[0]
        for number in (0, 15, what):
            assert numbers.index(number) == sum(each < number for each in plain)


def test_what_was_taken_in_front_is_let_go() -> None:
    """A queue that a million went through does not remember them."""
    numbers = Numbers()
    for number in range(10_000):
        numbers.add(number)
        if number >= 10:
            numbers.remove(numbers.first)

    assert len(numbers) == 10
    assert len(numbers._items) < 200
