"""Places: who waits and is watched is told, at a pace; nobody else costs anything."""

from hub.backlog.backlog import Backlog
from hub.engines.places import AT_ONCE, Places
from hub.runs import Mood, Run
from tests.backlog.stand import run_of
from tests.engines.doubles import FakeTime

PACE_S = 0.1


class Bench:
    """Places of a backlog, and what was told."""

    def __init__(self, count: int) -> None:
        self.time = FakeTime()
        self.backlog = Backlog(ageing_s=60.0)
        self.told: list[tuple[int, int]] = []
        self.places = Places(self.backlog, self.time.clock(), PACE_S, self._tell)
        self.runs = [run_of(number) for number in range(count)]
        for run in self.runs:
            self.backlog.enter(run)

    def _tell(self, run: Run) -> None:
        self.told.append((run.number, run.position))

    def watch(self, *runs: Run) -> None:
        """Let somebody follow some runs."""
        for run in runs:
            # Who follows does not matter here, only that somebody does.
            run.followers = {self}  # type: ignore[arg-type]  # stands for a follower
            self.places.watch(run)

    def start(self, count: int = 1) -> None:
        """Start the next runs."""
        line = self.backlog.offer("async", count)
        while (run := self.backlog.take(line)) is not None:
            run.mood = Mood.RUNNING
            self.places.stir()

    def later(self, seconds: float = PACE_S) -> list[tuple[int, int]]:
        """Let time pass; return what was told meanwhile."""
        before = len(self.told)
        self.time.pass_by(seconds)
        return self.told[before:]


def test_who_begins_to_watch_is_told_at_once() -> None:
    """The place of the moment, before anything has moved."""
    bench = Bench(5)

    bench.watch(bench.runs[3])

    assert bench.later(0) == [(3, 4)]


def test_a_second_watcher_is_told_as_well() -> None:
    """Also where nothing has moved since the first one was."""
    bench = Bench(5)
    bench.watch(bench.runs[3])
    bench.later()

    bench.watch(bench.runs[3])

    assert bench.later() == [(3, 4)]


def test_changes_are_told_together() -> None:
    """Ten starts within a pace are one piece of news."""
    bench = Bench(50)
    bench.watch(bench.runs[30])
    bench.later()

    for _ in range(10):
        bench.start()

    assert bench.later() == [(30, 21)]
    bench.start()
    bench.start()
    assert bench.later(PACE_S / 2) == []
    assert bench.later() == [(30, 19)]
    assert bench.later(10) == []


def test_what_has_not_changed_is_not_told() -> None:
    """Arrivals behind move nobody."""
    bench = Bench(5)
    bench.watch(bench.runs[3])
    bench.later()
    bench.backlog.enter(run_of(99))
    bench.places.stir()

    assert bench.later(1) == []


def test_a_thousand_watchers_cost_what_a_hundred_do() -> None:
    """A hundred are looked at together, each in its turn."""
    bench = Bench(1100)
    bench.watch(*bench.runs)
    assert [len(bench.later()) for _ in range(12)] == [AT_ONCE] * 11 + [0]
    bench.start()

    # The one that has begun is looked at, but not told.
    each = [len(bench.later()) for _ in range(12)]

    assert each == [AT_ONCE - 1, *[AT_ONCE] * 10, 0]
    assert len({number for number, _ in bench.told[1100:]}) == 1099


def test_nobody_is_passed_over_in_a_queue_that_moves() -> None:
    """Starts go on all the time, and still everybody hears."""
    bench = Bench(1000)
    bench.watch(*bench.runs[500:])

    heard: set[int] = set()
    for _ in range(6):
        bench.start(3)
        heard |= {number for number, _ in bench.later()}

    assert heard == set(range(500, 1000))


def test_who_has_begun_or_is_not_watched_is_forgotten() -> None:
    """Nothing is kept of them, and no clock runs for them."""
    bench = Bench(10)
    bench.watch(*bench.runs)
    bench.later()
    for run in bench.runs[5:]:
        run.followers = set()

    bench.start(5)

    assert bench.later(1) == []
    assert len(bench.places) == 0
    bench.start(1)
    assert bench.time._later == []
