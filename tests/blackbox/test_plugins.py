"""Plugins of every kind: good ones, raising ones, refused ones; the hub lives on."""

from pathlib import Path

import pytest

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub
from tests.blackbox.server import PLUGINS, HubProcess

# Sources that a checker would refuse just as the hub does; written out when needed.
BROKEN = {
    "syntax": "from hub import Plugin\n\nclass Syntax(Plugin:\n    pass\n",
    "raising": "raise RuntimeError('at import, on purpose')\n",
    "nothing": "NUMBER = 5\n",
    "bare": (
        "from hub import Plugin, command\n\n\n"
        "class Bare(Plugin):\n    @command()\n"
        "    async def look(self, ctx, where):\n        return where\n"
    ),
    "unwell": (
        "from hub import PluginBase\n\n\n"
        "class Unwell(PluginBase):\n"
        "    def initialize(self, config): return False\n"
        "    def execute(self, command, params): return {}\n"
        "    def get_info(self): return {'name': 'unwell', 'commands': []}\n"
        "    def cleanup(self): pass\n"
        "    def is_healthy(self): return True\n"
    ),
    "_hidden": "raise RuntimeError('never imported, on purpose')\n",
}
TWIN = (
    "from hub import Plugin, command\n\n\n"
    "class Twin(Plugin):\n"
    "    @command()\n"
    "    async def which(self, ctx) -> str:\n"
    "        return '%s'\n"
)


def write_broken(folder: Path) -> Path:
    """Write the broken plugins into a folder."""
    folder.mkdir()
    for name, source in BROKEN.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    (folder / "no_main").mkdir()
    return folder


def test_task_errors_tell_people_and_programs(client: Client) -> None:
    """`TaskError`: its text is the error, its code and detail are in the failure."""
    reader = client.run("basic", "refuse")
    assert reader.response["status"] == "failed"
    assert reader.response["error"] == "API key is invalid or expired"
    assert (
        reader.failure
        == {
            "code": "plugin_error",
            "retry": True,
            "ran": "yes",
            "detail": {"code": "bad_key", "hint": "renew it"},
        }
        or reader.failure["detail"]["code"] == "bad_key"
    )


@pytest.mark.parametrize("command", ["boom", "boom_in_thread"])
def test_an_exception_is_one_failed_result(client: Client, command: str) -> None:
    """Its class and text reach the client, the traceback does not."""
    reader = client.run("basic", command)
    assert reader.response["error"] == "ValueError: broken on purpose"
    assert reader.failure["code"] == "plugin_error"
    assert "Traceback" not in str(reader.trail)
    client.fence()


def test_output_before_the_failure_stands(client: Client) -> None:
    """What was said is kept, and the result comes after it."""
    reader = client.run("basic", "boom_late")
    assert reader.output == ["before"]
    assert reader.response["error"] == "RuntimeError: late on purpose"


def test_a_classic_plugin_runs(client: Client) -> None:
    """Success, failure, progress and chunks by the classic contract."""
    assert client.run("old", "add", {"a": 2, "b": 3}).value == {"sum": 5}
    talked = client.run("old", "chat")
    assert (talked.output, talked.value) == (["said"], "chatted")
    assert client.run("old", "brief").value is None
    failed = client.run("old", "fails")
    assert failed.response["error"] == "no such city"
    assert failed.failure["code"] == "plugin_error"


@pytest.mark.parametrize("command", ["raises", "garbage", "mistyped", "empty", "none"])
def test_classic_garbage_is_one_failed_result(client: Client, command: str) -> None:
    """Raising or a malformed answer: failed, with a text, and the next task runs."""
    reader = client.run("old", command)
    assert reader.response["status"] == "failed", reader.response
    assert reader.response["error"]
    assert reader.failure["code"] == "plugin_error"
    assert client.run("old", "add", {"a": 1}).value == {"sum": 1}


