"""Each program in `examples/` runs, against a real hub."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import Hub, TaskStatus
from tests.blackbox.server import HubProcess
from tests.proxy import Proxy

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PLUGINS = ("csv_report.py", "long_build.py")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """Start a hub with the examples' plugins, as their first lines say."""
    folder = tmp_path_factory.mktemp("examples")
    mine = folder / "mine"
    mine.mkdir()
    for name in PLUGINS:
        shutil.copy(EXAMPLES / name, mine)
    started = HubProcess(folder / "data", plugins=[mine]).start()
    yield started
    started.stop()


def run(process: HubProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "TASKHUB_URL": process.url},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_the_report_is_made_with_progress(process: HubProcess) -> None:
    """Rising percentages, a line for each group, and the result."""
    told = run(
        process,
        *("examples/csv_report.py", "plugins/weather/weather.csv", "--by", "weather"),
    )

    assert told.returncode == 0, told.stderr
    *groups, result = told.stdout.splitlines()
    assert [line.split()[0] for line in groups] == sorted(
        ("drizzle", "fog", "rain", "snow", "sun")
    )
    rows = (ROOT / "plugins/weather/weather.csv").read_text("utf-8").splitlines()[1:]
    assert f"'rows': {len(rows)}" in result
    steps = [int(line.partition("%")[0]) for line in told.stderr.splitlines()]
    assert steps == sorted(steps)


@pytest.mark.parametrize(
    ("path", "by", "code"),
    [
        ("../etc/passwd", "x", "no_file"),
        ("nothing.csv", "x", "no_file"),
        ("plugins/weather/weather.csv", "colour", "no_column"),
    ],
)
def test_a_wrong_report_is_an_error_for_people(
    process: HubProcess, path: str, by: str, code: str
) -> None:
    """A file outside the folder, none at all, a column that is not there."""
    with Hub(process.url) as hub:
        task = hub.execute("csv_report.summary", path=path, by=by)
        response = task.response()

    assert response.status is TaskStatus.FAILED
    failure = response.metadata.failure
    assert failure
    assert failure.detail is not None
    assert failure.detail["code"] == code


def test_the_build_is_streamed_and_looked_at_again(process: HubProcess) -> None:
    """Line by line as the programs print; a second look sees the same."""
    first = run(process, "examples/long_build.py", "hub/engines")

    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    task_id = lines[0].removeprefix("the build is task ")
    compiled = [line for line in lines if line.startswith("Compiling ")]
    assert len(compiled) == len(list((ROOT / "hub" / "engines").rglob("*.py")))
    assert f"'modules': {len(compiled)}" in lines[-1]
    again = run(process, "examples/long_build.py", "--attach", task_id)
    assert [each for each in again.stdout.splitlines() if each in compiled] == compiled


def test_a_cancelled_build_ends_its_programs(process: HubProcess) -> None:
    """Whatever runs for a task ends with it; a package that is none is said."""
    with Hub(process.url) as hub:
        task = hub.execute("long_build.archive", package="hub")
        next(iter(task))
        task.cancel()
        assert task.response().status is TaskStatus.CANCELLED
        wrong = hub.execute("long_build.archive", package="nothing").response()
        assert wrong.error == "There is no package 'nothing'"


def test_the_plain_client_survives_a_lost_connection(process: HubProcess) -> None:
    """Forty lines; each row once, in order, though the network is cut in the middle."""
    assert len((EXAMPLES / "plain_websocket.py").read_text().splitlines()) <= 40
    with Proxy(process.port) as proxy:
        running = subprocess.Popen(
            [
                *(sys.executable, "-u", "examples/plain_websocket.py"),
                f"ws://127.0.0.1:{proxy.port}/ws",
                *("demo", "rows", '{"count": 30, "pace_ms": 30}'),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(5)]
        proxy.drop()
        rest, _ = running.communicate(timeout=30)
    lines += rest.splitlines()

    rows = [line for line in lines if line.startswith("{'n'")]
    assert [int(row.split()[1].rstrip(",")) for row in rows] == list(range(1, 31))
    assert "'status': 'completed'" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "A client in 40 lines"),
        (("ws://127.0.0.1:{port}", "demo", "echo", "{{}}"), "server rejected"),
    ],
)
def test_a_wrong_call_of_the_plain_client_ends(
    process: HubProcess, arguments: tuple[str, ...], said: str
) -> None:
    """It does not try for ever what cannot succeed."""
    given = [each.format(port=process.port) for each in arguments]

    told = run(process, "examples/plain_websocket.py", *given)

    assert told.returncode == 1
    assert said in told.stderr


@pytest.mark.parametrize(
    ("path", "by", "said"),
    [
        ("nothing.csv", "x", "There is no file 'nothing.csv'"),
        ("plugins/weather/weather.csv", "colour", "There is no column 'colour'"),
    ],
)
def test_a_report_that_fails_is_one_line(
    process: HubProcess, path: str, by: str, said: str
) -> None:
    """What went wrong, and no traceback."""
    told = run(process, "examples/csv_report.py", path, "--by", by)

    assert told.returncode == 1
    assert told.stderr.startswith("No report: ")
    assert said in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_the_plain_client_says_what_was_refused(process: HubProcess) -> None:
    """An error that is final ends it."""
    url = f"ws://127.0.0.1:{process.port}/ws"

    told = run(process, "examples/plain_websocket.py", url, "demo", "nothing", "{}")

    assert "unknown_command" in told.stdout


@pytest.mark.slow
def test_the_notebook_runs_in_a_kernel(process: HubProcess, tmp_path: Path) -> None:
    """Every cell, top to bottom; the task is text in its cell, without widgets."""
    notebook = tmp_path / "notebook.ipynb"
    shutil.copy(EXAMPLES / "notebook.ipynb", notebook)
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environ = {name: str(tmp_path / name.lower()) for name in folders}
    told = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", "--inplace", str(notebook)],
        env={**os.environ, **environ, "TASKHUB_URL": process.url},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    outputs = [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]
    shown, status = outputs[1]
    assert shown["data"].keys() == {"text/plain"}
    assert "demo.countdown completed in" in "".join(shown["data"]["text/plain"])
    assert "COMPLETED" in "".join(status["data"]["text/plain"])
    assert "plugin_error yes This was asked for" in "".join(outputs[4][0]["text"])


def test_the_committed_notebook_holds_no_output() -> None:
    """It is a program: what it says is said when it is run."""
    cells = json.loads((EXAMPLES / "notebook.ipynb").read_text("utf-8"))["cells"]

    for cell in cells:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
