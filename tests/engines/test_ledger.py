"""The ledger under chosen schedules: what is shown, and when, between two commits."""

import pytest
from msgspec.structs import replace

from hub.errors import OutputTooLargeError
from hub.events import Piece
from hub.runs import Claim, Mood, Task
from hub.tasks import TaskStatus
from tests.engines.desk import Desk
from tests.engines.doubles import BASE, SHARED, ended, outcome, piece


class Marks:
    """Notes the marks of a task."""

    def __init__(self, task: Task, progress_ms: int = 100) -> None:
        self.task = task
        self.progress_ms = progress_ms
        self.moves: list[tuple[int, int]] = []
        self.news = 0
        self.gone = 0

    def moved(self) -> None:
        """Note head and end."""
        self.moves.append((self.task.run.log.head, self.task.end))

    def progressed(self) -> None:
        """Count."""
        self.news += 1

    def vanished(self) -> None:
        """Count."""
        self.gone += 1


def say(desk: Desk, *texts: str) -> None:
    """Append to the last claim, without committing."""
    pieces: list[Piece] = [piece(text) for text in texts]
    assert desk.engine.append(desk.worker.accepted[-1], pieces)


def test_the_head_moves_with_the_commit() -> None:
    """Entries that are not committed do not exist: they count in no number."""
    desk = Desk()
    task, _ = desk.begun()
    marks = Marks(task)
    desk.engine.follow(marks)

    say(desk, "a", "b")
    say(desk, "c")
    before = (task.head, task.run.log.written, list(marks.moves))
    desk.engine.commit(1)
    between = task.head
    desk.engine.commit()

    assert before == (0, 3, [])
    assert (between, task.head) == (2, 3)
    assert marks.moves == [(2, 0), (3, 0)]


def test_bytes_wait_for_their_commit() -> None:
    """What is not committed is counted, and whoever waits is woken by each commit."""
    desk = Desk()
    task, _ = desk.begun()
    run = task.run
    say(desk, "x" * 100)
    first = run.uncommitted
    say(desk, "x" * 200)
    woken: list[int] = []
    run.thirsty = (lambda: woken.append(run.uncommitted),)

    desk.engine.commit(1)
    desk.engine.commit()

    assert first > 100
    assert woken == [run.log.total - first]
    assert run.uncommitted == 0
    assert not run.thirsty


def test_an_end_waits_for_its_commit() -> None:
    """Until then the task runs, for every reader; then all is told at once."""
    desk = Desk()
    task, claim = desk.begun()
    marks = Marks(task)
    desk.engine.follow(marks)
    say(desk, "a")

    assert desk.finish(claim)
    before = (task.status, task.outcome, marks.moves[:])
    desk.engine.commit()

    assert before == (TaskStatus.RUNNING, None, [])
    assert task.status is TaskStatus.COMPLETED
    assert marks.moves == [(1, 0), (1, 2)]


def test_between_end_and_commit_nothing_else_happens() -> None:
    """No output, no second end, no cancel, no joining; the wish is answered later."""
    desk = Desk()
    task, claim = desk.begun(SHARED)
    desk.finish(claim)
    said: list[object] = []

    assert not desk.engine.append(claim, [piece("late")])
    assert not desk.finish(claim, outcome(TaskStatus.FAILED))
    desk.engine.leave(task, "cancelled", said.append)
    desk.submit(SHARED)
    assert said == []
    desk.engine.commit()

    assert said == [None]
    assert desk.words == ["new", "cached"]
    assert task.status is TaskStatus.COMPLETED
    assert desk.worker.revoked == []


def test_a_failing_end_lets_the_next_begin() -> None:
    """A run that ends badly is no answer to anybody, also before its commit."""
    desk = Desk()
    _, claim = desk.begun(SHARED)
    desk.finish(claim, outcome(TaskStatus.FAILED))

    desk.submit(SHARED)
    desk.engine.commit()

    assert desk.words == ["new", "new"]


