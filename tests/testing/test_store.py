"""A store that outlives its hub: what a restart finds in it."""

import asyncio

from hub.clock import Clock
from hub.engines.base import Bounds
from hub.errors import HubError
from hub.ids import TaskIds
from hub.runs import Claim, Opened, Outcome, Submission
from hub.tasks import TaskStatus
from hub.testing.store import OutlivingEngine


class Taker:
    """A worker that only notes what it is handed."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.revoked: list[Claim] = []

    def accept(self, claim: Claim) -> None:
        """Note it."""
        self.claims.append(claim)

    def revoke(self, claim: Claim) -> None:
        """Note it."""
        self.revoked.append(claim)


def submit(engine: OutlivingEngine, command: str) -> Opened:
    """Ask for a run."""
    answers: list[Opened | HubError] = []
    engine.submit(
        Submission(
            principal="p",
            plugin="a",
            command=command,
            params=b"{}",
            queue="q",
            key=command,
        ),
        answers.append,
        object(),
    )
    (answer,) = answers
    assert isinstance(answer, Opened)
    return answer


async def test_a_death_is_a_restart() -> None:
    """Once: what executes ends, what waits stays, and a dead hub is handed nothing."""
    clock = Clock(asyncio.get_running_loop())
    engine, first, second = (
        OutlivingEngine(Bounds(), clock, TaskIds()),
        Taker(),
        Taker(),
    )
    engine.attend(first)
    engine.claim("q", 2)
    running, leaving = submit(engine, "one").task, submit(engine, "two").task
    waiting = submit(engine, "three").task
    engine.leave(leaving, "cancelled", lambda _: None)

    engine.die()
    engine.die()
    engine.claim("q", 1)
    done = Outcome(status=TaskStatus.COMPLETED)
    assert not engine.finish(first.claims[0], done)

    assert running.outcome is not None
    assert leaving.outcome is not None
    assert (running.outcome.code, running.outcome.ran) == ("hub_restarted", "maybe")
    assert leaving.outcome.status is TaskStatus.CANCELLED
    assert (waiting.status, waiting.run.prepared) == (TaskStatus.CREATED, None)

    engine.attend(second)
    engine.claim("q", 1)
    assert [claim.run for claim in second.claims] == [waiting.run]
    assert submit(engine, "one").task is running


async def test_it_may_die_in_the_moment_of_an_end() -> None:
    """The command has returned, and nobody ever learns it."""
    clock, taker = Clock(asyncio.get_running_loop()), Taker()
    engine = OutlivingEngine(Bounds(), clock, TaskIds())
    engine.attend(taker)
    engine.claim("q", 1)
    task = submit(engine, "one").task
    engine.finishing = lambda run_id: run_id == task.id

    assert not engine.finish(taker.claims[0], Outcome(status=TaskStatus.COMPLETED))
    assert engine.dead
    assert task.outcome is not None
    assert task.outcome.code == "hub_restarted"
