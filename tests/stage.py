"""A stage: the hub's real parts in one process, and commands that a test writes.

Time stands still until a test moves it, and nothing is due until a test says `tick`. A
command does what a function of the test does (a *script*), so that what is asserted and
what was run stand side by side.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from importlib.metadata import EntryPoint
from typing import Any, Self

import msgspec

from hub.auth import LOCAL, Principal
from hub.clock import Clock
from hub.codec import to_json
from hub.delivery import Delivery, Wiring
from hub.engines.base import Bounds, Engine
from hub.engines.memory import MemoryEngine
from hub.errors import HubError
from hub.ids import TaskIds
from hub.metrics import Metrics
from hub.orchestrator import Orchestrator
from hub.plugin.command import command
from hub.plugin.context import TaskContext
from hub.plugin.contract import PluginBase
from hub.plugin.typed import Plugin
from hub.protocol.frames import Execute
from hub.registry import Registry, Sources
from hub.runs import Opened, Outcome, Task
from hub.sessions import House
from hub.worker import Slots, Worker

# Any: a script is a function of any of the four kinds, and returns what it likes.
Script = Callable[[TaskContext], Any]
Entry = dict[str, Any]
"""A log entry as JSON."""

PATIENCE_S = 10.0
"""How long a test waits for what should come at once; only a failing one waits."""
SCRIPTED = "scripted"
GRACE_S = 0.05


class ManualClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time = 1000.0
        self._began = time.time() - self.time
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        super().__init__(
            loop, wall=lambda: self._began + self.time, now=lambda: self.time
        )
        self.call_at = self._call_at  # type: ignore[assignment]  # handles are not used

    def _call_at(
        self,
        when: float,
        call: Callable[..., object],
        *arguments: object,
        context: object = None,
    ) -> None:
        """Remember what to call."""
        entry = (when, next(self._numbers), lambda: call(*arguments))
        heapq.heappush(self._due, entry)

    def advance(self, seconds: float) -> None:
        """Move the time, and call what is due on the way."""
        until = self.time + seconds
        while self._due and self._due[0][0] <= until:
            when, _, call = heapq.heappop(self._due)
            self.time = max(self.time, when)
            call()
        self.time = until


class Here(EntryPoint):
    """An entry point of a class that a test holds."""

    def load(self) -> Any:  # as the base says
        """Return the class."""
        return _classes[self.value]


_classes: dict[str, type[PluginBase]] = {}
_names = itertools.count()


def entry_point(name: str, plugin: type[PluginBase]) -> EntryPoint:
    """Return an entry point that names a class."""
    value = f"tests.stage:class{next(_names)}"
    _classes[value] = plugin
    return Here(name, value, "taskhub.plugins")


def scripted(  # noqa: C901  # many small commands
    scripts: dict[str, Script],
) -> type[Plugin]:
    """Return a plugin with a command of each kind, which does what a script does."""

    class Scripted(Plugin):
        """What a test wants."""

        version = "1"

        @command
        async def coroutine(self, ctx: TaskContext, script: str) -> object:
            """Run on the loop."""
            return await scripts[script](ctx)

        @command
        def plain(self, ctx: TaskContext, script: str) -> object:
            """Run in a thread."""
            return scripts[script](ctx)

        @command
        async def stream(self, ctx: TaskContext, script: str) -> AsyncIterator[object]:
            """Stream on the loop."""
            async with aclosing(scripts[script](ctx)) as items:
                async for item in items:
                    yield item

        @command
        def plain_stream(self, ctx: TaskContext, script: str) -> Iterator[object]:
            """Stream from a thread."""
            yield from scripts[script](ctx)

        @command(ttl=60)
        async def cached(self, ctx: TaskContext, script: str) -> object:
            """Run once a minute."""
            return await scripts[script](ctx)

        @command(join=True)
        async def shared(self, ctx: TaskContext, script: str) -> object:
            """Run once for all who ask at the same time."""
            return await scripts[script](ctx)

        @command(timeout=5)
        async def brief(self, ctx: TaskContext, script: str) -> object:
            """Run for five seconds at most."""
            return await scripts[script](ctx)

        @command(timeout=5)
        def brief_plain(self, ctx: TaskContext, script: str) -> object:
            """Run in a thread for five seconds at most."""
            return scripts[script](ctx)

    return Scripted


class Waiter:
    """A follower that waits for something about its task."""

    def __init__(self, stage: "Stage", task: Task, progress_ms: int = 1) -> None:
        self.task = task
        self.progress_ms = progress_ms
        self.marks = asyncio.Event()
        self.told = 0
        self._engine = stage.engine

    def moved(self) -> None:
        """Take a mark."""
        self.marks.set()

    def progressed(self) -> None:
        """Take a mark of progress."""
        self.told += 1
        self.marks.set()

    def vanished(self) -> None:
        """Take the news that the task is gone."""
        self.marks.set()

    def __enter__(self) -> Self:
        """Begin to follow."""
        self._engine.follow(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Follow no more."""
        self._engine.unfollow(self)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; it is looked at with every mark."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self.marks.clear()
                await self.marks.wait()


