"""Runs for a backlog, and what it should do with them, said with lists.

The model keeps every place in one list and looks through all of it each time.
"""

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from hub.backlog.line import PRIORITIES, SHARE
from hub.runs import Run, Submission, Task

REQUEST = Submission(
    principal="a", plugin="test", command="do", params=b"{}", queue="default.async"
)


def run_of(
    number: int,
    principal: str = "a",
    priority: str = "normal",
    **fields: Any,  # of a Submission
) -> Run:
    """Return a run that waits, with its first task."""
    request = replace(REQUEST, principal=principal, priority=priority, **fields)
    run = Run(number, str(number), request, 0.0, 0.0)
    run.tasks = [Task.of(run.id, run, request, "new", 0.0)]
    return run


def ticket(run: Run, principal: str, priority: str = "normal") -> Task:
    """Let somebody else want a run, too."""
    request = replace(run.request, principal=principal, priority=priority)
    task = Task.of(f"{run.id}.{len(run.tasks)}", run, request, "joined", 0.0)
    run.tasks.append(task)
    return task


Place = tuple[int, str, int]
"""Lane, principal and number of a run."""


@dataclass
class Model:
    """Who waits, and who is next.

    Attributes:
        places: Everywhere that a run stands.
        runs: Those that wait, by number.
        turns: In each lane, its principals, the next one first.
        running: How many runs of a command there are.
        most: How many there may be.
    """

    places: set[Place] = field(default_factory=set)
    runs: dict[int, Run] = field(default_factory=dict)
    turns: list[list[str]] = field(default_factory=lambda: [[] for _ in PRIORITIES])
    running: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    in_order: int = 0
    last_late: int = 0

    def stand(self, run: Run) -> None:
        """Let a run stand where its tasks want it."""
        self.runs[run.number] = run
        if run.request.concurrency is not None:
            self.most[run.request.command] = run.request.concurrency
        self._set(run.number, wanted(run))

    def leave(self, run: Run) -> None:
        """Let a run go."""
        del self.runs[run.number]
        self._set(run.number, set())

    def _set(self, number: int, places: set[Place]) -> None:
        before = {place for place in self.places if place[2] == number}
        for lane, principal, _ in sorted(places - before):
            if principal not in self.turns[lane]:
                self.turns[lane].append(principal)
        self.places = self.places - before | places
        for lane, principal, _ in before - places:
            if not any(place[:2] == (lane, principal) for place in self.places):
                self.turns[lane].remove(principal)

    def held(self, number: int) -> bool:
        """Whether a run's command is at its limit."""
        request = self.runs[number].request
        if request.concurrency is None:
            return False
        return self.running.get(request.command, 0) >= self.most[request.command]

    def next(self, lane: int, places: set[Place]) -> Place | None:
        """Return which of some places would be next in a lane."""
        for principal in self.turns[lane]:
            own = [n for at, who, n in places if (at, who) == (lane, principal)]
            if own:
                return (lane, principal, min(own))
        return None

    def take(self, late: int) -> int | None:
        """Start the next run; return its number."""
        open_ = {place for place in self.places if not self.held(place[2])}
        order = [self.next(lane, open_) for lane in range(len(PRIORITIES))]
        tops = [place for place in order if place is not None]
        if not tops:
            return None
        chosen = tops[0]
        due = [
            place
            for place in tops[1:]
            if min(n for at, _, n in open_ if at == place[0]) <= late
        ]
        due.sort(key=lambda place: place[0] == self.last_late)
        if due and self.in_order >= SHARE:
            chosen = due[0]
            self.in_order, self.last_late = 0, chosen[0]
        else:
            self.in_order += 1
        lane, principal, number = chosen
        self.turns[lane].remove(principal)
        self.turns[lane].append(principal)
        request = self.runs[number].request
        self.leave(self.runs[number])
        if request.concurrency is not None:
            self.running[request.command] = self.running.get(request.command, 0) + 1
        return number

    def position(self, number: int) -> int:
        """Return the place of a run: let all that count go one by one."""
        if self.held(number):
            command = self.runs[number].request.command
            left = {p for p in self.places if self._limited(p[2]) == command}
        else:
            left = {place for place in self.places if not self.held(place[2])}
        turns = [list(each) for each in self.turns]
        for count in range(1, len(left) + 1):
            found = None
            for lane in range(len(PRIORITIES)):
                found = found or self.next(lane, left)
            assert found is not None
            if found[2] == number:
                self.turns = turns
                return count
            left.remove(found)
            self.turns[found[0]].remove(found[1])
            self.turns[found[0]].append(found[1])
        raise AssertionError(number)

    def _limited(self, number: int) -> str | None:
        request = self.runs[number].request
        return None if request.concurrency is None else request.command


def wanted(run: Run) -> set[Place]:
    """Return where a run's tasks want it to stand."""
    best: dict[str, int] = {}
    for task in run.tasks:
        rank = PRIORITIES.index(task.priority)
        best[task.principal] = min(rank, best.get(task.principal, rank))
    return {(lane, principal, run.number) for principal, lane in best.items()}
