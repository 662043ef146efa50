"""`taskhub` itself: what it knows, and what it says about it."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hub import cli
from hub.cli import main
from hub.version import VERSION

UNMEASURED = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
"""The environment without what measures coverage, which imports a lot itself."""


@pytest.fixture
def run() -> CliRunner:
    """Run commands in this process."""
    return CliRunner()


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands(run: CliRunner, option: str) -> None:
    """Each with a sentence."""
    result = run.invoke(main, [option])

    assert result.exit_code == 0
    for name in cli.COMMANDS:
        assert name in result.output
    assert "Start the hub" in result.output


def test_the_version_is_told(run: CliRunner) -> None:
    """That of the installed distribution."""
    result = run.invoke(main, ["--version"])

    assert (result.exit_code, result.output) == (0, f"taskhub, version {VERSION}\n")


@pytest.mark.parametrize("arguments", [["nothing"], ["--nothing"], ["serve", "x"]])
def test_what_is_unknown_is_a_usage_error(run: CliRunner, arguments: list[str]) -> None:
    """Exit code 2, and a hint where to look."""
    result = run.invoke(main, arguments)

    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_a_command_costs_what_it_needs() -> None:
    """Importing the program imports no command, server or engine."""
    code = "import sys, hub.cli; print(*sorted(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=UNMEASURED,
    )
    modules = set(found.stdout.split())

    assert "click" in modules
    heavy = {"uvicorn", "starlette", "sqlite3", "asyncio", "hub.node", "hub.cli.serve"}
    assert modules & heavy == set()


def test_what_is_no_command_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that names something else as its command is found out."""
    monkeypatch.setitem(cli.COMMANDS, "wrong", "tests.cli.wrong")
    monkeypatch.syspath_prepend(Path(__file__).parent)
    module = type(sys)("tests.cli.wrong")
    module.command = print  # type: ignore[attr-defined]  # what is wrong with it
    monkeypatch.setitem(sys.modules, "tests.cli.wrong", module)

    result = CliRunner().invoke(main, ["wrong"])

    assert isinstance(result.exception, TypeError)


def test_the_package_is_the_program() -> None:
    """`python -m hub` is `taskhub`."""
    found = subprocess.run(
        [sys.executable, "-m", "hub", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == f"taskhub, version {VERSION}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "Did you mean 'taskhub run'?"),
        (["demo.rows"], "Did you mean 'taskhub run demo.rows'?"),
        (["plugin"], "Did you mean 'taskhub plugins'?"),
        (["wacht"], "Did you mean 'taskhub watch'?"),
        (["zzzzzz"], "No such command 'zzzzzz'.\n"),
        (["pluginss"], "Did you mean 'taskhub plugins'?"),
        (["erve"], "Did you mean 'taskhub serve'?"),
        (["bogus"], "No such command 'bogus'.\n"),
        (["--url", "x", "run"], "--url stands behind a command's name"),
    ],
)
def test_what_may_be_meant_is_said(
    run: CliRunner, arguments: list[str], said: str
) -> None:
    """A command that is close, a hub's command, the place of an option."""
    result = run.invoke(main, arguments)

    assert result.exit_code == 2
    assert said in result.stderr


def test_ctrl_c_is_no_error(run: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends a command without a word, with the code that shells expect."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hub.cli.api.Api.ask", interrupted)

    result = run.invoke(main, ["plugins"])

    assert (result.exit_code, result.output) == (cli.INTERRUPTED, "")


def test_only_its_own_commands_are_there() -> None:
    """What is asked for by another name is not."""
    assert main.get_command(click.Context(main), "nothing") is None
