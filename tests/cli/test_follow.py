"""Off a terminal: lines, pipes that close, full disks, a hub that goes, Ctrl-C."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
from click.testing import Result

from hub.cli import follow
from hub.cli.exits import Exit
from hub.cli.follow import Follower
from hub.cli.interrupts import Interrupts
from hub.cli.invocation import Wish
from hub.cli.target import target_of
from hub.cli.views import View
from hub.client.errors import UnsupportedVersionError
from hub.errors import ForbiddenError
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


class _Hub:
    """A hub that accepts nothing, for the moments that no real one can be held in."""

    def __init__(self, *, is_connected: bool) -> None:
        self.is_connected = is_connected
        self.asked = asyncio.Event()

    def options(self, **_: object) -> Self:
        """Be asked."""
        return self

    async def execute(self, *_: object) -> None:
        """Never answer."""
        self.asked.set()
        await asyncio.Event().wait()


class _Task:
    """A task that does not let itself be cancelled."""

    id, name, origin = "t1", "a.b", "new"
    told = asyncio.Event()

    async def response(self) -> None:
        """Never end."""
        await asyncio.Event().wait()

    async def cancel(self, _: str) -> None:
        """Refuse."""
        self.told.set()
        raise ForbiddenError


class _Notes(View):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)


WISH = Wish(plugin="a", command="b", params={}, key="k")


@pytest.mark.parametrize(("is_connected", "presses"), [(True, 2), (False, 1)])
async def test_ctrl_c_before_the_hub_has_answered(
    is_connected: bool, presses: int
) -> None:
    """Is obeyed at once where there is no connection, else at the second one."""
    hub = _Hub(is_connected=is_connected)
    with Interrupts() as interrupts:
        # What is used of a hub is there.
        follower = Follower(hub, View(), interrupts)  # type: ignore[arg-type]
        starting = asyncio.ensure_future(follower.start(WISH))
        await hub.asked.wait()
        for _ in range(presses):
            assert not starting.done()
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0)

        assert await starting is None


async def test_a_task_that_may_not_be_cancelled() -> None:
    """That is said, and a second Ctrl-C leaves it alone."""
    task, view = _Task(), _Notes()
    with Interrupts() as interrupts:
        hub = _Hub(is_connected=True)
        # What is used of a hub and a task is there.
        follower = Follower(hub, view, interrupts)  # type: ignore[arg-type]
        ending = asyncio.ensure_future(
            follower.to_end(task, "a.b", cancels=True)  # type: ignore[arg-type]  # as above
        )
        signal.raise_signal(signal.SIGINT)
        await task.told.wait()
        signal.raise_signal(signal.SIGINT)

        assert await ending is None
    assert "not cancelled: This credential does not allow that." in view.notes


def test_interrupted_before_it_began(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key says how to find what may have been started."""

    class Hub(_Hub):
        async def execute(self, *_: object) -> None:
            signal.raise_signal(signal.SIGINT)
            await super().execute()

        async def __aenter__(self) -> None:
            """Connect to nothing."""

        async def __aexit__(self, *_: object) -> None:
            """Leave nothing."""

    def make(*_: object, **__: object) -> Hub:
        return Hub(is_connected=False)

    monkeypatch.setattr("hub.cli.follow.AsyncHub", make)

    assert follow.run(WISH, target_of({"url": "127.0.0.1:1"}, {})) is Exit.INTERRUPTED
    assert (
        "if it was started, the same with --key k finds it" in capsys.readouterr().err
    )


def test_what_a_hub_refuses_late(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub of another version, for one, that only the socket finds out."""

    class Hub(_Hub):
        async def execute(self, *_: object) -> None:
            raise UnsupportedVersionError("It speaks another version.")

        async def __aenter__(self) -> None:
            """Connect to nothing."""

        async def __aexit__(self, *_: object) -> None:
            """Leave nothing."""

    def make(*_: object, **__: object) -> Hub:
        return Hub(is_connected=False)

    monkeypatch.setattr("hub.cli.follow.AsyncHub", make)
    result = call("run", "demo.echo")

    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr == "Error: It speaks another version.\n"
