"""The plugins for files, SQL and programs in a real hub, seen by a client."""

import json
import os
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.plugins_bundled.below import alive

MIB = 1024 * 1024

FAMILY = """
import os, signal, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
child = subprocess.Popen(
    [sys.executable, "-c", deaf + "print('ready', flush=True); time.sleep(600)"],
    stdout=subprocess.PIPE,
)
child.stdout.readline()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""

PROGRAMS = {
    "family": FAMILY,
    "flood": "while True: print('x' * 65535)",
    "steps": """
        import sys
        print("one", flush=True)
        print("two", file=sys.stderr, flush=True)
        sys.exit(int(sys.stdin.read()))
        """,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with a large file, a table, and a text."""
    root = tmp_path_factory.mktemp("live") / "data"
    root.mkdir()
    (root / "sales.csv").write_text("city,n\nBern,1\nRom,2\n")
    (root / "text.txt").write_text("to be or not to be\n" * 1000)
    (root.parent / "lines").mkdir()
    (root.parent / "lines" / "lines.txt").write_text("first\n" + "y\n" * 10_000_000)
    with (root / "big").open("wb") as file:
        file.truncate(20_000 * MIB)
    return root


@pytest.fixture(scope="module")
def hub(folder: Path) -> Iterator[HubProcess]:
    """Start a hub with the four plugins configured; Ctrl-C must end it cleanly."""
    roots = f'roots = ["{folder}", "{folder.parent / "lines"}"]\n'
    tables = [f"[plugin.{name}]\n{roots}" for name in ("files", "sql", "text")]
    for name, code in PROGRAMS.items():
        # A list of JSON texts is one of TOML.
        argv = json.dumps([sys.executable, "-c", textwrap.dedent(code)])
        table = f"[plugin.process.programs.{name}]\nargv = {argv}\n"
        tables.append(table + "stdin = true\ngrace_s = 0.3\n")
    config = folder.parent / "hub.toml"
    config.write_text("\n".join(tables))
    started = HubProcess(
        folder.parent / "hub", "--config", str(config), plugins=[]
    ).start()
    yield started
    started.stop()


@pytest.fixture
def client(hub: HubProcess) -> Iterator[Client]:
    """A client of that hub."""
    with hub.client() as client:
        yield client


def cancelled(client: Client, task_id: str) -> float:
    """Cancel a task; return how many seconds its end took."""
    start = time.monotonic()
    assert client.ask("cancel", task_id=task_id)["type"] == "ok"
    reader = client.finish(client.readers[task_id])
    assert reader.response["status"] == "cancelled"
    return time.monotonic() - start


def test_the_plugins_are_healthy(hub: HubProcess) -> None:
    """As they are configured, all four are."""
    with hub.http() as http:
        plugins = http.get("/api/v1/plugins").json()["plugins"]

    healthy = {plugin["name"]: plugin["healthy"] for plugin in plugins}
    assert {name: healthy[name] for name in ("files", "process", "sql", "text")} == {
        "files": True,
        "process": True,
        "sql": True,
        "text": True,
    }


def test_rows_of_files_are_streamed(client: Client) -> None:
    """Each is a chunk of kind row."""
    reader = client.run("files", "tree", {"path": "data"})

    assert [row["path"] for row in reader.output] == [
        "data/big",
        "data/sales.csv",
        "data/text.txt",
        "data",
    ]
    assert {chunk["kind"] for chunk in reader.chunks} == {"row"}
    assert reader.value["files"] == 3


def test_a_hash_of_hours_can_be_cancelled(client: Client) -> None:
    """Its progress is seen while it reads, and it ends within the grace."""
    reader = client.start("files", "hash", {"path": "data/big"})
    client.pump(lambda: bool(reader.progress and reader.progress.get("step")))

    assert cancelled(client, reader.task_id) < 2
    assert reader.progress
    assert reader.progress["total"] == 20_000 * MIB


def test_a_long_search_can_be_cancelled(client: Client) -> None:
    """Millions of lines, one by one: it ends within the grace."""
    params = {"path": "lines", "pattern": "first|(?<=x)y", "regex": True}
    reader = client.start("files", "search", params)
    client.chunks(reader, 1)

    assert cancelled(client, reader.task_id) < 2
    assert reader.output[0]["line"] == 1


