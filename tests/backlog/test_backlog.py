"""The backlog: who is next, at which place, and what it remembers of whom has gone."""

from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from hub.backlog.backlog import Backlog
from hub.backlog.line import PRIORITIES
from hub.runs import Run
from tests.backlog.stand import Model, run_of, ticket

AGEING_S = 20.0


def backlog(*runs: Run, **options: Any) -> Backlog:
    """Return a backlog in which some runs wait."""
    made = Backlog(ageing_s=AGEING_S, **options)
    for run in runs:
        made.enter(run)
    return made


def taken(made: Backlog, count: int, queue: str = "async") -> list[int]:
    """Offer slots; return the numbers of the runs that take them."""
    line = made.offer(queue, count)
    return [run.number for run in iter(lambda: made.take(line), None)]


def test_a_slot_that_is_free_is_taken_at_once() -> None:
    """Nothing waits: a new run starts without standing anywhere."""
    made = backlog()
    request = run_of(1).request
    assert not made.ready(request)
    made.offer("async", 2)

    assert made.ready(request)
    made.start(request)
    made.start(request)

    assert not made.ready(request)
    assert len(made) == 0
    assert list(made.release(request)) == []
    assert made.ready(request)


def test_a_thousand_do_not_hold_one_up() -> None:
    """A queues 1,000, B one: B's is among the next three."""
    made = backlog(*[run_of(number, "a") for number in range(1000)])
    made.enter(run_of(1000, "b"))

    assert 1000 in taken(made, 3)


def test_low_starts_under_constant_high() -> None:
    """Once it has waited for the time it is among the next three."""
    made = backlog(run_of(1, "a", "low"))
    made.age(0.0)
    for number in range(2, 100):
        made.enter(run_of(number, "a", "high"))
    made.age(AGEING_S - 1)
    assert 1 not in taken(made, 10)

    made.age(AGEING_S)

    assert 1 in taken(made, 3)


def test_time_is_told_by_a_bounded_number_of_marks() -> None:
    """However often it is told, and however long nobody waits too long."""
    made = backlog()
    for tick in range(100_000):
        made.age(tick * 0.001)

    assert len(made._marks) <= 102


def test_a_limit_holds_and_blocks_nobody() -> None:
    """Runs of a command at its limit wait, those behind them do not."""
    slow = [run_of(n, command="slow", concurrency=2) for n in range(10)]
    made = backlog(*slow, *[run_of(n) for n in (10, 11)])

    assert taken(made, 8) == [0, 1, 10, 11]
    assert not made.ready(run_of(12, command="slow", concurrency=2).request)
    assert made.ready(run_of(13).request)

    lines = list(made.release(slow[0].request))
    assert [made.take(line) for line in lines] == [slow[2]]


def test_a_limit_counts_what_never_waited() -> None:
    """Also where slots are free, a command has no more runs than it may."""
    made = backlog()
    made.offer("async", 10)
    request = run_of(1, command="slow", concurrency=1).request

    assert made.ready(request)
    made.start(request)

    assert not made.ready(request)


def test_the_newest_request_says_the_limit() -> None:
    """A command that was changed has its new limit at once, older runs first."""
    made = backlog(*[run_of(n, command="slow", concurrency=1) for n in range(3)])
    assert taken(made, 5) == [0]

    line = made.enter(run_of(3, command="slow", concurrency=3))

    assert [run.number for run in iter(lambda: made.take(line), None)] == [1, 2]


def test_joining_moves_a_run_up() -> None:
    """It stands where the most urgent of its tasks wants it, and falls back, too."""
    runs = [run_of(number) for number in range(5)]
    made = backlog(*runs)
    urgent = ticket(runs[3], "b", "high")
    made.shift(runs[3])
    assert made.position(runs[3]) == 1

    runs[3].tasks.remove(urgent)
    made.shift(runs[3])

    assert made.position(runs[3]) == 4
    assert taken(made, 5) == [0, 1, 2, 3, 4]


def test_a_shared_run_starts_in_the_first_turn_that_it_has() -> None:
    """Who joins another's run does not wait for that one's thousand."""
    runs = [run_of(number, "a") for number in range(1000)]
    made = backlog(*runs)
    ticket(runs[900], "b")
    made.shift(runs[900])

    assert made.position(runs[900]) == 2
    assert taken(made, 3) == [0, 900, 1]
    assert len(made) == 997


def test_a_run_whose_last_task_leaves_stands_as_it_was_asked_for() -> None:
    """Whoever takes it out finds it; also one that an earlier life left so."""
    run = run_of(1, "a", "high")
    run.tasks = []
    made = backlog(run, run_of(2))

    assert made.position(run) == 1
    made.leave(run)
    assert taken(made, 2) == [2]


