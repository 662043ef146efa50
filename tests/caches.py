"""What the cache's tests have in common: values, a clock, and what is drawn."""

from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from msgspec import Struct

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
