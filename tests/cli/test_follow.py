"""Off a terminal: lines, pipes that close, full disks, a hub that goes, Ctrl-C."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.blackbox.server import HubProcess
from tests.cli.conftest import PLUGINS
from tests.cli.programs import Program
from tests.proxy import Proxy

Start = Callable[..., Program]
Call = Callable[..., Result]


def task_in(text: str) -> str:
    """Return the id of the task that a text names."""
    found = re.search(r"\b1a[0-9a-f]{30,}\b", text)
    assert found, text
    return found[0]


def test_progress_is_a_line_each_tenth(program: Start) -> None:
    """With what the task said, and no control character."""
    code, out, err = program(
        "run", "demo.chunks", "--count", "50", "--pace-ms", "5"
    ).ended()

    shares = re.findall(r"^demo\.chunks: (\d+) %  (\d+)/50$", err, re.MULTILINE)
    assert code == 0
    assert [int(share) for share, _ in shares] == [int(step) * 2 for _, step in shares]
    assert 2 <= len(shares) <= 10
    assert json.loads(out) == {"bytes": 5000, "chunks": 50}
    assert "\x1b" not in err
    assert re.search(r"^demo\.chunks: completed in ", err, re.MULTILINE)


def test_rows_are_json_off_a_terminal(program: Start) -> None:
    """A line each, so that nothing is lost."""
    err = program("run", "shapes.say").ended()[2]

    assert 'shapes.say: {"n":1,"word":"one"}\n' in err
    assert "shapes.say: red\\x1b[2Jcleared\n" in err


def test_ctrl_c_cancels_the_task(program: Start) -> None:
    """Its end is waited for; exit code 3."""
    process = program("run", "shapes.wait")
    process.wait_line("waiting")

    process.interrupt()

    code, out, err = process.ended()
    assert (code, out) == (3, "")
    assert "Error: shapes.wait was cancelled" in err


def test_ctrl_c_ends_looking_on_only(program: Start, hub: HubProcess) -> None:
    """Of `watch` and `logs`: the task goes on; exit code 130."""
    task_id = program("run", "--detach", "shapes.wait").ended()[1].strip()
    for arguments in (["watch", task_id], ["logs", "-f", task_id]):
        process = program(*arguments, stderr=subprocess.PIPE)
        if arguments[0] == "watch":
            process.wait_line("waiting")
        else:
            assert process.process.stdout is not None
            process.process.stdout.readline()
        process.interrupt()
        assert process.ended()[0] == 130

    with hub.http() as http:
        assert http.get(f"/api/v1/tasks/{task_id}").json()["status"] == "running"
        http.delete(f"/api/v1/tasks/{task_id}")


@pytest.mark.slow
def test_ctrl_c_at_any_moment(program: Start) -> None:
    """Never a traceback of ours: cancelled, or ended before anything had begun."""
    for moment in range(12, 40):
        process = program("run", "demo.sleep", "--seconds", "5")
        time.sleep(moment / 100)
        process.interrupt()
        assert process.ended()[0] in (3, 130, -2)


def test_a_reader_that_goes_ends_it_silently(program: Start, hub: HubProcess) -> None:
    """As `| head` does. The task goes on."""
    process = program("run", "--output", "ndjson", "demo.rows", "--count", "30")
    assert process.process.stdout is not None
    opened = json.loads(process.process.stdout.readline())
    process.process.stdout.close()
    process.process.stdout = None

    code, _, err = process.ended()

    assert (code, err) == (141, "")
    with hub.http() as http:
        task = http.get(f"/api/v1/tasks/{opened['task_id']}").json()
    assert task["status"] in ("running", "completed")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
@pytest.mark.parametrize(
    ("form", "state"), [("text", "has ended"), ("ndjson", "goes on")]
)
def test_a_full_disk_is_said(program: Start, form: str, state: str) -> None:
    """And where the rest is to be found."""
    with Path("/dev/full").open("wb") as full:
        process = program(
            "run", "--output", form, "demo.sleep", "--seconds", "1", stdout=full
        )
        code, _, err = process.ended()

    assert code == 1
    assert "Error: cannot write to standard output: No space left on device" in err
    assert f"the task {state}: taskhub watch {task_in(err)}" in err


def test_streams_that_are_closed(hub: HubProcess) -> None:
    """Errors, but for standard error: nobody is there to be told."""
    program = f'"{sys.executable}" -m hub run --url {hub.url} demo.echo'
    said = {
        how: subprocess.run(
            ["sh", "-c", f"{program} {how}"],
            capture_output=True,
            text=True,
            check=False,
        )
        for how in ("--value - <&-", ">&-", "2>&-")
    }

    assert "standard input is closed" in said["--value - <&-"].stderr
    assert "standard output is closed" in said[">&-"].stderr
    assert said["2>&-"].stdout == "hello\n"
    assert [each.returncode for each in said.values()] == [2, 1, 0]


def test_a_hub_that_stays_away(program: Start, tmp_path: Path) -> None:
    """It is looked for as long as was said; then exit code 5, and the task's id."""
    hub = HubProcess(tmp_path / "data", plugins=[PLUGINS]).start()
    process = program("run", "--url", hub.url, "--reconnect-for", "0.5", "shapes.wait")
    line = process.wait_line("task ")
    process.wait_line("waiting")

    hub.kill()

    code, out, err = process.ended()
    assert (code, out) == (5, "")
    assert f"The task may still run: taskhub watch {task_in(line)}" in err


