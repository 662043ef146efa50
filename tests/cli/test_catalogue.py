"""`taskhub plugins`, and what the shell completes: what the hub offers."""

import json
import re
from collections.abc import Callable

import pytest
from click.testing import Result

from hub.cli.api import Api, RefusedError
from hub.cli.catalogue import find_command, find_plugin, find_task
from hub.cli.exits import CommandError
from hub.cli.target import target_of
from hub.errors import InternalError
from tests.blackbox.server import HubProcess

Call = Callable[..., Result]


def test_plugins_are_a_table(call: Call) -> None:
    """One a line; what was refused below, with place and reason."""
    lines = call("plugins").stdout.splitlines()

    heads = ["PLUGIN", "VERSION", "SOURCE", "HEALTHY", "COMMANDS"]
    assert lines[0].split() == heads
    assert any(line.startswith("demo     1.0") for line in lines)
    assert any("(any name)" in line for line in lines if line.startswith("loose"))
    (refused,) = [line for line in lines if line.startswith("wrecked")]
    assert "wrecked.py:1" in refused
    assert "No module named 'nothing_of_that_name'" in refused


def test_plugins_as_json(call: Call) -> None:
    """All at once, or one a line."""
    whole = json.loads(call("plugins", "--output", "json").stdout)
    lines = call("plugins", "--output", "ndjson").stdout.splitlines()
    one = json.loads(call("plugins", "demo", "--output", "json").stdout)
    command = json.loads(call("plugins", "demo.rows", "--output", "ndjson").stdout)

    assert [json.loads(line)["name"] for line in lines] == [
        each["name"] for each in whole["plugins"]
    ]
    assert one["name"] == "demo"
    assert command["name"] == "rows"


def test_one_plugin_is_described(call: Call) -> None:
    """What it is, how it does, and each command."""
    text = call("plugins", "shapes").stdout

    assert text.startswith("shapes ")
    assert "Takes and says everything there is." in text
    assert "healthy  yes" in text
    assert "shapes.say    Say something in every way." in text
    assert "(any name)" not in call("plugins", "loose").stdout


def test_one_command_is_described(call: Call) -> None:
    """As its help does, and how it runs."""
    text = call("plugins", "shapes.kept").stdout

    assert "Usage: taskhub run shapes.kept [OPTIONS]" in text
    assert "runs as async, 300 s at most; answers are kept for 60 s" in text
    assert "answers are not kept" in call("plugins", "demo.rows").stdout


@pytest.mark.parametrize("name", ["nothing", "wrecked", "demo.nothing", "wrecked.x"])
def test_what_is_not_there_is_named(call: Call, name: str) -> None:
    """Exit code 2, and why."""
    result = call("plugins", name)

    assert result.exit_code == 2
    assert name.partition(".")[0] in result.stderr


class _Hub:
    """An `Api` whose answer is known."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def ask(self, *_: str, **__: str) -> object:
        """Answer."""
        return self._answer


def test_commands_that_are_not_served_say_why() -> None:
    """As the hub does."""
    command = {"name": "b", "refused": "it needs a process"}
    # The one method that is used.
    api: Api = _Hub({"name": "a", "commands": [command]})  # type: ignore[assignment]

    with pytest.raises(CommandError, match="is not served: it needs a process"):
        find_command(api, "a.b")


def test_tasks_have_an_id(hub: HubProcess) -> None:
    """An empty one would ask for something else."""
    api = Api(target_of({"url": hub.url}, {}))

    with pytest.raises(CommandError, match="not empty"):
        find_task(api, "")


def test_other_refusals_pass(hub: HubProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not about the name is no hint at another one."""

    def refuse(*_: object, **__: object) -> None:
        raise RefusedError(InternalError("A fault."))

    api = Api(target_of({"url": hub.url}, {}))
    monkeypatch.setattr(api, "ask", refuse)

    for find in (find_plugin, find_task):
        with pytest.raises(RefusedError, match=re.escape("A fault.")):
            find(api, "x")
