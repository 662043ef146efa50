"""What stands behind `taskhub run PLUGIN.COMMAND`: flags of that command, and ours.

The command's own names win: where it has a param called `key`, `--key` behind its name
is that param, and the option of `taskhub run` has to stand before it. Options that say
where the hub is always stand before it, because the flags are asked of that hub.
"""

import re
from typing import Any, Final, Literal

import click
import msgspec
from msgspec import Struct

from hub.cli.commands import Command
from hub.cli.escaping import harmless
from hub.cli.flags import (
    flags_of,
    given_params,
    is_open,
    loose_params,
    missing,
)
from hub.cli.output import output_option
from hub.cli.values import Inputs, Schema

# Any throughout: params and schemas are JSON.

BEFORE: Final = ("--url", "--token-file", "--reconnect-for")
"""Options that have to stand before the name."""
_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(ms|s|min|m|h|)")


class Wish(Struct, frozen=True, kw_only=True):
    """A command as it is to be run.

    Attributes:
        plugin: The plugin's name.
        command: The command's name.
        params: What it is given.
        key: Makes asking again safe.
        deadline: Seconds that the task may take, waiting included.
        priority: high, normal or low.
        cache: use, refresh or off.
        detach: Whether to leave it alone once it is accepted.
        quiet: Whether to say nothing beside the result and errors.
        output: In which form results are written.
    """

    plugin: str
    command: str
    params: dict[str, Any]
    key: str
    deadline: float | None = None
    priority: Literal["high", "normal", "low"] = "normal"
    cache: Literal["use", "refresh", "off"] = "use"
    detach: bool = False
    quiet: bool = False
    output: Literal["text", "json", "ndjson"] = "text"

    @property
    def name(self) -> str:
        """The command, with its plugin."""
        return f"{self.plugin}.{self.command}"


class Duration(click.ParamType[float]):
    """A time such as `90`, `1.5s`, `10m` or `2h`; seconds where no unit is given."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = _DURATION.fullmatch(str(value).strip().lower())
        seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
        if not seconds:
            self.fail(f"{value!r} is no time such as 90, 1.5s, 10m or 2h.", param, ctx)
        return seconds


def own_options() -> list[click.Parameter]:
    """Return the options of `taskhub run` that may stand before or behind the name."""
    return [
        click.Option(
            ["--json", "whole"],
            metavar="JSON",
            help="All params at once, as a JSON object; @file and - read it from a "
            "file or standard input. Flags win over what it holds.",
        ),
        click.Option(
            ["--key"],
            metavar="TEXT",
            help="Makes asking again safe: the same key is the same task.",
        ),
        click.Option(
            ["--deadline"],
            type=Duration(),
            metavar="TIME",
            help="How long the task may take, waiting included, such as 90, 10m or 2h.",
        ),
        click.Option(
            ["--priority"],
            type=click.Choice(["high", "normal", "low"]),
            default="normal",
            show_default=True,
            help="When it gets its turn.",
        ),
        click.Option(
            ["--cache"],
            type=click.Choice(["use", "refresh", "off"]),
            default="use",
            show_default=True,
            help="Take a stored answer (use), store a new one (refresh), or neither.",
        ),
        click.Option(
            ["--detach"],
            is_flag=True,
            help="Print the task's id once it is accepted, and leave it running.",
        ),
        click.Option(
            ["--quiet", "-q"],
            is_flag=True,
            help="Say nothing beside the result and errors.",
        ),
        output_option(),
    ]


class Invocation(Command):
    """One command of a plugin, as a command of the terminal.

    Args:
        name: `PLUGIN.COMMAND`.
        found: What the hub says about it.
    """

    def __init__(self, name: str, found: dict[str, Any]) -> None:
        self.inputs = Inputs()
        self.schema: Schema = found["schema"]
        self.flags = flags_of(self.schema, self.inputs)
        taken = {word for flag in self.flags for word in flag.opts}
        own = [each for each in own_options() if not taken & set(each.opts)]
        self.is_open = is_open(self.schema)
        super().__init__(
            name,
            params=[*self.flags, *own],
            help=str(found["description"]) or None,
            context_settings={
                "help_option_names": ["-h", "--help"],
                "ignore_unknown_options": self.is_open,
                "allow_extra_args": True,
            },
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; name the right place of an option that has another."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name not in BEFORE:
                raise
            raise self._misplaced(error.option_name, ctx) from None

    def get_help(self, ctx: click.Context) -> str:
        """Return the help text, in which nothing that the hub said moves a cursor."""
        return harmless(super().get_help(ctx))

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the command's own flags first, then the options of `taskhub run`."""
        for heading, parts in (
            ("Parameters", self.flags),
            (
                "Options",
                [each for each in self.get_params(ctx) if each not in self.flags],
            ),
        ):
            records = [each.get_help_record(ctx) for each in parts]
            shown = [record for record in records if record is not None]
            if shown:
                with formatter.section(heading):
                    formatter.write_dl(shown)
        if self.flags or self.is_open:
            formatter.write_paragraph()
            formatter.write_text(
                "@file reads a value from a file, - from standard input. "
                + ("Other params are taken by name, too." if self.is_open else "")
            )

    def read(self, ctx: click.Context, whole: str | None = None) -> dict[str, Any]:
        """Return the params that were given, all ways together.

        Args:
            ctx: With the arguments behind the name.
            whole: What `--json` was given.

        Raises:
            click.UsageError: One is missing, unknown or cannot be read.
        """
        params: dict[str, Any] = {}
        if whole is not None:
            params = self._whole(ctx, whole)
        if ctx.args:
            params |= self._loose(ctx)
        params |= given_params(ctx, self.flags)
        absent = missing(self.schema, params, self.flags)
        if isinstance(absent, click.Parameter):
            raise click.MissingParameter(ctx=ctx, param=absent)
        if absent is not None:
            raise click.UsageError(f"{absent} is missing; give it with --json", ctx)
        return params

    def _whole(self, ctx: click.Context, text: str) -> dict[str, Any]:
        """Read all params at once."""
        try:
            read = msgspec.json.decode(self.inputs.text(text))
        except msgspec.DecodeError as error:
            problem = f"it is not JSON: {error}."
        except ValueError as error:
            problem = str(error)
        else:
            if isinstance(read, dict):
                return read
            problem = "it is not a JSON object."
        raise click.BadParameter(problem, ctx, param_hint="'--json'")

    def _misplaced(self, option: str, ctx: click.Context) -> click.UsageError:
        """Make the error about an option of ours that stands behind the name."""
        return click.UsageError(
            f"{option} has to stand before the command: "
            f"taskhub run {option} … {self.name}",
            ctx,
        )

    def _loose(self, ctx: click.Context) -> dict[str, Any]:
        """Read what no flag has taken."""
        first = ctx.args[0]
        misplaced = [each for each in map(_word, ctx.args) if each in BEFORE]
        if misplaced:
            raise self._misplaced(misplaced[0], ctx)
        if self.is_open:
            return loose_params(ctx.args, self.inputs)
        usual = self.flags[0].opts[0] if self.flags else "--json"
        raise click.UsageError(
            f"params are given by name, such as {usual} {first}"
            if self.flags
            else f"{self.name} takes no params, and was given {first}",
            ctx,
        )


def _word(argument: str) -> str:
    """Return an argument without the value that may be glued to it."""
    return argument.partition("=")[0]
