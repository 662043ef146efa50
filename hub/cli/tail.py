"""``taskhub logs``: what a task has logged and put out."""

import click

from hub.cli.api import Api
from hub.cli.catalogue import find_task, name_of
from hub.cli.commands import Command
from hub.cli.exits import Exit
from hub.cli.loading import abrupt
from hub.cli.output import Format, output_option
from hub.cli.target import reconnect_option, target_of, target_options


@click.command(
    cls=Command,
    params=[
        click.Argument(["task_id"], metavar="ID"),
        click.Option(
            ["--follow", "-f"], is_flag=True, help="Go on until the task has ended."
        ),
        output_option(),
        *target_options(),
        reconnect_option(),
    ],
)
def command(task_id: str, *, follow: bool, output: Format, **options: object) -> None:
    """Print a task's log and output, on standard output.

    That is what there is so far, of a task that runs or has ended; with --follow it
    goes on until the end, says how that was, and its exit code is that of the end.
    """
    target = target_of(options)
    task = find_task(Api(target, patient=follow), task_id)
    if not follow and not task["metadata"]["chunks"]:
        return
    with abrupt():
        from hub.cli.follow import read
        from hub.cli.views import Reader, Records

    view = Reader() if output == "text" else Records()
    code = read(task_id, name_of(task), target, view, follow=follow)
    if code is not Exit.OK:
        raise click.exceptions.Exit(code)
