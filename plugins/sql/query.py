"""A query and its answer, without the engine that runs it."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from .._roots import RootsConfig
from .sources import Source

Mib = Annotated[int, Meta(ge=16, le=1_048_576)]


class SqlConfig(RootsConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator may set in `[plugin.sql]`: the roots, and what a query may take.

    Attributes:
        memory_mib: Memory of the engine; larger sorts and joins use the disk.
        temp_mib: Disk that it may use meanwhile.
        threads: Threads that it works in.
        sqlite_mib: Size of a SQLite file that may be queried; it is copied.
    """

    memory_mib: Mib = 512
    temp_mib: Mib = 2048
    threads: Annotated[int, Meta(ge=1, le=256)] = 2
    sqlite_mib: Mib = 1024


class Query(Struct, frozen=True, kw_only=True):
    """What a caller asks.

    Attributes:
        sql: One SELECT.
        tables: Files by names that the caller made up.
        limit: Rows to send at most.
    """

    sql: str
    tables: Mapping[str, str | Source]
    limit: int


class Column(Struct, frozen=True, kw_only=True):
    """A column of the answer; `type` is the engine's word."""

    name: str
    type: str


class Answer(Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        columns: In order.
        rows: How many were sent.
        truncated: Whether there are more.
        seconds: How long it took.
        changed: Files that changed meanwhile: the answer may be neither old nor new.
    """

    columns: list[Column]
    rows: int
    truncated: bool
    seconds: float
    changed: list[str]
