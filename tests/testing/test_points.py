"""Points: where a task is cancelled or the hub dies, and what is left of it all."""

import pytest

from hub.tasks import TaskStatus
from hub.testing import TestHub
from hub.testing.points import (
    Point,
    after_chunk,
    at_message,
    at_progress,
    before_finish,
)
from tests.testing.lab import Lab


@pytest.mark.parametrize(
    ("point", "output"),
    [
        (after_chunk(2), [1, 2]),
        (at_progress(0.6), [1, 2]),
        (at_message("row 4"), [1, 2, 3]),
    ],
)
def test_a_task_is_cancelled_at_a_point(point: Point, output: list[int]) -> None:
    """Exactly there: the command gets no further than its next await."""
    with TestHub(Lab) as hub:
        task = hub.options(cancel_at=point).run("lab.rows")

    assert task.status is TaskStatus.CANCELLED
    assert task.output[: len(output)] == output
    assert len(task.output) <= len(output) + 1


def test_a_thread_is_cancelled_at_a_point() -> None:
    """It sees that it is to stop when the call returns."""
    with TestHub(Lab) as hub:
        task = hub.options(cancel_at=after_chunk(2)).run("lab.count", to=1000)

    assert (task.status, task.output) == (TaskStatus.CANCELLED, [1, 2])


@pytest.mark.parametrize(
    ("point", "output"),
    [
        (after_chunk(2), [1, 2]),
        (at_progress(0.6), [1, 2]),
        (at_message("row 4"), [1, 2, 3]),
        (before_finish(), [1, 2, 3, 4, 5]),
    ],
)
def test_the_hub_is_killed_at_a_point(point: Point, output: list[int]) -> None:
    """The task shows what it showed until then; the hub comes back."""
    with TestHub(Lab) as hub:
        task = hub.options(kill_at=point, key="k").run("lab.rows")
        assert (task.code, task.output) == ("hub_restarted", output)
        assert task.failure is not None
        assert (task.failure.retry, task.failure.ran) == (True, "maybe")

        again = hub.options(key="k").run("lab.rows")
        assert (again.origin, again.code) == ("existing", "hub_restarted")
        assert hub.run("lab.rows").result is None


def test_a_kill_takes_all_that_runs_and_nothing_that_waits() -> None:
    """The cache is empty, and the plugin another instance."""
    settings = {"limits.async_runs": 2}
    Lab.runs = 0
    with TestHub(Lab, settings=settings) as hub:
        hub.run("lab.cached")
        bystander, killed = hub.start("lab.stuck"), hub.start("lab.stuck")
        waiting = hub.start("lab.cached")
        hub.until(lambda: bystander.output and killed.output)
        hub.kill()

        assert (bystander.code, killed.code) == ("hub_restarted", "hub_restarted")
        hub.wait(waiting)
        assert (waiting.origin, waiting.result) == ("cached", 1)
        assert hub.run("lab.cached").result == 2


def test_a_thread_is_killed_at_a_point() -> None:
    """What it would have said afterwards is not heard."""
    with TestHub(Lab) as hub:
        task = hub.options(kill_at=after_chunk(2)).run("lab.count")

    assert (task.code, task.output) == ("hub_restarted", [1, 2])


def test_points_that_cannot_be_are_refused() -> None:
    """Before anything runs."""
    with TestHub(Lab) as hub:
        with pytest.raises(ValueError, match="or its hub is killed"):
            hub.options(cancel_at=after_chunk(), kill_at=after_chunk())
        with pytest.raises(ValueError, match="has returned"):
            hub.options(cancel_at=before_finish())


def test_the_dead_are_not_heard() -> None:
    """A command that goes on talking while it is torn down says nothing any more."""
    with TestHub(Lab) as hub:
        first = hub.options(kill_at=after_chunk(1)).run("lab.stubborn")
        second = hub.options(kill_at=at_message("logged")).run("lab.stubborn")

    assert (first.output, first.logs, first.progress) == (["first"], [], [])
    assert [log.message for log in second.logs] == ["logged"]
    assert second.output == ["first"]


@pytest.mark.parametrize("point", [at_progress(0.5), at_message("line 50")])
def test_a_thread_that_does_not_look_is_cancelled_all_the_same(point: Point) -> None:
    """What it says after the point is dropped."""
    with TestHub(Lab) as hub:
        task = hub.options(cancel_at=point).run("lab.stubborn_thread")

    assert task.status is TaskStatus.CANCELLED
    assert task.output == list(range(50))


def test_only_the_first_asker_has_a_point() -> None:
    """Who joins a run has no say in where it ends."""
    with TestHub(Lab) as hub:
        first = hub.start("lab.shared")
        hub.until(lambda: first.output)
        second = hub.options(cancel_at=after_chunk(1)).start("lab.shared")
        hub.wait(second)

    assert (second.origin, second.status) == ("joined", TaskStatus.COMPLETED)
