"""``taskhub config``: the settings that a hub would have, and where each is from."""

import os
from collections.abc import Mapping
from typing import Final

import click
import msgspec

from hub.cli import serve
from hub.cli.commands import Group
from hub.cli.exits import CommandError, Exit
from hub.cli.output import Format, output_option, put, put_json
from hub.cli.table import table
from hub.errors import HubError
from hub.settings import KEYS, Settings

HIDDEN: Final = "<hidden>"
"""Stands for a value that is not shown."""


@click.group(cls=Group)
def command() -> None:
    """Look at the settings."""


@command.command(
    params=[
        click.Option(
            ["--origin"], is_flag=True, help="Say where each value comes from, too."
        ),
        output_option(),
        *serve.command.params,
    ]
)
def show(
    config: str | None, *, origin: bool, output: Format, **options: object
) -> None:
    """Show every setting, and where it is from.

    They are those that `taskhub serve` would have here, with these options. Each is a
    line, as TOML would have it with dotted keys, and is from the defaults, the file of
    --config, a variable TASKHUB__SECTION__KEY, or the command line. Texts of plugins'
    own settings are not shown, because they may be secrets.
    """
    try:
        settings, origins = serve.read_settings(config, options, os.environ)
    except HubError as error:
        raise CommandError(error.message, Exit.USAGE) from None
    values = shown_values(settings)
    values["store.data"] = str(serve.data_folder(settings, os.environ))
    if output == "text":
        _write(values, origins if origin else None)
    elif output == "json":
        put_json(_rows(values, origins) if origin else values)
    else:
        for row in _rows(values, origins):
            put_json(row, line=True)


def _rows(
    values: Mapping[str, object], origins: Mapping[str, str]
) -> list[dict[str, object]]:
    """Return a row for each setting."""
    return [
        {"key": key, "value": value, "origin": origins.get(key, "default")}
        for key, value in values.items()
    ]


def _write(values: Mapping[str, object], origins: Mapping[str, str] | None) -> None:
    """Write a line for each setting."""
    lines = {
        key: f"{key} = {msgspec.json.encode(value).decode()}"
        for key, value in values.items()
    }
    if origins is None:
        put("".join(f"{line}\n" for line in lines.values()))
        return
    rows = [(line, f"# {origins.get(key, 'default')}") for key, line in lines.items()]
    put("".join(f"{line}\n" for line in table(("", ""), rows)[1:]))


def shown_values(settings: Settings) -> dict[str, object]:
    """Return every value by its dotted key, as it may be shown.

    Of the plugins' own values numbers and flags only: a text may be a secret, and
    only the plugin knows. What is withheld is `HIDDEN`.
    """
    shown: dict[str, object] = {}
    for key in KEYS:
        section, _, name = key.rpartition(".")
        shown[key] = getattr(getattr(settings, section) if section else settings, name)
    for plugin, own in sorted(settings.plugin.items()):
        for name, value in own.items():
            plain = isinstance(value, bool | int | float)
            shown[f"plugin.{plugin}.{name}"] = value if plain else HIDDEN
    return shown
