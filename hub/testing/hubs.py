"""A hub without a server, for tests of plugins that are coroutines themselves.

It is made of the parts of which the real one is made, with its checks, limits and
times; only the store is in memory, and nothing listens.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Self, Unpack

import msgspec

from hub.auth import LOCAL
from hub.codec import to_json
from hub.errors import FrameTooLargeError, HubError, NotFoundError
from hub.ids import TaskIds
from hub.node import Node, Parts, bounds_of
from hub.plugin.context import Facts, Sink, TaskContext
from hub.protocol.frames import Execute
from hub.runner.output import Output
from hub.runs import Opened, Origin
from hub.settings import Settings, load
from hub.testing.life import Life, clock_of
from hub.testing.loops import VirtualLoop
from hub.testing.points import NOWHERE, PointedSink
from hub.testing.store import OutlivingEngine
from hub.testing.tasks import TestTask
from hub.testing.wishes import Given, Options, What, Wishes

_NO_WISHES: Final = Options()


class AsyncTestHub:
    """A hub without a server: `async with AsyncTestHub(Weather) as hub`.

    Args:
        plugins: What is tested: classes, files or folders; each is loaded as the real
            hub does it, and must not be refused.
        config: The first plugin's table `[plugin.NAME]`.
        settings: Settings by their dotted names, such as `{"limits.async_runs": 1}`.

    Raises:
        FileNotFoundError: A path is that of no plugin.
        ConfigError: A setting is wrong.
    """

    # pytest is not to take it for a class of tests.
    __test__ = False

    def __init__(
        self,
        *plugins: What,
        config: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self._given = Given(plugins)
        self._config = dict(config or {})
        self._wanted = dict(settings or {})
        self._points: dict[str, Options] = {}
        self._bell: asyncio.Event
        self._level = logging.WARNING

    # Its life

    async def __aenter__(self) -> Self:
        """Load and start the plugins.

        Raises:
            PluginRefusedError: One was refused; the error has file, line and reason.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._bell, self._reviving = asyncio.Event(), asyncio.Lock()
        self._settings = self._read_settings()
        self._clock = clock_of(loop)
        self.engine = OutlivingEngine(
            # Each word of a command's progress is heard here, not ten a second.
            msgspec.structs.replace(bounds_of(self._settings), progress_ms=0),
            self._clock,
            TaskIds(),
        )
        self.engine.finishing = self._dies_before_finish
        root = logging.getLogger()
        self._level = root.level
        # As in a real hub: what a command logs reaches its task from `info` on.
        root.setLevel(min(root.level, logging.INFO))
        try:
            await self._live()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: what still runs is stopped as by a hub that goes."""
        try:
            await self._die()
        finally:
            self._close()

    def _close(self) -> None:
        self._given.close()
        logging.getLogger().setLevel(self._level)

    def _read_settings(self) -> Settings:
        usual = {"store.engine": "memory", "plugins.bundled": False}
        config = {
            f"plugin.{self._given.name}.{key}": value
            for key, value in self._config.items()
        }
        return load(None, {}, {**usual, **self._wanted, **config})

    async def _live(self) -> None:
        """Begin a life of the hub."""
        parts = Parts(clock=self._clock, engine=self.engine, context=self._context)
        self._life = await Life(self._settings, self._given, parts).begin()

    async def _die(self) -> None:
        """End a life of the hub."""
        await self._life.end()

    async def _revive(self) -> None:
        """Begin a new life after a death."""
        async with self._reviving:
            if self.engine.dead:
                await self._die()
                await self._live()

    @property
    def node(self) -> Node:
        """The parts of the hub, as they are now."""
        return self._life.node

    # What a test does

    def options(self, **wishes: Unpack[Wishes]) -> "AsyncCaller":
        """Return what runs commands in a certain way; see `Options`.

        Raises:
            ValueError: The wishes do not go together.
        """
        return AsyncCaller(self, Options(**wishes))

    async def run(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # the command's own params
    ) -> TestTask:
        """Run a command to its end, whatever that is.

        Args:
            name: `plugin.command`.
            params: Its params, and more of them by name.
            named: More params.

        Raises:
            HubError: It is refused: unknown_command, invalid_params and such.
        """
        return await self.options().run(name, params, **named)

    async def start(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # ditto
    ) -> TestTask:
        """Ask for a command to be run, and do not wait for its end.

        Raises:
            HubError: It is refused.
        """
        return await self.options().start(name, params, **named)

    async def wait(self, task: TestTask) -> TestTask:
        """Wait for the end of a task."""
        await self.until(lambda: task.ended)
        return task

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; it is looked at whenever a task says something.

        Raises:
            NothingHappensError: It never will (in simulated time).
        """
        while True:
            await self._revive()
            bell = self._bell
            if holds():
                return
            await bell.wait()

    async def cancel(self, task: TestTask) -> TestTask:
        """Cancel a task, and wait for its end."""
        with suppress(NotFoundError):
            await self._cancel(task)
        self._life.stir()
        return await self.wait(task)

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, with all that happens meanwhile.

        Raises:
            RuntimeError: Time is real here.
        """
        if not isinstance(self._loop, VirtualLoop):
            raise RuntimeError(  # noqa: TRY004  # not the argument's type is wrong
                "time is real on this loop: mark the test @simulated, or use TestHub"
            )
        self._life.stir()
        await self._loop.advance(seconds)
        await self._revive()

    async def kill(self) -> None:
        """Let the hub die at this moment, and come back.

        What was executing ends `hub_restarted`, what waits is run, the cache is empty,
        and the plugins are new instances.
        """
        self.engine.die()
        await self._revive()

    # Behind it

    async def submit(
        self, name: str, params: Mapping[str, Any], options: Options
    ) -> TestTask:  # the command's own params
        """Ask for a command to be run.

        Raises:
            HubError: It is refused.
        """
        await self._revive()
        plugin, _, command = name.partition(".")
        data = to_json(dict(params))
        most = self._settings.limits.frame_bytes
        if len(data) > most:
            raise FrameTooLargeError(detail={"limit": most})
        limit = options.deadline
        wish = Execute(
            id=0,
            plugin=plugin,
            command=command,
            params=msgspec.Raw(data),
            key=options.key,
            deadline_ms=None if limit is None else round(limit * 1000),
            priority=options.priority,
            cache=options.cache,
            trace=options.trace,
        )
        opened: asyncio.Future[TestTask] = self._loop.create_future()

        def answer(outcome: Opened | HubError) -> None:
            if isinstance(outcome, HubError):
                opened.set_exception(outcome)
            else:
                opened.set_result(self._opened(outcome, options))

        principal = msgspec.structs.replace(LOCAL, name=options.principal)
        self.node.orchestrator.execute(principal, wish, answer, locale=options.locale)
        self._life.stir()
        task = await opened
        timeout = self.node.registry.lookup(plugin, command).timeout
        self._life.due_in(timeout if limit is None else min(timeout, limit))
        return task

    def _opened(self, outcome: Opened, options: Options) -> TestTask:
        """Begin to hear a task, before its command's first line runs."""
        task = TestTask(
            outcome.task, outcome.origin, self._clock, options.locale, self._ring
        )
        self.engine.follow(task)
        if outcome.origin == Origin.NEW and (options.kill_at or options.cancel_at):
            self._points[task.id] = options
        return task

    def _context(self, facts: Facts, sink: Sink) -> TaskContext:
        """Make what a command is given; its sink acts at the point that was chosen."""
        options = self._points.get(facts.run_id, _NO_WISHES)
        point = options.kill_at or options.cancel_at or NOWHERE
        deadly = options.kill_at is not None

        def die() -> None:
            if isinstance(sink, Output):
                sink.flush()
            self.engine.die()

        def leave() -> None:
            principal = msgspec.structs.replace(LOCAL, name=options.principal)
            self.node.orchestrator.cancel(principal, facts.task_id, lambda _: None)

        act = die if deadly else leave
        pointed = PointedSink(sink, point, self._on_loop(act), deadly=deadly)
        return TaskContext(facts, pointed)

    def _on_loop(self, act: Callable[[], None]) -> Callable[[], None]:
        """Return what acts on the loop's thread, from wherever it is called."""

        def call() -> None:
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                self._loop.call_soon_threadsafe(act)
            else:
                act()

        return call

    def _dies_before_finish(self, run_id: str) -> bool:
        """Whether the hub is to die before a run is ended."""
        options = self._points.get(run_id)
        point = None if options is None else options.kill_at
        return point is not None and point.what == "finish"

    async def _cancel(self, task: TestTask) -> None:
        """Wish for a task to be cancelled."""
        done: asyncio.Future[HubError | None] = self._loop.create_future()
        principal = msgspec.structs.replace(LOCAL, name=task.task.principal)
        self.node.orchestrator.cancel(principal, task.id, done.set_result)
        error = await done
        if error is not None:
            raise error

    def _ring(self) -> None:
        """Let those look who wait for something."""
        self._bell.set()
        self._bell = asyncio.Event()


class AsyncCaller:
    """Runs commands of a hub in a certain way.

    Args:
        hub: Which hub.
        options: In which way.
    """

    def __init__(self, hub: AsyncTestHub, options: Options) -> None:
        self._hub = hub
        self._options = options

    async def run(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # the command's own params
    ) -> TestTask:
        """Run a command to its end; see `AsyncTestHub.run`."""
        return await self._hub.wait(await self.start(name, params, **named))

    async def start(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # ditto
    ) -> TestTask:
        """Ask for a command to be run; see `AsyncTestHub.start`."""
        asked = {**(params or {}), **named}
        return await self._hub.submit(name, asked, self._options)
