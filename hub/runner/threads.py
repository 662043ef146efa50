"""Running commands in threads.

The threads are daemons: a command that will not stop must not keep the hub from
exiting. How many there are is bounded by who asks: a slot is given back when a command
has really returned.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from hub.plugin.context import TaskContext
from hub.plugin.spec import CommandSpec
from hub.runner.outcomes import raised, returned
from hub.runner.plain import run_plain
from hub.runs import Outcome

Job = Callable[[], None]


class Threads:
    """Threads that are kept for the next command."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._started = 0

    def start(self, job: Job) -> None:
        """Run a job in a thread that is free, or in a new one. It must not raise."""
        with self._lock:
            spare = self._idle > 0
            if spare:
                self._idle -= 1
            else:
                self._started += 1
        self._jobs.put(job)
        if not spare:
            threading.Thread(
                target=self._work, name="taskhub-command", daemon=True
            ).start()

    def close(self) -> None:
        """Let the threads go that are free, and the others once they are."""
        for _ in range(self._started):
            self._jobs.put(None)

    def _work(self) -> None:
        """Run job after job."""
        while (job := self._jobs.get()) is not None:
            job()
            with self._lock:
                self._idle += 1


def run_in_thread(
    threads: Threads,
    spec: CommandSpec,
    ctx: TaskContext,
    params: Any,  # what `spec.parse` returned
    done: Callable[[Outcome], None],
) -> None:
    """Run a command in a thread.

    Args:
        threads: Where.
        spec: The command.
        ctx: Its context.
        params: As parsed.
        done: Called on the loop with how the command ended. The result is encoded in
            the thread, since it may be large.
    """
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()

    def job() -> None:
        try:
            outcome = returned(context.run(run_plain, spec, ctx, params))
        except BaseException as error:  # noqa: BLE001  # it is the command's, whatever
            outcome = raised(error, ctx.task_id)
        try:
            loop.call_soon_threadsafe(done, outcome)
        except RuntimeError:
            return  # the loop is closed: the hub is gone

    threads.start(job)
