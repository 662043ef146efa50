"""Help: written whole, or an error."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hub.cli.commands import Command
from tests.blackbox.server import HubProcess


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["plugins", "--help"],
        ["new", "plugin", "--help"],
        ["config", "--help"],
        ["run", "demo.rows", "--help"],
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_help_that_cannot_be_written(
    hub: HubProcess, arguments: list[str], unbuffered: str
) -> None:
    """Is one line that says so, and exit code 1."""
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [sys.executable, "-m", "hub", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={
                **os.environ,
                "TASKHUB_URL": hub.url,
                "PYTHONUNBUFFERED": unbuffered,
            },
        )

    said = "Error: cannot write to standard output: No space left on device\n"
    assert (found.returncode, found.stderr) == (1, said)


def test_a_command_may_have_no_help() -> None:
    """Then there is nothing to write."""
    command = Command("x", add_help_option=False)

    assert command.get_help_option(click.Context(command)) is None
