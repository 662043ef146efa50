"""``taskhub config``: the settings that a hub would have, and where each is from."""

import os
from collections.abc import Mapping

import click
import msgspec

from hub.cli import serve
from hub.cli.exits import CommandError, Exit
from hub.cli.output import Format, output_option, put, put_json
from hub.cli.table import table
from hub.errors import HubError
from hub.settings import shown_values


@click.group()
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
    """Show the settings that `taskhub serve` would have here, with these options.

    Every setting is a line, as TOML would have it with dotted keys. A value is from the
    defaults, the file of --config, a variable TASKHUB__SECTION__KEY, or the command
    line. Texts of plugins' own settings are not shown, because they may be secrets.
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
