"""Random schedules of submits, commits and refusals, and what must hold in each."""

from collections.abc import Callable

from hypothesis import strategies as st

from hub.backlog.line import PRIORITIES
from hub.errors import HubError
from hub.runs import Claim, Mood, Opened, Run, Submission
from hub.tasks import TaskStatus
from tests.engines.desk import Desk
from tests.engines.doubles import outcome, piece

FLIGHTS = (b"joins", b"caches", b"both")
requests = st.builds(
    lambda flight, cache, key, priority: Submission(
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
        priority=priority,
        concurrency=1 if flight == b"both" else None,
    ),
    st.sampled_from(FLIGHTS),
    st.sampled_from(["use", "use", "refresh", "off"]),
    st.sampled_from([None, "a", "b"]),
    st.sampled_from(PRIORITIES),
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
            claim = claims[which % len(claims)]
            self.desk.finish(claim)
            self.desk.engine.release(claim.run)

    def _fail(self, which: int) -> None:
        if claims := self._claims():
            claim = claims[which % len(claims)]
            self.desk.engine.finish(claim, outcome(TaskStatus.FAILED))
            self.desk.engine.release(claim.run)

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
        limited = [claim for claim in self._claims() if claim.run.request.concurrency]
        assert len(limited) <= 1
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
        self.desk.engine.claim("q", 1000)
        for _ in range(100):
            for claim in self._claims():
                self.desk.finish(claim)
                self.desk.engine.release(claim.run)
            self.desk.engine.commit()
        tasks = [a.task for a in self.desk.answers if isinstance(a, Opened)]
        assert all(task.end for task in tasks)
        engine = vars(self.desk.engine)
        assert not engine["_parked"]
        assert not engine["_running"]
        assert not engine["_flights"]
        assert len(engine["_backlog"]) == 0
        assert vars(engine["_backlog"])["_limits"] == {}
        assert len(engine["_places"]) == 0
