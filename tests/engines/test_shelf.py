"""The shelf: what is in memory, how much it weighs, and what leaves first."""

import pytest
from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.engines.shelf import AT_ONCE, RUN_BYTES, TASK_BYTES, Shelf
from hub.runs import Outcome, Run, Submission, Task
from hub.tasks import TaskStatus
from tests.engines.doubles import BASE, SHARED, FakeTime, piece

RESULT = b'"result"'


class Store:
    """A shelf, and time; it makes runs as an engine would leave them."""

    def __init__(self, *, durable: bool = False, **bounds: float) -> None:
        self.time = FakeTime()
        self.shelf = Shelf(
            Bounds(**bounds),  # type: ignore[arg-type]  # the struct checks by name
            self.time.clock(),
            durable=durable,
        )
        self._number = 0

    def open(self, request: Submission = BASE, text: str = "") -> Task:
        """Return a task on a run that has said something."""
        self._number += 1
        wall = self.time.wall()
        run = Run(self._number, str(self._number), request, 0.0, wall)
        task = Task.of(run.id, run, request, "new", wall)
        self.shelf.add(task)
        if text:
            before = run.log.total
            run.log.write([piece(text)])
            run.log.head = 1
            self.shelf.grow(run.log.total - before)
        return task

    def ticket(self, run: Run, origin: str = "joined") -> Task:
        """Return another task on a run."""
        self._number += 1
        task = Task.of(str(self._number), run, run.request, origin, self.time.wall())
        self.shelf.add(task)
        return task

    def end(self, *tasks: Task) -> None:
        """End a run and its tasks."""
        run = tasks[0].run
        run.outcome = Outcome(
            status=TaskStatus.COMPLETED, result=RESULT, ended_at=self.time.wall()
        )
        self.shelf.grow(len(RESULT))
        self.shelf.keep(run)
        for task in tasks:
            task.end = run.log.head + 1
            self.shelf.ended(task)

    def ended(self, request: Submission = BASE, text: str = "") -> Task:
        """Return a task that has ended."""
        task = self.open(request, text)
        self.end(task)
        return task

    def sweep(self) -> list[Task]:
        """Forget all that is overdue, as a tick does."""
        gone = []
        while (task := self.shelf.overdue()) is not None:
            self.shelf.forget(task)
            gone.append(task)
        return gone


def test_everything_weighs_something() -> None:
    """Tasks, params, logs and results count; what has gone does not."""
    store = Store()
    task = store.open(replace(BASE, params=b"x" * 100), "hello")
    weight = TASK_BYTES + RUN_BYTES + 100 + task.run.log.size
    assert store.shelf.bytes == weight

    other = store.ticket(task.run)
    store.end(task, other)
    assert store.shelf.bytes == weight + TASK_BYTES + len(RESULT)

    store.shelf.forget(other)
    store.shelf.forget(task)
    assert store.shelf.bytes == 0
    assert store.shelf.tasks == {}


def test_forgetting_twice_is_forgetting_once() -> None:
    """What has gone weighs nothing more, and less than nothing neither."""
    store = Store()
    task = store.ended()

    store.shelf.forget(task)
    store.shelf.forget(task)

    assert store.shelf.bytes == 0


def test_the_cache_keeps_a_run() -> None:
    """A cached run weighs until its entry has gone, with or without tasks."""
    store = Store()
    task = store.ended(SHARED, "hello")
    run = task.run

    store.shelf.forget(task)
    assert store.shelf.bytes > RUN_BYTES
    assert run.log.size > 0
    store.shelf.cache.clear()

    assert store.shelf.bytes == 0


@pytest.mark.parametrize(
    "request_", [BASE, replace(SHARED, ttl=None), replace(SHARED, flight=None)]
)
def test_only_what_may_answer_is_cached(request_: Submission) -> None:
    """Without a flight or a ttl a run is nobody else's."""
    store = Store()
    store.ended(request_)

    assert len(store.shelf.cache) == 0


def test_what_the_cache_refuses_is_not_pinned() -> None:
    """A run that is too large for the cache goes with its last task."""
    store = Store(cache_bytes=1000)
    task = store.ended(SHARED, "x" * 2000)

    store.shelf.forget(task)

    assert store.shelf.bytes == 0


def test_tasks_go_in_the_order_of_their_ends() -> None:
    """Each after its own time, the oldest first."""
    store = Store(retention_s=100.0)
    first = store.ended()
    store.time.pass_by(10)
    second = store.ended()
    store.open()

    store.time.pass_by(89)
    assert store.sweep() == []
    store.time.pass_by(2)
    assert store.sweep() == [first]
    store.time.pass_by(10)
    assert store.sweep() == [second]
    assert len(store.shelf.tasks) == 1


def test_a_cached_ticket_has_its_own_time() -> None:
    """It ended when it was given, however old its run is."""
    store = Store(retention_s=100.0)
    first = store.ended(SHARED)
    store.time.pass_by(80)
    later = store.ticket(first.run, "cached")
    later.end = first.end
    store.shelf.ended(later)

    store.time.pass_by(50)
    assert store.sweep() == [first]
    store.time.pass_by(60)

    assert store.sweep() == [later]


