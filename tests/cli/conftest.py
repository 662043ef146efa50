"""A hub for the commands of the terminal, which run in this process or in theirs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from tests.blackbox.server import HubProcess
from tests.cli.programs import ENVIRON, Program, Terminal

PLUGINS = Path(__file__).parent / "plugins"

Call = Callable[..., Result]


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """Start a hub with plugins of every shape; Ctrl-C must end it cleanly."""
    folder = tmp_path_factory.mktemp("cli")
    broken = folder / "broken"
    broken.mkdir()
    (broken / "wrecked.py").write_text("import nothing_of_that_name\n")
    started = HubProcess(folder / "data", plugins=[PLUGINS, broken]).start()
    yield started
    started.stop()


@pytest.fixture
def call(hub: HubProcess) -> Call:
    """Give a function that calls a command in this process."""

    def invoke(*arguments: str, stdin: str | bytes | None = None) -> Result:
        environ = {**ENVIRON, "TASKHUB_URL": hub.url, "TERM": "xterm"}
        return CliRunner().invoke(main, arguments, input=stdin, env=environ)

    return invoke


@pytest.fixture
def program(hub: HubProcess) -> Iterator[Callable[..., Program]]:
    """Give a function that starts the program with pipes."""
    started: list[Program] = []

    def start(*arguments: str, **more: object) -> Program:
        # The keywords are the Program's own.
        made = Program(hub.url, arguments, **more)  # type: ignore[arg-type]
        started.append(made)
        return made

    yield start
    for each in started:
        each.close()


@pytest.fixture
def terminal(hub: HubProcess) -> Iterator[Callable[..., Terminal]]:
    """Give a function that starts the program in a terminal of its own."""
    started: list[Terminal] = []

    def start(*arguments: str, **more: object) -> Terminal:
        # The keywords are the Terminal's own.
        made = Terminal(hub.url, arguments, **more)  # type: ignore[arg-type]
        started.append(made)
        return made

    yield start
    for each in started:
        each.close()
