"""A desk: an engine whose commits a test decides on, with a worker that notes."""

from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.errors import HubError
from hub.runs import Claim, Opened, Outcome, Submission, Task
from tests.engines.deferred import DeferredEngine
from tests.engines.doubles import BASE, FakeTime, outcome, words_of


class Slots:
    """A worker that notes its claims."""

    def __init__(self) -> None:
        self.accepted: list[Claim] = []
        self.revoked: list[Claim] = []

    def accept(self, claim: Claim) -> None:
        """Note a claim."""
        self.accepted.append(claim)

    def revoke(self, claim: Claim) -> None:
        """Note that a run is to stop."""
        self.revoked.append(claim)


class Desk:
    """An engine whose commits a test decides on."""

    def __init__(self, slots: int = 0, **bounds: float) -> None:
        self.time = FakeTime()
        self.engine = DeferredEngine(
            Bounds(**bounds),  # type: ignore[arg-type]  # the struct checks by name
            self.time.clock(),
        )
        self.worker = Slots()
        self.engine.attend(self.worker)
        self.engine.claim(BASE.queue, slots)
        self.answers: list[Opened | HubError] = []

    def submit(self, *requests: Submission) -> None:
        """Submit, without committing."""
        for request in requests:
            self.engine.submit(request, self.answers.append)

    @property
    def words(self) -> list[str]:
        """What the answers so far say."""
        return words_of(self.answers)

    def task(self, number: int = -1) -> Task:
        """Return the task of an answer."""
        answer = self.answers[number]
        assert isinstance(answer, Opened)
        return answer.task

    def opened(self, request: Submission = BASE) -> Task:
        """Submit and commit."""
        self.submit(request)
        self.engine.commit()
        return self.task()

    def finish(self, claim: Claim, how: Outcome | None = None) -> bool:
        """End a run, without committing."""
        ended = replace(how or outcome(), ended_at=self.time.wall())
        return self.engine.finish(claim, ended)

    def begun(self, request: Submission = BASE) -> tuple[Task, Claim]:
        """Submit, claim and commit."""
        self.engine.claim(request.queue, 1)
        task = self.opened(request)
        return task, self.worker.accepted[-1]
