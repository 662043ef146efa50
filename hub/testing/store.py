"""A store that outlives its hub: what a file is to a process that is killed."""

from collections.abc import Callable

from hub.backlog.backlog import Backlog
from hub.clock import Clock
from hub.engines.base import Bounds, Runner
from hub.engines.memory import MemoryEngine
from hub.engines.places import Places
from hub.engines.sqlite.recovery import Recovered
from hub.ids import TaskIds
from hub.runs import Claim, Mood, Outcome, Run


class OutlivingEngine(MemoryEngine):
    """The engine in memory, which a hub may leave without a word.

    Args:
        bounds: How much it takes.
        clock: The time.
        ids: Makes the ids of tasks.

    Attributes:
        dead: Whether its hub has died, and none has taken its place.
        finishing: Asked before a run ends, with its id; true where the hub dies first.
    """

    def __init__(self, bounds: Bounds, clock: Clock, ids: TaskIds) -> None:
        super().__init__(bounds, clock, ids)
        self.dead = False
        self.finishing: Callable[[str], bool] = lambda _: False

    def die(self) -> None:
        """Go through what a restart finds: nobody ends a run any more.

        What was executing ends `hub_restarted`, what waits goes on waiting, what was
        cached is forgotten, and keys are still known.
        """
        if self.dead:
            return
        self.dead = True
        wall = self._clock.wall()
        for claim in list(self._running.values()):
            super().finish(claim, Recovered.interrupted(claim.run, wall))
        self.clear_cache(None, None)
        self._line_up()

    def _line_up(self) -> None:
        """Let what waits wait for another worker, in its order."""
        bounds = self._bounds
        runs = {task.run.number: task.run for task in self._shelf.tasks.values()}
        self._backlog = Backlog(ageing_s=bounds.ageing_s, pools=bounds.pools)
        self._places = Places(
            self._backlog, self._clock, bounds.progress_ms / 1000, self._fan
        )
        for _, run in sorted(runs.items()):
            if run.mood is Mood.QUEUED:
                run.prepared = None
                self._enqueue(run)
                if run.followers:
                    self._places.watch(run)

    def attend(self, worker: Runner) -> None:
        """Name the worker of the hub that has taken the place of the last one."""
        super().attend(worker)
        self.dead = False

    def claim(self, queue: str, count: int) -> None:
        """Hand out work, unless nobody is there to do it."""
        if not self.dead:
            super().claim(queue, count)

    def release(self, run: Run) -> None:
        """Take a slot back, unless nobody has slots any more."""
        if not self.dead:
            super().release(run)

    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """End a run, unless the hub dies in that moment."""
        run = claim.run
        if run.mood is not Mood.CLOSING and self.finishing(run.id):
            self.die()
            return False
        return super().finish(claim, outcome)
