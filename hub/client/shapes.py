"""What a hub's answers over HTTP have to hold, so that they can be taken at their word.

An answer is checked once, where it comes in. It may hold more: a newer hub says more.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from hub.tasks import TaskStatus


class Shape(Struct, frozen=True, kw_only=True):
    """An answer.

    Attributes:
        mark: A field that a hub's answer has, and that of another server has not.
    """

    mark: ClassVar[str]


class _Schema(Struct, frozen=True, kw_only=True):
    """A JSON Schema, as far as somebody reads it; Any: of params, whatever it says."""

    properties: dict[str, Any] = {}
    required: list[str] = []


class _Command(Struct, frozen=True, kw_only=True):
    """A command of a plugin."""

    name: str
    description: str
    schema: _Schema
    isolation: str
    timeout: float
    ttl: float | None
    refused: str | UnsetType = UNSET


class _Calls(Struct, frozen=True, kw_only=True):
    """A plugin's calls so far."""

    calls: int
    failures: int
    total_ms: float


class PluginAnswer(Shape, frozen=True, kw_only=True):
    """A plugin."""

    mark = "commands"

    name: str
    version: str
    description: str
    source: str
    file: str
    healthy: bool
    statistics: _Calls
    commands: list[_Command]


class _Refusal(Struct, frozen=True, kw_only=True):
    """A plugin that was not loaded."""

    name: str
    file: str
    line: int | None
    reason: str


class PluginsAnswer(Shape, frozen=True, kw_only=True):
    """All plugins."""

    mark = "plugins"

    plugins: list[PluginAnswer]
    refused: list[_Refusal]


class _Metadata(Struct, frozen=True, kw_only=True):
    """What is known of a task beside its state."""

    plugin: str
    command: str
    chunks: int


class TaskAnswer(Shape, frozen=True, kw_only=True):
    """A task."""

    mark = "metadata"

    task_id: str
    status: TaskStatus
    metadata: _Metadata
    result_url: str | UnsetType | None = UNSET


class _Entry(Struct, frozen=True, kw_only=True):
    """An answer that is kept."""

    key: str
    bytes: int
    cached_at: Annotated[datetime, Meta(tz=True)]
    expires_at: Annotated[datetime, Meta(tz=True)]


class _Figures(Struct, frozen=True, kw_only=True):
    """What the cache has done so far."""

    entries: int
    bytes: int
    hits: int
    misses: int
    expirations: int
    evictions: int


class CacheAnswer(Shape, frozen=True, kw_only=True):
    """What the cache holds."""

    mark = "entries"

    entries: list[_Entry]
    statistics: _Figures


class ClearedAnswer(Shape, frozen=True, kw_only=True):
    """How many entries were dropped."""

    mark = "cleared"

    cleared: int
