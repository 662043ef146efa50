"""Where a plugin comes from, and loading it by that."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hub.errors import PluginRefusedError
from hub.plugin.origin import Origin, Stock
from hub.registry import Registry, Sources

PLUGIN = """
from hub import Plugin, TaskContext, command
{imports}

class Apart(Plugin):
    name = "renamed"

    @command(isolation="process")
    def far(self, ctx: TaskContext, word: str = WORD) -> str:
        return word

    @command
    def near(self, ctx: TaskContext) -> None: ...
"""
OLD = """
from hub import PluginBase

class Old(PluginBase):
    def initialize(self, config): return True
    def execute(self, command, params): return {"success": True, "result": command}
    def get_info(self): return {"commands": [{"name": "far", "isolation": "process"}]}
    def cleanup(self): pass
    def is_healthy(self): return True
"""
PLAIN = OLD.replace('{"name": "far", "isolation": "process"}', '"near"')


async def origins(*folders: Path) -> list[Origin]:
    """Return where the plugins of folders with commands in processes come from."""
    registry = Registry(Sources(folders=folders, entry_points=list), strict=True)
    await registry.load()
    found = registry.apart()
    await registry.close()
    return found


async def test_files_and_folders_are_loaded_again(tmp_path: Path) -> None:
    """By what the registry says of them; those without such commands are not named."""
    (tmp_path / "file.py").write_text(PLUGIN.format(imports="WORD = 'file'"))
    (tmp_path / "old.py").write_text(OLD)
    (tmp_path / "plain.py").write_text(PLAIN)
    other = tmp_path / "other"
    (other / "folder").mkdir(parents=True)
    (other / "folder" / "words.py").write_text("WORD = 'folder'")
    main = PLUGIN.format(imports="from .words import WORD").replace("renamed", "moved")
    (other / "folder" / "main.py").write_text(main)

    found = await origins(tmp_path, other)

    assert [each.name for each in found] == ["renamed", "old", "moved"]
    stock = Stock()
    classes = [stock.load(each) for each in found]
    assert [each.__name__ for each in classes] == ["Apart", "Old", "Apart"]
    assert [stock.load(each) for each in found] == classes


async def test_a_broken_one_is_refused_here_too(tmp_path: Path) -> None:
    """With file and line, as in the hub."""
    path = tmp_path / "file.py"
    path.write_text(PLUGIN.format(imports="WORD = 'file'"))
    [origin] = await origins(tmp_path)
    path.write_text("1 / 0")

    with pytest.raises(PluginRefusedError, match=r"file.py:1: ZeroDivisionError"):
        Stock().load(origin)


def test_entry_points_are_loaded_by_their_value() -> None:
    """Where the class is no file of a folder."""
    value = "tests.plugin.sample_origin:Sample"
    origin = Origin(name="sample", file="tests.plugin.sample_origin", entry=value)

    assert Stock().load(origin) is EntryPoint("sample", value, "g").load()
