"""The command line: ``taskhub``.

Each command has a module of its own, imported when it is called, so that a command
costs what it needs and nothing else.
"""

import difflib
from importlib import import_module
from typing import Any, Final

import click

from hub.cli.commands import Group, tell
from hub.cli.exits import MisuseError
from hub.cli.loading import abrupt
from hub.version import VERSION

COMMANDS: Final = {
    "cache": "hub.cli.cache",
    "cancel": "hub.cli.cancel",
    "completion": "hub.cli.completion",
    "config": "hub.cli.config",
    "logs": "hub.cli.tail",
    "new": "hub.cli.new",
    "plugins": "hub.cli.plugins",
    "run": "hub.cli.run",
    "serve": "hub.cli.serve",
    "watch": "hub.cli.watch",
}
"""In which module each command is at home; it is called `command` there."""


BEHIND: Final = ("--url", "--token-file", "--output", "--reconnect-for", "--quiet")
"""Options that each command has, and `taskhub` itself has not."""
LIKE: Final = 0.8
"""How like a command a word must be that does not even begin as it does."""
INTERRUPTED: Final = 130
"""The exit code of what Ctrl-C has ended, as shells count."""


class _Commands(Group):
    """Commands that are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        home = COMMANDS.get(cmd_name)
        if home is None:
            return None
        with abrupt():
            found = import_module(home).command
        if not isinstance(found, click.Command):
            raise TypeError(f"{home}.command is no command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was named, or say which one may be meant."""
        name = args[0]
        if name in COMMANDS or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        close = _near(name)
        if "." in name:
            close = [f"run {name}"]
        hint = f" Did you mean 'taskhub {close[0]}'?" if close else ""
        raise click.UsageError(f"No such command {name!r}.{hint}", ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; an option of the commands has its place behind their names."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name not in BEHIND:
                raise
            raise click.UsageError(
                f"{error.option_name} stands behind a command's name, such as: "
                f"taskhub plugins {error.option_name} …",
                ctx,
            ) from None

    # Any: as click declares it.
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; Ctrl-C ends it without a word."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise MisuseError(error) from None
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None


def _near(name: str) -> list[str]:
    """Return the command that may have been meant: few mistype the first letter."""
    begin = [each for each in COMMANDS if each[:1] == name[:1]]
    return difflib.get_close_matches(name, begin, n=1) or difflib.get_close_matches(
        name, COMMANDS, n=1, cutoff=LIKE
    )


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # as click calls it
    """Say which taskhub it is, and end."""
    if value and not ctx.resilient_parsing:
        tell(f"taskhub, version {VERSION}\n")
        ctx.exit()


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Run Python functions that take a while, and watch them live."""
