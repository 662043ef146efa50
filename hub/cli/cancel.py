"""``taskhub cancel``: give tasks up."""

from typing import Any

import click

from hub.cli.api import Api, RefusedError
from hub.cli.commands import Command
from hub.cli.exits import say
from hub.cli.output import Format, output_option, put_json, put_line
from hub.cli.target import ids_argument, target_of, target_options
from hub.client.shapes import TaskAnswer


@click.command(cls=Command, params=[ids_argument(), output_option(), *target_options()])
def command(ids: tuple[str, ...], output: Format, **options: object) -> None:
    """Cancel tasks; those that have ended stay as they are.

    The hub has noted it when this returns; a command may take a moment to stop.
    """
    refusals = []
    api = Api(target_of(options))
    for task_id in ids:
        try:
            response = api.ask("DELETE", "tasks", task_id, kind=TaskAnswer)
        except RefusedError as error:
            refusals.append(error)
            say(f"Error: {task_id}: {error.message}")
            continue
        if output == "text":
            put_line(f"{task_id}  {_word(response)}")
        else:
            put_json(response, line=output == "ndjson" or len(ids) > 1)
    if refusals:
        raise click.exceptions.Exit(refusals[0].exit_code)


# Any: a TaskResponse as JSON.
def _word(response: dict[str, Any]) -> str:
    """Say what has become of a task."""
    status = str(response["status"])
    if status in ("created", "running"):
        return "is told to stop"
    return "cancelled" if status == "cancelled" else f"had {status} already"
