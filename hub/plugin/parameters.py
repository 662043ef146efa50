"""From the signature of a command's method to a Struct of its params.

The first parameter after `self` is the context, whatever its name; every other one is
a field of the Struct: its annotation is its type, its default the field's default.
"""

import copy
import enum
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, Union

import msgspec

from hub.plugin.errors import error_text
from hub.plugin.refusal import refused_at

_VARIADIC: Final = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}
_NEVER_A_CONTEXT: Final = (str, int, float, bool, bytes, list, dict, set, tuple)
_IMMUTABLE: Final = (str, int, float, bool, bytes, type(None), enum.Enum)


def params_struct(
    function: Callable[..., object], owner: type[object]
) -> type[msgspec.Struct]:
    """Make the Struct that a command's params are decoded into.

    Args:
        function: The method, as written in the class.
        owner: The class, in whose body names of annotations are looked up as well.

    Raises:
        PluginRefusedError: The signature cannot be served; the reason names the
            parameter.
    """
    hints = _hints(function, owner)
    parameters = list(inspect.signature(function).parameters.values())[1:]
    _check_context(function, parameters[:1], hints)
    fields = [_field(function, each, hints) for each in parameters[1:]]
    try:
        struct = msgspec.defstruct(
            function.__name__,
            fields,
            kw_only=True,
            forbid_unknown_fields=True,
            module=function.__module__,
        )
        msgspec.json.Decoder(struct)
    except Exception as error:  # (msgspec says no in many ways)
        raise refused_at(function, error_text(error)) from error
    _check_defaults(function, struct)
    return struct


def _hints(function: Callable[..., object], owner: type[object]) -> dict[str, object]:
    """Return the annotations, with those written as text looked up."""
    try:
        return typing.get_type_hints(
            function, localns=dict(vars(owner)), include_extras=True
        )
    except Exception as error:  # (text may hold any expression)
        reason = f"its annotations cannot be read: {error_text(error)}"
        raise refused_at(function, f"{function.__name__}: {reason}") from error


def _check_context(
    function: Callable[..., object],
    first: list[inspect.Parameter],
    hints: dict[str, object],
) -> None:
    """Refuse a method that leaves the context out."""
    usual = f"{function.__name__}: the first parameter after self must be the context"
    if not first or first[0].kind not in {
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    }:
        raise refused_at(function, usual)
    hint = hints.get(first[0].name)
    if hint in _NEVER_A_CONTEXT or typing.get_origin(hint) in {
        Annotated,
        Literal,
        Union,
        types.UnionType,
        *_NEVER_A_CONTEXT,
    }:
        raise refused_at(function, f"{usual}, not {first[0].name!r}")


def _field(
    function: Callable[..., object],
    parameter: inspect.Parameter,
    hints: dict[str, object],
) -> tuple[str, Any, Any]:  # a field as defstruct takes it: type and default are any
    """Turn a parameter into a field."""
    name, kind = parameter.name, parameter.kind
    where = f"{function.__name__}: parameter {name!r}"
    if kind in _VARIADIC:
        raise refused_at(
            function,
            f"{function.__name__}: {_VARIADIC[kind]}{name} cannot be validated: "
            "write the parameters out",
        )
    if kind is inspect.Parameter.POSITIONAL_ONLY:
        raise refused_at(function, f"{where} is positional-only; params have names")
    if name not in hints:
        raise refused_at(function, f"{where} has no annotation")
    hint, default = hints[name], parameter.default
    if default is inspect.Parameter.empty:
        return name, hint, msgspec.NODEFAULT
    if default is None and _bare(hint) not in {Any, object}:
        hint = Union[hint, None]  # noqa: UP007 (a value, which may not know `|`)
    if isinstance(default, _IMMUTABLE) or default is msgspec.UNSET:
        return name, hint, default
    return name, hint, msgspec.field(default_factory=lambda: copy.deepcopy(default))


def _bare(hint: object) -> object:
    """Return a type without what `Annotated` says about it."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint


def _check_defaults(
    function: Callable[..., object], struct: type[msgspec.Struct]
) -> None:
    """Refuse a default that a caller could not have sent.

    Defaults are part of the canonical params, and those are read again.
    """
    for field in msgspec.structs.fields(struct):
        if field.required:
            continue
        default = (
            field.default_factory()
            if field.default is msgspec.NODEFAULT
            else field.default
        )
        if default is msgspec.UNSET:
            continue
        try:
            msgspec.json.decode(msgspec.json.encode(default), type=field.type)
        except Exception as error:  # (a plugin's types may raise anything)
            where = f"{function.__name__}: default of parameter {field.name!r}"
            raise refused_at(function, f"{where}: {error_text(error)}") from error
