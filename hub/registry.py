"""The plugins of one hub: found, checked, started, looked up by name, and stopped.

A plugin that cannot be loaded is kept as a `Refusal` with file, line and reason, and
the others run. A name belongs to the first plugin that has it, in the order of the
sources: folders as given, entry points, the bundled folder. That holds where the first
one turns out to be broken, too: a mistake in one's own `weather.py` does not silently
bring back the bundled one.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from hub.errors import PluginRefusedError, UnknownCommandError
from hub.plugin.aside import load_aside
from hub.plugin.command import Defaults
from hub.plugin.contract import PluginBase
from hub.plugin.loading import forget, plugin_name
from hub.plugin.origin import Origin
from hub.plugin.refusal import place_of
from hub.plugin.report import PluginReport, Refusal, refusal_of
from hub.plugin.resident import Resident
from hub.plugin.seats import Seat, denial, owners
from hub.plugin.sources import (
    Candidate,
    Finder,
    Look,
    Sources,
    bundled_folder,
    installed_entry_points,
)
from hub.plugin.spec import CommandSpec

__all__ = ["Registry", "Sources", "bundled_folder", "installed_entry_points"]

IMPORT_S: Final = 20.0
"""How long a changed plugin may take to be imported; the old one serves meanwhile."""
START_S: Final = 60.0
"""How long a reloaded plugin may take to start; the old one serves meanwhile."""

_log = logging.getLogger("taskhub.plugins")


class Registry:
    """All plugins of a hub.

    Args:
        sources: Where they are looked for.
        config: The `[plugin.NAME]` tables by name.
        defaults: What `ttl=True` and no `timeout` mean.
        strict: Whether one refused plugin keeps the hub from starting.
        health_s: How long a plugin may take to say that it is healthy, and to clean up.
        watchful: Whether plugins are reloaded when their code changes.

    Attributes:
        revision: Grows whenever a plugin is replaced, comes or leaves.
    """

    def __init__(  # noqa: PLR0913  # each is a setting of its own
        self,
        sources: Sources,
        *,
        config: Mapping[str, Mapping[str, object]] | None = None,
        defaults: Defaults | None = None,
        strict: bool = False,
        health_s: float = 5.0,
        watchful: bool = False,
    ) -> None:
        self.revision: int = 0
        self._config = config or {}
        self._defaults = defaults or Defaults()
        self._strict = strict
        self._health_s = health_s
        self._finder = Finder(sources, watchful=watchful)
        self._seats: dict[str, Seat] = {}
        self._troubles: list[Refusal] = []
        self._residents: dict[str, Resident] = {}
        self._origins: dict[str, Origin] = {}
        self._editions: Counter[str] = Counter()
        self._listeners: list[Callable[[str], None]] = []
        self._leaving: dict[asyncio.Task[None], Resident] = {}

    async def load(self) -> None:
        """Find, check and start every plugin.

        Raises:
            PluginRefusedError: One was refused, and the registry is strict. Those
                that had been started are stopped.
        """
        await self._take_up(self._finder.look(), within_s=None)
        names = {seat.name for seat in self._seats.values()}
        for name in self._config.keys() - names:
            _log.warning("[plugin.%s] configures a plugin that was not found", name)
        refused = self.refused()
        if self._strict and refused:
            first = refused[0]
            await self.close()
            raise PluginRefusedError(first.reason, file=first.file, line=first.line)

    async def close(self) -> None:
        """Stop every plugin; errors are logged. Nothing is found afterwards."""
        residents, self._residents = list(self._residents.values()), {}
        for resident in self._leaving.values():
            resident.dismiss()
        async with asyncio.TaskGroup() as group:
            for resident in residents:
                group.create_task(resident.stop(self._health_s))
        if self._leaving:
            await asyncio.wait(self._leaving)
        self._finder.close()

    # While the hub runs

    @property
    def finder(self) -> Finder:
        """What looks for plugins."""
        return self._finder

    def differs(self, look: Look) -> bool:
        """Whether something has changed since it was taken up."""
        known = {key: seat.candidate.code for key, seat in self._seats.items()}
        return look.prints != known or list(look.prints) != list(known)

    async def reload(self, look: Look) -> None:
        """Take up what has changed: load what is new or different, let go what left.

        The new one of a plugin is started before it takes the place of the old one,
        which serves on if that fails, and stops when its last command has returned.
        """
        await self._take_up(look, within_s=START_S)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call back with the name of a plugin that was replaced, has come or left."""
        self._listeners.append(listener)

    def edition(self, plugin: str) -> int:
        """Return how often a plugin was replaced; what old code said is not reused."""
        return self._editions[plugin]

    def lease(self, plugin: str) -> Resident:
        """Keep a plugin from being stopped, until its resident is released.

        Raises:
            KeyError: There is no such plugin.
        """
        resident = self._residents[plugin]
        resident.lease()
        return resident

    # Asked for

    def lookup(self, plugin: str, command: str) -> CommandSpec:
        """Return a command that can be run.

        Raises:
            UnknownCommandError: There is no such plugin or command, or the hub does
                not serve it; the text says which.
        """
        resident = self._residents.get(plugin)
        if resident is None:
            raise UnknownCommandError(self._absence(plugin))
        spec = resident.find(command)
        if spec is None:
            raise UnknownCommandError(
                f"The plugin {plugin!r} has no command {command[:64]!r}."
            )
        if spec.refused is not None:
            raise UnknownCommandError(
                f"The command {plugin}.{command} is not served: {spec.refused}."
            )
        return spec

    def _absence(self, plugin: str) -> str:
        """Say why there is no plugin of a name."""
        for refusal in self.refused():
            if refusal.name == plugin:
                return f"The plugin {plugin!r} was refused: {refusal.reason}."
        return f"There is no plugin {plugin[:64]!r}."

    def record(self, plugin: str, ok: bool, ms: float) -> None:  # noqa: FBT001 (two figures of one call)
        """Count a run of a plugin that ended, after so many milliseconds."""
        resident = self._residents.get(plugin)
        if resident is not None:
            resident.tally.record(ok=ok, ms=ms)

    def plugins(self) -> list[PluginReport]:
        """Describe the plugins that were loaded, by name; health as last asked."""
        return [self._residents[name].report() for name in sorted(self._residents)]

    def apart(self) -> list[Origin]:
        """Return where the plugins come from that have commands in processes."""
        return [
            self._origins[name] for name, each in self._residents.items() if each.apart
        ]

    def refused(self) -> list[Refusal]:
        """Return what is not served as it is now, in the order of rights to a name.

        While plugins are reloaded, the former version of one may be served all the
        same: then its name is among `plugins`, too.
        """
        found = [*self._troubles]
        for seat in self._seats.values():
            found += [each for each in (seat.trouble, seat.denied) if each is not None]
        return found

    async def check_health(self) -> None:
        """Ask every plugin whether it is healthy, all at once, within the bound."""
        async with asyncio.TaskGroup() as group:
            for resident in self._residents.values():
                group.create_task(resident.check_health(self._health_s))

    async def _take_up(self, look: Look, *, within_s: float | None) -> None:
        """Let the plugins be those of a look."""
        troubles = [self._refuse(*trouble) for trouble in look.troubles]
        seats: dict[str, Seat] = {}
        for candidate in look.candidates:
            seat = self._seats.get(candidate.key)
            if seat is None or seat.candidate.code != candidate.code:
                seat = await self._seat(candidate, seat, aside=within_s is not None)
            seats[candidate.key] = seat
        self._seats, self._troubles = seats, troubles
        owned = owners(self._seats.values())
        self._deny(owned)
        # Each start contains the errors of its plugin, so none can hurt the group.
        async with asyncio.TaskGroup() as group:
            for name, seat in owned.items():
                cls = self._startable(name, seat)
                if cls is not None:
                    group.create_task(self._start(seat, cls, within_s))
        for name in self._residents.keys() - owned.keys():
            _log.info("plugin %s has left", name)
            self._see_off(self._residents.pop(name))
            self._changed(name)
        # In the order of the sources, whichever was ready first.
        ready = [name for name in owned if name in self._residents]
        self._residents = {name: self._residents[name] for name in ready}

    async def _seat(
        self, candidate: Candidate, former: Seat | None, *, aside: bool
    ) -> Seat:
        """Load a candidate's class; keep the former one if that fails.

        Args:
            candidate: What to load.
            former: What was loaded before.
            aside: Whether there is a loop that must not wait for it.
        """
        try:
            if aside:
                cls = await load_aside(candidate, IMPORT_S)
            else:
                cls = candidate.load()
            name = plugin_name(cls, candidate.name)
        except PluginRefusedError as error:
            trouble = self._refuse(candidate.name, error)
            if former is None:
                return Seat(candidate=candidate, name=candidate.name, trouble=trouble)
            if former.name in self._residents:
                _log.warning("plugin %s: its former version serves on", former.name)
            return Seat(
                candidate=candidate,
                name=former.name,
                cls=former.cls,
                unfit=former.unfit,
                trouble=trouble,
            )
        return Seat(candidate=candidate, name=name, cls=cls)

    def _deny(self, owned: Mapping[str, Seat]) -> None:
        """Tell those who do not have their name."""
        for seat in self._seats.values():
            owner = owned[seat.name]
            if owner is seat or (seat.trouble is not None and seat.cls is None):
                seat.denied = None
            elif seat.denied is None:
                seat.denied = self._refuse(seat.name, denial(seat, owner))

    def _startable(self, name: str, seat: Seat) -> type[PluginBase] | None:
        """Return the class with which the owner of a name is to take its place."""
        resident = self._residents.get(name)
        served = resident is not None and resident.cls is seat.cls
        return None if seat.unfit or served else seat.cls

    async def _start(
        self, seat: Seat, cls: type[PluginBase], within_s: float | None
    ) -> None:
        """Start a plugin, and let it take the place of the former one."""
        name = seat.name
        candidate = seat.candidate
        within = candidate.within or Path(place_of(cls)[0])
        resident = Resident(cls, name=name, source=candidate.source, within=within)
        try:
            async with asyncio.timeout(within_s):
                await resident.start(self._config.get(name, {}), self._defaults)
        except (PluginRefusedError, TimeoutError) as error:
            if not isinstance(error, PluginRefusedError):
                file, line = place_of(cls)
                reason = f"its start took over {within_s} s"
                error = PluginRefusedError(reason, file=file, line=line)
            seat.unfit, seat.trouble = True, self._refuse(name, error)
            return
        former = self._residents.get(name)
        self._residents[name] = resident
        self._origins[name] = msgspec.structs.replace(candidate.origin, name=name)
        if former is not None:
            resident.succeed(former)
            self._see_off(former)
        if within_s is not None:
            _log.info("plugin %s was %s", name, "reloaded" if former else "found")
            self._changed(name)

    def _see_off(self, resident: Resident) -> None:
        """Stop a plugin that is not served any more, once nothing of it runs."""

        async def stop() -> None:
            await resident.unused()
            await resident.stop(self._health_s)
            forget(resident.cls)

        task = asyncio.create_task(stop())
        self._leaving[task] = resident
        task.add_done_callback(self._leaving.pop)

    def _changed(self, name: str) -> None:
        """Tell who wants to know that a plugin is another one now."""
        self.revision += 1
        self._editions[name] += 1
        for listener in self._listeners:
            listener(name)

    @staticmethod
    def _refuse(name: str, error: PluginRefusedError) -> Refusal:
        """Log a refusal, with what the plugin raised, and return its report."""
        _log.error("plugin %s refused: %s", name, error, exc_info=error.__cause__)
        return refusal_of(name, error)
