"""The sql plugin: SELECT over CSV, Parquet, JSON and SQLite files below the roots.

The database engine is an extra that need not be installed, and takes a while to load:
it is imported once, where the processes of queries are forked from, and not in the hub.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module, util
from typing import Annotated

from msgspec import Meta

from hub import TaskContext, TaskError, command

from .._roots import Rooted, Roots
from .query import Answer, Query, SqlConfig
from .sources import Source

DAY_S = 86_400

RunQuery = Callable[[TaskContext, Roots, Query, SqlConfig], Answer]


class Sql(Rooted):
    """Answers SQL over files in folders that the operator opened."""

    version = "1.0"
    Config = SqlConfig
    config: SqlConfig

    async def healthy(self) -> bool:
        """Whether the engine is installed, and every root there."""
        return util.find_spec("duckdb") is not None and await super().healthy()

    # What its functions do nothing interrupts, and they take memory as they like.
    @command(timeout=DAY_S, idempotent=True, isolation="process")
    def query(
        self,
        ctx: TaskContext,
        sql: Annotated[
            str,
            Meta(
                title="SQL",
                description="One SELECT; a file is a table: FROM 'data/sales.csv'.",
                min_length=1,
                max_length=100_000,
                examples=["SELECT city, sum(price) FROM 'data/sales.csv' GROUP BY ALL"],
            ),
        ],
        tables: Annotated[
            dict[str, str | Source] | None,
            Meta(
                title="Tables",
                description="Short names for files, and how to read them.",
            ),
        ] = None,
        limit: Annotated[
            int,
            Meta(
                title="Limit",
                description="Rows to send at most.",
                ge=1,
                le=1_000_000,
            ),
        ] = 1000,
    ) -> Answer:
        """Query CSV, Parquet, JSON and SQLite files; each row is a chunk."""
        return _engine()(
            ctx,
            self._roots,
            Query(sql=sql, tables=tables or {}, limit=limit),
            self.config,
        )


def _engine() -> RunQuery:
    """Load what runs queries.

    Raises:
        TaskError: The engine is not installed.
    """
    try:
        module = import_module(f"{__package__}.engine")
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        raise TaskError(
            "The plugin sql needs DuckDB, which is not installed here. Type: "
            "pip install 'taskhub[sql]'",
            code="not_installed",
        ) from None
    run: RunQuery = module.run_query
    return run


def _preload() -> None:
    """Load the engine, where it is installed, so that no query has to wait for it."""
    with suppress(ImportError):
        import_module("duckdb")


# Only what makes processes forks; the hub never does.
os.register_at_fork(before=_preload)
