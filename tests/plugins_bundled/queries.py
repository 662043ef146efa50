"""The plugin sql, its rows and its refusals."""

import asyncio
import threading
from typing import Any

import pytest

from hub import TaskError
from plugins.sql.main import Sql
from tests.plugins_bundled.recorder import ThreadRecorder

Row = dict[str, Any]  # Any: JSON values


def started(table: dict[str, object]) -> Sql:
    """Start the plugin as the hub would."""
    sql = Sql()
    asyncio.run(sql.initialize(table))
    return sql


def rows(sql: Sql, text: str, **more: Any) -> list[Row]:  # Any: as given
    """Return the rows of a query."""
    recorder = ThreadRecorder()
    sql.query(recorder.context(), text, **more)
    return recorder.rows["out"]


def refusal(sql: Sql, text: str, **more: Any) -> TaskError:  # Any: as given
    """Return the error of a query."""
    with pytest.raises(TaskError) as caught:
        sql.query(ThreadRecorder().context(), text, **more)
    return caught.value


def cancelled_after(recorder: ThreadRecorder, seconds: float) -> threading.Timer:
    """Cancel a command from outside."""

    def cancel() -> None:
        recorder.cancelled = True

    timer = threading.Timer(seconds, cancel)
    timer.start()
    return timer
