"""What is said about plugins, ready to be encoded."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from hub.errors import PluginRefusedError
from hub.plugin.contract import PluginStatistics
from hub.plugin.spec import CommandSpec

Source = Literal["bundled", "folder", "entry point"]
"""Where a plugin came from."""


class CommandReport(Struct, frozen=True, kw_only=True):
    """A command, for people and forms; the fields are those of CommandSpec."""

    name: str
    description: str
    schema: dict[str, Any]  # a JSON Schema
    ttl: float | None
    public: bool
    localized: bool
    isolation: str
    timeout: float
    idempotent: bool
    streaming: bool
    concurrency: int | None
    pool: str
    refused: str | UnsetType = UNSET


class PluginReport(Struct, frozen=True, kw_only=True):
    """A plugin that was loaded.

    Attributes:
        name: What it is called in commands.
        version: As it says.
        description: As it says.
        source: Where it came from.
        file: The file its class is in.
        healthy: Whether it said so when it was last asked.
        statistics: Its calls so far.
        commands: What it offers; empty where it takes any name.
    """

    name: str
    version: str
    description: str
    source: Source
    file: str
    healthy: bool
    statistics: PluginStatistics
    commands: list[CommandReport]


class Refusal(Struct, frozen=True, kw_only=True):
    """A plugin that was not loaded.

    Attributes:
        name: Its name, as far as that was known.
        file: Where the trouble is.
        line: The line there, where one is known.
        reason: What the trouble is.
    """

    name: str
    file: str
    line: int | None
    reason: str


def refusal_of(name: str, error: PluginRefusedError) -> Refusal:
    """Return the report of a refusal."""
    return Refusal(name=name, file=error.file, line=error.line, reason=error.reason)


def command_report(spec: CommandSpec) -> CommandReport:
    """Return the report of a command."""
    return CommandReport(
        name=spec.name,
        description=spec.description,
        schema=spec.schema,
        ttl=spec.ttl,
        public=spec.public,
        localized=spec.localized,
        isolation=spec.isolation,
        timeout=spec.timeout,
        idempotent=spec.idempotent,
        streaming=spec.streaming,
        concurrency=spec.concurrency,
        pool=spec.pool,
        refused=UNSET if spec.refused is None else spec.refused,
    )
