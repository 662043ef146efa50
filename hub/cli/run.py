"""``taskhub run``: run a command, watch it, and print its result."""

import os
from typing import Any, Final

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from hub.cli.api import Api, NoHubError
from hub.cli.catalogue import COMPLETION, complete_command, find_command
from hub.cli.commands import Command
from hub.cli.exits import CommandError, Exit
from hub.cli.flags import complete_value
from hub.cli.invocation import BEFORE, Invocation, Wish, own_options
from hub.cli.loading import abrupt
from hub.cli.target import Target, reconnect_option, target_of, target_options

# Any throughout: what the hub says is JSON.


EXAMPLES: Final = """\b
Examples:
  taskhub run demo.rows --count 5
  taskhub run weather.current --help
  cat place.json | taskhub run weather.forecast --json - > forecast.json
  TASK=$(taskhub run --detach demo.countdown --seconds 60)
"""


class _Run(Command):
    """`taskhub run`: what stands behind the name is parsed with the hub's help."""

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the options before a name, the command's own flags behind it."""
        inner = _known(ctx)
        if inner is None:
            return super().shell_complete(ctx, incomplete)
        context = inner.make_context(inner.name, [], ctx, resilient_parsing=True)
        return inner.shell_complete(context, incomplete)


def _complete_behind(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the values of the flag that was typed last."""
    inner, words = _known(ctx), ctx.params.get("arguments") or ()
    if inner is None or not words:
        return []
    context = inner.make_context(inner.name, [], ctx, resilient_parsing=True)
    return complete_value(context, inner.params, words[-1], incomplete)


def _known(ctx: click.Context) -> Invocation | None:
    """Return the command that has been typed, if a hub that answers soon has it."""
    name = ctx.params.get("name")
    if not name:
        return None
    try:
        api = Api(target_of(ctx.params), COMPLETION)
        return Invocation(name, find_command(api, name))
    except click.ClickException:
        return None


@click.command(
    cls=_Run,
    params=[
        click.Argument(
            ["name"], metavar="PLUGIN.COMMAND", shell_complete=complete_command
        ),
        click.Argument(
            ["arguments"],
            nargs=-1,
            type=click.UNPROCESSED,
            metavar="[--PARAM VALUE]...",
            shell_complete=_complete_behind,
        ),
        *own_options(),
        *target_options(),
        reconnect_option(),
    ],
    context_settings={"allow_interspersed_args": False},
    epilog=EXAMPLES,
)
@click.pass_context
def command(
    ctx: click.Context, /, name: str, arguments: tuple[str, ...], **options: object
) -> None:
    """Run a command, show how far it is, and print its result.

    The command's params are flags behind its name, made from what the hub says about
    it: `taskhub run PLUGIN.COMMAND --help` lists them. The result goes to standard
    output, all else to standard error.

    Ctrl-C cancels the task and waits for its end; a second one does not wait.
    """
    target = target_of(options)
    wish = _wish(ctx, name, arguments, target)
    with abrupt():
        from hub.cli.follow import run

    code = run(wish, target)
    if code is not Exit.OK:
        raise click.exceptions.Exit(code)


def _wish(
    ctx: click.Context, name: str, arguments: tuple[str, ...], target: Target
) -> Wish:
    """Read what is asked for, with the hub's help."""
    late = [word for word in arguments if word.partition("=")[0] in BEFORE]
    try:
        # What may have been meant for another hub is not waited for.
        inner = Invocation(name, find_command(Api(target, patient=not late), name))
    except NoHubError as error:
        if not late:
            raise
        raise CommandError(
            f"{error.message} ({late[0]} has to stand before {name})", Exit.UNREACHABLE
        ) from None
    context = inner.make_context(f"{ctx.command_path} {name}", [*arguments], None)
    with context:
        params = inner.read(context, _either("whole", context, ctx))
    plugin, _, verb = name.partition(".")
    names = [key for key in Wish.__struct_fields__ if key in ctx.params]
    given = {key: _either(key, context, ctx) for key in names}
    own = {key: value for key, value in given.items() if value is not None}
    return Wish(
        plugin=plugin,
        command=verb,
        params=params,
        **{"key": os.urandom(16).hex(), **own},
    )


def _either(key: str, inner: click.Context, outer: click.Context) -> Any:
    """Return an option from behind the name where it was given there, else before."""
    if inner.get_parameter_source(key) is ParameterSource.COMMANDLINE:
        return inner.params[key]
    return outer.params[key]


def help_of(name: str, found: dict[str, Any]) -> str:
    """Return the help text of a command of the hub."""
    inner = Invocation(name, found)
    with inner.make_context(f"taskhub run {name}", [], resilient_parsing=True) as ctx:
        return inner.get_help(ctx)
