"""A hub's plugins: found in order, refused with reasons, looked up, stopped."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.errors import PluginRefusedError, UnknownCommandError
from hub.plugin import report
from hub.plugin.command import Defaults
from hub.registry import Registry, Sources, bundled_folder, installed_entry_points

IMPORTS = """
import asyncio, sys, threading
from hub.plugin.command import command
from hub.plugin.contract import PluginBase
from hub.plugin.typed import Plugin
from msgspec import Struct
"""

TYPED = '''
class Typed(Plugin):
    """A typed plugin.

    More about it."""

    version = "1.0"

    class Config(Struct):
        """Settings."""

        word: str = "w"

    async def start(self):
        """Prepare."""
        {start}

    async def stop(self):
        """Finish."""
        {stop}

    async def healthy(self):
        """Answer."""
        {healthy}

    @command(ttl=True, public=True)
    async def say(self, ctx, n: int = 1) -> str:
        """Say the word."""
        return self.config.word * n

    @command(retries=2)
    async def again(self, ctx) -> None:
        """Wait for a later version."""
'''

CLASSIC = '''
class Classic(PluginBase):
    """A classic plugin."""

    def initialize(self, config):
        self.config = config
        {initialize}

    def execute(self, command, params):
        return {{"success": True, "result": [command, params, self.config]}}

    def get_info(self):
        {get_info}

    def cleanup(self):
        {cleanup}

    def is_healthy(self):
        {healthy}
'''


def typed(**bodies: str) -> str:
    """Return the source of a typed plugin."""
    usual = {"start": "pass", "stop": "pass", "healthy": "return True"}
    return IMPORTS + TYPED.format(**usual | bodies)


def classic(**bodies: str) -> str:
    """Return the source of a classic plugin."""
    usual = {
        "initialize": "return True",
        "get_info": 'return {"version": 2, "description": "D", "commands": ["do"]}',
        "cleanup": "pass",
        "healthy": "return True",
    }
    return IMPORTS + CLASSIC.format(**usual | bodies)


def shelf(path: Path, **files: str) -> Path:
    """Write plugins into a folder."""
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / f"{name}.py").write_text(text, "utf-8")
    return path


# Any: the options of a Registry.
def registry(*folders: Path, **options: Any) -> Registry:
    """Return a registry of folders, without what else is installed."""
    bundled = options.pop("bundled", None)
    points: Iterable[EntryPoint] = options.pop("entry_points", ())
    sources = Sources(folders=folders, entry_points=lambda: points, bundled=bundled)
    return Registry(sources, **options)


async def loaded(*folders: Path, **options: Any) -> Registry:
    """Return a registry that has been loaded."""
    found = registry(*folders, **options)
    await found.load()
    return found


def reasons(found: Registry) -> dict[str, tuple[int | None, str]]:
    """Return line and reason of what was refused, by name."""
    return {each.name: (each.line, each.reason) for each in found.refused()}


def line_of(text: str, part: str) -> int:
    """Return the line on which a part of a source stands."""
    return text[: text.index(part)].count("\n") + 1


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


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        (
            typed(start="raise OSError('no network')"),
            "raise OSE",
            "OSError: no network",
        ),
        (typed(start="sys.exit(4)"), "sys.exit", "it called sys.exit(4)"),
        (
            typed(start="raise asyncio.CancelledError"),
            "raise asyncio",
            "CancelledError",
        ),
        (
            classic(initialize="return False"),
            "def initialize",
            "initialize() returned False",
        ),
        (classic(initialize="raise StopIteration"), "raise Stop", "StopIteration"),
        (classic(initialize="sys.exit()"), "sys.exit", "it called sys.exit(None)"),
        (classic(get_info="return 3"), "def get_info", "get_info(): it returned int"),
        (classic(get_info="1 / 0"), "1 / 0", "ZeroDivisionError: division by zero"),
        (typed() + "    def __init__(self, x): ...\n", "class Typed", "TypeError: "),
        (typed() + "    def __init__(self): 1 / 0\n", "1 / 0", "ZeroDivisionError: "),
        (
            typed() + "    @command\n    async def bad(self, ctx, x): ...\n",
            "@command\n    async def bad",
            "bad: parameter 'x' has no annotation",
        ),
        (typed().replace('"1.0"', "1.0"), "class Typed", "version 1.0 is not text"),
        (typed() + "    name = 'No'\n", "class Typed", "the name 'No' does not match"),
    ],
)
async def test_a_plugin_that_cannot_start_stays_out(
    tmp_path: Path, text: str, at: str, reason: str
) -> None:
    """With file, line and reason; the others run."""
    folder = shelf(tmp_path, bad=text, good=typed())

    hub = await loaded(folder)

    assert [each.name for each in hub.plugins()] == ["good"]
    (refusal,) = hub.refused()
    assert (refusal.file, refusal.line) == (str(folder / "bad.py"), line_of(text, at))
    assert refusal.reason.startswith(reason)
    with pytest.raises(UnknownCommandError):
        hub.lookup("bad", "say")
    await hub.close()


async def test_a_forgotten_return_of_initialize_is_forgiven(tmp_path: Path) -> None:
    """None is no clear no."""
    hub = await loaded(shelf(tmp_path, one=classic(initialize="pass")))

    assert hub.refused() == []
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


async def test_refusals_are_logged_with_their_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """File, line and reason, and what Python had to say."""
    caplog.set_level(logging.ERROR)
    folder = shelf(tmp_path, bad="\n1 / 0\n")

    hub = await loaded(folder)

    assert f"plugin bad refused: {folder}/bad.py:2: ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text
    await hub.close()


async def test_strict_starts_with_all_or_not_at_all(tmp_path: Path) -> None:
    """What had been started is stopped again."""
    stopped = tmp_path / "stopped"
    folder = shelf(
        tmp_path / "plugins",
        bad="import not_there\n",
        good=typed(stop=f"open({str(stopped)!r}, 'w').close()"),
    )
    hub = registry(folder, strict=True)

    with pytest.raises(PluginRefusedError) as caught:
        await hub.load()

    assert (caught.value.file, caught.value.line) == (str(folder / "bad.py"), 1)
    assert stopped.exists()
    assert hub.plugins() == []
    fine = await loaded(shelf(tmp_path / "fine", good=typed()), strict=True)
    await fine.close()


async def test_plugins_start_side_by_side(tmp_path: Path) -> None:
    """One that takes its time does not hold up the next."""
    meeting = (
        "loop = asyncio.get_running_loop()\n"
        "        loop.meeting = getattr(loop, 'meeting', None) or asyncio.Barrier(2)\n"
        "        async with asyncio.timeout(20):\n"
        "            await loop.meeting.wait()"
    )

    hub = await loaded(
        shelf(tmp_path, one=typed(start=meeting), two=typed(start=meeting))
    )

    assert [each.name for each in hub.plugins()] == ["one", "two"]
    await hub.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda: typed(healthy="return False"),
        lambda: typed(healthy="raise OSError"),
        lambda: typed(healthy="sys.exit()"),
        lambda: typed(healthy="await asyncio.Event().wait()"),
        lambda: classic(healthy="return 0"),
        lambda: classic(healthy="raise OSError"),
        lambda: classic(healthy="threading.Event().wait(5)"),
    ],
)
async def test_a_plugin_is_unhealthy_until_it_says_otherwise(
    tmp_path: Path, make: Callable[[], str]
) -> None:
    """No, an error, and no answer in time are the same; it stays loaded."""
    hub = await loaded(shelf(tmp_path, one=make(), two=typed()), health_s=0.05)

    await hub.check_health()

    assert [each.healthy for each in hub.plugins()] == [False, True]
    await hub.close()


async def test_a_plugin_that_owes_an_answer_is_not_asked_again(tmp_path: Path) -> None:
    """Asking for the health of a hanging plugin piles up nothing."""
    hub = await loaded(
        shelf(tmp_path, one=classic(healthy="return threading.Event().wait(5)")),
        health_s=0.02,
    )
    before = threading.active_count()

    for _ in range(5):
        await hub.check_health()

    assert threading.active_count() <= before + 1
    await hub.close()


async def test_health_can_come_back(tmp_path: Path) -> None:
    """The last answer counts."""
    flag = tmp_path / "flag"
    body = f"return __import__('os').path.exists({str(flag)!r})"
    hub = await loaded(shelf(tmp_path / "plugins", one=typed(healthy=body)))

    await hub.check_health()
    assert not hub.plugins()[0].healthy
    flag.touch()
    await hub.check_health()

    assert hub.plugins()[0].healthy
    await hub.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (typed(stop="raise OSError('stuck')"), "cleanup failed: OSError: stuck"),
        (typed(stop="await asyncio.Event().wait()"), "cleanup took over 0.05 s"),
        (classic(cleanup="sys.exit()"), "cleanup failed: SystemExit"),
        (classic(cleanup="threading.Event().wait(5)"), "cleanup took over 0.05 s"),
    ],
)
async def test_closing_ends_whatever_plugins_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    """Errors and delays are logged, and nothing can be looked up afterwards."""
    hub = await loaded(shelf(tmp_path, one=text), health_s=0.05)

    async with asyncio.timeout(10):
        await hub.close()

    assert f"plugin one: {said}" in caplog.text
    with pytest.raises(UnknownCommandError):
        hub.lookup("one", "say")


async def test_a_classic_plugin_that_is_refused_cleans_up(tmp_path: Path) -> None:
    """What `initialize` took is let go where `get_info` is wrong."""
    cleaned = tmp_path / "cleaned"
    text = classic(
        get_info="return None", cleanup=f"open({str(cleaned)!r}, 'w').close()"
    )

    hub = await loaded(shelf(tmp_path / "plugins", one=text))

    assert cleaned.exists()
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
