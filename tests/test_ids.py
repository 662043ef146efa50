"""Ids of tasks: unguessable, unique, and in the order of time."""

import re

from hypothesis import given
from hypothesis import strategies as st

from hub.ids import TaskIds


def test_an_id_holds_128_random_bits() -> None:
    """Nobody can guess an id: behind the time stand 16 bytes of the entropy given."""
    given_out = bytes(range(256)) * 16

    ids = TaskIds(lambda size: given_out[:size])
    made = ids.new(1_700_000_000.123)

    assert re.fullmatch(r"[0-9a-f]{43}", made)
    assert bytes.fromhex(made[-32:]) in given_out


def test_no_entropy_is_used_twice() -> None:
    """Every id has random bytes of its own, also when many are made at once."""
    asked: list[int] = []
    numbers = iter(range(10**9))

    def entropy(size: int) -> bytes:
        asked.append(size)
        return b"".join(next(numbers).to_bytes(16, "big") for _ in range(size // 16))

    ids = TaskIds(entropy)
    made = [ids.new(1.0) for _ in range(1000)]

    assert len(set(made)) == 1000
    assert sum(asked) >= 16 * 1000
    assert len(asked) < 10


def test_two_hubs_make_different_ids() -> None:
    """By default the entropy is the system's."""
    one, other = TaskIds(), TaskIds()

    assert not {one.new(1.0) for _ in range(500)} & {other.new(1.0) for _ in range(500)}


@given(st.lists(st.floats(0, 4e9), min_size=2))
def test_later_ids_sort_behind(times: list[float]) -> None:
    """Ids of different milliseconds are in the order of time, as text."""
    ids = TaskIds()

    made = [(int(wall * 1000), ids.new(wall)) for wall in times]

    assert len({len(each) for _, each in made}) == 1
    for before, one in made:
        for after, other in made:
            assert before >= after or one < other
