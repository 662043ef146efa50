"""From what a classic plugin's `get_info()` says to its CommandSpecs."""

import inspect
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from hub.plugin.command import CommandOptions, Defaults, options_of, resolved
from hub.plugin.context import TaskContext
from hub.plugin.contract import NAME, PluginBase, result_of
from hub.plugin.errors import CommandOptionsError
from hub.plugin.reading import FreeReader
from hub.plugin.refusal import refused_at
from hub.plugin.schema import tidy
from hub.plugin.spec import CommandSpec

# Any throughout: what a plugin says is JSON-like, and nothing about it is known.

REMEMBERED: Final = 256
"""How many commands of a plugin that takes any name are kept ready."""


class ClassicInfo:
    """A classic plugin's own words, checked.

    Attributes:
        version: As it says; "0" where it says none.
        description: As it says.
        commands: What it lists; empty where it takes any name.
    """

    def __init__(self, plugin: PluginBase, info: object, defaults: Defaults) -> None:
        """Check the answer of `get_info()`.

        Raises:
            PluginRefusedError: It is malformed; the line is that of `get_info`.
        """
        self._plugin = plugin
        self._defaults = defaults
        self._free: OrderedDict[str, CommandSpec] = OrderedDict()
        if not isinstance(info, dict):
            raise self._refused(f"it returned {type(info).__name__}, not a dict")
        self.version: str = str(info.get("version") or "0")
        self.description: str = str(info.get("description") or "")
        listed = info.get("commands")
        if not isinstance(listed, list | tuple | None):
            raise self._refused(f"commands is {type(listed).__name__}, not a list")
        self.commands: dict[str, CommandSpec] = {}
        for item in listed or ():
            spec = self._listed(item)
            if spec.name in self.commands:
                raise self._refused(f"there are two commands named {spec.name!r}")
            self.commands[spec.name] = spec

    def find(self, command: str) -> CommandSpec | None:
        """Return a command; any well-formed name where the plugin lists none."""
        if self.commands or not NAME.fullmatch(command):
            return self.commands.get(command)
        spec = self._free.get(command)
        if spec is None:
            spec = self._free[command] = self._listed(command)
            if len(self._free) > REMEMBERED:
                self._free.popitem(last=False)
        else:
            self._free.move_to_end(command)
        return spec

    def _refused(self, reason: str) -> Exception:
        return refused_at(type(self._plugin).get_info, f"get_info(): {reason}")

    def _listed(self, item: object) -> CommandSpec:
        """Turn an item of `commands` into a spec."""
        if isinstance(item, str):
            item = {"name": item}
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise self._refused("each of commands is a name or a dict with a name")
        options = {
            key: item[key] for key in item if key not in {"description", "params"}
        }
        name = item["name"]
        try:
            checked = options_of(options, f"command {name!r}")
            return self._spec(name, item, checked)
        except (CommandOptionsError, ValueError) as error:
            raise self._refused(str(error)) from error

    def _spec(
        self, name: str, item: dict[str, Any], options: CommandOptions
    ) -> CommandSpec:
        """Build one command.

        Raises:
            ValueError: The schema is wrong, or an option does not fit.
        """
        schema = item.get("params")
        if schema is not None and not isinstance(schema, dict):
            raise ValueError(f"command {name!r}: params is not a JSON Schema object")
        try:
            reader = FreeReader(schema)
        except ValueError as error:
            raise ValueError(f"command {name!r}: params: {error}") from None
        execute = self._plugin.execute
        awaits = inspect.iscoroutinefunction(execute)
        return CommandSpec(
            plugin=self._plugin.name,
            name=name,
            version=self.version,
            description=str(item.get("description") or ""),
            schema=tidy(schema or {}, name),
            streaming=False,
            parse=reader,
            call=_caller(self._plugin, name, awaits=awaits),
            **resolved(options, self._defaults, awaits=awaits),
        )


def _caller(
    plugin: PluginBase, command: str, *, awaits: bool
) -> Callable[[TaskContext, Any], Any]:
    """Return how `execute` is called for one command; its failures are raised."""
    execute, where = plugin.execute, f"{plugin.name}.{command}"

    async def call_async(_ctx: TaskContext, params: dict[str, Any]) -> object:
        answer = execute(command, params)
        if inspect.isawaitable(answer):
            answer = await answer
        return result_of(answer, where)

    def call(_ctx: TaskContext, params: dict[str, Any]) -> object:
        return result_of(execute(command, params), where)

    return call_async if awaits else call
