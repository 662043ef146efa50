"""One plugin in the hub: instantiated, started, asked for its health, stopped."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from hub.errors import PluginRefusedError
from hub.plugin.calling import PluginCallError, call_method
from hub.plugin.classic import ClassicInfo
from hub.plugin.command import Defaults
from hub.plugin.config import config_of
from hub.plugin.contract import PluginBase, PluginStatistics, Tally, tally_of
from hub.plugin.errors import error_text
from hub.plugin.methods import paragraph
from hub.plugin.refusal import place_of, refused_at, refused_by
from hub.plugin.report import PluginReport, Source, command_report
from hub.plugin.spec import CommandSpec
from hub.plugin.typed import Plugin, typed_specs

_log = logging.getLogger("taskhub.plugins")


class Resident:
    """A plugin's instance and what the hub keeps with it.

    Args:
        cls: The plugin's class.
        name: The plugin's name.
        source: Where it came from.
        within: The plugin's own file or folder, where lines to blame are looked for.

    Attributes:
        tally: Counts its runs.
    """

    def __init__(
        self, cls: type[PluginBase], *, name: str, source: Source, within: Path
    ) -> None:
        self.name: str = name
        self.source: Source = source
        self.healthy: bool = True
        self._cls = cls
        self._within = within
        self._plugin: PluginBase | None = None
        self._info: ClassicInfo | None = None
        self._specs: dict[str, CommandSpec] = {}
        self._asking: asyncio.Task[bool] | None = None
        self.tally = Tally()

    @cached_property
    def file(self) -> str:
        """The file its class is in; looked for on first need, since that takes long."""
        return place_of(self._cls)[0]

    async def start(self, config: Mapping[str, object], defaults: Defaults) -> None:
        """Instantiate, check and initialize the plugin.

        Args:
            config: Its table of the configuration.
            defaults: What the hub's settings say about commands.

        Raises:
            PluginRefusedError: It stays out.
        """
        config_of(self._cls, self.name, config)
        plugin = self._instance()
        if isinstance(plugin, Plugin):
            self._specs = typed_specs(plugin, defaults)
            await self._initialize(plugin, config)
        else:
            await self._initialize(plugin, config)
            await self._ask_classic(plugin, defaults)
        self._plugin = plugin
        self.tally = tally_of(plugin)

    def find(self, command: str) -> CommandSpec | None:
        """Return a command by its name."""
        if self._info is not None:
            return self._info.find(command)
        return self._specs.get(command)

    @property
    def apart(self) -> bool:
        """Whether any of its commands runs in a process of its own."""
        specs = self._specs if self._info is None else self._info.commands
        return any(spec.isolation == "process" for spec in specs.values())

    def report(self) -> PluginReport:
        """Say what there is to say."""
        info, plugin = self._info, self._plugin
        specs = self._specs if info is None else info.commands
        return PluginReport(
            name=self.name,
            version=getattr(plugin, "version", "") if info is None else info.version,
            description=paragraph(self._cls.__doc__)
            if info is None
            else info.description,
            source=self.source,
            file=self.file,
            healthy=self.healthy,
            statistics=(PluginStatistics() if plugin is None else plugin.statistics),
            commands=[command_report(spec) for spec in specs.values()],
        )

    async def check_health(self, within_s: float) -> None:
        """Ask the plugin whether it is healthy; no answer in time means no.

        A plugin that still owes the last answer is not asked again.
        """
        if self._plugin is None:
            return
        asking = self._asking
        if asking is None or asking.done():
            asking = asyncio.create_task(self._is_healthy(self._plugin))
            self._asking = asking
        done, _ = await asyncio.wait({asking}, timeout=within_s)
        self.healthy = bool(done) and not asking.cancelled() and asking.result()

    async def stop(self, within_s: float) -> None:
        """Let the plugin clean up; errors are logged, and so is taking too long."""
        plugin, self._plugin = self._plugin, None
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait({self._asking}, timeout=within_s)
            self._asking = None
        if plugin is not None:
            await self._clean_up(plugin, within_s)

    def _instance(self) -> PluginBase:
        try:
            plugin = self._cls()
        except BaseException as error:  # (a plugin may raise SystemExit)
            raise self._blamed(error, self._cls) from error
        plugin.name = self.name
        return plugin

    async def _initialize(
        self, plugin: PluginBase, config: Mapping[str, object]
    ) -> None:
        method = type(plugin).initialize
        answer = await self._call(plugin.initialize, dict(config))
        # A forgotten `return True` is forgiven: only a clear no is a no.
        if answer is not None and not answer:
            raise refused_at(method, f"initialize() returned {answer!r}")

    async def _ask_classic(self, plugin: PluginBase, defaults: Defaults) -> None:
        """Read the classic plugin's own words; let it clean up if they are wrong."""
        try:
            info = await self._call(plugin.get_info)
            self._info = ClassicInfo(plugin, info, defaults)
        except PluginRefusedError:
            await self._clean_up(plugin, CLEANUP_S)
            raise

    async def _call(self, method: Callable[..., object], *args: object) -> object:
        try:
            return await call_method(method, *args)
        except PluginCallError as error:
            cause = error.__cause__ or error
            raise self._blamed(cause, method) from cause

    def _blamed(
        self, error: BaseException, thing: Callable[..., object]
    ) -> PluginRefusedError:
        """Return the refusal an exception means, at its last line in the plugin."""
        file, line = place_of(thing)
        return refused_by(error, within=self._within, file=Path(file), line=line)

    async def _is_healthy(self, plugin: PluginBase) -> bool:
        try:
            return bool(await call_method(plugin.is_healthy))
        except PluginCallError as error:
            _log.warning(
                "plugin %s: is_healthy failed: %s", self.name, _cause_text(error)
            )
            return False

    async def _clean_up(self, plugin: PluginBase, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await call_method(plugin.cleanup)
        except PluginCallError as error:
            _log.warning("plugin %s: cleanup failed: %s", self.name, _cause_text(error))
        except TimeoutError:
            _log.warning("plugin %s: cleanup took over %s s", self.name, within_s)


CLEANUP_S = 5.0
"""How long a plugin that is refused may take to clean up."""


def _cause_text(error: PluginCallError) -> str:
    return error_text(error.__cause__ or error)
