"""Commands in processes: the same from outside as any other, and well shut in."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.kin import sockets, until

FOLDER = Path(__file__).parent / "plugins" / "processes"
ENVIRON = {
    "TASKHUB__PLUGIN__APART__SECRET": "s3cret",
    "MY_TOKEN": "t",
    "Db_Password": "p",
    "AWS_SECRET": "s",
    "SSH_KEYS": "k",
    "HARMLESS": "h",
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HubProcess]:
    """Start a hub with commands in processes; Ctrl-C must end it cleanly."""
    folder = tmp_path_factory.mktemp(f"apart-{request.param}")
    started = HubProcess(
        folder / "data",
        "--engine",
        request.param,
        plugins=[FOLDER],
        environ=ENVIRON,
    ).start()
    yield started
    started.stop()


@pytest.mark.parametrize("command", ["plain", "awaited"])
def test_a_command_runs_in_a_process_of_its_own(
    hub: HubProcess, client: Client, command: str
) -> None:
    """`def` and `async def`: its plugin was started there, and no two share one."""
    first = client.run("apart", command, {"value": {"a": [1, "ä"]}}).value
    second = client.run("apart", command).value
    assert first["value"] == {"a": [1, "ä"]}
    assert len({hub.pid, first["pid"], second["pid"]}) == 3
    assert (first["started"], second["started"]) == (first["pid"], second["pid"])


@pytest.mark.parametrize("command", ["count", "count_awaited"])
def test_generators_stream_from_a_process(client: Client, command: str) -> None:
    """Each item is a chunk, in order and whole; `ctx.result` is the result."""
    reader = client.run("apart", command, {"n": 500})
    assert reader.output == list(range(500))
    assert reader.value == 500


@pytest.mark.parametrize("command", ["count", "count_awaited"])
def test_more_than_a_socket_holds_comes_through(client: Client, command: str) -> None:
    """20 MB, with back-pressure on the way: nothing is lost or mixed up."""
    reader = client.run("apart", command, {"n": 400, "size": 50_000})
    assert [len(item) for item in reader.output] == [50_000] * 400
    assert reader.value == 400


def test_a_process_knows_its_task(client: Client) -> None:
    """What the context says is what it says elsewhere, secrets of the table too."""
    reader = client.run(
        "apart", "facts", key="a key", deadline_ms=60_000, trace="00-ab-cd-01"
    )
    facts = reader.value
    assert facts.pop("deadline") == pytest.approx(60, abs=5)
    assert facts == {
        "run_id": reader.task_id,
        "task_id": reader.task_id,
        "attempt": 1,
        "principal": "local",
        "key": "a key",
        "locale": "en",
        "trace": "00-ab-cd-01",
        "cancelled": False,
        "secret": "s3cret",
    }


def test_a_process_speaks_in_every_way(hub: HubProcess, client: Client) -> None:
    """Progress, chunks, bytes, logs; and what is printed becomes records of the log."""
    reader = client.run("apart", "says")
    output = [each for each in reader.chunks if each["channel"] != "log"]
    assert [each.get("data") for each in output] == [{"a": 1}, "text", None]
    binary = next(each for each in reader.chunks if each.get("kind") == "image/png")
    assert binary["bin"] == "AP8="
    records = [
        (each["level"], each.get("logger"), each["message"]) for each in reader.logs
    ]
    assert sorted(records, key=str) == sorted(
        [
            ("warning", None, "logged"),
            ("info", "some.library", "from logging"),
            ("info", "stdout", "printed"),
            ("warning", "stderr", "complained"),
            ("info", "stdout", '{"raw": "line"}'),
            ("info", "stdout", "by a program"),
        ],
        key=str,
    )
    # What goes through `logging` is in the hub's own log as well.
    until(lambda: "from logging" in hub.errors(), 5)


@pytest.mark.parametrize(
    ("how", "error", "retry", "detail"),
    [
        ("task_error", "Not like this", True, {"code": "mine", "a": 1}),
        ("error", "ValueError: on purpose", False, None),
        ("exit", "SystemExit: 4", False, None),
    ],
)
def test_what_is_raised_in_a_process_is_told(
    client: Client, how: str, error: str, retry: bool, detail: object
) -> None:
    """As elsewhere: an error for people, and a verdict for programs."""
    reader = client.run("apart", "fails", {"how": how})
    assert reader.response["error"] == error
    assert reader.failure["code"] == "plugin_error"
    assert reader.failure["retry"] is retry
    assert reader.failure.get("detail") == detail


def test_the_traceback_of_a_process_is_in_the_hubs_log(
    hub: HubProcess, client: Client
) -> None:
    """With the task's id, and not among what readers see."""
    reader = client.run("apart", "fails")
    assert reader.logs == []
    until(lambda: f"task {reader.task_id}: the command raised" in hub.errors(), 5)
    assert "raise ValueError" in hub.errors()


def test_a_process_inherits_nothing(hub: HubProcess, client: Client) -> None:
    """No socket of the hub, no settings, no secrets; a session and group of its own."""
    found = client.run("apart", "surroundings").value
    environ = found["environ"]
    assert environ["HARMLESS"] == "h"
    assert not [name for name in environ if name.upper().startswith("TASKHUB__")]
    assert not set(ENVIRON) & set(environ) - {"HARMLESS"}
    assert set(found["families"]) == {"AF_UNIX"}
    assert {name for name in found["files"].values() if name.startswith("socket:")}
    held = {each for each in found["files"].values() if each.startswith("socket:")}
    assert not held & sockets(hub.pid)
    assert "socket:" not in found["of_programs"]
    assert found["group"] == found["session"] == found["pid"]
    assert "taskhub.db" not in str(found["files"])
    assert not Path(f"/proc/{found['hub']}/environ").read_bytes().count(b"s3cret")