def test_an_early_end_waits_for_what_was_said_before() -> None:
    """Output in flight is committed first: the end is right behind it."""
    desk = Desk()
    _, claim = desk.begun(SHARED)
    joined = desk.opened(SHARED)
    leaver = Marks(joined)
    desk.engine.follow(leaver)
    said: list[object] = []

    say(desk, "a", "b")
    desk.engine.leave(joined, "cancelled", said.append)
    say(desk, "c")
    desk.engine.commit(1)
    first = (joined.end, joined.head, said[:])
    desk.engine.commit(1)
    second = (joined.end, joined.head, said[:])
    desk.finish(claim)
    desk.engine.commit()

    assert first == (0, 2, [])
    assert second == (3, 3, [None])
    assert (joined.end, joined.status) == (3, TaskStatus.CANCELLED)
    assert leaver.moves[:2] == [(2, 0), (2, 3)]


def test_an_early_end_survives_the_end_of_its_run() -> None:
    """Who left before the run ended keeps the own end, though both wait together."""
    desk = Desk()
    task, claim = desk.begun(SHARED)
    joined = desk.opened(SHARED)

    desk.engine.leave(joined, "cancelled", lambda _: None)
    say(desk, "a")
    desk.finish(claim)
    desk.engine.commit()

    assert (joined.status, joined.end) == (TaskStatus.CANCELLED, 1)
    assert (task.status, task.end) == (TaskStatus.COMPLETED, 2)


def test_leaving_twice_is_leaving_once() -> None:
    """The second wish changes nothing, and is answered behind the first."""
    desk = Desk()
    task, claim = desk.begun()
    said: list[str] = []

    desk.engine.leave(task, "deadline_exceeded", lambda _: said.append("first"))
    desk.engine.leave(task, "cancelled", lambda _: said.append("second"))
    desk.engine.commit()
    desk.finish(claim)
    desk.engine.commit()

    assert said == ["first", "second"]
    assert desk.worker.revoked == [claim]
    assert task.outcome is not None
    assert task.outcome.code == "deadline_exceeded"


def test_a_claim_that_is_being_recorded_may_be_cancelled() -> None:
    """The worker gets the run and then hears to stop it: its end is certain."""
    desk = Desk()
    task = desk.opened()
    desk.engine.claim(BASE.queue, 1)
    desk.engine.leave(task, "cancelled", lambda _: None)

    desk.engine.commit()

    (claim,) = desk.worker.accepted
    assert desk.worker.revoked == [claim]
    desk.finish(claim)
    desk.engine.commit()
    assert task.status is TaskStatus.CANCELLED


def test_a_claim_is_the_workers_when_it_is_committed() -> None:
    """Before that no line of the command runs, and nobody sees it running."""
    desk = Desk()
    task = desk.opened()
    desk.time.pass_by(5)

    desk.engine.claim(BASE.queue, 1)
    before = (desk.worker.accepted[:], task.status)
    desk.engine.commit()

    assert before == ([], TaskStatus.CREATED)
    assert len(desk.worker.accepted) == 1
    assert task.run.started_at == desk.time.wall()


@pytest.mark.parametrize("text", ["x" * 400, "x"])
def test_what_fits_is_written(text: str) -> None:
    """Of what passes the bound the first part stands; the error says how much."""
    desk = Desk(max_log_bytes=1000)
    task, claim = desk.begun()
    texts = [text, text, "y" * 1100, text]

    with pytest.raises(OutputTooLargeError):
        desk.engine.append(claim, [piece(each) for each in texts])
    desk.engine.commit()

    assert task.head == 2
    assert task.run.log.chunks == 2


def test_a_full_memory_takes_nothing_of_the_largest() -> None:
    """Not even what would fit into its own log."""
    desk = Desk(memory_bytes=10_000, tail_bytes=10_000)
    task, claim = desk.begun()
    say(desk, "x" * 10_000)

    with pytest.raises(OutputTooLargeError):
        desk.engine.append(claim, [piece("y")])
    desk.engine.commit()

    assert task.head == 1


def test_progress_after_a_while_is_told_at_once() -> None:
    """The pace is kept from the last telling, not from a fixed beat."""
    desk = Desk()
    task, claim = desk.begun()
    marks = Marks(task)
    desk.engine.follow(marks)

    desk.engine.progressed(claim)
    desk.time.pass_by(5)
    desk.engine.progressed(claim)

    assert marks.news == 2


