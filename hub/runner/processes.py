"""The processes of this node's commands: a spare for each plugin, one run for each.

A process is used for one command and then gone, so whatever a command does to it ends
with it, and a cancelled or killed one costs nobody else anything. So that this costs no
time, a spare is made ahead, with the plugin in it and started: it takes over within a
millisecond, and the next one is made while it runs.
"""

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Self

import msgspec

from hub.errors import UnavailableError
from hub.plugin.command import Defaults
from hub.plugin.origin import Origin
from hub.runner.keeper import Keeper
from hub.runner.letters import Begin, Limits
from hub.runner.losses import lost
from hub.runner.remote import Remote
from hub.runner.work import Work

logger = logging.getLogger("hub.runner")

AGAIN_S: Final = (0.0, 0.2, 1.0, 5.0)
"""How long after its end a new nursery is started, by how often that was of late."""
STEADY_S: Final = 10.0
"""A nursery that lived for so long was no failure."""


class Upbringing(msgspec.Struct, frozen=True, kw_only=True):
    """What all processes have in common.

    Attributes:
        config: The plugins' tables of the configuration.
        defaults: What the hub's settings say about commands.
        limits: What a process may use.
        spares: How many processes are kept ready at most.
        result_bytes: How long a result may be.
        start_s: How long the nursery leaves the hub alone that is starting.
        answer_s: How long the nursery may take to answer before it is replaced.
    """

    config: Mapping[str, Mapping[str, object]] = {}
    defaults: Defaults = Defaults()
    limits: Limits = Limits()
    spares: int = 4
    result_bytes: int = 64 * 1024 * 1024
    start_s: float = 0.25
    answer_s: float = 5.0


class Processes:
    """The processes. Use it as an async context manager.

    Args:
        origins: The plugins with commands that run in processes.
        upbringing: What all processes have in common.
    """

    def __init__(self, origins: Sequence[Origin], upbringing: Upbringing) -> None:
        self._origins = {origin.name: origin for origin in origins}
        self._upbringing = upbringing
        self._numbers = itertools.count(1)
        self._keeper: Keeper | None = None
        self._retired: list[Keeper] = []
        self._living: dict[int, Remote] = {}
        # The plugin that was used last is the last one.
        self._spares: OrderedDict[str, Remote] = OrderedDict()
        self._deaths: list[float] = []
        self._closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._loop = asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        """Begin: the nursery is started when the hub has, or is asked for sooner."""
        self._loop.call_later(self._upbringing.start_s, self._start)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        self._closing = True
        keepers = [each for each in (self._keeper, *self._retired) if each is not None]
        self._keeper = None
        await asyncio.gather(*(each.close() for each in keepers))
        await asyncio.gather(*(each.over() for each in list(self._living.values())))

    @property
    def nursery(self) -> int:
        """The process id of the nursery; 0 where there is none, or none yet."""
        return 0 if self._keeper is None else self._keeper.pid

    @property
    def spares(self) -> dict[str, int]:
        """The process ids of the spares that are ready, by plugin."""
        return {name: each.pid for name, each in self._spares.items() if each.ready}

    def run(self, work: Work) -> None:
        """Run a command in a process of its own.

        Raises:
            UnavailableError: There can be no process now.
        """
        remote = self._spares.pop(work.plugin, None) or self._make(work.plugin)
        self._idle.clear()
        remote.run(work)
        # After whatever else this turn of the loop is about.
        self._loop.call_soon(self._provide, work.plugin)

    async def idle(self) -> None:
        """Wait until no process has a command."""
        await self._idle.wait()

    def tick(self) -> None:
        """Tell commands whose deadline has moved."""
        for remote in self._living.values():
            remote.check_deadline()

    def renew(self, origins: Sequence[Origin]) -> None:
        """Make processes from new plugins; commands that run go on with the old ones.

        Args:
            origins: The plugins, all of them.
        """
        former, self._keeper = self._keeper, None
        self._origins = {origin.name: origin for origin in origins}
        spares, self._spares = self._spares, OrderedDict()
        for each in spares.values():
            each.dismiss()
        if former is not None:
            self._retired.append(former)
            self._close_retired()
        self._start()

    def _start(self) -> None:
        """Start the nursery and its first spares, where there is something to do."""
        if self._closing or self._keeper is not None or not self._origins:
            return
        origins, limits = list(self._origins.values()), self._upbringing.limits
        try:
            self._keeper = Keeper(
                origins, limits, self._lose_nursery, self._upbringing.answer_s
            )
        except OSError:
            logger.exception("the nursery of processes cannot be started")
            return
        for name in list(self._origins)[: self._upbringing.spares]:
            self._provide(name)

    def _lose_nursery(self) -> None:
        """Start another nursery: this one is gone, with all that was in it."""
        now = self._loop.time()
        self._deaths = [at for at in self._deaths if now - at < STEADY_S]
        wait = AGAIN_S[min(len(self._deaths), len(AGAIN_S) - 1)]
        self._deaths.append(now)
        logger.error("the nursery of processes has ended; a new one in %s s", wait)
        self._keeper = None
        self._loop.call_later(wait, self._start)

    def _make(self, plugin: str) -> Remote:
        """Make a process with a plugin in it.

        Raises:
            UnavailableError: That cannot be done now.
        """
        self._start()
        if self._keeper is None or plugin not in self._origins:
            raise UnavailableError
        up = self._upbringing
        begin = Begin(
            origin=self._origins[plugin],
            config=msgspec.msgpack.encode(up.config.get(plugin, {})),
            defaults=up.defaults,
            level=logging.getLogger().getEffectiveLevel(),
        )
        number = next(self._numbers)
        try:
            remote = Remote(number, self._keeper, begin, up.result_bytes, self._forget)
        except OSError as error:
            logger.exception("there are no files for another process")
            raise UnavailableError from error
        self._living[number] = remote
        return remote

    def _provide(self, plugin: str) -> None:
        """Make a spare, and let the one go whose plugin was not used for longest."""
        if self._closing or self._keeper is None or not self._upbringing.spares:
            return
        if plugin in self._origins and plugin not in self._spares:
            with suppress(UnavailableError):
                self._spares[plugin] = self._make(plugin)
        while len(self._spares) > self._upbringing.spares:
            self._spares.popitem(last=False)[1].dismiss()

    def _forget(self, remote: Remote, undone: Work | None) -> None:
        """Note that a process is gone; a spare that had been ready is made anew."""
        del self._living[remote.number]
        if undone is not None:
            self._run_again(undone)
        if not any(each.busy for each in self._living.values()):
            self._idle.set()
        if self._spares.get(remote.plugin) is remote:
            del self._spares[remote.plugin]
            # One that could not be started waits for the next command: it would be
            # made again and again.
            if remote.ready:
                self._provide(remote.plugin)
        self._close_retired()

    def _run_again(self, work: Work) -> None:
        """Run a command whose process was lost before it began."""
        try:
            self.run(work)
        except UnavailableError as error:
            work.ended(lost(0, error.message))
            work.gone()

    def _close_retired(self) -> None:
        """Close former nurseries that have no processes any more."""
        used = {each.keeper for each in self._living.values()}
        for keeper in [each for each in self._retired if each not in used]:
            self._retired.remove(keeper)
            task = self._loop.create_task(keeper.close())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
