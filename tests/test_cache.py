"""The cache: bounds, times and order, against cachetools and against a model."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest
from cachetools import TLRUCache
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from msgspec import Struct

from hub.cache import LRUTTL, CacheStatistics

ALL: Final = 1_000_000
"""A budget no cache of these tests exceeds."""

MANY: Final = settings(max_examples=200)
"""These examples take a millisecond each, and the rare ones are what counts."""

KEYS = st.sampled_from("abcdef")
TTLS = st.sampled_from([0.5, 1.0, 2.0, 3.0, 10.0])
SIZES = st.integers(0, 5)
STEPS = st.sampled_from([0.0, 0.5, 1.0, 3.0])


class Value(Struct, frozen=True):
    """A value that is like no other, and knows what it was stored with."""

    number: int
    size: int
    ttl: float


class Clock:
    """A timer that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, TTLS, SIZES),
        st.tuples(st.just("get"), KEYS, TTLS, SIZES),
        st.tuples(st.just("pop"), KEYS, TTLS, SIZES),
        st.tuples(st.just("wait"), KEYS, STEPS, SIZES),
        st.tuples(st.just("sweep"), KEYS, TTLS, SIZES),
    ),
    min_size=5,
    max_size=60,
)
Operations = list[tuple[str, str, float, int]]


class Pair:
    """The cache and its oracle, side by side."""

    def __init__(
        self,
        *,
        oracle_size: int,
        cache: Callable[[Clock], LRUTTL[str, Value]],
        size_of: Callable[[Value], int],
        tidy: bool,
    ) -> None:
        self.clock = Clock()
        self.cache = cache(self.clock)
        self.tidy = tidy
        self.oracle: TLRUCache[str, Value] = TLRUCache(
            oracle_size,
            ttu=lambda _key, value, now: now + value.ttl,
            timer=self.clock,
            getsizeof=size_of,
        )
        self.made = 0

    def apply(self, name: str, key: str, seconds: float, size: int) -> None:
        """Do one thing to both, and compare the answers."""
        if name == "put":
            self.put(key, seconds, size)
        elif name == "get":
            assert self.cache.get(key) == self.oracle.get(key)
        elif name == "pop":
            assert self.cache.pop(key) == self.oracle.pop(key, None)
        elif name == "wait":
            self.clock.now += seconds
        else:
            self.cache.sweep(size)

    def put(self, key: str, ttl: float, size: int) -> None:
        """Store a new value in both."""
        self.made += 1
        value = Value(self.made, size, ttl)
        # The oracle expires everything before it evicts; ours leaves that to sweeps.
        if self.tidy:
            self.cache.sweep(ALL)
        self.cache.put(key, value, ttl=ttl, size=size)
        # The oracle makes room while the old value still counts, and keeps the old
        # one where the new one is too large; ours lets it go first, in both cases.
        self.oracle.pop(key, None)
        try:
            self.oracle[key] = value
        except ValueError:
            assert size > self.oracle.maxsize

    def compare(self) -> None:
        """Compare what both hold, without touching the order of either."""
        assert {key for key, _ in self.cache.items()} == {
            key for key in "abcdef" if key in self.oracle
        }
        for key in "abcdef":
            assert (self.cache.peek(key) is not None) == (key in self.oracle)

    def drain(self) -> None:
        """Empty the oracle from its oldest on, and compare order and values."""
        left = [self.oracle.popitem() for _ in range(len(self.oracle))]

        assert self.cache.items() == left


def run_beside(pair: Pair, operations: Operations) -> None:
    """Apply all operations to both and compare after each."""
    for operation in operations:
        pair.apply(*operation)
        pair.compare()
    pair.drain()


@MANY
@given(OPERATIONS, st.integers(1, 5))
def test_entries_are_bounded_like_the_oracles(
    operations: Operations, bound: int
) -> None:
    """Bounded by entries, it holds what TLRUCache holds, in the same order."""
    run_beside(
        Pair(
            oracle_size=bound,
            cache=lambda clock: LRUTTL(bound, ALL, clock),
            size_of=lambda _value: 1,
            tidy=True,
        ),
        operations,
    )


@MANY
@given(OPERATIONS, st.integers(0, 12))
def test_bytes_are_bounded_like_the_oracles(operations: Operations, bound: int) -> None:
    """Bounded by bytes, it holds what TLRUCache holds, in the same order."""
    run_beside(
        Pair(
            oracle_size=bound,
            cache=lambda clock: LRUTTL(ALL, bound, clock),
            size_of=lambda value: value.size,
            tidy=True,
        ),
        operations,
    )


@MANY
@given(OPERATIONS)
def test_times_are_kept_like_the_oracles(operations: Operations) -> None:
    """While nothing must be evicted, sweeping or not makes no difference to answers."""
    run_beside(
        Pair(
            oracle_size=ALL,
            cache=lambda clock: LRUTTL(ALL, ALL, clock),
            size_of=lambda value: value.size,
            tidy=False,
        ),
        operations,
    )


