"""Commands of the terminal whose help is written as results are: whole, or an error."""

import click


def _show_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # as click calls it
    """Print the help text, and end."""
    if value and not ctx.resilient_parsing:
        tell(f"{ctx.get_help()}\n")
        ctx.exit()


def tell(text: str) -> None:
    """Write a text of the program's own.

    Raises:
        CommandError: It cannot be written; the text says why.
    """
    # Here, because a command that writes nothing of this kind has no use for it.
    from hub.cli.output import put

    put(text)


class Command(click.Command):
    """A command."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option that prints the help."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option


class Group(Command, click.Group):
    """Several commands below one name."""

    command_class = Command
