"""The process plugin: programs that the operator listed, run without a shell."""

import asyncio
import logging
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from hub import Plugin, TaskContext, TaskError, command

from .child import Ended, run_program
from .programs import Program

DAY_S = 86_400

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][\w.-]{0,63}$")]

logger = logging.getLogger("taskhub.process")


class ProcessConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set in `[plugin.process]`."""

    programs: dict[Name, Program] = {}
    """What may be run, by name."""


class Value(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that a program takes.

    Attributes:
        description: For people.
        pattern: What it has to fit.
        choices: What it may be, in place of a pattern.
        default: What it is where nobody says.
    """

    description: str = ""
    pattern: str | None = None
    choices: list[str] | None = None
    default: str | UnsetType = UNSET


class Listed(Struct, frozen=True, kw_only=True):
    """A program that may be run.

    Attributes:
        name: What to call it.
        description: For people.
        available: Whether it is installed.
        values: What it takes.
        stdin: Whether it takes text.
    """

    name: str
    description: str
    available: bool
    values: dict[str, Value]
    stdin: bool


class Process(Plugin):
    """Runs programs that the operator listed, and no others."""

    version = "1.0"
    Config = ProcessConfig
    config: ProcessConfig

    async def start(self) -> None:
        """Say which programs are missing: it is better known now than at the call."""
        for name, program in self.config.programs.items():
            if program.find() is None:
                logger.warning("program %s: %s is not there", name, program.argv[0])

    async def healthy(self) -> bool:
        """Whether every program is installed."""
        programs = self.config.programs.values()
        return await asyncio.to_thread(lambda: all(each.find() for each in programs))

    @command
    def programs(self, ctx: TaskContext) -> list[Listed]:
        """List the programs that may be run, and the values that they take."""
        return [
            Listed(
                name=name,
                description=program.description,
                available=program.find() is not None,
                values={
                    key: Value(
                        description=parameter.description,
                        pattern=parameter.pattern,
                        choices=parameter.choices,
                        default=parameter.default,
                    )
                    for key, parameter in program.parameters.items()
                },
                stdin=program.stdin,
            )
            for name, program in self.config.programs.items()
        ]

    @command(timeout=DAY_S + 60)
    async def run(
        self,
        ctx: TaskContext,
        program: Annotated[
            str,
            Meta(
                title="Program",
                description="The name that the operator gave it.",
                min_length=1,
                max_length=64,
            ),
        ],
        values: Annotated[
            dict[str, Annotated[str, Meta(max_length=4096)] | int] | None,
            Meta(title="Values", description="What its command line leaves open."),
        ] = None,
        stdin: Annotated[
            str | None,
            Meta(title="Input", description="Text for its standard input."),
        ] = None,
        check: Annotated[
            bool | None,
            Meta(
                title="Check",
                description="Whether an exit code other than 0 is a failure.",
            ),
        ] = None,
    ) -> Ended:
        """Run a program: its output as it comes, its exit code as the result."""
        chosen = self._choose(program)
        line = chosen.line({name: str(value) for name, value in (values or {}).items()})
        if stdin is not None and not chosen.stdin:
            raise TaskError(f"{program} takes no input", code="no_stdin")
        kind = "ansi" if chosen.ansi else "text"
        ended = await run_program(
            chosen,
            line,
            stdin,
            lambda channel, text: ctx.chunk(text, channel=channel, kind=kind),
        )
        if (chosen.check if check is None else check) and ended.exit_code != 0:
            raise _failed(program, ended)
        return ended

    def _choose(self, name: str) -> Program:
        """Return a program of the operator's list.

        Raises:
            TaskError: It is not on it.
        """
        programs = self.config.programs
        if not programs:
            raise TaskError(
                "No program may be run yet. Name one in the configuration file of the "
                "hub and start it again:\n\n[plugin.process.programs.uptime]\n"
                'argv = ["uptime"]\n',
                code="no_programs",
            )
        if name not in programs:
            known = ", ".join(programs)
            raise TaskError(
                f"There is no program “{name}”; there are: {known}",
                code="unknown_program",
            )
        return programs[name]


def _failed(name: str, ended: Ended) -> TaskError:
    """Make the error of a program that did not do well, where that is one."""
    how = (
        f"was ended by {ended.signal}"
        if ended.signal
        else f"ended with exit code {ended.exit_code}"
    )
    return TaskError(
        f"{name} {how}",
        code="exit_code",
        detail={"exit_code": ended.exit_code, "signal": ended.signal},
    )
