"""Random schedules: whatever is done in whatever order, engine and model agree.

One rule is one turn of the loop: everything in it is done before the engine can commit
any of it. What is submitted may be decided at its place in the turn, or, where it had
to wait for a commit, behind all of it; nowhere else.
"""

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hub.engines.base import Bounds
from hub.errors import HubError
from hub.runs import Claim, Opened, Submission, Task
from hub.tasks import TaskStatus
from tests.engines.doubles import outcome, piece
from tests.engines.lab import KINDS, Lab
from tests.engines.model import Model, ModelTask

# Halves, so that nothing is due at the very moment of a look.
RETENTION_S = 500.5
TTL_S = 60.5
DEADLINES = [None, None, 20_500, 200_500]
FLIGHTS: dict[bytes | None, tuple[bool, float | None]] = {
    # Whether its runs may be joined, and how long they are cached.
    b"joins": (True, None),
    b"caches": (False, TTL_S),
    b"both": (True, TTL_S),
    None: (False, None),
}


def wish(
    flight: bytes | None, key: str | None, cache: str, deadline_ms: int | None
) -> Submission:
    """Return a submission; a flight stands for one command with its params."""
    join, ttl = FLIGHTS[flight]
    return Submission(
        principal="local",
        plugin="test",
        command="do",
        params=flight or b"{}",
        queue="q",
        flight=flight,
        join=join,
        ttl=ttl,
        key=key,
        cache=cache,
        deadline_ms=deadline_ms,
    )


wishes = st.builds(
    wish,
    st.sampled_from(list(FLIGHTS)),
    st.sampled_from([None, None, "a", "b", "c"]),
    st.sampled_from(["use", "use", "use", "refresh", "off"]),
    st.sampled_from(DEADLINES),
)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), wishes),
        st.tuples(st.just("claim"), st.integers(1, 3)),
        st.tuples(
            st.sampled_from(["finish", "fail", "leave", "append", "append"]),
            st.integers(0, 1000),
        ),
    ),
    max_size=8,
)
Act = tuple[str, Any]  # what was done, and what with
Asked = tuple[Submission, "asyncio.Future[Opened | HubError]"]