def test_pools_that_are_served_share_their_slots() -> None:
    """Only the kind of a slot matters; what nobody serves waits apart."""
    made = backlog(pools=["default", "gpu"])
    runs = {
        number: run_of(number, queue=queue)
        for number, queue in enumerate(
            ["gpu.async", "far.async", "default.async", "default.thread", "far.thread"]
        )
    }
    for run in runs.values():
        made.enter(run)

    assert taken(made, 9, "default.async") == [0, 2]
    assert taken(made, 9, "thread") == [3]
    assert [run.unserved for run in runs.values()] == [False, True, False, False, True]
    assert made.position(runs[1]) == 0
    assert not made.ready(runs[1].request)
    assert len(made) == 2


def test_nothing_is_kept_of_who_has_gone() -> None:
    """Started, cancelled, ended: of none there is anything left."""
    made = backlog()
    for number in range(1000):
        who, command = f"visitor {number}", f"command {number}"
        run = run_of(number, who, "low", command=command, concurrency=1)
        made.enter(run)
        if number % 2:
            assert taken(made, 1) == [number]
            list(made.release(run.request))
            made.offer("async", -1)
        else:
            made.leave(run)

    kept = {name: len(value) for name, value in vars(made).items() if _held(value)}
    assert kept == {"_by_queue": 2, "_lines": 1}
    assert made.position(run_of(5)) == 0


def _held(value: object) -> bool:
    return isinstance(value, dict | list) and bool(value)


principals = st.sampled_from(["a", "b", "c"])
priorities = st.sampled_from(PRIORITIES)
commands = st.sampled_from([("free", None), ("one", 1), ("two", 2)])
which = st.integers(0, 1000)


class Machine(RuleBasedStateMachine):
    """A backlog beside its model."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(ageing_s=AGEING_S)
        self.line = self.backlog.offer("async", 0)
        self.model = Model()
        self.number = 0
        self.now = 0.0
        self.entered: list[tuple[float, int]] = []
        self.running: list[Run] = []

    @rule(count=st.integers(1, 4), who=principals, how=priorities, what=commands)
    def enter(self, count: int, who: str, how: str, what: tuple[str, int]) -> None:
        """Let several runs wait."""
        for _ in range(count):
            self.number += 1
            run = run_of(self.number, who, how, command=what[0], concurrency=what[1])
            self.model.stand(run)
            self.backlog.enter(run)
            self.entered.append((self.now, self.number))
            self._start()

    @rule(index=which, who=principals, how=priorities)
    def join(self, index: int, who: str, how: str) -> None:
        """Let somebody else want a run, too."""
        if run := self._some(index):
            ticket(run, who, how)
            self.model.stand(run)
            self.backlog.shift(run)

    @rule(index=which, task=which)
    def part(self, index: int, task: int) -> None:
        """Let a ticket leave; with the last one the run goes."""
        if run := self._some(index):
            del run.tasks[task % len(run.tasks)]
            if run.tasks:
                self.model.stand(run)
                self.backlog.shift(run)
            else:
                self.model.leave(run)
                self.backlog.leave(run)

    def _some(self, index: int) -> Run | None:
        waiting = sorted(self.model.runs)
        return self.model.runs[waiting[index % len(waiting)]] if waiting else None

    @rule(count=st.integers(1, 5))
    def offer(self, count: int) -> None:
        """Give slots, and see who takes them."""
        self.backlog.offer("default.async", count)
        self._start()

    @rule(index=which)
    def release(self, index: int) -> None:
        """Let a run end."""
        if self.running:
            run = self.running.pop(index % len(self.running))
            if run.request.concurrency is not None:
                self.model.running[run.request.command] -= 1
            list(self.backlog.release(run.request))
            self._start()

    @rule(seconds=st.sampled_from([0.1, 5.0, 15.0, 25.0]))
    def later(self, seconds: float) -> None:
        """Let time pass, tick by tick."""
        until = self.now + seconds
        while self.now < until:
            self.now += 0.1
            self.backlog.age(self.now)

    def _start(self) -> None:
        late = self.backlog._late
        old = [n for when, n in self.entered if when + AGEING_S <= self.now]
        older = [n for when, n in self.entered if when + AGEING_S * 1.02 <= self.now]
        # It may take a little longer to be told, but nobody is late too early.
        assert max(older, default=0) <= late <= max(old, default=0)
        while self.line.free:
            run, expected = self.backlog.take(self.line), self.model.take(late)
            assert (None if run is None else run.number) == expected
            if run is None:
                break
            self.running.append(run)

    @invariant()
    def agree(self) -> None:
        """Nobody is lost, and everybody is told the right place."""
        assert len(self.backlog) == len(self.model.runs)
        for number, run in self.model.runs.items():
            assert self.backlog.position(run) == self.model.position(number)
            if self.line.free:
                assert self.model.held(number)

    def teardown(self) -> None:
        """Let everything run: nobody waits for ever."""
        self.backlog.offer("async", 10_000)
        self._start()
        while self.running:
            self.release(0)
        assert len(self.backlog) == 0


def test_backlog_and_model_agree() -> None:
    """No schedule of arrivals, joins, leaves, slots and time parts them."""
    run_state_machine_as_test(
        Machine,
        settings=hypothesis.settings(
            max_examples=100, stateful_step_count=30, deadline=None
        ),
    )
