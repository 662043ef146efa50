"""The worker: takes claims, runs commands under deadline and cancel, ends runs.

It knows the engine and the commands, and nobody who watches. A slot is taken from the
claim to the command's real end: a command that does not stop when it is told to is
*abandoned* after the grace, its run ends, and its slot stays taken until it returns.
"""

import asyncio
import contextvars
import logging
from contextlib import suppress
from typing import Any, Final

import msgspec

from hub.clock import Clock
from hub.engines.base import Engine
from hub.errors import HubError, InternalError, UnavailableError
from hub.metrics import Metrics
from hub.plugin.context import Facts, TaskContext
from hub.plugin.spec import CommandSpec, Prepared
from hub.registry import Registry
from hub.runner.caps import Caps
from hub.runner.inline import run_inline
from hub.runner.letters import Order
from hub.runner.losses import lost
from hub.runner.outcomes import raised, refused, returned, stopped
from hub.runner.output import Output, Pipe, ProcessOutput, ThreadOutput
from hub.runner.processes import Processes
from hub.runner.records import TaskLogHandler
from hub.runner.threads import Threads, run_in_thread
from hub.runner.work import Work
from hub.runs import Claim, Mood, Outcome, Run
from hub.tasks import TaskStatus

logger = logging.getLogger("hub.worker")


OUTPUTS: Final = {"async": Output, "thread": ThreadOutput, "process": ProcessOutput}
"""The sinks of commands by where they run."""


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """How much runs at once on this node, and how it is ended.

    Attributes:
        async_runs: Commands on the loop.
        thread_runs: Commands in threads.
        process_runs: Commands in processes.
        grace_s: How long a command may take to stop.
        caps: Bounds on what a command says.
    """

    async_runs: int = 256
    thread_runs: int = 32
    process_runs: int = 2
    grace_s: float = 2.0
    caps: Caps = Caps()


class Attempt(msgspec.Struct, eq=False):
    """One command that is running.

    Attributes:
        claim: Of its run.
        spec: The command.
        output: What it says.
        due: When it runs out of time, on the loop's clock.
        code: Why it was told to stop; None while it may go on.
        given_up: When it is abandoned, on the loop's clock.
        over: Whether its run has ended.
        task: Where it runs, for a command on the loop.
        process: Where it runs, for a command in a process.
    """

    claim: Claim
    spec: CommandSpec
    output: Output
    due: float
    code: str | None = None
    given_up: float | None = None
    over: bool = False
    task: asyncio.Task[None] | None = None
    process: Work | None = None