class Machine(RuleBasedStateMachine):
    """An engine beside its model, on a loop of their own."""

    kind: str

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._loop = asyncio.new_event_loop()
        # Where memory is the front of a store, hardly anything stays there.
        tail = 4000 if KINDS[self.kind].durable else 2**20
        bounds = Bounds(retention_s=RETENTION_S, tail_bytes=tail)
        self.lab = Lab(KINDS[self.kind], folder, bounds)
        self.model = Model()
        self.model.now = self.lab.time.now()
        self.handles: dict[str, Task] = {}
        self.claims: list[Claim] = []
        self.slots = 0
        self.seen = 0
        self._run(self.lab.start())

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._loop.run_until_complete(work)

    def teardown(self) -> None:
        """Look once more, then end the engine's life."""
        self._run(self._compare())
        self._run(self.lab.engine.close())
        self._loop.close()
        self._stack.close()

    # A turn.

    @rule(wanted=acts)
    def turn(self, wanted: list[Act]) -> None:
        """Do several things before the loop goes on."""
        self._run(self._turn(wanted))

    async def _turn(self, wanted: list[Act]) -> None:
        known = sorted(self.model.tasks)
        newest = max(self.model.runs, default=0)
        done = [self._act(kind, what, known) for kind, what in wanted]
        asked = [what for kind, what in done if kind == "submit"]
        async with asyncio.timeout(20):
            await asyncio.gather(*[future for _, future in asked])
        await self.lab.settle()
        late: list[Asked] = []
        for kind, what in done:
            self._apply(kind, what, newest, late)
        self._apply_late(late)
        self._take_claims()
        self._glance()

    def _act(self, kind: str, what: Any, known: list[str]) -> Act:
        """Do one thing; return what was done, for the model."""
        engine = self.lab.engine
        if kind == "submit":
            return kind, (what, self.lab.ask(what))
        act: Act = ("nothing", None)
        if kind == "claim":
            engine.claim("q", what)
            act = kind, what
        elif kind == "leave" and known:
            task_id = known[what % len(known)]
            engine.leave(self.handles[task_id], "cancelled", lambda _: None)
            act = kind, task_id
        elif kind != "leave" and self.claims:
            act = self._work(kind, what, what % len(self.claims))
        return act

    def _work(self, kind: str, what: int, index: int) -> Act:
        """Do what a worker does."""
        engine, claim = self.lab.engine, self.claims[index]
        if kind == "append":
            assert engine.append(claim, [piece(str(what)), piece("+")])
            return kind, (claim.run.number, [str(what), "+"])
        del self.claims[index]
        status = TaskStatus.COMPLETED if kind == "finish" else TaskStatus.FAILED
        assert engine.finish(claim, self.lab.stamped(outcome(status)))
        assert not engine.finish(claim, self.lab.stamped(outcome()))
        return "end", (claim.run.number, status)

    def _apply(self, kind: str, what: Any, newest: int, late: list[Asked]) -> None:
        """Let the model do the same."""
        model = self.model
        if kind == "submit":
            if not self._agrees(what):
                late.append(what)
        elif kind == "claim":
            self.slots += model.claim(what, newest)
        elif kind == "append":
            model.runs[what[0]].said.extend(what[1])
        elif kind == "end":
            model.finish(*what)
        elif kind == "leave":
            model.leave(what, "cancelled")

    def _agrees(self, asked: Asked) -> bool:
        """Take an answer into the model, if it is the right one now."""
        request, future = asked
        answer = future.result()
        word, target = self.model.expected(request)
        if isinstance(answer, HubError):
            return word == answer.code
        task = answer.task
        actual = {"existing": task.id, "new": None}
        same = actual.get(answer.origin, task.run.number) == target
        if answer.origin != word or not same:
            return False
        self.model.submitted(request, answer)
        self.handles.setdefault(task.id, task)
        return True

    def _apply_late(self, late: list[Asked]) -> None:
        """Take the answers of those that had to wait, in any order that is right."""
        while late:
            still = [asked for asked in late if not self._agrees(asked)]
            wrong = [(request, f.result()) for request, f in still]
            assert len(still) < len(late), (
                wrong,
                [self.model.expected(request) for request, _ in still],
            )
            late = still

    def _take_claims(self) -> None:
        """Take what the worker was given: the oldest that waited, each once."""
        accepted = self.lab.worker.accepted
        fresh, self.seen = accepted[self.seen :], len(accepted)
        for claim in fresh:
            run = self.model.runs[claim.run.number]
            if run.state == "waiting":
                run.state = "running"
                self.slots -= 1
            self.claims.append(claim)
        numbers = [claim.run.number for claim in accepted]
        assert numbers == sorted(set(numbers))
        waiting = [run for run in self.model.runs.values() if run.state == "waiting"]
        assert self.slots >= 0
        assert not (self.slots and waiting)

    def _glance(self) -> None:
        """Compare what can be seen without asking."""
        for task_id, task in self.handles.items():
            self._same(task, self.model.tasks[task_id])
        closing = {
            run.number for run in self.model.runs.values() if run.state == "closing"
        }
        revoked = [claim.run.number for claim in self.lab.worker.revoked]
        assert len(revoked) == len(set(revoked))
        assert closing <= set(revoked)

    def _same(self, task: Task, expected: ModelTask) -> None:
        """Compare a task with what it should be."""
        assert task.end == expected.end
        assert task.run.number == expected.run.number
        if expected.status is None:
            begun = expected.run.state != "waiting"
            status = TaskStatus.RUNNING if begun else TaskStatus.CREATED
            assert task.status is status
            assert task.head == len(expected.run.said)
            return
        assert task.outcome is not None
        assert (task.outcome.status, task.outcome.code) == (
            expected.status,
            expected.code,
        )

    # Looking.

    @rule()
    def look(self) -> None:
        """Look every task up, and read it."""
        self._run(self._compare())

    async def _compare(self) -> None:
        for task_id, expected in self.model.tasks.items():
            found = await self.lab.known(task_id)
            self._same(found, expected)
            limit = expected.end - 1 if expected.end else None
            assert await self.lab.read(found) == expected.run.said[:limit]
            self.handles[task_id] = found

    # Time.

    @rule(seconds=st.sampled_from([1, 30, 70, 250, 600]))
    def later(self, seconds: int) -> None:
        """Let time pass, and everything that was due happen."""
        self._run(self._later(seconds))

    async def _later(self, seconds: int) -> None:
        await self.lab.tick(seconds)
        await self.lab.settle()
        self.model.pass_by(seconds)
        durable = self.lab.kind.durable
        for task_id, expected in list(self.model.tasks.items()):
            old = expected.end and expected.ended_at + RETENTION_S < self.model.now
            if not old:
                continue
            found = await self.lab.find(task_id)
            # A file may keep a ticket as long as it keeps the run.
            assert found is None or durable
            if found is None:
                self.model.forget(task_id)
                del self.handles[task_id]
        self._take_claims()
        self._glance()

    @precondition(lambda self: KINDS[self.kind].durable)
    @rule()
    def restart(self) -> None:
        """End the hub's life, and begin the next."""
        self._run(self._restart())

    async def _restart(self) -> None:
        await self.lab.restart()
        await self.lab.settle()
        self.model.restart()
        self.claims, self.slots, self.seen = [], 0, 0
        await self._compare()
        self._glance()


class MemoryMachine(Machine):
    """The reference."""

    kind = "memory"


class SqliteMachine(Machine):
    """The one with a file."""

    kind = "sqlite"


@pytest.mark.parametrize(
    ("machine", "examples"), [(MemoryMachine, 100), (SqliteMachine, 40)]
)
def test_engine_and_model_agree(machine: type[Machine], examples: int) -> None:
    """No schedule of submits, claims, output, ends, time and restarts parts them."""
    run_state_machine_as_test(
        machine,
        settings=hypothesis.settings(
            max_examples=examples, stateful_step_count=20, deadline=None
        ),
    )
