"""The cache: sweeps, order and edges; its bounds have tests of their own beside it."""

import pytest

from hub.cache import LRUTTL
from tests.caches import Clock


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


class Key:
    """A key that counts how often anybody looks it up."""

    looked_up = 0

    def __hash__(self) -> int:
        """Count."""
        Key.looked_up += 1
        return id(self) >> 4


def test_a_sweep_is_incremental(clock: Clock) -> None:
    """A sweep looks at no more than its budget, and a few reach everything."""
    cache: LRUTTL[Key, int] = LRUTTL(100, 100, clock)
    for number in range(100):
        cache.put(Key(), number, ttl=1, size=1)
    clock.now += 1
    gone: list[int] = []
    for _ in range(10):
        before = Key.looked_up
        gone += cache.sweep(10)
        # Once to find the entry, once to delete it.
        assert Key.looked_up - before <= 20

    assert sorted(gone) == list(range(100))
    assert len(cache) == 0


def test_a_sweep_goes_on_while_entries_come_and_go(clock: Clock) -> None:
    """Puts between sweeps do not hide an expired entry for more than one round."""
    cache: LRUTTL[int, int] = LRUTTL(50, 50, clock)
    for number in range(50):
        cache.put(number, number, ttl=1 if number % 2 else 9, size=1)
    clock.now += 1
    for number in range(10):
        cache.pop(2 * number)
        cache.put(100 + number, number, ttl=9, size=1)
        cache.sweep(5)

    assert len(cache) == 25
    assert len(cache.items()) == 25


def test_a_used_entry_outlives_an_unused_one(clock: Clock) -> None:
    """Asking for the oldest entry saves it from being the next to go."""
    cache: LRUTTL[str, str] = LRUTTL(2, 9, clock)
    cache.put("a", "A", ttl=9, size=1)
    cache.put("b", "B", ttl=9, size=1)
    cache.get("a")

    assert cache.put("c", "C", ttl=9, size=1) == ["B"]


def test_a_sweep_finds_entries_in_places_used_again(clock: Clock) -> None:
    """An entry that took over another one's place is swept as well."""
    cache: LRUTTL[str, str] = LRUTTL(2, 9, clock)
    cache.put("a", "A", ttl=9, size=1)
    cache.put("b", "B", ttl=9, size=1)
    cache.put("c", "C", ttl=1, size=1)
    clock.now += 1

    assert cache.sweep(2) == ["C"]


def test_a_cleared_cache_is_swept_from_the_start(clock: Clock) -> None:
    """Clearing sets the sweep back, so that it does not look beyond the new end."""
    cache: LRUTTL[int, int] = LRUTTL(9, 9, clock)
    for number in range(9):
        cache.put(number, number, ttl=9, size=1)
    cache.sweep(5)
    cache.clear()
    cache.put(1, 1, ttl=1, size=1)
    clock.now += 1

    assert cache.sweep(1) == [1]


def test_churn_takes_no_memory(clock: Clock) -> None:
    """However many entries pass through, the sweep's list stays as long as the cache.

    The list is private, but its length is what a leak here would be.
    """
    cache: LRUTTL[int, int] = LRUTTL(10, 1000, clock)
    for number in range(1000):
        cache.put(number, number, ttl=9, size=1)
        if number % 7 == 0:
            cache.pop(number)

    assert len(cache._places) <= 10
    assert len(cache._free) <= 10

    cache.clear()

    assert not cache._places
    assert not cache._free


def test_time_and_size_have_sharp_edges(clock: Clock) -> None:
    """An entry is gone at its very time; one exactly as large as the cache fits."""
    cache: LRUTTL[str, str] = LRUTTL(2, 10, clock)

    assert cache.put("a", "A", ttl=1, size=10) == []
    assert cache.put("b", "B", ttl=1, size=11) == ["B"]
    assert cache.put("c", "C", ttl=float("nan"), size=1) == ["C"]

    clock.now += 0.999
    assert cache.get("a") == "A"

    clock.now = 101.0
    assert cache.get("a") is None


def test_a_value_too_large_takes_the_outdated_one_along(clock: Clock) -> None:
    """After a put that could not be stored the former value is not handed out."""
    cache: LRUTTL[str, str] = LRUTTL(2, 10, clock)
    cache.put("a", "old", ttl=9, size=1)

    assert cache.put("a", "new", ttl=9, size=11) == ["old", "new"]
    assert cache.get("a") is None


def test_an_entry_without_end_stays(clock: Clock) -> None:
    """A time to live may be infinite."""
    cache: LRUTTL[str, str] = LRUTTL(2, 10, clock)
    cache.put("a", "A", ttl=float("inf"), size=1)
    clock.now += 1e12

    assert cache.get("a") == "A"


def test_a_negative_size_is_a_mistake(clock: Clock) -> None:
    """A size below zero would break the bound, so it is refused aloud."""
    cache: LRUTTL[str, str] = LRUTTL(2, 10, clock)

    with pytest.raises(ValueError, match="must not be negative, got -1"):
        cache.put("a", "A", ttl=1, size=-1)

    assert len(cache) == 0
