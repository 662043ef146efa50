"""The cache beside cachetools' TLRUCache, which knows one bound at a time."""

from collections.abc import Callable

from cachetools import TLRUCache
from hypothesis import given
from hypothesis import strategies as st

from hub.cache import LRUTTL
from tests.caches import ALL, KEYS, MANY, SIZES, STEPS, TTLS, Clock, Value

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
