"""`taskhub plugins`, and what the shell completes: what the hub offers."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from hub.cli.api import Api
from hub.cli.catalogue import find_command, find_plugin, find_task
from hub.cli.exits import CommandError
from hub.cli.target import Target
from tests.blackbox.server import HubProcess
from tests.cli.programs import environ

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

    def ask(self, *_: str) -> object:
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
    with (
        Api(Target(root=hub.url)) as api,
        pytest.raises(CommandError, match="not empty"),
    ):
        find_task(api, "")


def test_other_refusals_pass(hub: HubProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not about the name is no hint at another one."""
    with Api(Target(root=hub.url)) as api:
        monkeypatch.setattr(api, "_base", "/api/v1/tasks/nothing#")
        with pytest.raises(click.ClickException):
            find_plugin(api, "x")


def complete(hub: HubProcess, words: str) -> list[str]:
    """Ask as a shell does what may come at the end of a line."""
    count = len(words.split(" ")) - 1
    asked = {
        "_TASKHUB_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(count),
    }
    done = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "taskhub")],  # noqa: PTH118, PTH120  # as a shell finds it
        env=environ(hub.url, asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("taskhub pl", ["plain,plugins"]),
        ("taskhub run shapes.k", ["plain,shapes.kept"]),
        ("taskhub plugins shapes.s", ["plain,shapes.say"]),
        ("taskhub run shapes.take --dry", ["plain,--dry-run", "plain,--dry_run"]),
        ("taskhub run shapes.take --size ", ["plain,small", "plain,large"]),
        ("taskhub run shapes.take --name x", ["file,x"]),
        ("taskhub run shapes.take --det", ["plain,--detach"]),
        ("taskhub run --prio", ["plain,--priority"]),
        ("taskhub run --priority h", ["plain,high"]),
        ("taskhub run shapes.take ", []),
        ("taskhub run no.such --x", []),
        ("taskhub run no.such --x ", []),
    ],
)
def test_what_is_typed_is_completed(
    hub: HubProcess, line: str, offered: list[str]
) -> None:
    """Commands, the hub's commands, their flags, and the flags' values."""
    assert complete(hub, line) == offered


def test_without_a_hub_nothing_is_offered(hub: HubProcess) -> None:
    """And nothing is said."""
    gone = HubProcess(hub.data)
    gone.url = "http://127.0.0.1:1"

    assert complete(gone, "taskhub run demo.") == []
    assert complete(gone, "taskhub run demo.rows --count ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(call: Call, shell: str) -> None:
    """Is printed, to be evaluated."""
    result = call("completion", shell)

    assert result.exit_code == 0
    assert "_TASKHUB_COMPLETE" in result.stdout


def test_the_script_is_one_for_bash() -> None:
    """A real one takes it."""
    done = subprocess.run(
        [
            *("bash", "--norc", "-c"),
            f'eval "$({sys.executable} -m hub completion bash)"; complete -p taskhub',
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "complete -o nosort -F _taskhub_completion taskhub\n"
