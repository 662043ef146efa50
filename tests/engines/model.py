"""What an engine should do, said with dicts: the model of `test_model.py`.

It knows no commit and no thread. What is submitted, said and ended in one turn of the
loop is applied in that order, as if each were committed at once: an engine may take
its time, but must come to the same.
"""

from dataclasses import dataclass, field

from hub.runs import Opened, Submission
from hub.tasks import TaskStatus


@dataclass
class ModelRun:
    """A run."""

    number: int
    request: Submission
    state: str = "waiting"  # then running, closing, ended
    said: list[str] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    why: str = ""

    @property
    def open(self) -> bool:
        """Whether it may be joined."""
        return self.state in ("waiting", "running")


@dataclass
class ModelTask:
    """A ticket."""

    id: str
    run: ModelRun
    request: Submission
    deadline: float | None = None
    end: int = 0
    code: str | None = None
    status: TaskStatus | None = None
    ended_at: float = 0.0


class Model:
    """Every run, task, key and cache entry there should be.

    Attributes:
        tasks: By id.
        keys: Which task has a key.
        cache: Which run answers a flight, and until when.
        runs: By number.
        now: The time.
    """

    def __init__(self) -> None:
        self.tasks: dict[str, ModelTask] = {}
        self.keys: dict[str, str] = {}
        self.cache: dict[bytes, tuple[ModelRun, float]] = {}
        self.runs: dict[int, ModelRun] = {}
        self.now = 0.0

    # Submit

    def expected(self, request: Submission) -> tuple[str, object]:
        """Return what a submission becomes: a word, and the task or run concerned."""
        if request.key is not None and request.key in self.keys:
            task = self.tasks[self.keys[request.key]]
            same = task.run.request.params == request.params
            return ("existing", task.id) if same else ("key_conflict", None)
        flight = request.flight
        if flight is not None and request.cache == "use" and request.ttl is not None:
            hit = self.cache.get(flight)
            if hit is not None and hit[1] > self.now:
                return ("cached", hit[0].number)
        if flight is not None and request.cache != "off" and request.join:
            for run in self.runs.values():
                if run.open and run.request.flight == flight and self._shares(run):
                    return ("joined", run.number)
        return ("new", None)

    @staticmethod
    def _shares(run: ModelRun) -> bool:
        return run.request.join and run.request.cache != "off"

    def submitted(self, request: Submission, opened: Opened) -> None:
        """Take a task that a submission became."""
        if opened.origin == "existing":
            return
        number = opened.task.run.number
        if opened.origin == "new":
            assert number not in self.runs
            self.runs[number] = ModelRun(number, request)
        run = self.runs[number]
        task = ModelTask(opened.task.id, run, request)
        self.tasks[task.id] = task
        if request.key is not None:
            self.keys[request.key] = task.id
        if opened.origin == "cached":
            self._end(task, len(run.said) + 1, TaskStatus.COMPLETED, None)
            return
        run.tickets.append(task.id)
        if request.deadline_ms is not None:
            task.deadline = self.now + request.deadline_ms / 1000

    # Work

    def claim(self, count: int, newest: int) -> int:
        """Begin runs up to a number that wait, the oldest first.

        Returns:
            How many slots are left.
        """
        for number in sorted(self.runs):
            run = self.runs[number]
            if count and run.state == "waiting" and number <= newest:
                run.state = "running"
                count -= 1
        return count

    def finish(self, number: int, status: TaskStatus) -> None:
        """End a run, and whoever still wants it."""
        run = self.runs[number]
        code = None if status is TaskStatus.COMPLETED else "plugin_error"
        if run.state == "closing":
            cancelled = run.why == "cancelled"
            status = TaskStatus.CANCELLED if cancelled else TaskStatus.FAILED
            code = run.why
        self._stop(run, status, code)
        request = run.request
        cacheable = request.ttl is not None and request.cache != "off"
        if status is TaskStatus.COMPLETED and cacheable and request.flight is not None:
            self.cache[request.flight] = (run, self.now + (request.ttl or 0))

    def _stop(self, run: ModelRun, status: TaskStatus, code: str | None) -> None:
        run.state = "ended"
        for task_id in run.tickets:
            self._end(self.tasks[task_id], len(run.said) + 1, status, code)
        run.tickets.clear()

    def _end(
        self, task: ModelTask, end: int, status: TaskStatus, code: str | None
    ) -> None:
        task.end, task.status, task.code = end, status, code
        task.ended_at = self.now
        task.deadline = None

    def leave(self, task_id: str, code: str) -> None:
        """Let a ticket leave."""
        task = self.tasks[task_id]
        run = task.run
        if task.end or run.state == "closing":
            return
        status = TaskStatus.CANCELLED if code == "cancelled" else TaskStatus.FAILED
        if len(run.tickets) > 1:
            run.tickets.remove(task_id)
            self._end(task, len(run.said) + 1, status, code)
        elif run.state == "waiting":
            self._stop(run, status, code)
        else:
            run.state, run.why = "closing", code

    # Time

    def pass_by(self, seconds: float) -> None:
        """Let deadlines pass, one after the other."""
        self.now += seconds
        due = [
            (task.deadline, task.id)
            for task in self.tasks.values()
            if task.deadline is not None and task.deadline <= self.now
        ]
        for _, task_id in sorted(due):
            self.leave(task_id, "deadline_exceeded")

    def restart(self) -> None:
        """End what was going on; forget what was in memory only."""
        for run in self.runs.values():
            if run.state == "running":
                self._stop(run, TaskStatus.FAILED, "hub_restarted")
            elif run.state == "closing":
                cancelled = run.why == "cancelled"
                status = TaskStatus.CANCELLED if cancelled else TaskStatus.FAILED
                self._stop(run, status, run.why)
        self.cache.clear()

    def forget(self, task_id: str) -> None:
        """Let a record go, and with the last one its run's number."""
        run = self.tasks.pop(task_id).run
        if run.state == "ended" and all(t.run is not run for t in self.tasks.values()):
            del self.runs[run.number]
        for key, named in list(self.keys.items()):
            if named == task_id:
                del self.keys[key]
