"""When to come back: full jitter, and what a close code says about it."""

from typing import Final

import msgspec

STOP_FROM: Final = 4500
STOP_TO: Final = 4999
_STOPPING: Final = frozenset({1003, 1007, 1008, 1009})


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long things may take, in seconds.

    Attributes:
        first_s: Ceiling of the first wait before a new try.
        most_s: Ceiling of every wait; they double up to it.
        open_s: For connecting, up to the hub's `welcome`.
        least_s: For the same, however little time is left for looking.
        close_s: For a farewell.
        silence: After so many of the hub's heartbeats without a word it is gone.
        answer_s: For an answer over HTTP, between two pieces of it.
    """

    first_s: float = 0.5
    most_s: float = 10.0
    open_s: float = 10.0
    least_s: float = 2.0
    close_s: float = 1.0
    silence: float = 2.5
    answer_s: float = 30.0

    def wait(self, failures: int, chance: float) -> float:
        """Return how long to wait before the next try.

        Args:
            failures: How many tries have failed in a row.
            chance: From 0 up to 1, random.
        """
        return chance * min(self.most_s, self.first_s * 2.0 ** min(failures, 20))


def may_return(code: int) -> bool:
    """Whether a close code lets a client come back: the range carries the verdict."""
    return not STOP_FROM <= code <= STOP_TO and code not in _STOPPING
