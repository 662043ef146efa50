"""The engine with a file, on the bench, and a look into its file."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.engines.sqlite.folder import DATABASE
from tests.engines.lab import KINDS, Kind, Lab
from tests.engines.sqlite.faults import ENGINE, Faults, writers_meet

Query = Callable[..., list[Any]]  # rows of whatever was asked for


@pytest.fixture
def kind() -> Kind:
    """Here it is always the engine with a file."""
    return KINDS["sqlite"]


@pytest.fixture(autouse=True)
def faults(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """What is wrong with the store that the test's engine writes to."""
    faults = Faults()
    monkeypatch.setattr(f"{ENGINE}.connect", writers_meet(faults))
    yield faults
    faults.mend()
    faults.release()


def stored(folder: Path, query: str, *values: object) -> list[Any]:  # as in Query
    """Return what a second connection finds in the file of a folder."""
    connection = sqlite3.connect(folder / DATABASE)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


@pytest.fixture
def look(lab: Lab) -> Query:
    """Return a function that asks the lab's file, beside its engine."""

    def ask(query: str, *values: object) -> list[Any]:  # as in Query
        return stored(lab.folder, query, *values)

    return ask