class Worker:
    """Runs commands.

    Args:
        engine: Where the work is.
        registry: Where the commands are.
        clock: The time.
        metrics: Counts.
        slots: How much runs at once.
        locale: What `ctx.locale` is in commands that are not localised.
        processes: Where commands run that want a process; None for nowhere.
    """

    def __init__(  # noqa: PLR0913  # what it is wired to
        self,
        engine: Engine,
        registry: Registry,
        clock: Clock,
        metrics: Metrics,
        *,
        slots: Slots,
        locale: str = "en",
        processes: Processes | None = None,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._clock = clock
        self._metrics = metrics
        self._slots = slots
        self._pipe = Pipe(engine=engine, clock=clock, caps=slots.caps)
        self._loop = asyncio.get_running_loop()
        # Commands begin in the worker's context, not in that of whoever made room.
        self._context = contextvars.copy_context()
        self._locale = locale
        self._threads = Threads()
        self._processes = processes
        self._attempts: dict[int, Attempt] = {}
        self._handler = TaskLogHandler()
        self._stopping = False
        self._empty = asyncio.Event()

    async def __aenter__(self) -> "Worker":
        """Begin to take work."""
        logging.getLogger().addHandler(self._handler)
        self._engine.attend(self)
        self._engine.claim("async", self._slots.async_runs)
        self._engine.claim("thread", self._slots.thread_runs)
        if self._processes is not None:
            self._engine.claim("process", self._slots.process_runs)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: what runs ends `hub_restarted`, what waits stays where it is."""
        await self.stop()
        logging.getLogger().removeHandler(self._handler)
        self._threads.close()

    @property
    def running(self) -> int:
        """How many commands run, abandoned ones included."""
        return len(self._attempts)

    def accept(self, claim: Claim) -> None:
        """Begin to execute."""
        run = claim.run
        try:
            if isinstance(run.prepared, Prepared):
                spec, params = run.prepared.spec, run.prepared.params
            else:
                spec = self._registry.lookup(run.request.plugin, run.request.command)
                params = spec.parse(run.request.params).params
        except HubError as error:
            self._finish(claim, refused(error.code))
            self._release(run)
            return
        if self._stopping:
            self._finish(claim, stopped("hub_restarted"))
            return
        self._metrics.started += 1
        self._begin(claim, spec, params)

    def _begin(
        self,
        claim: Claim,
        spec: CommandSpec,
        params: Any,  # what `spec.parse` returned
    ) -> None:
        """Start a command."""
        run = claim.run
        output = OUTPUTS[spec.isolation](
            self._pipe, claim, lambda: self._stop(attempt, "output_too_large")
        )
        attempt = Attempt(claim, spec, output, run.started + spec.timeout)
        output.ends_at = attempt.due
        run.prepared = None
        self._attempts[run.number] = attempt
        ctx = TaskContext(self._facts(claim, spec), output)
        if isinstance(output, ProcessOutput):
            self._begin_apart(attempt, output)
        elif spec.isolation == "thread":
            self._context.copy().run(
                run_in_thread,
                self._threads,
                spec,
                ctx,
                params,
                lambda outcome: self._ended(attempt, outcome),
            )
        else:
            # Owned by this worker: `stop` cancels them and waits, but not for ever for
            # one that swallows its cancellation, as a TaskGroup would.
            attempt.task = self._loop.create_task(
                self._inline(attempt, ctx, params), context=self._context.copy()
            )

    def _begin_apart(self, attempt: Attempt, output: ProcessOutput) -> None:
        """Start a command in a process of its own."""
        run, spec = attempt.claim.run, attempt.spec
        order = Order(
            command=spec.name,
            params=run.request.params,
            facts=self._facts(attempt.claim, spec),
            left=output.deadline,
            grace=self._slots.grace_s,
            caps=self._slots.caps,
        )
        work = Work(
            spec.plugin,
            order,
            output,
            lambda outcome: self._ended(attempt, outcome),
            lambda: self._release(run),
        )
        try:
            if self._processes is None:
                raise UnavailableError
            self._processes.run(work)
            attempt.process = work
        except UnavailableError as error:
            self._ended(attempt, lost(0, error.message))

    def _facts(self, claim: Claim, spec: CommandSpec) -> Facts:
        """Return what a command may know of its task."""
        run = claim.run
        request = run.request
        private = not spec.public
        return Facts(
            run_id=run.id,
            task_id=run.id,
            attempt=claim.attempt,
            principal=request.principal if private else None,
            locale=request.locale if spec.localized else self._locale,
            key=request.key if private else None,
            trace=request.trace if private else None,
        )

    async def _inline(
        self,
        attempt: Attempt,
        ctx: TaskContext,
        params: Any,  # what `spec.parse` returned
    ) -> None:
        """Run a command on the loop. Nothing that it raises leaves this function."""
        try:
            outcome = returned(await run_inline(attempt.spec, ctx, params))
        except BaseException as error:  # noqa: BLE001  # it is the command's, whatever
            outcome = self._raised(attempt, error)
        self._ended(attempt, outcome)

    @staticmethod
    def _raised(attempt: Attempt, error: BaseException) -> Outcome:
        """Return the end of a command that raised, unless it was told to stop."""
        if attempt.code is not None:
            return stopped(attempt.code)
        return raised(error, attempt.claim.run.id)

    def _ended(self, attempt: Attempt, outcome: Outcome) -> None:
        """A command has returned or raised: end its run, and free its slot."""
        run = attempt.claim.run
        del self._attempts[run.number]
        if attempt.over:
            logger.warning("task %s: the abandoned command has returned", run.id)
        else:
            try:
                attempt.output.close()
            except Exception:
                logger.exception("task %s: its output could not be closed", run.id)
                attempt.code = InternalError.code
            # Closing may have found that the log is full, so look at the code now.
            if attempt.code is not None:
                outcome = stopped(attempt.code)
            self._finish(attempt.claim, outcome)
        if attempt.process is None:  # a process gives its slot back when it is gone
            self._release(run)
        if self._stopping and not self._attempts:
            self._empty.set()

    def _finish(self, claim: Claim, outcome: Outcome) -> None:
        """End a run."""
        run = claim.run
        ran_for = (self._clock.now() - run.started) * 1000
        outcome.ended_at = self._clock.wall()
        outcome.execution_ms = ran_for
        completed = outcome.status is TaskStatus.COMPLETED
        if run.mood is Mood.CLOSING and run.why == "cancelled":
            self._metrics.cancelled += 1
        elif completed:
            self._metrics.completed += 1
        else:
            self._metrics.failed += 1
        self._registry.record(run.request.plugin, completed, ran_for)
        self._engine.finish(claim, outcome)

    def _release(self, run: Run) -> None:
        """Give a slot back."""
        if not self._stopping:
            self._engine.release(run)

    def revoke(self, claim: Claim) -> None:
        """Stop a command: nobody wants its run any more."""
        attempt = self._attempts.get(claim.run.number)
        if attempt is not None and attempt.claim is claim:
            self._stop(attempt, claim.run.why or "cancelled")

    def _stop(self, attempt: Attempt, code: str) -> None:
        """Tell a command to stop; it has the grace to do so."""
        if attempt.code is not None:
            return
        attempt.code = code
        attempt.given_up = self._clock.now() + self._slots.grace_s
        attempt.output.stop()
        if attempt.task is not None:
            # A turn later: before its first step a cancelled task would never begin,
            # and so never say that it has ended.
            self._clock.call_soon(attempt.task.cancel)

    def tick(self) -> None:
        """Act on attempts whose time is up."""
        now = self._clock.now()
        for attempt in list(self._attempts.values()):
            if attempt.code is None:
                if now >= attempt.due:
                    self._stop(attempt, "deadline_exceeded")
            elif not attempt.over and now >= (attempt.given_up or now):
                self._give_up(attempt)
        if self._processes is not None:
            self._processes.tick()

    def _give_up(self, attempt: Attempt) -> None:
        """Kill a process that does not stop; abandon anything else, slot and all."""
        if attempt.process is not None and attempt.process.kill():
            attempt.given_up = self._clock.now() + self._slots.grace_s
        else:
            self._abandon(attempt)

    def _abandon(self, attempt: Attempt) -> None:
        """End the run of a command that does not stop; its slot stays taken."""
        attempt.over = True
        run = attempt.claim.run
        logger.warning(
            "task %s: %s.%s does not stop and is abandoned; its slot stays taken",
            run.id,
            run.request.plugin,
            run.request.command,
        )
        attempt.output.close()
        self._finish(attempt.claim, stopped(attempt.code or "cancelled"))

    async def stop(self) -> None:
        """Take no more work, and stop what runs."""
        if self._stopping:
            return
        self._stopping = True
        for attempt in list(self._attempts.values()):
            self._stop(attempt, "hub_restarted")
        if self._attempts:
            self._empty.clear()
            try:
                async with asyncio.timeout(self._slots.grace_s):
                    await self._empty.wait()
            except TimeoutError:
                await self._end_all()

    async def _end_all(self) -> None:
        """Give up whatever has not stopped; wait for processes, which then do."""
        for _ in range(2):
            for attempt in list(self._attempts.values()):
                if not attempt.over:
                    self._give_up(attempt)
            if self._processes is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._slots.grace_s):
                        await self._processes.idle()
