"""``taskhub watch``: look on while tasks run, from anywhere, at any time."""

import click

from hub.cli.api import Api
from hub.cli.catalogue import find_task, name_of
from hub.cli.commands import Command
from hub.cli.exits import Exit
from hub.cli.loading import abrupt
from hub.cli.output import Format, output_option
from hub.cli.target import (
    ids_argument,
    reconnect_option,
    target_of,
    target_options,
)


@click.command(
    cls=Command,
    params=[
        ids_argument(),
        click.Option(
            ["--quiet", "-q"],
            is_flag=True,
            help="Say nothing beside results and errors.",
        ),
        output_option(),
        *target_options(),
        reconnect_option(),
    ],
)
def command(
    ids: tuple[str, ...], *, quiet: bool, output: Format, **options: object
) -> None:
    """Follow tasks to their ends, and print their results.

    What they have said so far is shown first. Ctrl-C ends the looking on, and nothing
    else. With several tasks the exit code is that of the worst end.
    """
    target = target_of(options)
    api = Api(target, patient=True)
    tasks = {task_id: name_of(find_task(api, task_id)) for task_id in ids}
    with abrupt():
        from hub.cli.follow import watch

    code = watch(tasks, target, output, quiet=quiet)
    if code is not Exit.OK:
        raise click.exceptions.Exit(code)
