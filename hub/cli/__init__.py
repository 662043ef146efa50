"""The command line: ``taskhub``.

Each command has a module of its own, imported when it is called, so that a command
costs what it needs and nothing else.
"""

from importlib import import_module
from typing import Final

import click

COMMANDS: Final = {
    "cache": "hub.cli.cache",
    "cancel": "hub.cli.cancel",
    "config": "hub.cli.config",
    "logs": "hub.cli.tail",
    "plugins": "hub.cli.plugins",
    "run": "hub.cli.run",
    "serve": "hub.cli.serve",
    "watch": "hub.cli.watch",
}
"""In which module each command is at home; it is called `command` there."""


class _Commands(click.Group):
    """Commands that are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        home = COMMANDS.get(cmd_name)
        if home is None:
            return None
        found = import_module(home).command
        if not isinstance(found, click.Command):
            raise TypeError(f"{home}.command is no command")
        return found


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="taskhub", prog_name="taskhub")
def main() -> None:
    """Run Python functions that take a while, and watch them live."""
