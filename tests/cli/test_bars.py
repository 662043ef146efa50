"""In a terminal: live bars, output above them, Ctrl-C, a hub that comes back."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.server import HubProcess
from tests.cli.conftest import PLUGINS
from tests.cli.programs import Program, Terminal

StartTerminal = Callable[..., Terminal]
StartProgram = Callable[..., Program]


def state_of(hub: HubProcess, task_id: str) -> str:
    """Return what the hub says of a task."""
    with hub.http() as http:
        return str(http.get(f"/api/v1/tasks/{task_id}").json()["status"])


def test_a_bar_is_shown_and_goes(terminal: StartTerminal) -> None:
    """With name, share, time and words; what is said stands above it."""
    screen = terminal("run", "shapes.wait", "--seconds", "1")

    screen.shows(r"INFO    waiting\n")
    screen.shows(r"shapes\.wait ━.* 25% 0:00:0\d waiting for the bus")
    assert screen.ended() == 0
    assert re.search(r"✓ shapes\.wait completed in 1\.\d s", screen.text)


def test_a_task_that_ends_at_once_shows_no_bar(terminal: StartTerminal) -> None:
    """Only that it was completed, and its result: indented, on a terminal."""
    screen = terminal("run", "demo.rows", "--count", "0")

    assert screen.ended() == 0
    assert "━" not in screen.text
    assert '{\n  "rows": 0\n}' in screen.text


def test_output_is_shown_as_what_it_is(terminal: StartTerminal) -> None:
    """Rows as a table, colours as such; nothing a task says moves the cursor."""
    screen = terminal("run", "shapes.say")

    assert screen.ended() == 0
    assert "WARNING careful" in screen.text
    assert "two\nlines\n" in screen.text
    assert "     n  word\n     1  one\n     2  two\n" in screen.text
    assert '[1,{"deep":true}]' in screen.text
    assert "<image/png, 2 bytes>" in screen.text
    assert "[notes] beside" in screen.text
    assert "\x1b[31mred" in screen.raw
    assert "\x1b[2J" not in screen.raw
    assert "\\x1b[2Jcleared" in screen.text


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_left_out(
    terminal: StartTerminal, variable: dict[str, str]
) -> None:
    """By NO_COLOR, or a terminal that has none."""
    screen = terminal("run", "shapes.say", env=variable)

    assert screen.ended() == 0
    assert "red" in screen.text
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", screen.raw)


def test_ctrl_c_cancels(terminal: StartTerminal, hub: HubProcess) -> None:
    """The task, and its end is waited for; exit code 3."""
    screen = terminal("run", "shapes.wait")
    screen.shows("waiting for the bus")

    screen.type("\x03")

    assert screen.ended() == 3
    assert "Ctrl-C once more does not wait for its end" in screen.text
    found = re.search(r"Error: shapes\.wait was cancelled \(task (\w+)\)", screen.text)
    assert found
    assert state_of(hub, found[1]) == "cancelled"


def test_ctrl_c_twice_does_not_wait(terminal: StartTerminal) -> None:
    """A task that does not stop at once is left, with the way to watch on."""
    screen = terminal("run", "demo.sleep", "--seconds", "30")
    screen.shows("demo.sleep ━")

    screen.type("\x03\x03")

    assert screen.ended() in (3, 130)  # the task may have been faster
    if screen.process.returncode == 130:
        assert re.search(r"not waiting for its end: taskhub watch \w+", screen.text)


def test_several_tasks_have_a_bar_each(
    terminal: StartTerminal, hub: HubProcess
) -> None:
    """Results come as they end; the exit code is the worst one."""
    with hub.http() as http:
        ids = [
            http.post(
                "/api/v1/tasks", json={"plugin": p, "command": c, "params": v}
            ).json()["task_id"]
            for p, c, v in (
                ("shapes", "wait", {"seconds": 2.5}),
                ("demo", "echo", {}),
                ("demo", "failure", {}),
                *[("demo", "sleep", {"seconds": 2})] * 13,
            )
        ]

    screen = terminal("watch", *ids, columns=120)

    screen.shows(rf"shapes\.wait {ids[0][-6:]} +━")
    screen.shows(r"\d more")
    assert screen.ended() == 1
    assert f"{ids[1]}  hello\n" in screen.text
    assert f"✓ shapes.wait {ids[0][-6:]} completed" in screen.text


def test_a_hub_that_comes_back_is_found_again(
    terminal: StartTerminal, tmp_path: Path
) -> None:
    """The bar says that it is looked for; the end is the task's own."""
    hub = HubProcess(tmp_path / "data", plugins=[PLUGINS]).start()
    screen = terminal("run", "--url", hub.url, "shapes.wait")
    screen.shows("waiting for the bus")

    hub.kill()
    screen.shows("reconnecting …")
    port = ("--port", str(hub.port))
    again = HubProcess(tmp_path / "data", *port, plugins=[PLUGINS]).start()

    assert screen.ended() == 1
    assert "hub_restarted" in screen.text
    again.stop()