def test_a_query_is_answered(client: Client) -> None:
    """Rows as chunks; columns, types and counts as the result."""
    reader = client.run("sql", "query", {"sql": "FROM 'data/sales.csv'"})

    assert reader.output == [{"city": "Bern", "n": 1}, {"city": "Rom", "n": 2}]
    assert reader.value["columns"] == [
        {"name": "city", "type": "VARCHAR"},
        {"name": "n", "type": "BIGINT"},
    ]


def test_a_query_of_hours_can_be_cancelled(client: Client, hub: HubProcess) -> None:
    """The engine is interrupted, and the next query is answered."""
    text = "SELECT count(*) FROM range(100000000) a, range(100000000) b"
    reader = client.start("sql", "query", {"sql": text})
    client.pump(
        lambda: bool(reader.progress and reader.progress["status"] == "running")
    )

    assert cancelled(client, reader.task_id) < 2
    assert client.run("sql", "query", {"sql": "SELECT 1 AS a"}).output == [{"a": 1}]
    assert "abandoned" not in hub.errors()


def test_a_hostile_query_is_a_failure(client: Client) -> None:
    """With its own code for programs."""
    reader = client.run("sql", "query", {"sql": "COPY (SELECT 1) TO '/tmp/x'"})

    assert reader.response["status"] == "failed"
    assert reader.failure["detail"]["code"] == "not_a_select"


def test_words_are_counted_in_another_process(client: Client) -> None:
    """Of a file in a root, as that process sees it."""
    value = client.run("text", "words", {"path": "data/text.txt", "top": 1}).value

    assert (value["words"], value["lines"]) == (6000, 1000)
    assert value["most_frequent"] == [{"word": "be", "count": 2000}]


def test_binary_is_no_text(client: Client) -> None:
    """The error comes from the other process as it was raised there."""
    reader = client.run("text", "words", {"path": "data/big"})

    assert reader.failure["detail"]["code"] == "binary"


def test_a_program_is_heard_while_it_runs(client: Client) -> None:
    """Both outputs on channels of their own; the exit code is the result."""
    reader = client.run("process", "run", {"program": "steps", "stdin": "3"})

    said = {chunk["channel"]: chunk["data"] for chunk in reader.chunks}
    assert said == {"out": "one\n", "err": "two\n"}
    assert reader.value["exit_code"] == 3


def test_a_cancelled_program_leaves_nobody(client: Client) -> None:
    """Neither it nor what it started, though both are deaf."""
    reader = client.start("process", "run", {"program": "family"})
    client.chunks(reader, 1)
    family = [int(word) for word in reader.output[0].split()]
    assert all(map(alive, family))

    assert cancelled(client, reader.task_id) < 2

    assert not any(map(alive, family))


def test_a_flood_does_not_drown_the_hub(client: Client, hub: HubProcess) -> None:
    """What is over the limit is dropped; memory and answers stay as they were."""
    reader = client.start("process", "run", {"program": "flood"})
    client.pump(lambda: sum(map(len, reader.output)) >= 15 * MIB, timeout=30)

    with hub.http() as http:
        start = time.monotonic()
        answer = http.post("/api/v1/plugins/demo/echo", json={"value": 1})
    assert answer.status_code == httpx.codes.OK
    assert time.monotonic() - start < 2
    assert cancelled(client, reader.task_id) < 3
    status = Path(f"/proc/{hub.pid}/status").read_text("ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 500 * 1024


def test_a_stop_of_the_hub_ends_its_programs(folder: Path, hub: HubProcess) -> None:
    """A gentle one: no program is left behind."""
    config = folder.parent / "hub.toml"
    own = HubProcess(folder.parent / "own", "--config", str(config), plugins=[]).start()
    with own.client() as client:
        reader = client.start("process", "run", {"program": "family"})
        client.chunks(reader, 1)
        family = [int(word) for word in reader.output[0].split()]
        os.kill(own.pid, 2)
        client.closed()
    assert own.ended() == 0

    assert not any(map(alive, family))
