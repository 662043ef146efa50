"""The face: what programs and plugins import from `hub`."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hub
from hub.version import VERSION

FOLDER = Path(hub.__file__).parent
UNMEASURED = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
"""The environment without what measures coverage, which imports a lot itself."""


def names_for_checkers() -> set[str]:
    """Return the names that the face's stub declares."""
    tree = ast.parse((FOLDER / "__init__.pyi").read_text("utf-8"))
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_see_what_is_there() -> None:
    """The stub and the names are one list, each from where it really is at home."""
    assert names_for_checkers() == set(hub.__all__)
    stub = (FOLDER / "__init__.pyi").read_text("utf-8")
    for name, home in hub._HOMES.items():  # type: ignore[attr-defined]  # not for users
        assert f"from {home} import {name} as {name}\n" in stub


def test_the_face_tells_its_version() -> None:
    """As the distribution has it."""
    assert hub.__version__ == VERSION


def test_the_face_can_be_listed() -> None:
    """For whoever explores it."""
    assert set(dir(hub)) == {*hub.__all__, "__version__"}


def test_an_unknown_name_is_an_error() -> None:
    """Of the usual kind."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hub.nothing  # type: ignore[attr-defined]  # noqa: B018  # looked up on purpose


def test_a_name_is_what_its_home_holds() -> None:
    """The same object, however it was imported."""
    from_home = __import__("hub.plugin.context", fromlist=["TaskContext"]).TaskContext

    assert hub.TaskContext is from_home


def test_importing_the_face_starts_nothing() -> None:
    """Not a module of the hub beyond its version: a client's start is quick."""
    code = "import sys, hub; print(*sorted(m for m in sys.modules if 'hub' in m))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=UNMEASURED,
    )

    assert found.stdout.split() == ["hub", "hub.version"]


def test_a_plugin_author_needs_no_server() -> None:
    """What plugins import brings neither server nor store with it."""
    code = (
        "import sys; from hub import Plugin, PluginBase, TaskContext, TaskError, "
        "Retry, command, current_task; print(*sorted(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=UNMEASURED,
    )
    modules = set(found.stdout.split())

    assert modules & {"uvicorn", "starlette", "sqlite3", "hub.node", "click"} == set()
