"""A line: what waits for slots of one kind, at all priorities.

High goes before normal, normal before low. But a lane whose oldest run has waited too
long is *late*, and of three starts one is for a late lane, in turns where there are
two. So nobody waits for ever, and those in a hurry keep two thirds of the slots
whatever has piled up behind them. Within a lane nothing changes its order.
"""

from typing import Final

from hub.backlog.lane import Lane, Limit, Next

PRIORITIES: Final = ("high", "normal", "low")
"""What a caller may say, the most urgent first; also the numbers of the lanes."""
SHARE: Final = 2
"""So many starts in order lie between two of late lanes."""


class Line:
    """What waits for slots of one kind.

    Args:
        served: Whether a worker of this node takes runs from here.

    Attributes:
        served: The same.
        free: How many slots are free.
        handing: Whether somebody is giving them away.
        lanes: By number, one for each priority.
    """

    def __init__(self, *, served: bool = True) -> None:
        self.served = served
        self.free = 0
        self.handing = False
        self.lanes = tuple(Lane() for _ in PRIORITIES)
        self._in_order = 0
        self._last_late = 0

    def move(
        self,
        limit: Limit | None,
        number: int,
        before: dict[str, int],
        after: dict[str, int],
    ) -> None:
        """Let a run stand elsewhere; the places are lanes, by principal."""
        for principal, lane in before.items():
            if after.get(principal) != lane:
                self.lanes[lane].remove(limit, principal, number)
        for principal, lane in after.items():
            if before.get(principal) != lane:
                self.lanes[lane].add(limit, principal, number)

    def take(self, late: int) -> Next | None:
        """Choose the run that starts now, and count it; None where none can.

        Args:
            late: Runs up to this number have waited too long.
        """
        for number, lane in enumerate(self.lanes):
            found = lane.next()
            if found is not None:
                return self._started(number, found, late)
        return None

    def _started(self, number: int, found: Next, late: int) -> Next:
        """Count a start: in order, or from a late lane where that is due."""
        if self._in_order < SHARE:
            self._in_order += 1
        else:
            number, found = self._instead(number, found, late)
        self.lanes[number].served(found.principal)
        return found

    def _instead(self, top: int, found: Next, late: int) -> tuple[int, Next]:
        """Choose from a late lane behind another; the one that was last comes last."""
        chosen = top
        for number in range(top + 1, len(self.lanes)):
            oldest = self.lanes[number].oldest()
            if oldest is None or oldest > late:
                continue
            if chosen in (top, self._last_late):
                chosen = number
        instead = self.lanes[chosen].next() if chosen != top else None
        if instead is None:
            return top, found
        self._in_order, self._last_late = 0, chosen
        return chosen, instead

    def position(
        self, lane: int, limit: Limit | None, principal: str, number: int
    ) -> int:
        """Return the place of a run, from 1, as if nobody came or left any more.

        What late lanes start in between is not counted.
        """
        ahead = [each.size(each.parts(limit)) for each in self.lanes[:lane]]
        own = self.lanes[lane]
        return sum(ahead) + own.before(own.parts(limit), principal, number) + 1
