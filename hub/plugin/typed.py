"""The typed contract: `Plugin`, whose commands are methods marked with `@command`.

`Plugin` implements the classic contract over them, so that whoever holds a plugin can
call `execute`, `safe_execute` and `get_info` without knowing which kind it is, and
without a hub.
"""

import inspect
from typing import Any, ClassVar, Final, Self

import msgspec

from hub.codec import ValueDomainError, to_json
from hub.errors import InvalidParamsError
from hub.plugin.calling import call_through
from hub.plugin.command import Defaults
from hub.plugin.config import config_of
from hub.plugin.contract import PluginBase
from hub.plugin.direct import run_directly
from hub.plugin.errors import TaskError
from hub.plugin.methods import paragraph, specs_of
from hub.plugin.refusal import refused_at
from hub.plugin.spec import CommandSpec

_SPECS: Final = "_taskhub_specs"
"""Where an instance that is used without a hub keeps its commands."""


class Plugin(PluginBase):
    """A plugin with typed commands.

    Set `version`; define `Config`, a `msgspec.Struct`, where there is something to
    configure; write `start`, `stop` and `healthy` where they are needed.

    Attributes:
        version: The plugin's version; another version does not share cached results.
        Config: The type of the plugin's table `[plugin.NAME]`, or None.
        config: That table, as a `Config`; a dict where there is no `Config`.
    """

    version: str = "0"
    Config: ClassVar[type[msgspec.Struct] | None] = None
    # Any: it is what the subclass's own Config says.
    config: Any

    def __new__(cls, *args: object, **options: object) -> Self:
        """Give a plugin that is used without a hub the defaults of its `Config`."""
        self = super().__new__(cls, *args, **options)
        config = cls.Config
        if not inspect.isclass(config) or not issubclass(config, msgspec.Struct):
            self.config = {}
        elif not any(each.required for each in msgspec.structs.fields(config)):
            self.config = config()
        return self

    async def start(self) -> None:
        """Prepare; an exception keeps the plugin out of the hub."""

    async def stop(self) -> None:
        """Let go of what `start` took."""

    async def healthy(self) -> bool:
        """Say whether commands may be expected to work."""
        return True

    # The classic contract. Any: JSON objects.

    async def initialize(self, config: dict[str, Any]) -> bool:
        """Check the configuration, keep it as `self.config` and start.

        Raises:
            PluginRefusedError: The configuration is wrong; the reason names the key.
        """
        checked = config_of(type(self), self.name, config)
        self.config = dict(config) if checked is None else checked
        await call_through(self.start)
        return True

    async def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Run a command without a hub: no cache, no limits, chunks are dropped.

        Args:
            command: Its name.
            params: Its params, validated as the hub does.

        Returns:
            `{"success": True, "result": value}`, the value being JSON; or, for an
            unknown command, invalid params or a TaskError,
            `{"success": False, "result": None, "error": text}`.
        """
        spec = self._specs().get(command)
        if spec is None:
            return _failure(f"{self.name} has no command {command!r}")
        try:
            parsed = spec.parse(to_json(params))
            result = await run_directly(spec, parsed.params)
        except (TaskError, InvalidParamsError, ValueDomainError) as error:
            return _failure(str(error))
        return {"success": True, "result": result}

    def get_info(self) -> dict[str, Any]:
        """Return name, version, description and commands with their schemas."""
        return {
            "name": self.name,
            "version": self.version,
            "description": paragraph(type(self).__doc__),
            "commands": [_info(spec) for spec in self._specs().values()],
        }

    async def cleanup(self) -> None:
        """Stop."""
        await call_through(self.stop)

    async def is_healthy(self) -> bool:
        """Ask `healthy`."""
        return bool(await call_through(self.healthy))

    def _specs(self) -> dict[str, CommandSpec]:
        """Return the commands, made on first use."""
        specs: dict[str, CommandSpec] | None = self.__dict__.get(_SPECS)
        if specs is None:
            specs = self.__dict__[_SPECS] = typed_specs(self, Defaults())
        return specs


LIFE: Final = frozenset(name for name in dir(Plugin) if not name.startswith("_"))
"""Methods and attributes of a plugin that cannot be commands."""


def typed_specs(plugin: Plugin, defaults: Defaults) -> dict[str, CommandSpec]:
    """Return the commands of a typed plugin by name.

    Raises:
        PluginRefusedError: It has none, or one cannot be served.
    """
    version: object = plugin.version
    if not isinstance(version, str):
        raise refused_at(type(plugin), f"version {version!r} is not text")
    specs = specs_of(plugin, version=version, defaults=defaults, reserved=LIFE)
    if not specs:
        raise refused_at(type(plugin), "it has no method marked with @command")
    return specs


def _failure(error: str) -> dict[str, Any]:
    """Return the classic answer of a failure."""
    return {"success": False, "result": None, "error": error}


def _info(spec: CommandSpec) -> dict[str, Any]:
    """Return a command as an item of a classic plugin's `commands`."""
    return {
        "name": spec.name,
        "description": spec.description,
        "params": spec.schema,
        "ttl": spec.ttl,
        "unit": spec.unit,
        "public": spec.public,
        "localized": spec.localized,
        "join": spec.join,
        "isolation": spec.isolation,
        "timeout": spec.timeout,
        "idempotent": spec.idempotent,
    }
