"""The plugins of one hub: found, checked, started, looked up by name, and stopped.

A plugin that cannot be loaded is kept as a `Refusal` with file, line and reason, and
the others run. A name belongs to the first plugin that has it, in the order of the
sources: folders as given, entry points, the bundled folder. That holds where the first
one turns out to be broken, too: a mistake in one's own `weather.py` does not silently
bring back the bundled one.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from hub.errors import PluginRefusedError, UnknownCommandError
from hub.plugin.command import Defaults
from hub.plugin.contract import PluginBase
from hub.plugin.loading import Shelf, load_entry_point, plugin_name
from hub.plugin.origin import Origin
from hub.plugin.refusal import place_of
from hub.plugin.report import PluginReport, Refusal, Source, refusal_of
from hub.plugin.resident import Resident
from hub.plugin.spec import CommandSpec

GROUP: Final = "taskhub.plugins"
"""The group of entry points that name plugin classes."""

_log = logging.getLogger("taskhub.plugins")


def installed_entry_points() -> Iterable[EntryPoint]:
    """Return the entry points of installed distributions, in a stable order."""
    return sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value))


def bundled_folder() -> Path:
    """Return where the bundled plugins are: in a wheel, or beside a checkout."""
    package = Path(__file__).parent
    installed = package / "_plugins"
    return installed if installed.is_dir() else package.parent / "plugins"


class Sources(Struct, frozen=True, kw_only=True):
    """Where plugins are looked for, in the order of their rights to a name.

    Attributes:
        folders: Those of `--plugins`, then those of the configuration.
        entry_points: Returns the installed ones.
        bundled: The folder of the bundled ones, or None to leave them out.
    """

    folders: tuple[Path, ...] = ()
    entry_points: Callable[[], Iterable[EntryPoint]] = installed_entry_points
    bundled: Path | None = None


class _Candidate(Struct, frozen=True, kw_only=True):
    """A plugin that may be loaded; `load` raises PluginRefusedError."""

    name: str
    file: Path
    within: Path | None
    source: Source
    origin: Origin
    load: Callable[[], type[PluginBase]]


class Registry:
    """All plugins of a hub.

    Args:
        sources: Where they are looked for.
        config: The `[plugin.NAME]` tables by name.
        defaults: What `ttl=True` and no `timeout` mean.
        strict: Whether one refused plugin keeps the hub from starting.
        health_s: How long a plugin may take to say that it is healthy, and to clean up.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        config: Mapping[str, Mapping[str, object]] | None = None,
        defaults: Defaults | None = None,
        strict: bool = False,
        health_s: float = 5.0,
    ) -> None:
        self._sources = sources
        self._config = config or {}
        self._defaults = defaults or Defaults()
        self._strict = strict
        self._health_s = health_s
        self._residents: dict[str, Resident] = {}
        self._refused: list[Refusal] = []
        self._owners: dict[str, Path] = {}
        self._shelves: list[Shelf] = []
        self._origins: dict[str, Origin] = {}

    async def load(self) -> None:
        """Find, check and start every plugin.

        Raises:
            PluginRefusedError: One was refused, and the registry is strict. Those
                that had been started are stopped.
        """
        starting = [self._admit(candidate) for candidate in self._candidates()]
        admitted = [resident for resident in starting if resident is not None]
        for name in self._config.keys() - self._owners.keys():
            _log.warning("[plugin.%s] configures a plugin that was not found", name)
        # Each start contains the errors of its plugin, so none can hurt the group.
        async with asyncio.TaskGroup() as group:
            for resident in admitted:
                group.create_task(self._start(resident))
        # In the order of the sources, whichever was ready first.
        ready = [each for each in admitted if each.name in self._residents]
        self._residents = {each.name: each for each in ready}
        if self._strict and self._refused:
            first = self._refused[0]
            await self.close()
            raise PluginRefusedError(first.reason, file=first.file, line=first.line)

    async def close(self) -> None:
        """Stop every plugin; errors are logged. Nothing is found afterwards."""
        residents, self._residents = list(self._residents.values()), {}
        async with asyncio.TaskGroup() as group:
            for resident in residents:
                group.create_task(resident.stop(self._health_s))
        for shelf in self._shelves:
            shelf.close()

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
        for refusal in self._refused:
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
        """Return what was not loaded, in the order in which it was found."""
        return list(self._refused)

    async def check_health(self) -> None:
        """Ask every plugin whether it is healthy, all at once, within the bound."""
        async with asyncio.TaskGroup() as group:
            for resident in self._residents.values():
                group.create_task(resident.check_health(self._health_s))

    def _candidates(self) -> Iterator[_Candidate]:
        """Yield what might be a plugin, in the order of rights to a name."""
        seen: set[Path] = set()
        for folder in self._sources.folders:
            if folder.resolve() not in seen:
                seen.add(folder.resolve())
                yield from self._in_folder(folder, "folder")
        for entry_point in self._sources.entry_points():
            yield _installed(entry_point)
        bundled = self._sources.bundled
        if bundled is not None and bundled.resolve() not in seen:
            yield from self._in_folder(bundled, "bundled")

    def _in_folder(self, folder: Path, source: Source) -> Iterator[_Candidate]:
        shelf = Shelf(folder.absolute())
        self._shelves.append(shelf)
        try:
            found = list(shelf.find())
        except PluginRefusedError as error:
            self._refuse(folder.name, error)
            return
        for each in found:
            yield _Candidate(
                name=each.name,
                file=each.file,
                within=each.folder or each.file,
                source=source,
                origin=Origin(
                    name=each.name,
                    file=str(each.file),
                    shelf=str(shelf.path),
                    found=each.name,
                    folder=None if each.folder is None else str(each.folder),
                ),
                load=lambda each=each: shelf.load(each),  # type: ignore[misc]  # (mypy cannot infer a lambda's default)
            )

    def _admit(self, candidate: _Candidate) -> Resident | None:
        """Load a candidate's class and give it its name, or refuse it."""
        name = candidate.name
        try:
            cls = candidate.load()
            name = plugin_name(cls, name)
            self._claim(name, candidate.file, place_of(cls)[1])
        except PluginRefusedError as error:
            self._owners.setdefault(name, candidate.file)
            self._refuse(name, error)
            return None
        within = candidate.within or Path(place_of(cls)[0])
        self._origins[name] = msgspec.structs.replace(candidate.origin, name=name)
        return Resident(cls, name=name, source=candidate.source, within=within)

    def _claim(self, name: str, file: Path, line: int | None) -> None:
        """Give a name to the first who asks."""
        owner = self._owners.setdefault(name, file)
        if owner is not file:
            raise PluginRefusedError(
                f"the name {name!r} belongs to {owner}", file=str(file), line=line
            )

    async def _start(self, resident: Resident) -> None:
        try:
            config = self._config.get(resident.name, {})
            await resident.start(config, self._defaults)
        except PluginRefusedError as error:
            self._refuse(resident.name, error)
        else:
            self._residents[resident.name] = resident

    def _refuse(self, name: str, error: PluginRefusedError) -> None:
        """Note a refusal and log it, with what the plugin raised."""
        self._refused.append(refusal_of(name, error))
        _log.error("plugin %s refused: %s", name, error, exc_info=error.__cause__)


def _installed(entry_point: EntryPoint) -> _Candidate:
    """Return the candidate an entry point stands for."""
    return _Candidate(
        name=entry_point.name,
        file=Path(entry_point.module),
        within=None,
        source="entry point",
        origin=Origin(
            name=entry_point.name, file=entry_point.module, entry=entry_point.value
        ),
        load=lambda: load_entry_point(entry_point),
    )
