"""A task as its test sees it: entries of every kind, in their order."""

import asyncio

from hub.clock import Clock
from hub.events import Gap, Reset
from hub.runs import Run, Submission, Task
from hub.tasks import TaskStatus
from hub.testing.tasks import TestTask


async def test_resets_and_gaps_are_events() -> None:
    """What earlier attempts said is void; what has left memory is a gap."""
    clock = Clock(asyncio.get_running_loop())
    request = Submission(
        principal="p", plugin="lab", command="do", params=b"{}", queue="q"
    )
    run = Run(1, "id", request, clock.now(), clock.wall())
    rings: list[None] = []
    ticket = Task.of("id", run, request, "new", clock.wall())
    run.log.head = run.log.write([(0, "out", None, b"1", False)])
    run.log.forget(1)
    seen = TestTask(ticket, "new", clock, "en", lambda: rings.append(None))
    assert len(rings) == 1

    run.log.head = run.log.write_reset(5, 2, "worker_lost")
    seen.moved()
    run.log.head = run.log.write([(6, "out", "json", b"[2]", False)])
    seen.moved()
    seen.vanished()

    gap, reset, chunk = seen.events
    assert isinstance(gap, Gap)
    assert (gap.first, gap.last, gap.why) == (1, 1, "trimmed")
    assert isinstance(reset, Reset)
    assert (reset.seq, reset.attempt, reset.reason) == (2, 2, "worker_lost")
    assert (seen.output, seen.chunks) == ([[2]], [chunk])
    assert (seen.status, seen.ended, seen.failure) == (TaskStatus.CREATED, False, None)
    assert repr(seen) == "<TestTask lab.do created>"
    assert seen.response.message == "Task accepted"
