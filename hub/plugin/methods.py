"""From the marked methods of a typed plugin to its CommandSpecs."""

import inspect
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import msgspec

from hub.plugin.command import MARK, CommandOptions, Defaults, resolved
from hub.plugin.context import TaskContext
from hub.plugin.contract import NAME, PluginBase
from hub.plugin.parameters import params_struct
from hub.plugin.reading import TypedReader
from hub.plugin.refusal import refused_at
from hub.plugin.schema import schema_of
from hub.plugin.spec import CommandSpec

# Any: methods with signatures of their own.
Function = Callable[..., Any]


def specs_of(
    plugin: PluginBase,
    *,
    version: str,
    defaults: Defaults,
    reserved: Iterable[str] = (),
) -> dict[str, CommandSpec]:
    """Return the commands of a plugin in the order of their methods.

    Args:
        plugin: The instance; its `name` is the plugin's.
        version: The plugin's version.
        defaults: What the hub's settings say.
        reserved: Method names that mean something else and cannot be commands.

    Raises:
        PluginRefusedError: A method cannot be served.
    """
    owner, specs = type(plugin), dict[str, CommandSpec]()
    for attribute, function in _marked(owner):
        if attribute in reserved:
            raise refused_at(
                function,
                f"{attribute} is part of the plugin's life, not a command: name the "
                f"method otherwise and say @command(name={attribute!r})",
            )
        bound = getattr(plugin, attribute)
        spec = _spec(plugin.name, function, bound, owner, defaults, version)
        if spec.name in specs:
            raise refused_at(function, f"there are two commands named {spec.name!r}")
        specs[spec.name] = spec
    return specs


def _marked(owner: type[object]) -> list[tuple[str, Function]]:
    """Return the marked functions a class has, inherited ones first."""
    names = dict.fromkeys(
        name for base in reversed(owner.__mro__) for name in vars(base)
    )
    found: list[tuple[str, Function]] = []
    for name in names:
        function = inspect.getattr_static(owner, name)
        # __func__: what a staticmethod or classmethod holds.
        marked = getattr(function, "__func__", function)
        if not isinstance(getattr(marked, MARK, None), CommandOptions):
            continue
        if not inspect.isfunction(function):
            raise refused_at(owner, f"{name}: a command is a plain method")
        found.append((name, function))
    return found


def _spec(  # noqa: PLR0913, PLR0917 (one call site, and nothing to group them by)
    plugin: str,
    function: Function,
    bound: Function,
    owner: Any,  # a class, as `_reading` takes it
    defaults: Defaults,
    version: str,
) -> CommandSpec:
    """Build one command."""
    options: CommandOptions = getattr(function, MARK)
    name = _name(function, options)
    struct, schema, reader = _reading(function, owner, name)
    if options.unit is not None and options.unit not in struct.__struct_fields__:
        raise refused_at(function, f"{name}: unit names no parameter: {options.unit!r}")
    streams_async = inspect.isasyncgenfunction(function)
    awaits = streams_async or inspect.iscoroutinefunction(function)
    try:
        fields = resolved(options, defaults, awaits=awaits)
    except ValueError as error:
        raise refused_at(function, f"{name}: {error}") from error
    return CommandSpec(
        plugin=plugin,
        name=name,
        version=version,
        description=paragraph(function.__doc__),
        schema=schema,
        streaming=streams_async or inspect.isgeneratorfunction(function),
        parse=reader,
        call=_caller(bound, struct),
        **fields,
    )


def _name(function: Function, options: CommandOptions) -> str:
    """Return the command's name."""
    name = options.name or function.__name__
    if not NAME.fullmatch(name):
        raise refused_at(
            function,
            f"the command name {name!r} does not match {NAME.pattern}: "
            "give it another one with @command(name=...)",
        )
    return name


@lru_cache(maxsize=1024)
def _reading(
    function: Function,
    owner: Any,  # a class; to mypy, a type is not hashable
    name: str,
) -> tuple[type[msgspec.Struct], dict[str, Any], TypedReader]:  # a JSON Schema
    """Return how the params of a command are read: Struct, schema and reader.

    It is kept, since it takes the most of what a plugin takes to start, and every
    process of a command starts one.
    """
    struct = params_struct(function, owner)
    try:
        schema = schema_of(struct, name)
    except (TypeError, ValueError) as error:
        # The last line of msgspec's advice says which type it is about.
        text = str(error).splitlines()[-1]
        raise refused_at(function, f"{name}: {text}") from error
    return struct, schema, TypedReader(struct, schema)


def read_ahead(owner: Any) -> None:  # a class, as `_reading` takes it
    """Work out how the params of a plugin's commands are read, before it is started.

    Raises:
        PluginRefusedError: A method cannot be served.
    """
    for _, function in _marked(owner):
        _reading(function, owner, _name(function, getattr(function, MARK)))


def _caller(
    bound: Function, struct: type[msgspec.Struct]
) -> Callable[[TaskContext, Any], Any]:
    """Return how a command is called with its params."""
    if not struct.__struct_fields__:
        return lambda ctx, _params: bound(ctx)
    fields = msgspec.structs.asdict
    return lambda ctx, params: bound(ctx, **fields(params))


def paragraph(docstring: str | None) -> str:
    """Return the first paragraph of a docstring on one line."""
    text = inspect.cleandoc(docstring or "")
    return " ".join(text.partition("\n\n")[0].split())
