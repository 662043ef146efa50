"""A hub's plugins: found in order, looked up, reported, configured."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.errors import UnknownCommandError
from hub.plugin import report
from hub.plugin.command import Defaults
from hub.registry import bundled_folder, installed_entry_points
from tests.shelves import classic, line_of, loaded, reasons, shelf, typed


async def test_plugins_are_found_and_looked_up(tmp_path: Path) -> None:
    """Both kinds, by plugin and command."""
    hub = await loaded(shelf(tmp_path, one=typed(), two=classic()))

    spec = hub.lookup("one", "say")
    assert (spec.plugin, spec.name, spec.version) == ("one", "say", "1.0")
    assert await spec.call(None, spec.parse(b'{"n":2}').params) == "ww"  # type: ignore[arg-type]  # no context is looked at
    do = hub.lookup("two", "do")
    assert do.call(None, do.parse(b"{}").params) == ["do", {}, {}]  # type: ignore[arg-type]  # as above
    assert hub.refused() == []
    await hub.close()


@pytest.mark.parametrize(
    ("plugin", "command", "text"),
    [
        ("none", "say", "There is no plugin 'none'."),
        ("one", "sing", "The plugin 'one' has no command 'sing'."),
        ("one", "again", "one.again is not served: this version of the hub"),
        ("x" * 99999, "y", "There is no plugin"),
        ("one", "y" * 99999, "has no command"),
    ],
)
async def test_what_is_not_there_is_unknown(
    tmp_path: Path, plugin: str, command: str, text: str
) -> None:
    """With a short text that says what is missing."""
    hub = await loaded(shelf(tmp_path, one=typed()))

    with pytest.raises(UnknownCommandError) as caught:
        hub.lookup(plugin, command)

    assert text in caught.value.message
    assert len(caught.value.message) < 200
    await hub.close()


async def test_reports_are_ready_for_json(tmp_path: Path) -> None:
    """With commands, schemas, options, statistics and health."""
    hub = await loaded(
        shelf(tmp_path, b_typed=typed(), a_classic=classic()),
        defaults=Defaults(ttl_s=60.0, timeout_s=30.0),
    )
    hub.record("b_typed", True, 20.0)
    hub.record("b_typed", False, 5.0)
    hub.record("unknown", True, 1.0)

    # Any: JSON.
    said: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(hub.plugins()))

    assert [each["name"] for each in said] == ["a_classic", "b_typed"]
    plain, rich = said
    assert (plain["version"], plain["description"]) == ("2", "D")
    assert (rich["version"], rich["description"]) == ("1.0", "A typed plugin.")
    assert rich["source"] == "folder"
    assert rich["file"] == str(tmp_path / "b_typed.py")
    assert rich["healthy"] is True
    assert rich["statistics"] == {
        "calls": 2,
        "successes": 1,
        "failures": 1,
        "total_ms": 25.0,
    }
    say, again = rich["commands"]
    assert say.pop("schema")["properties"]["n"]["type"] == "integer"
    assert say == {
        "name": "say",
        "description": "Say the word.",
        "ttl": 60.0,
        "public": True,
        "localized": False,
        "isolation": "async",
        "timeout": 30.0,
        "idempotent": False,
        "streaming": False,
        "concurrency": None,
        "pool": "default",
    }
    assert "retries" in again["refused"]
    await hub.close()


async def test_statistics_of_classic_plugins_are_kept_too(tmp_path: Path) -> None:
    """The worker records every run, whatever the kind of plugin."""
    hub = await loaded(shelf(tmp_path, one=classic()))

    hub.record("one", True, 3.0)

    assert hub.plugins()[0].statistics.calls == 1
    await hub.close()


async def test_the_first_source_owns_a_name(tmp_path: Path) -> None:
    """Folders in order, then entry points, then the bundled; the others are refused."""
    first = shelf(tmp_path / "first", same=typed())
    second = shelf(tmp_path / "second", same=typed(), other=typed())
    bundled = shelf(tmp_path / "bundled", same=typed(), other=typed(), third=typed())

    hub = await loaded(first, second, first, bundled=bundled)

    files = {each.name: (each.source, each.file) for each in hub.plugins()}
    assert files == {
        "same": ("folder", str(first / "same.py")),
        "other": ("folder", str(second / "other.py")),
        "third": ("bundled", str(bundled / "third.py")),
    }
    refused = [(each.name, each.file, each.reason) for each in hub.refused()]
    assert refused == [
        (
            "same",
            str(second / "same.py"),
            f"the name 'same' belongs to {first}/same.py",
        ),
        (
            "other",
            str(bundled / "other.py"),
            f"the name 'other' belongs to {second}/other.py",
        ),
        (
            "same",
            str(bundled / "same.py"),
            f"the name 'same' belongs to {first}/same.py",
        ),
    ]
    await hub.close()


async def test_a_broken_plugin_keeps_its_name(tmp_path: Path) -> None:
    """One's own mistake does not silently bring back the bundled plugin."""
    mine = shelf(tmp_path / "mine", same="def f(:\n")
    bundled = shelf(tmp_path / "bundled", same=typed())

    hub = await loaded(mine, bundled=bundled)

    assert hub.plugins() == []
    assert [each.file for each in hub.refused()] == [
        str(mine / "same.py"),
        str(bundled / "same.py"),
    ]
    await hub.close()


