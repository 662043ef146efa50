"""A hub that is not there yet: who waits for it, how long, and what is said."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from hub.cli.api import Api, NoHubError
from hub.cli.target import target_of
from hub.client.shapes import PluginsAnswer
from tests.blackbox.server import HubProcess
from tests.cli.conftest import PLUGINS
from tests.cli.programs import Program
from tests.cli.test_follow import task_in

Start = Callable[..., Program]
Call = Callable[..., Result]


def test_what_was_just_restarting_is_waited_for(
    program: Start, call: Call, tmp_path: Path
) -> None:
    """`run`, `watch` and `logs -f` say so at once, and go on when the hub is back."""
    hub = HubProcess(tmp_path / "data", plugins=[PLUGINS]).start()
    at = ("--url", hub.url)
    ran = call("run", *at, "--output", "json", "demo.echo", "--value", "1")
    task_id = json.loads(ran.stdout)["task_id"]
    hub.kill()

    started = [
        program(*words)
        for words in (
            ("run", *at, "-q", "demo.echo"),
            ("watch", *at, "-q", task_id),
            ("logs", *at, "-f", task_id),
        )
    ]
    for each in started:
        line = each.wait_line("No hub at")
        assert f"No hub at {hub.url}: connection refused. Trying for 60 s" in line
        assert "start one with `taskhub serve`" in line
    hub = HubProcess(hub.data, "--port", str(hub.port), plugins=[PLUGINS]).start()

    ends = [each.ended() for each in started]
    hub.stop()
    assert [(code, out) for code, out, _ in ends] == [
        (0, "hello\n"),
        (0, "1\n"),
        (0, "DEBUG   echoed\n"),
    ]


def test_it_is_not_waited_for_longer_than_was_said(call: Call) -> None:
    """Then it is exit code 5, with the address that was given."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"ws://127.0.0.1:{taken.getsockname()[1]}"
    result = call("run", "--url", at, "--reconnect-for", "0.2", "demo.echo")

    first, last = result.stderr.splitlines()
    assert result.exit_code == 5
    assert first.startswith(f"No hub at {at}: connection refused. Trying for 0.2 s; ")
    assert last.startswith(f"Error: No hub at {at}: connection refused. Start one with")


@pytest.mark.parametrize(
    "arguments", [["plugins"], ["cache"], ["cancel", "x"], ["logs", "x"]]
)
def test_who_asks_once_does_not_wait(call: Call, arguments: list[str]) -> None:
    """There is nothing under way that would be lost."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"ws://127.0.0.1:{taken.getsockname()[1]}"
    result = call(*arguments, "--url", at)

    assert result.exit_code == 5
    assert len(result.stderr.splitlines()) == 1
    assert f"No hub at {at}: connection refused." in result.stderr


def test_what_cannot_pass_is_not_waited_for() -> None:
    """A name that there is not, an address without TLS."""
    with pytest.raises(NoHubError, match=r"cannot be resolved|no such name"):
        Api(target_of({"url": "http://no.such.host.invalid"}, {}), patient=True).ask(
            "GET", "plugins", kind=PluginsAnswer
        )


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["demo.rows", "--count", "1"], 0, "demo.rows: completed in "),
        (["demo.failure"], 1, "Error: demo.failure failed: "),
    ],
)
def test_the_end_of_a_log_is_said(
    call: Call, command: list[str], code: int, said: str
) -> None:
    """With --follow, on standard error, as `watch` does, with its exit code."""
    task_id = task_in(call("run", *command).stderr)

    followed = call("logs", "-f", task_id)

    assert followed.exit_code == code
    assert followed.stderr.startswith(said)
    assert len(followed.stderr.splitlines()) == 1
    assert call("logs", task_id).exit_code == 0


def test_a_log_whose_task_is_cancelled(call: Call, program: Start) -> None:
    """Ends with exit code 3; a program that reads JSON is told no less."""
    task_id = call("run", "--detach", "demo.sleep", "--seconds", "30").stdout.strip()
    reading = program("logs", "-f", "--output", "ndjson", task_id)
    call("cancel", task_id)
    code, _, err = reading.ended()

    assert code == 3
    assert f"demo.sleep was cancelled (task {task_id})" in err
