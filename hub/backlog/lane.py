"""A lane: what waits at one priority, in turns by principal.

Each principal has a *turn*, a number that no other has: the lowest is next, and who was
served gets the highest. Within a principal's turn its oldest run goes first.

Runs of commands that have a limit stand in a *part* of their own. A part whose limit is
reached is passed over as a whole, however many wait in it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec

from hub.backlog.numbers import Numbers


class Limit(msgspec.Struct, eq=False):
    """How many runs of one command may go on at once.

    Attributes:
        most: So many.
        running: So many do.
        waiting: So many would.
    """

    most: int
    running: int = 0
    waiting: int = 0

    @property
    def full(self) -> bool:
        """Whether no further run may start."""
        return self.running >= self.most


class Part:
    """The runs of a lane that stand under one limit.

    Attributes:
        limit: Which one; None where there is none.
        turns: Of the principals who have something here.
        numbers: Each principal's runs.
        all: Everybody's, once for each principal that a run stands here for.
    """

    __slots__ = ("all", "limit", "numbers", "turns")

    def __init__(self, limit: Limit | None) -> None:
        self.limit = limit
        self.turns = Numbers()
        self.numbers: dict[str, Numbers] = {}
        self.all = Numbers()

    @property
    def open(self) -> bool:
        """Whether a run of it may start."""
        return self.limit is None or not self.limit.full


class Next(NamedTuple):
    """What a lane would start now; the lowest of several goes first.

    Attributes:
        turn: Of its principal.
        number: Of the run.
        principal: In whose turn it is.
    """

    turn: int
    number: int
    principal: str


class Lane:
    """Runs at one priority."""

    def __init__(self) -> None:
        self._parts: dict[Limit | None, Part] = {}
        self._turns: dict[str, int] = {}
        self._whose: dict[int, str] = {}
        self._turn = 0
        self._views: dict[tuple[Part, ...], View] = {}

    def add(self, limit: Limit | None, principal: str, number: int) -> None:
        """Let a run stand here for a principal."""
        self._views.clear()
        turn = self._turns.get(principal)
        if turn is None:
            turn = self._give_turn(principal)
        part = self._parts.get(limit)
        if part is None:
            part = self._parts[limit] = Part(limit)
        numbers = part.numbers.get(principal)
        if numbers is None:
            numbers = part.numbers[principal] = Numbers()
            part.turns.add(turn)
        numbers.add(number)
        part.all.add(number)

    def remove(self, limit: Limit | None, principal: str, number: int) -> None:
        """Let a run that stands here for a principal do so no more."""
        self._views.clear()
        part = self._parts[limit]
        part.all.remove(number)
        numbers = part.numbers[principal]
        numbers.remove(number)
        if numbers:
            return
        del part.numbers[principal]
        turn = self._turns[principal]
        part.turns.remove(turn)
        if not part.numbers:
            del self._parts[limit]
        if not any(principal in each.numbers for each in self._parts.values()):
            del self._turns[principal], self._whose[turn]

    def served(self, principal: str) -> None:
        """Let everybody else have their turn first."""
        before = self._turns.get(principal)
        if before is None or len(self._turns) == 1:
            return
        self._views.clear()
        del self._whose[before]
        turn = self._give_turn(principal)
        for part in self._parts.values():
            if principal in part.numbers:
                part.turns.remove(before)
                part.turns.add(turn)

    def _give_turn(self, principal: str) -> int:
        """Put a principal behind all others."""
        self._turn += 1
        self._turns[principal] = self._turn
        self._whose[self._turn] = principal
        return self._turn

    def next(self) -> Next | None:
        """Return what would start now; None where nothing can."""
        found: Next | None = None
        for part in self._parts.values():
            limit = part.limit
            if limit is None or not limit.full:
                turn = part.turns.first
                principal = self._whose[turn]
                each = (turn, part.numbers[principal].first, principal)
                if found is None or each < found:
                    found = Next(*each)
        return found

    def oldest(self) -> int | None:
        """Return the oldest run that could start now; None where none can."""
        if not self._parts:
            return None
        numbers = [part.all.first for part in self._parts.values() if part.open]
        return min(numbers, default=None)

    # Places

    def parts(self, limit: Limit | None) -> tuple[Part, ...]:
        """Return what counts for the place of a run under a limit.

        That is what can start, or, where its own limit is reached, that part alone:
        what cannot start holds nobody up.
        """
        if limit is not None and limit.full:
            part = self._parts.get(limit)
            return () if part is None else (part,)
        return tuple([part for part in self._parts.values() if part.open])

    def size(self, parts: Sequence[Part]) -> int:
        """Return how many stand in some of the parts."""
        return sum([len(part.all) for part in parts])

    def before(self, parts: tuple[Part, ...], principal: str, number: int) -> int:
        """Return how many would start before a run that stands here."""
        runs = [part.numbers.get(principal) for part in parts]
        own = sum(each.index(number) for each in runs if each is not None)
        if len(self._turns) == 1:
            return own
        view = self._views.get(parts)
        if view is None:
            view = self._views[parts] = View(parts, self._turns)
        return view.before(own, self._turns[principal])


class View:
    """How many runs each principal has in some parts of a lane, to be counted in turns.

    Made at most once between two changes of a lane, and only if somebody asks.

    Args:
        parts: Which parts.
        turns: Of all principals.
    """

    def __init__(self, parts: Sequence[Part], turns: dict[str, int]) -> None:
        sizes: dict[str, int] = {}
        for part in parts:
            for principal, runs in part.numbers.items():
                sizes[principal] = sizes.get(principal, 0) + len(runs)
        self._rows = [(turns[principal], size) for principal, size in sizes.items()]
        self._sizes = sorted(sizes.values())
        self._sums = [0, *accumulate(self._sizes)]
        self._rounds: dict[int, list[int]] = {}

    def before(self, rounds: int, turn: int) -> int:
        """Return how many runs start before somebody's next one.

        Args:
            rounds: How many of their own start before.
            turn: Their turn.
        """
        done = bisect_right(self._sizes, rounds)
        whole = self._sums[done] + rounds * (len(self._sizes) - done)
        turns = self._rounds.get(rounds)
        if turns is None:
            turns = sorted([each for each, size in self._rows if size > rounds])
            self._rounds[rounds] = turns
        return whole + bisect_left(turns, turn)
