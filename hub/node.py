"""A node: one process of the hub. It wires the parts, starts them, and stops them.

Nothing else constructs parts or reads settings for them.
"""

import asyncio
import logging
import os
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import msgspec

from hub.auth import LOCAL, Principal
from hub.clock import Clock
from hub.delivery import Delivery, Wiring
from hub.engines.base import Bounds, Engine
from hub.engines.memory import MemoryEngine
from hub.engines.sqlite.engine import SqliteEngine
from hub.errors import HubError
from hub.ids import TaskIds
from hub.metrics import Metrics
from hub.orchestrator import Orchestrator
from hub.plugin.command import Defaults
from hub.plugin.context import Facts, Sink, TaskContext
from hub.protocol.frames import CloseCode, Goaway
from hub.registry import Registry, Sources, bundled_folder
from hub.runner.caps import Caps
from hub.runner.letters import Limits
from hub.runner.processes import Processes, Upbringing
from hub.sessions import House
from hub.settings import Settings
from hub.worker import Slots, Worker

logger = logging.getLogger("hub.node")


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a node may be handed instead of making it: so a test owns time and store.

    Attributes:
        clock: The time.
        engine: The tasks; whoever hands it over closes it.
        registry: The plugins, not yet loaded.
        context: Makes what a command on the loop or in a thread is given.
    """

    clock: Clock | None = None
    engine: Engine | None = None
    registry: Registry | None = None
    context: Callable[[Facts, Sink], TaskContext] = TaskContext


class Node:
    """One process of the hub.

    Use it as an async context manager, in one task.

    Args:
        settings: Everything that can be chosen.
        folder: The data folder; for the engine with a file.
        watchful: Whether plugins are reloaded when their code changes.
        parts: What is not to be made here.

    Attributes:
        settings: Everything that was chosen.
        registry: The plugins.
        clock: The time.
        engine: The tasks.
        orchestrator: What callers may do.
        delivery: What callers are sent.
        house: What sessions share.
        metrics: The counters.
        processes: Where commands run that want a process.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        *,
        watchful: bool = False,
        parts: Parts | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._parts = parts or Parts()
        self.registry = self._parts.registry or _registry(settings, watchful=watchful)
        self._folder = folder
        self._stack = AsyncExitStack()
        self.clock: Clock
        self.engine: Engine
        self.orchestrator: Orchestrator
        self.delivery: Delivery
        self.house: House
        self.processes: Processes
        self._worker: Worker

    @property
    def principal(self) -> Principal:
        """Who calls, as long as nobody has to say who they are."""
        return LOCAL

    async def __aenter__(self) -> Self:
        """Load the plugins, open the store, begin to work.

        Raises:
            PluginRefusedError: A plugin was refused, and that is not allowed.
            DataFolderError: The data folder cannot be used.
        """
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: nothing that was accepted is lost."""
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> None:
        """Start the parts, the lowest first."""
        settings = self.settings
        parts = self._parts
        clock = self.clock = parts.clock or Clock(asyncio.get_running_loop())
        if parts.engine is not None:
            self.engine = parts.engine
        else:
            self.engine = _engine(settings, clock, self._folder)
            await self.engine.start()
            stack.push_async_callback(self.engine.close)
        await self.registry.load()
        self._name_unserved()
        stack.push_async_callback(self.registry.close)
        self.registry.listen(self._outdate)
        self.orchestrator = Orchestrator(self.engine, self.registry, self.metrics)
        self.delivery = Delivery(
            Wiring(
                engine=self.engine,
                clock=clock,
                metrics=self.metrics,
                message_bytes=settings.limits.message_bytes,
                frame_bytes=settings.limits.frame_bytes,
                heartbeat_s=settings.timing.heartbeat_s,
                progress_ms=settings.timing.progress_ms,
            )
        )
        self.house = House(
            hub=self.engine.hub,
            orchestrator=self.orchestrator,
            delivery=self.delivery,
            locale=settings.locale,
            frame_bytes=settings.limits.frame_bytes,
            hello_bytes=settings.limits.hello_bytes,
            bad_frames=settings.limits.bad_frames_per_minute,
        )
        self.processes = Processes(self.registry.apart(), _upbringing(settings))
        self._worker = Worker(
            self.engine,
            self.registry,
            clock,
            self.metrics,
            slots=_slots(settings),
            locale=settings.locale,
            context=parts.context,
            processes=await stack.enter_async_context(self.processes),
        )
        await stack.enter_async_context(self._worker)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        ticker = group.create_task(self._tick())
        stack.callback(ticker.cancel)

    @property
    def busy_threads(self) -> int:
        """How many threads run commands."""
        return self._worker.busy_threads

    def _outdate(self, plugin: str) -> None:
        """Let nothing of a plugin's former code be used again."""
        self.engine.clear_cache(plugin, None)
        self.processes.renew(self.registry.apart())

    def _name_unserved(self) -> None:
        """Say which commands nobody will run: their runs wait."""
        pools = self.settings.plugins.pools
        for report in self.registry.plugins() if pools else ():
            for command in report.commands:
                if command.pool not in pools:
                    logger.warning(
                        "no worker serves the pool %s: runs of %s.%s will wait",
                        command.pool,
                        report.name,
                        command.name,
                    )

    async def _tick(self) -> None:
        """Let every part act on what is due, again and again."""
        while True:
            await asyncio.sleep(self.settings.timing.tick_s)
            self.tick()

    def tick(self) -> None:
        """Let every part act on what is due."""
        for act in (self.engine.expire, self._worker.tick, self.delivery.tick):
            try:
                act()
            except Exception:
                logger.exception("a part could not act on what is due")

    async def drain(self) -> None:
        """Take no more work, stop what runs, and say goodbye to every client."""
        self.orchestrator.draining = True
        await self._worker.stop()
        try:
            async with asyncio.timeout(self.settings.timing.grace_s):
                # Clients may be told of an end once it is committed.
                going = CloseCode.GOING_AWAY
                settled: asyncio.Future[HubError | None] = asyncio.Future()
                self.engine.settle(settled.set_result)
                await settled
                await self.delivery.close(self._goodbye, going, going.reason)
        except TimeoutError:
            logger.warning("some clients did not take their goodbye")

    def _goodbye(self) -> Goaway:
        """Return a last frame; no two clients come back at the same time."""
        spread = self.settings.timing.reconnect_spread_s * 1000
        wait = int(spread * random.random())  # noqa: S311  # spreads reconnects
        return Goaway(reason="shutdown", drain_ms=0, retry_after_ms=wait)


