"""What a shell completes: commands, the hub's commands, their flags and values."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result

from tests.blackbox.server import HubProcess
from tests.cli.programs import environ

Call = Callable[..., Result]


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
        ("taskhub run shapes.take Ada ", []),
        ("taskhub run shapes.take --dry-run ", []),
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
