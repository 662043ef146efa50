"""Places: those who wait are told where they stand in the queue.

Each start moves thousands of places, so nothing is told then: a start is only noted.
Once in a while the runs that somebody watches are looked at, so many at a time and in
turns, and those whose place has changed are told. What that costs depends on the time
that passes, neither on the length of the queue nor on how many watch it.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from hub.backlog.backlog import Backlog
from hub.clock import Clock
from hub.runs import Mood, Run

AT_ONCE: Final = 100
"""So many runs are looked at together."""


class Places:
    """The places of runs that wait and are watched.

    Args:
        backlog: Where they wait.
        clock: The time.
        pace_s: Seconds between two looks, at the least.
        tell: Tells the followers of a run.
    """

    def __init__(
        self,
        backlog: Backlog,
        clock: Clock,
        pace_s: float,
        tell: Callable[[Run], None],
    ) -> None:
        self._backlog = backlog
        self._clock = clock
        self._pace_s = pace_s
        self._tell = tell
        self._watched: OrderedDict[int, Run] = OrderedDict()
        self._unseen = 0
        self._next_look = 0.0
        self._looking = False

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, run: Run) -> None:
        """Tell the followers of a run that waits, beginning soon."""
        self._watched[run.number] = run
        run.position = 0  # so that a new follower of it is told, too
        self.stir()

    def stir(self) -> None:
        """Note that runs have come, left, or changed places."""
        if self._watched:
            self._unseen = len(self._watched)
            self._look_later()

    def _look_later(self) -> None:
        """Look once it is time to."""
        if not self._looking:
            self._looking = True
            when = max(self._next_look, self._clock.now())
            self._clock.call_at(when, self._look)

    def _look(self) -> None:
        """Look at those who have not been looked at for the longest time."""
        self._looking = False
        self._next_look = self._clock.now() + self._pace_s
        count = min(self._unseen, AT_ONCE)
        self._unseen -= count
        for _ in range(count):
            number, run = self._watched.popitem(last=False)
            if run.mood is Mood.QUEUED and run.followers:
                self._watched[number] = run
                place = self._backlog.position(run)
                if place != run.position:
                    run.position = place
                    self._tell(run)
        if self._unseen:
            self._look_later()