def _registry(settings: Settings, *, watchful: bool) -> Registry:
    """Return the plugins' registry."""
    plugins = settings.plugins
    return Registry(
        Sources(
            folders=tuple(Path(path) for path in plugins.paths),
            bundled=bundled_folder() if plugins.bundled else None,
        ),
        config=settings.plugin,
        defaults=_defaults(settings),
        strict=plugins.strict,
        watchful=watchful,
    )


def _defaults(settings: Settings) -> Defaults:
    """Return what commands mean that say nothing."""
    return Defaults(ttl_s=settings.cache.ttl_s, timeout_s=settings.timing.timeout_s)


def bounds_of(settings: Settings) -> Bounds:
    """Return how much an engine takes."""
    limits, store, cache = settings.limits, settings.store, settings.cache
    embedded = store.engine == "sqlite"
    return Bounds(
        queued=limits.queued,
        max_log_bytes=limits.max_log_bytes,
        memory_bytes=store.memory_bytes,
        tail_bytes=store.tail_bytes if embedded else store.memory_bytes,
        store_bytes=store.sqlite_bytes,
        retention_s=settings.timing.retention_s,
        cache_entries=cache.entries,
        cache_bytes=cache.bytes,
        cache_sweep=cache.sweep,
        progress_ms=settings.timing.progress_ms,
        ageing_s=settings.timing.ageing_s,
        pools=settings.plugins.pools,
    )


def _engine(settings: Settings, clock: Clock, folder: Path) -> Engine:
    """Return the engine that was chosen."""
    bounds, store = bounds_of(settings), settings.store
    if store.engine == "memory":
        return MemoryEngine(bounds, clock, TaskIds())
    return SqliteEngine(
        bounds,
        clock,
        TaskIds(),
        folder=folder,
        durability=store.durability,
        commit_statements=store.commit_statements,
        retry_s=settings.timing.retry_after_s,
    )


def _slots(settings: Settings) -> Slots:
    """Return how much runs at once."""
    limits = settings.limits
    return Slots(
        async_runs=limits.async_runs,
        thread_runs=limits.thread_runs,
        process_runs=limits.process_runs or max(2, _cores()),
        grace_s=settings.timing.grace_s,
        caps=Caps(
            chunk_bytes=limits.chunk_bytes,
            uncommitted_bytes=limits.uncommitted_bytes,
            log_record_bytes=limits.log_record_bytes,
        ),
    )


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _upbringing(settings: Settings) -> Upbringing:
    """Return what processes of commands have in common."""
    limits = settings.limits
    return Upbringing(
        config=settings.plugin,
        defaults=_defaults(settings),
        limits=Limits(
            memory_bytes=limits.process_memory_bytes,
            cpu_s=limits.process_cpu_s,
            files=limits.process_files,
        ),
        spares=limits.process_spares,
        result_bytes=limits.max_log_bytes,
        answer_s=settings.timing.nursery_s,
    )
