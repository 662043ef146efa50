"""The page of the architecture is what the code is."""

import re
import tomllib

from hub.protocol import frames
from tests.docs import pages, tables

PAGE = "docs/architecture.md"


def test_the_floors_are_those_that_are_checked() -> None:
    """The table has the floors of the import rules, in their order."""
    project = tomllib.loads(pages.read("pyproject.toml"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["id"] == "layers")
    checked = [
        {name for name in layer.split(" | ") if not name.startswith("(")}
        for layer in layers
    ]

    table = pages.rows(pages.section(PAGE, "## Floors"))

    assert [set(re.findall(r"`(\w+)`", row[0])) for row in table] == checked


def test_the_diagram_is_the_table_of_moves() -> None:
    """The states and moves that are drawn are those that the hub allows."""
    (diagram,) = (each for each in pages.blocks(PAGE) if each.language == "mermaid")

    assert diagram.text == tables.diagram_of_states()


def test_the_frames_are_the_structs() -> None:
    """The table of frames is the one that the structs make."""
    assert set(frames.HubFrame.__subclasses__()) <= set(tables.HUBS.values())
    assert tables.table_of_frames() in pages.section(PAGE, "## Frames")


def test_each_file_that_is_named_is_there() -> None:
    """Paths in the text lead to files of the project."""
    named = set(
        re.findall(r"`((?:hub|tests|static|plugins)/[\w/.]*)`", pages.read(PAGE))
    )

    assert named
    assert [name for name in named if not (pages.ROOT / name).exists()] == []
