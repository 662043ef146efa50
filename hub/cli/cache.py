"""``taskhub cache``: what may answer without running, and how to forget it."""

from datetime import UTC, datetime
from typing import Any, Final

import click

from hub.cli.api import Api
from hub.cli.commands import Command
from hub.cli.output import Format, output_option, put, put_json, put_line
from hub.cli.target import target_of, target_options
from hub.client.shapes import CacheAnswer, ClearedAnswer, Shape

# Any throughout: what the hub says is JSON.

_QUESTIONS: Final[dict[str, tuple[str, type[Shape]]]] = {
    "list": ("GET", CacheAnswer),
    "clear": ("DELETE", ClearedAnswer),
}


@click.command(
    cls=Command,
    params=[
        click.Argument(
            ["action"], type=click.Choice(["list", "clear"]), default="list"
        ),
        click.Option(["--plugin"], help="Only what a plugin's commands have answered."),
        click.Option(
            ["--command", "verb"], help="Only what commands of this name have answered."
        ),
        output_option(),
        *target_options(),
    ],
)
def command(
    action: str, plugin: str | None, verb: str | None, output: Format, **options: object
) -> None:
    """List the answers that are kept, or clear them."""
    method, kind = _QUESTIONS[action]
    api = Api(target_of(options))
    found = api.ask(method, "cache", kind=kind, plugin=plugin, command=verb)
    if output == "json" or (output == "ndjson" and action == "clear"):
        put_json(found, line=output == "ndjson")
    elif output == "ndjson":
        for entry in found["entries"]:
            put_json(entry, line=True)
    elif action == "clear":
        put_line(f"{found['cleared']} cleared")
    else:
        _show(found, datetime.now(UTC))


def _show(found: dict[str, Any], now: datetime) -> None:
    """Write entries as a table, and the counters below it."""
    from hub.cli.table import age, table

    rows = [
        (
            entry["key"],
            f"{entry['bytes']:,}",
            age((now - _time(entry["cached_at"])).total_seconds()),
            age((_time(entry["expires_at"]) - now).total_seconds()),
        )
        for entry in found["entries"]
    ]
    if rows:
        lines = table(("ENTRY", "BYTES", "AGE", "EXPIRES IN"), rows)
        put("".join([*(f"{line}\n" for line in lines), "\n"]))
    figures = found["statistics"]
    asked = figures["hits"] + figures["misses"]
    share = f" ({figures['hits'] / asked:.0%})" if asked else ""
    put_line(
        f"{figures['entries']} entries, {figures['bytes']:,} bytes; "
        f"{figures['hits']} hits{share}, {figures['misses']} misses, "
        f"{figures['expirations']} expired, {figures['evictions']} pushed out"
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