async def test_entry_points_are_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the class's name or the entry point's; broken ones are refused."""
    shelf(tmp_path, registry_ep=typed(start="1 / 0"), registry_ok=typed())
    monkeypatch.syspath_prepend(tmp_path)
    group = "taskhub.plugins"
    points = [
        EntryPoint("good", "registry_ok:Typed", group),
        EntryPoint("bad", "registry_ep:Typed", group),
        EntryPoint("gone", "registry_gone:Typed", group),
    ]

    hub = await loaded(entry_points=points)

    assert [(each.name, each.source) for each in hub.plugins()] == [
        ("good", "entry point")
    ]
    line = line_of(typed(start="1 / 0"), "1 / 0")
    assert reasons(hub)["bad"] == (line, "ZeroDivisionError: division by zero")
    assert "ModuleNotFoundError" in reasons(hub)["gone"][1]
    await hub.close()


def test_installed_entry_points_can_be_listed() -> None:
    """In an order that does not change."""
    assert list(installed_entry_points()) == list(installed_entry_points())


def test_the_bundled_plugins_are_there() -> None:
    """In a checkout beside the package."""
    assert (bundled_folder() / "demo.py").is_file()


async def test_a_folder_that_is_missing_is_reported(tmp_path: Path) -> None:
    """The hub runs on with the others."""
    hub = await loaded(tmp_path / "none", shelf(tmp_path / "some", one=typed()))

    assert [each.name for each in hub.plugins()] == ["one"]
    assert "cannot be read" in reasons(hub)["none"][1]
    await hub.close()


async def test_configuration_reaches_the_plugin(tmp_path: Path) -> None:
    """A Config for typed ones, a dict for classic ones."""
    config = {"one": {"word": "x"}, "two": {"word": 3}}
    hub = await loaded(shelf(tmp_path, one=typed(), two=classic()), config=config)

    say, do = hub.lookup("one", "say"), hub.lookup("two", "do")
    assert await say.call(None, say.parse(b"{}").params) == "x"  # type: ignore[arg-type]  # no context is looked at
    assert do.call(None, {}) == ["do", {}, {"word": 3}]  # type: ignore[arg-type]  # as above
    await hub.close()


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"word": 3}, "[plugin.one] word: Expected `str`, got `int`"),
        ({"volume": "x"}, "[plugin.one] has no key 'volume'; the keys are: word"),
    ],
)
async def test_a_wrong_configuration_keeps_the_plugin_out(
    tmp_path: Path, table: Mapping[str, object], reason: str
) -> None:
    """The reason names the key."""
    hub = await loaded(shelf(tmp_path, one=typed()), config={"one": table})

    assert reasons(hub) == {"one": (line_of(typed(), "class Typed"), reason)}
    await hub.close()


async def test_a_classic_plugin_may_have_a_config_too(tmp_path: Path) -> None:
    """It is checked, and the plugin gets its dict."""
    text = classic() + "    class Config(Struct):\n        word: str\n"
    folder = shelf(tmp_path, one=text)

    good = await loaded(folder, config={"one": {"word": "x"}})
    bad = await loaded(folder)

    assert good.lookup("one", "do").call(None, {}) == ["do", {}, {"word": "x"}]  # type: ignore[arg-type]  # no context is looked at
    assert "missing required field `word`" in reasons(bad)["one"][1]
    await good.close()
    await bad.close()


async def test_configuration_for_nobody_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A misspelt `[plugin.NAME]` is not ignored in silence."""
    hub = await loaded(shelf(tmp_path, one=typed()), config={"other": {}})

    assert "[plugin.other] configures a plugin that was not found" in caplog.text
    await hub.close()


async def test_an_open_plugin_takes_any_command(tmp_path: Path) -> None:
    """Where `get_info` lists none; bad names are unknown all the same."""
    hub = await loaded(shelf(tmp_path, one=classic(get_info="return {}")))

    assert hub.lookup("one", "whatever").call(None, {}) == ["whatever", {}, {}]  # type: ignore[arg-type]  # no context is looked at
    with pytest.raises(UnknownCommandError):
        hub.lookup("one", "Not A Name")
    assert hub.plugins()[0].version == "0"
    await hub.close()


def test_a_refused_command_says_so_only_then() -> None:
    """The field is left out where there is nothing to say."""
    assert report.CommandReport.__struct_fields__[-1] == "refused"
