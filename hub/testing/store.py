"""A store that outlives its hub: what a file is to a process that is killed."""

from collections.abc import Callable

from hub.clock import Clock
from hub.engines.base import Bounds, Runner
from hub.engines.memory import MemoryEngine
from hub.engines.sqlite.recovery import Recovered
from hub.ids import TaskIds
from hub.runs import Claim, Mood, Outcome


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
        self._demand.clear()
        self.clear_cache(None, None)
        for queue in self._queues.values():
            for run in queue:
                run.prepared = None

    def attend(self, worker: Runner) -> None:
        """Name the worker of the hub that has taken the place of the last one."""
        super().attend(worker)
        self.dead = False

    def claim(self, queue: str, count: int) -> None:
        """Hand out work, unless nobody is there to do it."""
        if not self.dead:
            super().claim(queue, count)

    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """End a run, unless the hub dies in that moment."""
        run = claim.run
        if run.mood is not Mood.CLOSING and self.finishing(run.id):
            self.die()
            return False
        return super().finish(claim, outcome)
