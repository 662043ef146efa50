"""Admission under every schedule: what is being committed is not built upon."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.errors import HubError
from hub.runs import Claim, Mood, Opened, Run, Submission, Task
from hub.tasks import TaskStatus
from tests.engines.desk import Desk
from tests.engines.doubles import BASE, SHARED, outcome, piece

KEYED = replace(SHARED, key="k")
OFF = replace(SHARED, cache="off")


def test_a_key_is_known_from_its_commit_on() -> None:
    """Until then those who come with it wait; then they get the same task."""
    desk = Desk()
    desk.submit(KEYED, KEYED, replace(KEYED, command="x"))
    assert desk.words == []

    desk.engine.commit()

    assert desk.words == ["new", "existing", "key_conflict"]


def test_a_flight_is_open_from_its_commit_on() -> None:
    """Who could share a run waits for its commit, and is recorded in turn."""
    desk = Desk()
    desk.submit(SHARED, SHARED)
    desk.engine.commit(1)
    assert desk.words == ["new"]

    desk.engine.commit()

    assert desk.words == ["new", "joined"]
    assert desk.task(0).run is desk.task(1).run


@pytest.mark.parametrize("key", ["k", None])
def test_what_is_refused_leaves_nothing(key: str | None) -> None:
    """Neither key, nor flight, nor place in the queue, nor weight."""
    desk = Desk(queued=1)
    request = replace(SHARED, key=key)
    desk.submit(request)
    desk.engine.refuse()

    desk.submit(request)
    desk.engine.commit()

    assert desk.words == ["storage_full", "new"]
    assert len(vars(desk.engine)["_shelf"].tasks) == 1


def test_who_waited_for_what_is_refused_goes_on() -> None:
    """They are decided anew: the first of them begins a run of its own."""
    desk = Desk()
    desk.submit(KEYED, KEYED, SHARED)

    desk.engine.refuse()
    desk.engine.commit()

    assert desk.words[0] == "storage_full"
    assert sorted(desk.words[1:]) == ["joined", "new"]
    runs = {answer.task.run for answer in desk.answers if isinstance(answer, Opened)}
    assert len(runs) == 1


def test_a_refused_run_gives_its_slot_back() -> None:
    """The next one that waits is claimed in its stead, the refused one never."""
    desk = Desk(slots=1)
    desk.submit(BASE)
    desk.engine.refuse()

    task = desk.opened(BASE)

    assert [claim.run for claim in desk.worker.accepted] == [task.run]


def test_a_refused_run_that_was_claimed_meanwhile_never_runs() -> None:
    """Its claim is void, and the slot takes the next."""
    desk = Desk()
    desk.submit(BASE)
    desk.engine.claim(BASE.queue, 1)
    desk.engine.refuse()
    desk.engine.commit()
    assert desk.worker.accepted == []

    task = desk.opened(BASE)

    assert [claim.run for claim in desk.worker.accepted] == [task.run]


def test_a_refused_run_that_was_closing_gives_its_slot_back() -> None:
    """Also where its deadline passed before the store had said no."""
    desk = Desk(slots=1)
    desk.submit(replace(BASE, deadline_ms=1000))
    desk.time.pass_by(2)
    desk.engine.expire()
    desk.engine.refuse()
    desk.engine.commit()

    task = desk.opened(BASE)

    assert [claim.run for claim in desk.worker.accepted] == [task.run]
    assert desk.worker.revoked == []


def test_a_refused_run_that_left_the_queue_gives_no_slot() -> None:
    """A deadline in the queue, then a refusal: nothing is counted twice."""
    desk = Desk(queued=1)
    desk.submit(replace(BASE, deadline_ms=1000))
    desk.time.pass_by(2)
    desk.engine.expire()
    desk.engine.refuse()
    desk.engine.commit()

    desk.submit(BASE, BASE)
    desk.engine.commit()

    assert desk.words[0] == "storage_full"
    assert sorted(desk.words[1:]) == ["new", "queue_full"]
    assert desk.worker.accepted == []


@pytest.mark.parametrize("claimed", [0, 1])
def test_what_closes_before_its_commit_is_not_joined(claimed: int) -> None:
    """A deadline may pass while a run is being recorded; nobody joins it then."""
    desk = Desk(slots=claimed)
    desk.submit(replace(SHARED, deadline_ms=1000))
    desk.time.pass_by(2)
    desk.engine.expire()
    desk.submit(SHARED)
    desk.engine.commit()

    assert desk.words == ["new", "new"]
    assert desk.task(0).run is not desk.task(1).run
    assert len(desk.worker.revoked) == claimed


def test_a_refused_joiner_keeps_no_run_going() -> None:
    """Its run stops when everybody else has left meanwhile."""
    desk = Desk(slots=1)
    task = desk.opened(SHARED)
    desk.submit(SHARED)
    desk.engine.leave(task, "cancelled", lambda _: None)

    desk.engine.refuse()
    desk.engine.commit()

    (claim,) = desk.worker.accepted
    assert desk.words == ["new", "storage_full"]
    assert desk.worker.revoked == [claim]
    assert task.run.mood is Mood.CLOSING


def test_a_refused_joiner_of_a_waiting_run_ends_it() -> None:
    """A run that waits and that nobody wants is not begun."""
    desk = Desk()
    task = desk.opened(SHARED)
    desk.submit(SHARED)
    desk.engine.leave(task, "cancelled", lambda _: None)

    desk.engine.refuse()
    desk.engine.commit()
    desk.engine.claim(BASE.queue, 1)

    assert task.run.mood is Mood.ENDED
    assert desk.worker.accepted == []


def test_a_refused_joiner_leaves_others_alone() -> None:
    """A run that is wanted goes on."""
    desk = Desk(slots=1)
    task = desk.opened(SHARED)
    desk.submit(SHARED)

    desk.engine.refuse()

    assert desk.worker.revoked == []
    assert task.run.tasks == [task]


def test_a_cached_ticket_that_was_refused_never_was() -> None:
    """Shown in one message, then forgotten: its key begins anew."""
    desk = Desk(slots=1)
    task = desk.opened(SHARED)
    desk.finish(desk.worker.accepted[0])
    desk.engine.commit()
    desk.submit(replace(KEYED, room=2**16))
    shown = desk.task()
    desk.submit(KEYED)

    desk.engine.refuse()
    desk.engine.commit()

    again = desk.task()
    assert desk.words == ["new", "cached", "cached"]
    assert shown.run is again.run is task.run
    assert again.id != shown.id
    found: list[Task | None] = []
    desk.engine.find(shown.id, found.append)
    assert found == [None]


def test_what_is_alone_disturbs_nobody() -> None:
    """A run with `cache: off` neither opens nor closes a flight for others."""
    desk = Desk()
    desk.submit(OFF, SHARED)
    desk.engine.commit(1)
    desk.submit(SHARED, OFF)
    desk.engine.commit(1)

    desk.engine.commit()

    assert desk.words == ["new", "new", "new", "joined"]
    assert desk.task(1).run is desk.task(3).run


def test_the_store_is_asked_once_for_a_key() -> None:
    """Those who come with a key that only the store knows wait for one look."""
    desk = Desk()
    old = desk.opened(KEYED)
    engine = desk.engine
    vars(engine)["_keys"].clear()
    engine.stored = {("local", "k"): old, ("local", "gone"): None}

    desk.submit(KEYED, KEYED, *[replace(BASE, key="gone")] * 2)
    assert engine.looks == [("local", "k"), ("local", "gone")]
    engine.look()
    engine.commit()

    assert desk.words == ["new", "existing", "existing", "new", "existing"]
    assert desk.task(1) is desk.task(2) is old


# Every schedule.

FLIGHTS = (b"joins", b"caches", b"both")
requests = st.builds(
    lambda flight, cache, key: Submission(
        principal="local",
        plugin="test",
        command=flight.decode(),
        params=b"{}",
        queue="q",
        flight=flight,
        join=flight != b"caches",
        ttl=None if flight == b"joins" else 300.0,
        cache=cache,
        key=key,
    ),
    st.sampled_from(FLIGHTS),
    st.sampled_from(["use", "use", "refresh", "off"]),
    st.sampled_from([None, "a", "b"]),
)
steps = st.one_of(
    requests.map(lambda request: ("submit", request)),
    st.integers(1, 3).map(lambda count: ("commit", count)),
    st.just(("refuse", None)),
    st.tuples(st.sampled_from(["finish", "fail", "leave", "append"]), st.integers(0)),
)
Step = tuple[str, object]


class Checker:
    """Watches a desk for what must never be."""

    def __init__(self) -> None:
        self.desk = Desk(slots=3)
        self.open: dict[int, Run] = {}
        self.asked: list[Submission] = []
        self.acts: dict[str, Callable[[int], None]] = {
            "finish": self._finish,
            "fail": self._fail,
            "leave": self._leave,
            "append": self._append,
        }

    def step(self, kind: str, what: object) -> None:
        """Take one step, and look."""
        engine = self.desk.engine
        if isinstance(what, Submission):
            self._submit(what)
        elif kind == "commit":
            assert isinstance(what, int)
            engine.commit(what)
        elif kind == "refuse":
            engine.refuse()
        else:
            assert isinstance(what, int)
            self.acts[kind](what)
        self._look()

    def _submit(self, request: Submission) -> None:
        asked_at = len(self.asked)
        self.asked.append(request)
        hit = self._hit(request)

        def answer(what: Opened | HubError) -> None:
            self.desk.answers.append(what)
            if isinstance(what, Opened):
                self._judge(request, what, hit)

        assert asked_at == len(self.asked) - 1
        self.desk.engine.submit(request, answer)

    def _hit(self, request: Submission) -> Run | None:
        """Return the run that the cache has for a request now."""
        shelf = vars(self.desk.engine)["_shelf"]
        run = shelf.cache.peek(request.flight)
        assert run is None or isinstance(run, Run)
        return run

    def _judge(self, request: Submission, opened: Opened, hit: Run | None) -> None:
        """Check that an answer was right."""
        run = opened.task.run
        assert run.request.command == request.command
        if opened.origin == "existing":
            assert opened.task.key == request.key is not None
        elif opened.origin == "joined":
            assert request.cache != "off" != run.request.cache
            assert request.join
            assert run.outcome is None
        elif opened.origin == "cached":
            assert request.cache == "use"
            assert run.request.cache != "off"
            assert run.outcome is not None
            assert run.outcome.status is TaskStatus.COMPLETED
        else:
            # There was nothing to read when it came, or not still when it was decided.
            if request.cache == "use" and request.ttl:
                assert hit is None or hit is not self._hit(request)
            assert run.number not in self.open
            self.open[run.number] = run

    def _claims(self) -> list[Claim]:
        """Return the claims whose runs go on."""
        return [claim for claim in self.desk.worker.accepted if not claim.run.finishing]

    def _finish(self, which: int) -> None:
        if claims := self._claims():
            self.desk.finish(claims[which % len(claims)])
            self.desk.engine.claim("q", 1)

    def _fail(self, which: int) -> None:
        if claims := self._claims():
            claim = claims[which % len(claims)]
            self.desk.engine.finish(claim, outcome(TaskStatus.FAILED))
            self.desk.engine.claim("q", 1)

    def _append(self, which: int) -> None:
        if claims := self._claims():
            claim = claims[which % len(claims)]
            self.desk.engine.append(claim, [piece(str(which))])

    def _leave(self, which: int) -> None:
        tasks = [a.task for a in self.desk.answers if isinstance(a, Opened)]
        if tasks:
            task = tasks[which % len(tasks)]
            self.desk.engine.leave(task, "cancelled", lambda _: None)

    def _look(self) -> None:
        """Check what must hold between any two steps."""
        shared: dict[bytes, Run] = {}
        for run in list(self.open.values()):
            if run.finishing or run.mood in (Mood.CLOSING, Mood.ENDED):
                continue
            request = run.request
            if request.join and request.cache != "off" and request.flight:
                assert request.flight not in shared, "two open runs of one flight"
                shared[request.flight] = run
        for run in self.open.values():
            assert run.log.head <= run.log.written
        named: dict[str, str] = {}
        for answer in self.desk.answers:
            if isinstance(answer, Opened) and answer.task.key and not answer.together:
                first = named.setdefault(answer.task.key, answer.task.id)
                assert first == answer.task.id

    def settle(self) -> None:
        """Let everything be committed: nobody is left without an answer."""
        self.desk.engine.commit()
        assert len(self.desk.answers) == len(self.asked)
        self._look()
        for claim in self._claims():
            self.desk.finish(claim)
        self.desk.engine.claim("q", 1000)
        for _ in range(100):
            self.desk.engine.commit()
            for claim in self._claims():
                self.desk.finish(claim)
        tasks = [a.task for a in self.desk.answers if isinstance(a, Opened)]
        assert all(task.end for task in tasks)
        engine = vars(self.desk.engine)
        assert not engine["_parked"]
        assert not engine["_running"]
        assert not engine["_flights"]
        assert engine["_waiting"] == 0


@given(st.lists(steps, max_size=40))
def test_no_schedule_breaks_a_promise(schedule: list[Step]) -> None:
    """One run a flight, one task a key, an answer and an end for everybody."""
    checker = Checker()
    for kind, what in schedule:
        checker.step(kind, what)
    checker.settle()
