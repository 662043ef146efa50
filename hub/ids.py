"""Ids of tasks: 128 random bits behind the time.

The time comes first so that a store that keeps them in order appends at its end
instead of all over the place; the rest cannot be guessed. Randomness is cut from one
larger read, since the read costs more than the cut.
"""

import os
from collections.abc import Callable
from typing import Final

_ENTROPY: Final = 16
_BATCH: Final = 256
_TIME_DIGITS: Final = 11
"""Milliseconds in hexadecimal; enough until the year 2527."""


class TaskIds:
    """Makes ids.

    Args:
        entropy: Returns so many random bytes.
    """

    __slots__ = ("_entropy", "_left", "_milliseconds", "_prefix")

    def __init__(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._entropy = entropy
        self._left: list[str] = []
        self._milliseconds = -1
        self._prefix = ""

    def new(self, wall: float) -> str:
        """Return an id for a task that is accepted now.

        Args:
            wall: Seconds since the epoch.
        """
        milliseconds = int(wall * 1000)
        if milliseconds != self._milliseconds:
            self._milliseconds = milliseconds
            self._prefix = f"{milliseconds:0{_TIME_DIGITS}x}"
        if not self._left:
            text = self._entropy(_ENTROPY * _BATCH).hex()
            size = 2 * _ENTROPY
            self._left = [text[at : at + size] for at in range(0, len(text), size)]
        return self._prefix + self._left.pop()