class Model(RuleBasedStateMachine):
    """The cache with both bounds, beside a plain list in order of use."""

    @initialize(entries=st.integers(0, 5), size=st.integers(0, 12))
    def begin(self, entries: int, size: int) -> None:
        """Make the cache and the empty list."""
        self.clock = Clock()
        self.bounds = (entries, size)
        self.left: list[Value] = []
        self.cache: LRUTTL[str, Value] = LRUTTL(
            entries, size, self.clock, self.left.append
        )
        self.held: list[tuple[str, Value, float]] = []
        self.put_values: list[Value] = []
        self.counts = Counter[str]()

    def find(self, key: str) -> tuple[str, Value, float] | None:
        """Return the list's entry of that key."""
        return next((entry for entry in self.held if entry[0] == key), None)

    def take(self, key: str) -> Value | None:
        """Take an entry off the list; return its value unless it has expired."""
        entry = self.find(key)
        if entry is None:
            return None
        self.held.remove(entry)
        if entry[2] <= self.clock.now:
            self.counts["expirations"] += 1
            return None
        return entry[1]

    def size(self) -> int:
        """Return the size of everything on the list."""
        return sum(value.size for _, value, _ in self.held)

    @rule(key=KEYS, ttl=st.one_of(TTLS, st.just(0.0)), size=SIZES)
    def put(self, key: str, ttl: float, size: int) -> None:
        """Storing pushes out the replaced value, then the least recently used."""
        value = Value(len(self.put_values), size, ttl)
        self.put_values.append(value)
        gone = [entry[1] for entry in self.held if entry[0] == key]
        self.held = [entry for entry in self.held if entry[0] != key]
        if ttl <= 0 or size > self.bounds[1] or self.bounds[0] == 0:
            gone.append(value)
        else:
            while (
                len(self.held) >= self.bounds[0] or self.size() + size > self.bounds[1]
            ):
                _, oldest, expires = self.held.pop(0)
                gone.append(oldest)
                over = expires <= self.clock.now
                self.counts["expirations" if over else "evictions"] += 1
            self.held.append((key, value, self.clock.now + ttl))

        assert self.cache.put(key, value, ttl=ttl, size=size) == gone

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        """Asking finds what is alive and makes it the most recently used."""
        entry = self.find(key)
        value = self.take(key)
        if value is not None and entry is not None:
            self.held.append(entry)
        self.counts["misses" if value is None else "hits"] += 1

        assert self.cache.get(key) == value

    @rule(key=KEYS)
    def peek(self, key: str) -> None:
        """Looking finds what is alive and changes nothing."""
        entry = self.find(key)
        alive = entry is not None and entry[2] > self.clock.now

        assert self.cache.peek(key) == (entry[1] if entry and alive else None)

    @rule(key=KEYS)
    def pop(self, key: str) -> None:
        """Popping hands out what is alive and forgets it in any case."""
        assert self.take(key) == self.cache.pop(key)

    @rule(seconds=STEPS)
    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.clock.now += seconds

    @rule(budget=st.one_of(st.integers(0, 4), st.just(ALL)))
    def sweep(self, budget: int) -> None:
        """A sweep drops expired entries only, and no more than it may look at."""
        gone = self.cache.sweep(budget)

        assert len(gone) <= budget
        for value in gone:
            entry = next(entry for entry in self.held if entry[1] == value)
            assert entry[2] <= self.clock.now
            self.held.remove(entry)
        self.counts["expirations"] += len(gone)
        if budget == ALL:
            assert all(expires > self.clock.now for _, _, expires in self.held)

    @precondition(lambda self: self.held)
    @rule(keys=st.one_of(st.none(), st.sets(KEYS)))
    def clear(self, keys: set[str] | None) -> None:
        """Clearing drops what the predicate picks, or all."""
        picked = [e for e in self.held if keys is None or e[0] in keys]
        self.held = [entry for entry in self.held if entry not in picked]
        gone = self.cache.clear(None if keys is None else lambda key, _: key in keys)

        assert gone == [value for _, value, _ in picked]

    @invariant()
    def is_like_the_model(self) -> None:
        """Contents, order and figures are those of the list, and within bounds."""
        assert len(self.held) <= self.bounds[0]
        assert self.size() <= self.bounds[1]
        assert len(self.cache) == len(self.held)
        assert self.cache.items() == [
            (key, value) for key, value, expires in self.held if expires > self.clock()
        ]
        assert self.cache.statistics == CacheStatistics(
            entries=len(self.held),
            bytes=self.size(),
            hits=self.counts["hits"],
            misses=self.counts["misses"],
            evictions=self.counts["evictions"],
            expirations=self.counts["expirations"],
        )

    @invariant()
    def every_value_leaves_once(self) -> None:
        """What was put is held, or has left: once, and never both."""
        held = [value for _, value, _ in self.held]

        assert Counter(held) + Counter(self.left) == Counter(self.put_values)


TestModel = Model.TestCase
TestModel.settings = settings(MANY, stateful_step_count=40)


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