class Stage:
    """The parts, and what a test does with them."""

    clock: ManualClock
    engine: Engine
    registry: Registry
    metrics: Metrics
    orchestrator: Orchestrator
    delivery: Delivery
    house: House
    worker: Worker

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.plugin = scripted(self.scripts)

    async def execute(  # noqa: PLR0913  # what may be said of a wish
        self,
        command: str,
        script: Script | str | None = None,
        *,
        plugin: str = SCRIPTED,
        principal: Principal = LOCAL,
        locale: str = "en",
        room: int = 0,
        **wish: Any,  # fields of an execute frame
    ) -> Opened:
        """Ask for a command; a script that was given before is named by its text.

        Raises:
            HubError: It is refused.
        """
        answered: asyncio.Future[Opened | HubError] = asyncio.Future()
        params = {} if script is None else {"script": self.name(script)}
        frame = Execute(
            id=1,
            plugin=plugin,
            command=command,
            params=msgspec.Raw(to_json(wish.pop("params", params))),
            **wish,
        )
        self.orchestrator.execute(
            principal, frame, answered.set_result, locale=locale, room=room
        )
        outcome = await answered
        if isinstance(outcome, HubError):
            raise outcome
        return outcome

    def name(self, script: Script | str) -> str:
        """Keep a script, and return what it is called in params."""
        if isinstance(script, str):
            return script
        name = f"{script.__name__}{len(self.scripts)}"
        self.scripts[name] = script
        return name

    async def start(self, command: str, script: Script, **wish: Any) -> Task:
        """Begin a run; the arguments are those of `execute`."""
        return (await self.execute(command, script, **wish)).task

    async def run(self, command: str, script: Script, **wish: Any) -> Task:
        """Run a command to its end."""
        task = await self.start(command, script, **wish)
        await self.outcome(task)
        return task

    async def outcome(self, task: Task) -> Outcome:
        """Wait for the end of a task."""
        with Waiter(self, task) as waiter:
            await waiter.until(lambda: task.end)
        outcome = task.outcome
        assert outcome is not None
        return outcome

    async def begun(self, task: Task) -> None:
        """Wait until a worker has a task's run."""
        with Waiter(self, task) as waiter:
            await waiter.until(lambda: task.run.started_at)

    async def head(self, task: Task, number: int) -> None:
        """Wait until a task's readers may see so many entries."""
        with Waiter(self, task) as waiter:
            await waiter.until(lambda: task.head >= number)

    async def cancel(self, task: Task, code: str = "cancelled") -> None:
        """Let a task leave its run."""
        done: asyncio.Future[HubError | None] = asyncio.Future()
        self.engine.leave(task, code, done.set_result)
        assert await done is None

    def tick(self, seconds: float = 0.1) -> None:
        """Move the time, and let every part act on what is due."""
        self.clock.advance(seconds)
        self.engine.expire()
        self.worker.tick()
        self.delivery.tick()


def entries(task: Task) -> list[Entry]:
    """Return what stands in a task's log, as far as its readers may know."""
    log = task.run.log
    found = log.tails(0, task.end - 1 if task.end else log.head)
    return [msgspec.json.decode(b"{" + tail) for tail in found]


def said(task: Task, channel: str = "out") -> list[Any]:  # JSON values
    """Return the data of the chunks on one channel."""
    return [each["data"] for each in entries(task) if each["channel"] == channel]


async def soon(holds: Callable[[], object]) -> None:
    """Wait until something holds that leaves no mark; it is looked at each turn."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # nobody sets an event for it
            await asyncio.sleep(0)


async def turns(count: int = 3) -> None:
    """Let everything that is ready have its turn."""
    for _ in range(count):
        await asyncio.sleep(0)


def memory(bounds: Bounds, clock: Clock) -> Engine:
    """Make the engine in memory."""
    return MemoryEngine(bounds, clock, TaskIds())


@asynccontextmanager
async def stage(
    *plugins: type[PluginBase],
    engine: Callable[[Bounds, Clock], Engine] = memory,
    bounds: Bounds | None = None,
    slots: Slots | None = None,
    **wiring: Any,  # fields of a Wiring
) -> AsyncIterator[Stage]:
    """Set the parts up, with further plugins under the names of their classes."""
    made = Stage()
    loop = asyncio.get_running_loop()
    made.clock = clock = ManualClock(loop)
    made.engine = engine(bounds or Bounds(progress_ms=0), clock)
    await made.engine.start()
    points = [entry_point(SCRIPTED, made.plugin)]
    points += [entry_point(each.__name__.lower(), each) for each in plugins]
    made.registry = Registry(Sources(entry_points=lambda: points), strict=True)
    await made.registry.load()
    made.metrics = Metrics()
    made.orchestrator = Orchestrator(made.engine, made.registry, made.metrics)
    made.delivery = Delivery(
        Wiring(engine=made.engine, clock=clock, metrics=made.metrics, **wiring)
    )
    made.house = House(
        hub=made.engine.hub, orchestrator=made.orchestrator, delivery=made.delivery
    )
    made.worker = Worker(
        made.engine,
        made.registry,
        clock,
        made.metrics,
        slots=slots or Slots(grace_s=GRACE_S),
    )
    try:
        async with made.worker:
            yield made
    finally:
        await made.registry.close()
        await made.engine.close()