def test_logs_go_before_tasks() -> None:
    """Under pressure logs are dropped, the oldest first, as far as is needed."""
    store = Store(tail_bytes=10_000)
    tasks = [store.ended(BASE, "x" * 3000) for _ in range(3)]
    before = store.shelf.bytes

    store.shelf.shed()

    assert store.shelf.bytes <= 10_000 < before
    sizes = [task.run.log.size for task in tasks]
    assert sizes[0] == 0
    assert sizes[2] > 0
    assert store.sweep() == []


def test_tasks_go_when_no_log_is_left() -> None:
    """With the last log gone the oldest tasks make room."""
    store = Store(tail_bytes=5 * (TASK_BYTES + RUN_BYTES + 20))
    tasks = [store.ended(BASE, "x") for _ in range(8)]

    store.shelf.shed()
    gone = store.sweep()

    assert gone == tasks[: len(gone)]
    assert 0 < len(gone) < 8
    assert store.shelf.bytes <= 5 * (TASK_BYTES + RUN_BYTES + 20)


@pytest.mark.parametrize("durable", [True, False])
def test_a_dropped_log_is_lost_or_stored(durable: bool) -> None:
    """Where a store has it, it can be read again; else readers are told of a gap."""
    store = Store(tail_bytes=0, durable=durable)
    task = store.ended(BASE, "x" * 1000)

    store.shelf.shed()

    assert task.run.log.base == 1
    assert task.run.log.floor == (0 if durable else 1)


@pytest.mark.parametrize("durable", [True, False])
def test_a_cached_answer_is_whole_or_none(durable: bool) -> None:
    """A run whose log is lost does not answer others any more."""
    store = Store(tail_bytes=0, durable=durable)
    store.ended(SHARED, "x" * 1000)

    store.shelf.shed()

    assert (store.shelf.cache.get(b"shared") is not None) == durable


def test_a_running_log_is_never_dropped() -> None:
    """Under whatever pressure, what goes on stays."""
    store = Store(tail_bytes=0, memory_bytes=10)
    task = store.open(BASE, "x" * 1000)

    store.shelf.shed()

    assert task.run.log.size > 1000
    assert store.sweep() == []


def test_what_has_gone_is_not_held() -> None:
    """Without any pressure, too, logs of forgotten tasks leave memory."""
    store = Store(retention_s=100.0)
    tasks = [store.ended(BASE, "x" * 1000) for _ in range(3)]
    store.time.pass_by(101)
    store.sweep()
    kept = store.ended(BASE, "y")

    store.shelf.shed()

    assert list(store.shelf._logs) == [kept.run]
    assert [task.run.log.size for task in tasks] == [0, 0, 0]
    assert kept.run.log.size > 0


def test_a_tick_is_a_bounded_piece_of_work() -> None:
    """Thousands of logs are dropped a few hundred at a time."""
    store = Store(tail_bytes=0)
    tasks = [store.ended(BASE, "x") for _ in range(AT_ONCE + 10)]

    store.shelf.shed()
    assert sum(task.run.log.size == 0 for task in tasks) == AT_ONCE
    store.shelf.shed()

    assert all(task.run.log.size == 0 for task in tasks)


class Somebody:
    """Follows a task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.progress_ms = 100

    def moved(self) -> None:
        """Do nothing."""

    def progressed(self) -> None:
        """Do nothing."""

    def vanished(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("durable", [True, False])
def test_who_is_followed_stays_where_it_can_be_fetched(durable: bool) -> None:
    """A front of a store drops nobody who is being read; others go in the meantime."""
    store = Store(tail_bytes=0, durable=durable)
    followed, other = store.ended(), store.ended()
    followed.run.followers = {Somebody(followed)}

    gone = store.sweep() + store.sweep()

    assert gone == ([other] if durable else [followed, other])


def test_full_means_that_nothing_can_go() -> None:
    """While something has ended there is room to be made, and no reason to refuse."""
    store = Store(memory_bytes=5000, tail_bytes=5000)
    fullness = [store.shelf.full]
    running = store.open(BASE, "x" * 5000)
    fullness.append(store.shelf.full)
    store.ended()
    fullness.append(store.shelf.full)

    store.sweep()
    fullness.append(store.shelf.full)

    assert fullness == [False, True, False, True]
    assert store.shelf.crowded(running.run)


def test_the_largest_run_is_the_crowd() -> None:
    """Only the run with the largest log may write no more when memory is full."""
    store = Store(memory_bytes=5000, tail_bytes=5000)
    small, large = store.open(BASE, "x" * 100), store.open(BASE, "x" * 5000)

    assert store.shelf.crowded(large.run)
    assert not store.shelf.crowded(small.run)
    store.shelf.forget(large)

    assert not store.shelf.crowded(small.run)
