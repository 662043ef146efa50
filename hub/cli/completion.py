"""``taskhub completion``: the script that teaches a shell what can be typed."""

from typing import Final

import click
from click.shell_completion import get_completion_class

from hub.cli.commands import Command
from hub.cli.output import put

VARIABLE: Final = "_TASKHUB_COMPLETE"
"""Under which variable the script asks back."""


@click.command(
    cls=Command,
    params=[
        click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"])),
    ],
)
@click.pass_context
def command(ctx: click.Context, /, shell: str) -> None:
    """Print the completion script of a shell.

    Commands and options are completed, and the commands of the hub that TASKHUB_URL
    names with their params, if that one answers at once.

    \b
    bash:  eval "$(taskhub completion bash)"           in ~/.bashrc
    zsh:   eval "$(taskhub completion zsh)"            in ~/.zshrc
    fish:  taskhub completion fish | source            in config.fish
    """  # noqa: D301  # click reads the escape
    kind = get_completion_class(shell)
    if kind is None:  # click knows all three
        raise AssertionError(shell)
    root = ctx.find_root()
    put(f"{kind(root.command, {}, 'taskhub', VARIABLE).source()}\n")
