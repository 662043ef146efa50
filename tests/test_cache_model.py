"""The cache with both its bounds, beside a plain list."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from hub.cache import LRUTTL, CacheStatistics
from tests.caches import ALL, KEYS, MANY, SIZES, STEPS, TTLS, Clock, Value


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
