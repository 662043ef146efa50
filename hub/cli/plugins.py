"""``taskhub plugins``: what the hub offers, and what it refused and why."""

import sys
from typing import Any

import click

from hub.cli.api import Api
from hub.cli.catalogue import complete_command, find_command, find_plugin
from hub.cli.commands import Command
from hub.cli.escaping import escape
from hub.cli.output import Format, output_option, put, put_json, put_line, styled
from hub.cli.target import target_of, target_options
from hub.client.shapes import PluginsAnswer

# Any throughout: what the hub says is JSON.


@click.command(
    cls=Command,
    params=[
        click.Argument(
            ["name"],
            required=False,
            metavar="[PLUGIN[.COMMAND]]",
            shell_complete=complete_command,
        ),
        output_option(),
        *target_options(),
    ],
)
def command(name: str | None, output: Format, **options: object) -> None:
    """List the hub's plugins, or describe one.

    With the name of a plugin it is described with its commands, with that of a command
    what it takes, and how it runs.
    """
    api = Api(target_of(options))
    if name is None:
        _list(api.ask("GET", "plugins", kind=PluginsAnswer), output)
    elif "." in name:
        _command(name, find_command(api, name), output)
    else:
        _plugin(find_plugin(api, name), output)


def _list(found: dict[str, Any], output: Format) -> None:
    """Write what there is, then what was refused."""
    if output == "json":
        put_json(found)
        return
    if output == "ndjson":
        for each in found["plugins"]:
            put_json(each, line=True)
        return
    # Here, because the module of tables costs as much as the question to the hub.
    from hub.cli.table import table

    rows = [
        (
            each["name"],
            each["version"],
            each["source"],
            "yes" if each["healthy"] else "NO",
            ", ".join(_served(each)) or "(any name)",
        )
        for each in found["plugins"]
    ]
    heads = ("PLUGIN", "VERSION", "SOURCE", "HEALTHY", "COMMANDS")
    put("".join(f"{line}\n" for line in table(heads, rows)))
    refused = [
        (f"{plugin['name']}.{each['name']}", "", each["refused"])
        for plugin in found["plugins"]
        for each in plugin["commands"]
        if "refused" in each
    ]
    refused += [
        (
            each["name"],
            each["file"] + (f":{each['line']}" if each["line"] else ""),
            each["reason"],
        )
        for each in found["refused"]
    ]
    if refused:
        lines = table(("REFUSED", "WHERE", "WHY"), refused)
        put("".join(["\n", *(f"{line}\n" for line in lines)]))


def _served(plugin: dict[str, Any]) -> list[str]:
    return [each["name"] for each in plugin["commands"] if "refused" not in each]


def _plugin(plugin: dict[str, Any], output: Format) -> None:
    """Describe one plugin."""
    if output != "text":
        put_json(plugin, line=output == "ndjson")
        return
    from hub.cli.table import table

    calls = plugin["statistics"]
    mean = calls["total_ms"] / calls["calls"] if calls["calls"] else 0.0
    name = styled(escape(plugin["name"]), sys.stdout, bold=True)
    put(f"{name} {escape(plugin['version'])}\n", colours=True)
    if plugin["description"]:
        put_line(plugin["description"])
    put_line("")
    facts = [
        ("source", f"{plugin['source']} ({plugin['file']})"),
        ("healthy", "yes" if plugin["healthy"] else "NO"),
        ("calls", f"{calls['calls']}, {calls['failures']} failed, {mean:.1f} ms each"),
    ]
    put("".join(f"{line}\n" for line in table(("", ""), facts)[1:]))
    rows = [
        (
            f"{plugin['name']}.{each['name']}",
            f"refused: {each['refused']}" if "refused" in each else each["description"],
        )
        for each in plugin["commands"]
    ]
    put_line("")
    put("".join(f"{line}\n" for line in table(("COMMAND", "WHAT IT DOES"), rows)))


def _command(name: str, found: dict[str, Any], output: Format) -> None:
    """Describe one command: what it takes, and how it is run."""
    if output != "text":
        put_json(found, line=output == "ndjson")
        return
    from hub.cli.run import help_of

    put(f"{help_of(name, found)}\n")
    ttl = found["ttl"]
    facts = [
        f"runs as {found['isolation']}, {found['timeout']:g} s at most",
        f"answers are kept for {ttl:g} s"
        if ttl is not None
        else "answers are not kept",
    ]
    put_line(f"\n{'; '.join(facts)}")