def test_a_connection_that_breaks_again_and_again(
    program: Start, hub: HubProcess
) -> None:
    """Nothing is missed, nothing comes twice, and nobody is told an end too early."""
    with Proxy(hub.port) as network:
        process = program(
            *("run", "--url", network.url, "--output", "ndjson"),
            *("demo.rows", "--count", "60", "--pace-ms", "20"),
        )
        assert process.process.stdout is not None
        frames = []
        for line in process.process.stdout:
            frames.append(json.loads(line))
            if frames[-1].get("seq") in (5, 20, 40):
                network.drop()
        code = process.process.wait(20)

    chunks = [frame["seq"] for frame in frames if frame["type"] == "chunk"]
    assert (code, chunks) == (0, list(range(1, 61)))
    assert frames[-1]["response"]["result"] == {"rows": 60}


def test_looking_on_from_elsewhere(call: Call) -> None:
    """`watch` shows the whole story again, and prints the result; so does `logs`."""
    task_id = task_in(call("run", "shapes.say").stderr)

    watched = call("watch", task_id)
    logged = call("logs", "--follow", task_id)
    frames = call("logs", "--output", "ndjson", task_id).stdout.splitlines()

    assert watched.stdout == "said\x1b[2J\n"
    assert "careful" in watched.stderr
    assert "WARNING careful" in logged.stdout
    assert [json.loads(frame)["seq"] for frame in frames] == list(range(1, 9))


def test_several_results(call: Call) -> None:
    """A line each, beginning with the task's id; the code is that of the worst end."""
    ids = [
        call("run", "--detach", *each).stdout.strip()
        for each in (["demo.echo", "--value", "[1]"], ["demo.failure"])
    ]

    text = call("watch", "--quiet", *ids)
    lines = call("watch", "--output", "json", *ids).stdout.splitlines()

    assert (text.exit_code, text.stdout) == (1, f"{ids[0]}  [1]\n")
    assert {json.loads(line)["task_id"] for line in lines} == set(ids)


@pytest.mark.parametrize("command", ["watch", "logs", "cancel"])
def test_unknown_tasks_are_named(call: Call, command: str) -> None:
    """Exit code 2, and nothing else is done."""
    result = call(command, "1a-not-there")

    assert result.exit_code == 2
    assert "1a-not-there: " in result.stderr
    assert result.stdout == ""


def test_several_tasks_of_a_hub_that_goes(
    program: Start, call: Call, tmp_path: Path
) -> None:
    """Each is named; `logs` says so, too."""
    hub = HubProcess(tmp_path / "data", plugins=[PLUGINS]).start()
    at = ("--url", hub.url)
    ids = [call("run", *at, "--detach", "shapes.wait").stdout.strip() for _ in range(2)]
    wait = (*at, "--reconnect-for", "0.3")
    watching = program("watch", *wait, *ids)
    logging = program("logs", *wait, "-f", ids[0])
    assert logging.process.stdout is not None
    watching.wait_line("waiting")
    logging.process.stdout.readline()

    hub.kill()

    code, _, err = watching.ended()
    assert code == 5
    assert all(f"may still run: taskhub watch {each}" in err for each in ids)
    assert logging.ended()[0] == 5
