"""A command's flags, made from the JSON Schema of its params.

Rules:

1. `--pace-ms` and `--pace_ms` are the param `pace_ms`; `--help` stays what it is.
2. A flag that is not given sends nothing, so that the hub's own defaults hold.
3. A boolean is `--retry/--no-retry`; a list takes its flag once for each item, or once
   with a whole list in JSON; an object, and whatever is no simple value, is JSON.
4. Where a schema allows params that it does not name, `--any VALUE` is one: JSON where
   it can be read as that, else text.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from hub.cli.values import Inputs, Schema, Value, shown, types_of

# Any throughout: schemas and params are JSON.

_SIMPLE: Final = frozenset({"string", "integer", "number"})
_TAKEN: Final = frozenset({"--help", "-h"})
_NO_FLAG = re.compile(r"[^\w.]+")
_PLAIN: Final[Schema] = {}


class Flag(click.Option):
    """The flag of one param.

    Attributes:
        key: What the param is called.
    """

    def __init__(
        self, key: str, words: list[str], schema: Schema, inputs: Inputs
    ) -> None:
        types = types_of(schema)
        boolean = types - {"null"} == {"boolean"}
        self.key = key
        self._many = types - {"null"} == {"array"}
        items = schema.get("items")
        inner = (items if isinstance(items, dict) else _PLAIN) if self._many else schema
        kind = _Items(inner, inputs) if self._many else Value(inner, inputs)
        description = " ".join(str(schema.get("description") or "").split())
        notes = [] if "default" not in schema else [f"default: {_default(schema)}"]
        notes += [kind.bounds] if kind.bounds and not boolean else []
        notes += ["repeatable"] if self._many else []
        self._notes = notes
        self._said = description
        super().__init__(
            words,
            default=None,
            multiple=self._many,
            type=None if boolean else kind,
            is_flag=boolean,
            metavar=None if boolean else kind.metavar,
            help=description,
        )

    def require(self) -> None:
        """Say in the help text that there is no default."""
        self._notes = ["required", *self._notes]

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Describe it, without the other ways to write it."""
        positive, *_ = [word for word in self.opts if word.startswith("--")]
        words = "/".join([positive, *self.secondary_opts[:1]])
        if self.metavar:
            words += f" {self.metavar}"
        notes = f"[{'; '.join(self._notes)}]" if self._notes else ""
        return words, "  ".join(part for part in (self._said, notes) if part)

    def given(self, ctx: click.Context) -> Any:
        """Return the value that was given; `ABSENT` where there is none."""
        value = ctx.params.get(str(self.name))
        if value is None and ctx.get_parameter_source(str(self.name)) is not _TYPED:
            return ABSENT
        if not self._many:
            return value
        return [item for part in value for item in part] if value else ABSENT


_TYPED: Final = click.core.ParameterSource.COMMANDLINE
ABSENT: Final = object()
"""Stands for a flag that was not given."""


class _Items(Value):
    """The type of a list's flag: each text is an item, or a list of them in JSON."""

    def read(self, text: str, literal: str) -> list[Any]:
        """Return a list of the items that a text stands for."""
        if "string" not in self.types and text.lstrip()[:1] == "[":
            return self.read_list(text, literal)
        return [super().read(text, literal)]


def flags_of(schema: Schema, inputs: Inputs) -> list[Flag]:
    """Return the flags for a schema's properties, in their order.

    A property whose name makes no flag, or one that another has, is left to `--json`.
    """
    taken = set(_TAKEN)
    flags = []
    properties = schema.get("properties")
    required = schema.get("required") or ()
    for number, (key, each) in enumerate(
        properties.items() if isinstance(properties, dict) else ()
    ):
        schema_of = each if isinstance(each, dict) else _PLAIN
        words = [word for word in _words(key) if word not in taken]
        if not words:
            continue
        taken |= set(words)
        boolean = types_of(schema_of) - {"null"} == {"boolean"}
        written = [
            f"{word}/--no-{word.removeprefix('--')}" if boolean and at == 0 else word
            for at, word in enumerate(words)
        ]
        flag = Flag(key, [*written, f"param_{number}"], schema_of, inputs)
        if key in required:
            flag.require()
        flags.append(flag)
    return flags


def _words(key: str) -> list[str]:
    """Return the ways to write a param's flag, the usual one first."""
    base = _NO_FLAG.sub("-", key).strip("-.")
    return list(
        dict.fromkeys(f"--{each}" for each in (base.replace("_", "-"), base) if base)
    )


def _default(schema: Schema) -> str:
    text = shown(schema["default"])
    return (text if len(text) <= 40 else f"{text[:39]}…") or '""'  # noqa: PLR2004  # fits on a line


def is_open(schema: Schema) -> bool:
    """Whether a schema allows params that it does not name."""
    return schema.get("additionalProperties", True) is not False


def loose_params(arguments: Iterable[str], inputs: Inputs) -> dict[str, Any]:
    """Read `--name value`, `--name=value` and `--name` of params without a schema.

    Raises:
        click.UsageError: Something in between belongs to no name.
    """
    found: dict[str, Any] = {}
    waiting: str | None = None
    kind = Value(_PLAIN, inputs)
    for argument in arguments:
        if argument.startswith("--") and argument != "--":
            if waiting is not None:
                found[waiting] = True
            name, equals, text = argument[2:].partition("=")
            waiting = None if equals else name.replace("-", "_")
            if equals:
                found[name.replace("-", "_")] = kind.convert(text, None, None)
        elif waiting is not None:
            found[waiting], waiting = kind.convert(argument, None, None), None
        else:
            raise click.UsageError(f"{argument!r} has no name; write --name {argument}")
    if waiting is not None:
        found[waiting] = True
    return found


def given_params(ctx: click.Context, flags: Iterable[Flag]) -> dict[str, Any]:
    """Return the params whose flags were given."""
    found = {flag.key: flag.given(ctx) for flag in flags}
    return {key: value for key, value in found.items() if value is not ABSENT}


def missing(
    schema: Schema, params: Mapping[str, Any], flags: Iterable[Flag]
) -> click.Parameter | str | None:
    """Return the first required param that is not there: its flag, else its name."""
    by_key = {flag.key: flag for flag in flags}
    for key in schema.get("required") or ():
        if key not in params:
            return by_key.get(key, str(key))
    return None


def complete_value(
    ctx: click.Context, flags: Iterable[click.Parameter], word: str, incomplete: str
) -> list[CompletionItem]:
    """Complete the value of the flag that a word is."""
    for flag in flags:
        if word in flag.opts and not getattr(flag, "is_flag", False):
            return flag.shell_complete(ctx, incomplete)
    return []
