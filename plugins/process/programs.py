"""The programs that an operator lists, and the command lines that callers make of them.

A caller chooses a program by its name and gives values; never a path, never an option
that the operator did not write. No shell reads any of it.
"""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from hub import TaskError

PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
"""Where a value goes in an argument."""

INHERITED: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "USER",
)
"""Variables of the hub that a program gets unless the operator says otherwise."""


class Parameter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that callers may give to a program.

    Attributes:
        pattern: A regular expression that all of it has to fit.
        choices: The values that there are; in place of a pattern.
        default: What it is where nobody says; without it the value has to be given.
        description: For people.
        dashes: Whether it may begin an argument with a dash, as options do.
    """

    pattern: str | None = None
    choices: list[str] | None = None
    default: str | UnsetType = UNSET
    description: str = ""
    dashes: bool = False

    def __post_init__(self) -> None:
        """See that something bounds the value.

        Raises:
            ValueError: Nothing does, or the pattern is none.
        """
        if (self.pattern is None) == (self.choices is None):
            raise ValueError("give either pattern or choices")
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"pattern {self.pattern!r}: {error}") from None

    def fits(self, value: str) -> bool:
        """Whether a value is one of those that were meant."""
        if self.choices is not None:
            return value in self.choices
        return re.fullmatch(self.pattern or "", value) is not None


class Program(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program as the operator describes it.

    Attributes:
        argv: The command line; `{name}` stands for the value of that name.
        description: For people.
        parameters: The values that callers may give, by name.
        cwd: Where it runs; the hub's folder where None.
        inherit: The hub's variables that it gets.
        environment: Variables that it gets besides.
        timeout_s: Seconds that it may run.
        grace_s: Seconds between asking it to end and ending it.
        stdin: Whether callers may send it text.
        ansi: Whether its output has the control sequences of terminals.
        check: Whether an exit code other than 0 is a failure, unless the caller says.
        output_bytes: How much of its output is kept; the rest is read and dropped.
    """

    argv: Annotated[list[str], Meta(min_length=1)]
    description: str = ""
    parameters: dict[str, Parameter] = {}
    cwd: str | None = None
    inherit: tuple[str, ...] = INHERITED
    environment: dict[str, str] = {}
    timeout_s: Annotated[float, Meta(gt=0, le=86_400)] = 300.0
    grace_s: Annotated[float, Meta(ge=0, le=60)] = 1.5
    stdin: bool = False
    ansi: bool = False
    check: bool = False
    output_bytes: Annotated[int, Meta(ge=0)] = 16 * 1024 * 1024

    def __post_init__(self) -> None:
        """See that the command line and the parameters fit each other.

        Raises:
            ValueError: They do not.
        """
        used = {name for part in self.argv for name in PLACE.findall(part)}
        if not self.argv[0] or PLACE.search(self.argv[0]):
            raise ValueError(
                "argv: it has to begin with a program, and not a parameter"
            )
        if used != set(self.parameters):
            odd = ", ".join(sorted(used ^ set(self.parameters)))
            raise ValueError(f"argv and parameters do not agree about: {odd}")
        for name, parameter in self.parameters.items():
            default = parameter.default
            if default is not UNSET and not parameter.fits(default):
                raise ValueError(f"parameters.{name}: its default does not fit")

    def find(self) -> str | None:
        """Return the program's file, or None where it is not there."""
        path = self.environment.get("PATH", os.environ.get("PATH", os.defpath))
        return shutil.which(self.argv[0], path=path)

    def variables(self) -> dict[str, str]:
        """Return the environment that it runs in."""
        kept = {name: os.environ[name] for name in self.inherit if name in os.environ}
        return {**kept, **self.environment}

    def folder(self) -> Path | None:
        """Return where it runs."""
        return None if self.cwd is None else Path(self.cwd).expanduser()

    def line(self, values: Mapping[str, str]) -> list[str]:
        """Put the values of a caller into the command line.

        Raises:
            TaskError: A value is missing, unknown, or not one of those that were meant.
        """
        for name in values:
            if name not in self.parameters:
                known = ", ".join(sorted(self.parameters)) or "none"
                raise _bad(name, f"there is no such value; there are: {known}")
        chosen = {
            name: _value(name, parameter, values.get(name, parameter.default))
            for name, parameter in self.parameters.items()
        }
        return [self.argv[0], *(self._fill(part, chosen) for part in self.argv[1:])]

    def _fill(self, part: str, chosen: Mapping[str, str]) -> str:
        """Put values into one argument; it stays one, whatever they hold."""
        first = PLACE.match(part)
        if first is not None:
            name = first[1]
            if chosen[name].startswith("-") and not self.parameters[name].dashes:
                raise _bad(name, "it must not begin with a dash")
        return PLACE.sub(lambda place: chosen[place[1]], part)


def _value(name: str, parameter: Parameter, value: str | UnsetType) -> str:
    if value is UNSET:
        raise _bad(name, "it has to be given")
    if "\0" in value or not parameter.fits(value):
        meant = (
            f"it does not fit {parameter.pattern}"
            if parameter.choices is None
            else f"it is none of: {', '.join(parameter.choices)}"
        )
        raise _bad(name, meant)
    return value


def _bad(name: str, why: str) -> TaskError:
    return TaskError(f"{name}: {why}", code="bad_value", detail={"value": name})
