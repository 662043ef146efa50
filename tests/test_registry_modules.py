"""Which modules are loaded anew when code changes, and which ones stay."""

import asyncio
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hub.plugin.direct import run_directly
from hub.registry import Registry
from tests.shelves import again, reasons, registry, say, shelf, watched, word


async def shared(hub: Registry, plugin: str) -> list[int]:
    """Return what is in a list that plugins share, and its identity."""
    said = await say(hub, plugin)
    assert isinstance(said, list)
    return said


def bytecode(folder: Path) -> list[Path]:
    """Return the folders of bytecode beneath a folder."""
    return list(folder.rglob("__pycache__"))


async def test_a_package_is_reloaded_whole(tmp_path: Path) -> None:
    """Submodules, however deep and however quickly they change; no bytecode is left."""
    package = tmp_path / "one"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "words.py").write_text("from .deep.value import VALUE\n")
    (package / "deep" / "value.py").write_text("VALUE = 1\n")
    (package / "main.py").write_text(word("VALUE", head="from .words import VALUE\n"))
    hub = await watched(tmp_path)
    assert await say(hub) == 1

    for number in (2, 3, 4):
        (package / "deep" / "value.py").write_text(f"VALUE = {number}\n")
        await again(hub)
        assert await say(hub) == number

    (package / "words.py").unlink()
    await again(hub)
    assert await say(hub) == 4
    assert "No module named" in reasons(hub)["one"][1]
    (package / "words.py").write_text("VALUE = 5\n")
    await again(hub)
    assert await say(hub) == 5
    assert bytecode(tmp_path) == []
    await hub.close()


async def test_a_neighbour_concerns_all_of_its_folder(tmp_path: Path) -> None:
    """What plugins share is shared by the reloaded ones, too."""
    head = "from ._shared import NAMES\n"
    shelf(
        tmp_path,
        _shared="NAMES = [1]\n",
        one=word("[*NAMES, id(NAMES)]", head),
        two=word("[*NAMES, id(NAMES)]", head),
    )
    hub = await watched(tmp_path)
    assert await say(hub) == await say(hub, "two")

    shelf(tmp_path, _shared="NAMES = [2]\n")
    await again(hub)
    assert (await shared(hub, "one"))[0] == 2
    assert await say(hub) == await say(hub, "two")

    shelf(tmp_path, one=word("[*NAMES, id(NAMES)]", head, version="2"))
    await again(hub)
    assert await say(hub) == await say(hub, "two"), "what did not change stays one"
    await hub.close()


async def test_old_code_keeps_its_own_modules(tmp_path: Path) -> None:
    """A run of the old code sees the values and the submodules it began with."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "value.py").write_text("VALUE = 1\n")
    text = word("__import__('sys').modules[__package__ + '.value'].VALUE")
    (tmp_path / "one" / "main.py").write_text(text + "\nfrom . import value\n")
    hub = await watched(tmp_path)
    old, lease = hub.lookup("one", "say"), hub.lease("one")

    (tmp_path / "one" / "value.py").write_text("VALUE = 2\n")
    await again(hub)

    assert (await run_directly(old, None), await say(hub)) == (1, 2)
    modules = [name for name in sys.modules if ".one.value" in name]
    lease.release()
    await asyncio.sleep(0)
    await hub.close()
    assert not set(modules) & set(sys.modules)


async def test_an_entry_point_under_development_is_reloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its package is imported anew, once; if that fails the old modules return."""
    package = tmp_path / "reload_ep"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "value.py").write_text("VALUE = [1]\n")
    head = "from reload_ep.value import VALUE\n"
    (package / "a.py").write_text(word("[*VALUE, id(VALUE)]", head))
    (package / "b.py").write_text(word("[*VALUE, id(VALUE)]", head))
    monkeypatch.syspath_prepend(tmp_path)
    group = "taskhub.plugins"
    points = [EntryPoint(each, f"reload_ep.{each}:Word", group) for each in "ab"]
    hub = await watched(entry_points=points)
    assert hub.finder.roots() == [package]
    assert await say(hub, "a") == await say(hub, "b")

    (package / "value.py").write_text("VALUE = [2]\n")
    await again(hub)
    assert (await shared(hub, "a"))[0] == 2
    assert await say(hub, "a") == await say(hub, "b")

    served = sys.modules["reload_ep.a"]
    (package / "value.py").write_text("VALUE = [3\n")
    await again(hub)
    assert (await shared(hub, "b"))[0] == 2
    assert reasons(hub)["a"][0] == 1
    assert sys.modules["reload_ep.a"] is served

    (package / "value.py").write_text("VALUE = [4]\n")
    await again(hub)
    assert (await shared(hub, "a"))[0] == 4
    assert await say(hub, "a") == await say(hub, "b")
    await hub.close()
    for name in [each for each in sys.modules if each.startswith("reload_ep")]:
        del sys.modules[name]


@pytest.mark.parametrize("value", ["msgspec:Struct", "hub:Plugin", "no_such:Thing"])
async def test_what_is_installed_is_sealed(value: str) -> None:
    """Nobody edits it, and the hub does not import itself anew."""
    point = EntryPoint("sealed", value, "taskhub.plugins")
    hub = registry(entry_points=[point], watchful=True)

    (candidate,) = hub.finder.look().candidates

    assert hub.finder.roots() == []
    assert candidate.within is None
