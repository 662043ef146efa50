"""The page of the plugins for files, SQL and programs is what they do."""

import json
import re
import tomllib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from hub.plugin.config import config_of
from hub.registry import Registry, Sources, bundled_folder
from plugins._roots import Roots, RootsConfig
from plugins._roots.troubles import TEXTS
from plugins.files.main import Files
from plugins.process.main import Process, ProcessConfig
from plugins.process.programs import Parameter, Program
from plugins.sql.main import Sql
from plugins.sql.query import SqlConfig
from plugins.sql.sources import FORMATS
from plugins.text.main import Text
from tests.docs import pages

PAGE = "docs/bundled-plugins.md"
BLOCKS = pages.blocks(PAGE)
PLUGINS = {"files": Files, "process": Process, "sql": Sql, "text": Text}
IN_ROWS = {"too_deep"}
"""Codes that are never a task's: they are said of one file among others."""


@pytest.fixture
async def registry() -> AsyncIterator[Registry]:
    """The bundled plugins, found and loaded as the hub does."""
    registry = Registry(
        Sources(entry_points=list, bundled=bundled_folder()), strict=True
    )
    await registry.load()
    yield registry
    await registry.close()


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "toml"]
)
def test_each_configuration_is_taken(block: pages.Block) -> None:
    """Every table is checked as the hub does, and its roots can be told apart."""
    tables = tomllib.loads(block.text)["plugin"]

    assert tables
    for name, table in tables.items():
        config_of(PLUGINS[name], name, table)
        assert Roots(name, table.get("roots", [])).names or name == "process"


async def test_each_request_is_taken(registry: Registry) -> None:
    """Every example is a request whose params fit."""
    examples = [json.loads(block.text) for block in BLOCKS if block.language == "json"]

    assert {each["plugin"] for each in examples} == set(PLUGINS)
    for each in examples:
        spec = registry.lookup(each["plugin"], each["command"])
        spec.parse(msgspec.json.encode(each["params"]))


async def test_each_command_and_parameter_is_named(registry: Registry) -> None:
    """Nothing that a caller can give is left out."""
    page = pages.read(PAGE)
    for name in PLUGINS:
        (report,) = (each for each in registry.plugins() if each.name == name)
        for command in report.commands:
            assert f"`{name}.{command.name}`" in page
            schema: dict[str, Any] = registry.lookup(name, command.name).schema
            missing = [key for key in schema["properties"] if f"`{key}`" not in page]
            assert missing == [] or command.name == "run", (name, command.name)


def test_each_key_is_named() -> None:
    """Of the plugins' tables, of programs and of their parameters."""
    page = pages.read(PAGE)
    keys = {
        name
        for struct in (RootsConfig, ProcessConfig, SqlConfig)
        for name in struct.__struct_fields__
    }
    keys |= {*Program.__struct_fields__, *Parameter.__struct_fields__}

    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", page)] == []


def test_the_programs_keys_have_their_defaults() -> None:
    """What the table says is what a program without a word has."""
    rows = pages.rows(pages.section(PAGE, "## process"))
    defaults = {field.name: field.default for field in msgspec.structs.fields(Program)}

    assert {row[0].strip("`") for row in rows} == set(Program.__struct_fields__)
    for key, default, _ in rows:
        name = key.strip("`")
        if re.fullmatch(r"`?(?:[\d.]+|true|false)`?", default):
            assert json.loads(default.strip("`")) == defaults[name], name


def test_each_code_is_in_the_table() -> None:
    """Every error that a command raises, and no other."""
    table = pages.rows(pages.section(PAGE, "## When it fails"))
    listed = {code for row in table for code in re.findall(r"`(\w+)`", row[0])}
    raised = set(TEXTS) - IN_ROWS
    for name in PLUGINS:
        for file in (pages.ROOT / "plugins" / name).glob("*.py"):
            raised |= set(re.findall(r'code="(\w+)"', file.read_text("utf-8")))

    assert listed == raised


def test_the_formats_are_named() -> None:
    """Each end of a name that says what a file is."""
    page = pages.read(PAGE)

    assert [end for end in FORMATS if f"`{end}`" not in page] == []
