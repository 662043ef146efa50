"""The hub's plugins and commands, looked up by what a person typed."""

import difflib
from collections.abc import Iterable
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from hub.cli.api import Api, RefusedError
from hub.cli.escaping import escape
from hub.cli.exits import CommandError, Exit
from hub.cli.target import target_of
from hub.client.pace import Pace
from hub.client.shapes import PluginAnswer, PluginsAnswer, TaskAnswer

COMPLETION: Final = Pace(open_s=1.0, answer_s=1.0)
"""How long a completion may wait for the hub: a prompt must not hang."""

# Any throughout: what the hub says is JSON.


def find_command(api: Api, name: str) -> dict[str, Any]:
    """Return what the hub says about `PLUGIN.COMMAND`.

    Raises:
        CommandError: There is none; the text suggests what may be meant.
    """
    plugin, dot, verb = name.partition(".")
    if not (plugin and dot and verb):
        raise CommandError(
            f"{name} is no PLUGIN.COMMAND{_meant(name, _names(api))}", Exit.USAGE
        )
    report = find_plugin(api, plugin, name)
    if not report["commands"]:  # a classic plugin that takes any name
        return _any_command(verb, report)
    for each in report["commands"]:
        if each["name"] == verb:
            if "refused" in each:
                raise CommandError(
                    f"{name} is not served: {each['refused']}", Exit.USAGE
                )
            return {**each}
    known = [f"{plugin}.{each['name']}" for each in report["commands"]]
    raise CommandError(
        f"the plugin {plugin} has no command {verb}{_meant(name, known)}", Exit.USAGE
    )


def find_plugin(api: Api, plugin: str, wanted: str | None = None) -> dict[str, Any]:
    """Return what the hub says about a plugin.

    Args:
        api: Where to ask.
        plugin: Its name.
        wanted: What was typed, where that is more than the plugin's name.

    Raises:
        CommandError: There is none; the text suggests what may be meant, or says why
            the plugin was refused.
    """
    try:
        report: dict[str, Any] = api.ask("GET", "plugins", plugin, kind=PluginAnswer)
    except RefusedError as error:
        if error.wire != "unknown_command":
            raise
    else:
        return report
    found = api.ask("GET", "plugins", kind=PluginsAnswer)
    for refusal in found["refused"]:
        if refusal["name"] == plugin:
            raise CommandError(
                f"the plugin {plugin} was refused: {refusal['reason']}", Exit.USAGE
            )
    names = [each["name"] for each in found["plugins"]]
    if wanted is not None:
        names = _commands(found["plugins"])
    raise CommandError(
        f"there is no plugin {plugin}{_meant(wanted or plugin, names)}", Exit.USAGE
    )


def find_task(api: Api, task_id: str) -> dict[str, Any]:
    """Return a task as it stands.

    Raises:
        CommandError: There is none of that id.
    """
    if not task_id:
        raise CommandError("a task's id is not empty", Exit.USAGE)
    try:
        task: dict[str, Any] = api.ask("GET", "tasks", task_id, kind=TaskAnswer)
    except RefusedError as error:
        if error.wire != "not_found":
            raise
        raise CommandError(
            f"{task_id}: there is no such task, or it is no longer kept", Exit.USAGE
        ) from None
    return task


def name_of(task: dict[str, Any]) -> str:
    """Return what a task's command is called."""
    return f"{task['metadata']['plugin']}.{task['metadata']['command']}"


def _any_command(verb: str, report: dict[str, Any]) -> dict[str, Any]:
    """Describe a command of a plugin that lists none and takes any."""
    return {
        "name": verb,
        "description": report["description"],
        "schema": {"type": "object"},
        "ttl": None,
        "isolation": "thread",
        "timeout": 300.0,
    }


def _names(api: Api) -> list[str]:
    return _commands(api.ask("GET", "plugins", kind=PluginsAnswer)["plugins"])


def _commands(plugins: Iterable[dict[str, Any]]) -> list[str]:
    """Name all commands that are served, as `plugin.command`."""
    return [
        f"{plugin['name']}.{each['name']}"
        for plugin in plugins
        for each in plugin["commands"]
        if "refused" not in each
    ]


def _meant(name: str, known: list[str]) -> str:
    """Suggest what may have been meant."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    # A bare verb is close to nothing, but there may be just one plugin that has it.
    close = close or [each for each in known if each.partition(".")[2] == name]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return "; `taskhub plugins` lists what there is"


def complete_command(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the hub's commands; nothing where no hub answers soon."""
    try:
        api = Api(target_of(ctx.params), COMPLETION)
        plugins = api.ask("GET", "plugins", kind=PluginsAnswer)["plugins"]
    except click.ClickException:
        return []
    return [
        CompletionItem(name, help=escape(each["description"]))
        for plugin in plugins
        for each in plugin["commands"]
        if (name := f"{plugin['name']}.{each['name']}").startswith(incomplete)
        and "refused" not in each
    ]