def test_a_classic_async_plugin_takes_any_name(client: Client) -> None:
    """No list of commands: every name is one."""
    reader = client.run("old_async", "whatever", {"x": [1]})
    assert reader.value == {"command": "whatever", "params": {"x": [1]}}
    assert reader.output == ["whatever"]
    assert client.run("old_async", "raises").response["status"] == "failed"


@pytest.mark.parametrize("command", ["again", "again_on", "endless"])
def test_a_command_that_asks_too_much_is_refused_alone(
    client: Client, command: str
) -> None:
    """It is listed with its reason and cannot be run; its neighbours work."""
    error = client.refused("execute", plugin="demanding", command=command)
    assert error["ran"] == "no"
    assert error["code"] == "unknown_command"
    assert client.run("demanding", "plain").value == "plain"


def test_serve_prints_a_line_per_plugin(hub: HubProcess) -> None:
    """Whoever starts the hub sees what it offers."""
    line = hub.wait_line(r"^\s+basic\b").string
    assert "1.2" in line
    assert "noop" in line
    assert "add" in line


def test_bad_plugins_are_refused_and_the_hub_runs_on(
    make_hub: MakeHub, tmp_path: Path
) -> None:
    """Each with file and reason, at start and over HTTP; the others work."""
    folder = write_broken(tmp_path / "broken")
    hub = make_hub(plugins=[folder, PLUGINS]).start()
    for name, line in (("syntax", 3), ("raising", 1), ("bare", None)):
        told = hub.wait_line(rf"^\s+{name}\b.*refused").string
        assert f"{name}.py" in told
        assert line is None or f"{name}.py:{line}" in told, told
    with hub.client() as client, hub.http() as http:
        client.fence()
        for name in ("syntax", "raising", "nothing", "bare", "unwell"):
            error = client.refused("execute", plugin=name, command="look")
            assert error["code"] == "unknown_command"
        listed = http.get("/api/v1/plugins").text
        for name in ("syntax", "raising", "nothing", "bare", "unwell", "basic"):
            assert name in listed, name
        assert "_hidden" not in listed
        assert "no_main" not in listed


def test_one_name_twice_the_first_folder_wins(
    make_hub: MakeHub, tmp_path: Path
) -> None:
    """The other is reported as refused."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        source = TWIN % folder.name
        (folder / "twin.py").write_text(source, encoding="utf-8")
    hub = make_hub(plugins=[*folders, PLUGINS]).start()
    told = hub.wait_line(r"^\s+twin\b.*refused").string
    assert str(folders[1] / "twin.py") in told
    with hub.client() as client:
        assert client.run("twin", "which").value == "one"


def test_a_folder_with_main_is_a_plugin(make_hub: MakeHub, tmp_path: Path) -> None:
    """`NAME/main.py` is the plugin NAME."""
    folder = tmp_path / "homes" / "twin"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(TWIN % "main", encoding="utf-8")
    hub = make_hub(plugins=[folder.parent, PLUGINS]).start()
    with hub.client() as client:
        assert client.run("twin", "which").value == "main"


def test_strict_refuses_to_start_with_a_bad_plugin(
    make_hub: MakeHub, tmp_path: Path
) -> None:
    """`--strict`: the first bad plugin is the last word, with file and line."""
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "syntax.py").write_text(BROKEN["syntax"], encoding="utf-8")
    hub = make_hub("--strict", plugins=[folder]).launch()
    assert hub.ended() != 0
    assert "syntax.py:3" in hub.said()
    hub.look_for_trouble()


def test_strict_starts_with_good_plugins(make_hub: MakeHub, tmp_path: Path) -> None:
    """A good house passes."""
    folder = tmp_path / "good"
    folder.mkdir()
    (folder / "twin.py").write_text(TWIN % "good", encoding="utf-8")
    hub = make_hub("--strict", plugins=[folder]).start()
    with hub.client() as client:
        assert client.run("twin", "which").value == "good"
