"""The page of the Python client is true: its programs say what is printed."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from hub import AsyncHub, Hub
from hub.client import errors, task
from hub.client.cursor import Event
from hub.client.requests import Options
from tests.blackbox.server import HubProcess
from tests.docs import pages
from tests.docs.shell import pattern

PAGE = "docs/client.md"
BLOCKS = pages.blocks(PAGE)
PROGRAMS = list(zip(BLOCKS[::2], BLOCKS[1::2], strict=True))


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_each_program_says_what_is_printed(
    hub: HubProcess, tmp_path: Path, number: int
) -> None:
    """Saved and run, against a hub with the bundled plugins."""
    program, printed = PROGRAMS[number]
    assert (program.language, printed.language) == ("python", "text")
    file = tmp_path / "program.py"
    file.write_text(program.text, "utf-8")

    told = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, "TASKHUB_URL": hub.url, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    expected = pattern(printed.text.splitlines())
    assert re.fullmatch(expected, told.stdout), told.stdout


def names(heading: str) -> list[list[str]]:
    """Return what is named in the first and the last column under a heading."""
    rows = pages.rows(pages.section(PAGE, heading))
    return [re.findall(r"`(\w+)", f"{row[0]} {row[-1]}") for row in rows]


def test_each_event_is_described() -> None:
    """Each with all of its attributes."""
    told = {row[0]: set(row[1:]) for row in names("## Events")}
    kinds = get_args(Event)

    assert told.keys() == {kind.__name__ for kind in kinds}
    for kind in kinds:
        attributes = {field.name for field in msgspec.structs.fields(kind)}
        assert attributes - {"task_id"} <= told[kind.__name__], kind


def test_each_option_is_described() -> None:
    """In the table, and no other."""
    told = [row[0].strip("`") for row in pages.rows(_section("## How it is asked for"))]

    assert set(told) == set(Options.__struct_fields__)


def test_each_setting_is_described() -> None:
    """The signature on the page is the one that is there, for both kinds."""
    rows = pages.rows(_section("## Settings of a client"))
    told = [row[0].strip("`") for row in rows]

    for kind in (AsyncHub, Hub):
        assert list(inspect.signature(kind).parameters) == told


def test_both_kinds_have_the_same_names() -> None:
    """What one can do the other can; each public name is on the page."""

    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    page = pages.read(PAGE)
    only = {"pace", "aclose", "close"}
    assert public(AsyncHub) ^ public(Hub) <= only
    named = {name for name in public(Hub) if f"{name}(" in page or f".{name}`" in page}
    assert public(Hub) - named == set()
    ours = public(task.AsyncTask) - {"completed", "opened", "events"}
    assert ours <= public(_task()) | {"pace"}


def test_each_error_is_described() -> None:
    """What only a client raises."""
    page = pages.section(PAGE, "## What goes wrong")
    ours = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }

    assert [name for name in ours if f"`{name}`" not in page] == []


def _section(heading: str) -> str:
    """Return what stands under a heading."""
    return pages.section(PAGE, heading)


def _task() -> type:
    """Return the kind of task that a `Hub` has."""
    found = inspect.signature(Hub.execute).return_annotation
    assert isinstance(found, type)
    return found