def test_whoever_stopped_following_hears_no_late_news() -> None:
    """News that was put off is told to those who follow then."""
    desk = Desk()
    task, claim = desk.begun()
    stays, leaves = Marks(task), Marks(task)
    desk.engine.follow(stays)
    desk.engine.follow(leaves)
    desk.engine.progressed(claim)
    desk.engine.progressed(claim)

    desk.engine.unfollow(leaves)
    desk.time.pass_by(1)

    assert (stays.news, leaves.news) == (2, 1)


def test_a_deadline_is_met_once() -> None:
    """A task that is about to end for another reason is left alone."""
    desk = Desk()
    task, claim = desk.begun(replace(BASE, deadline_ms=1000))
    desk.finish(claim)
    desk.time.pass_by(2)

    desk.engine.expire()
    desk.engine.commit()

    assert task.status is TaskStatus.COMPLETED
    assert desk.worker.revoked == []


def test_deadlines_of_the_ended_are_tidied() -> None:
    """Thousands of deadlines far away leave memory when their tasks have ended."""
    desk = Desk(queued=5000)
    far = replace(BASE, deadline_ms=10**9)
    desk.submit(*[far] * 3000)
    desk.engine.commit()
    for number in range(2900):
        desk.engine.leave(desk.task(number), "cancelled", lambda _: None)
    desk.engine.commit()

    desk.engine.expire()

    assert len(vars(desk.engine)["_deadlines"]) == 100
    desk.time.pass_by(10**6 + 1)
    desk.engine.expire()
    desk.engine.commit()
    assert all(ended(desk.task(number)) for number in range(3000))


def test_the_queue_is_tidied() -> None:
    """Runs that left the queue do not stay in it until somebody claims."""
    desk = Desk(queued=5000)
    desk.submit(*[BASE] * 3000)
    desk.engine.commit()
    for number in range(2990):
        desk.engine.leave(desk.task(number), "cancelled", lambda _: None)

    assert len(vars(desk.engine)["_backlog"]) == 10
    desk.engine.claim(BASE.queue, 100)
    desk.engine.commit()
    assert len(desk.worker.accepted) == 10


def test_runs_that_end_as_they_begin_are_no_recursion() -> None:
    """Thousands of waiting runs whose command is gone end one after the other."""
    desk = Desk(queued=5000)
    desk.submit(*[BASE] * 3000)
    desk.engine.commit()
    accept = desk.worker.accept

    def refuse(claim: Claim) -> None:
        accept(claim)
        desk.finish(claim, outcome(TaskStatus.FAILED))
        desk.engine.release(claim.run)

    desk.worker.accept = refuse  # type: ignore[method-assign]  # the fault
    # As an engine in memory has it, where every record is committed at once.
    desk.engine._record_begin = desk.engine._begun  # type: ignore[method-assign]  # so

    desk.engine.claim(BASE.queue, 1)
    desk.engine.commit()

    assert len(desk.worker.accepted) == 3000


def test_a_tick_forgets_a_bounded_number() -> None:
    """A million expired tasks never stall the loop: they go by and by."""
    desk = Desk(retention_s=10.0)
    desk.submit(*[BASE] * 800)
    desk.engine.commit()
    for number in range(800):
        desk.engine.leave(desk.task(number), "cancelled", lambda _: None)
    desk.engine.commit()
    desk.time.pass_by(11)
    tasks = vars(desk.engine)["_shelf"].tasks

    desk.engine.expire()
    first = len(tasks)
    desk.engine.expire()

    assert 0 < first < 800
    assert len(tasks) == 0


def test_a_task_that_goes_tells_its_own_followers() -> None:
    """Others on the same run go on reading."""
    desk = Desk(retention_s=10.0)
    _, claim = desk.begun(SHARED)
    joined = desk.opened(SHARED)
    desk.engine.leave(joined, "cancelled", lambda _: None)
    desk.engine.commit()
    left, stays = Marks(joined), Marks(claim.run.tasks[0])
    desk.engine.follow(left)
    desk.engine.follow(stays)
    desk.time.pass_by(11)

    desk.engine.expire()

    assert (left.gone, stays.gone) == (1, 0)
    assert claim.run.mood is Mood.RUNNING
