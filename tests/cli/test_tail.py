"""`taskhub logs`: what a task has said, up to now or to its end."""

import json
from collections.abc import Callable

from click.testing import Result

from tests.cli.programs import Program, Terminal
from tests.cli.test_follow import task_in

Start = Callable[..., Program]
Call = Callable[..., Result]


def test_what_there_is_so_far(call: Call, program: Start) -> None:
    """Without --follow, `logs` ends with what a task has said by now."""
    process = program("run", "shapes.wait")
    task_id = task_in(process.wait_line("task "))
    process.wait_line("INFO    waiting")

    logged = call("logs", task_id)

    assert (logged.exit_code, logged.stdout) == (0, "INFO    waiting\n")
    assert call("cancel", task_id).stdout == f"{task_id}  is told to stop\n"
    assert process.ended()[0] == 3
    assert call("cancel", task_id).stdout == f"{task_id}  cancelled\n"
    found = json.loads(call("cancel", task_id, "--output", "ndjson").stdout)
    assert found["status"] == "cancelled"


def test_nothing_said_so_far_is_nothing(call: Call) -> None:
    """It is not waited for."""
    task_id = call("run", "--detach", "demo.sleep", "--seconds", "30").stdout.strip()

    logged = call("logs", task_id)

    assert (logged.exit_code, logged.output) == (0, "")
    call("cancel", task_id)


def test_what_ended_is_whole(call: Call) -> None:
    """With and without --follow."""
    task_id = task_in(call("run", "demo.rows", "--count", "3", "--pace-ms", "0").stderr)

    logged = call("logs", task_id).stdout

    assert logged.splitlines()[-1] == '{"n":3,"square":9,"cube":27}'
    assert call("logs", "-f", task_id).stdout == logged


def test_colours_are_for_terminals(
    terminal: Callable[..., Terminal], call: Call
) -> None:
    """Rows are a table there, and colours are shown; a pipe gets neither."""
    task_id = task_in(call("run", "shapes.say").stderr)

    plain = call("logs", task_id).stdout
    screen = terminal("logs", task_id)

    assert screen.ended() == 0
    assert "\x1b[31mred" in screen.raw
    assert "     n  word\n     1  one\n" in screen.text
    assert "\x1b" not in plain
    assert '{"n":1,"word":"one"}' in plain
