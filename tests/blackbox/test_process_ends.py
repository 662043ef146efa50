"""How commands in processes end: stopped, killed, crashed, or with their hub.

Nothing that such a command has started outlives it, and nothing outlives the hub.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub
from tests.blackbox.reader import Reader
from tests.blackbox.server import HubProcess
from tests.kin import alive, descendants, gone, until

FOLDER = Path(__file__).parent / "plugins" / "processes"
GRACE_S = 0.4
ENVIRON = {
    "TASKHUB__TIMING__GRACE_S": str(GRACE_S),
    "TASKHUB__LIMITS__PROCESS_RUNS": "3",
    "TASKHUB__LIMITS__PROCESS_MEMORY_BYTES": str(2**28),
    "TASKHUB__LIMITS__PROCESS_CPU_S": "1",
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module", params=["sqlite", "memory"])
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HubProcess]:
    """Start a hub with commands in processes, and little patience."""
    folder = tmp_path_factory.mktemp(f"ends-{request.param}")
    started = HubProcess(
        folder / "data",
        "--engine",
        request.param,
        plugins=[FOLDER],
        environ=ENVIRON,
    ).start()
    yield started
    before = descendants(started.pid)
    started.stop()
    gone(before, 2)


def _cancel(client: Client, reader: Reader) -> None:
    assert client.ask("cancel", task_id=reader.task_id)["type"] == "ok"


def _family(client: Client) -> tuple[Reader, list[int]]:
    """Start a command that will not stop, with three programs that will not either."""
    reader = client.start("apart", "family")
    client.chunks(reader, 1)
    pids: list[int] = reader.output[0]
    assert all(alive(pid) for pid in pids)
    return reader, pids


@pytest.mark.parametrize(
    ("how", "detail"),
    [
        ("segfault", {"signal": "SIGSEGV"}),
        ("abort", {"signal": "SIGABRT"}),
        ("kill", {"signal": "SIGKILL"}),
        ("term", {"signal": "SIGTERM"}),
        ("exit", {"exit_code": 3}),
        ("close", {"reason": "it closed its line to the hub"}),
    ],
)
def test_a_death_is_one_failed_result(
    client: Client, how: str, detail: dict[str, object]
) -> None:
    """`worker_lost`, naming the signal or exit code; what was said before stands."""
    beside = client.start("apart", "count", {"n": 200})
    reader = client.run("apart", "dies", {"how": how})
    assert reader.response["status"] == "failed"
    assert reader.failure == {
        "code": "worker_lost",
        "retry": True,
        "ran": "maybe",
        "detail": detail,
    }
    assert all(str(each) in reader.response["error"] for each in detail.values())
    assert reader.output == ["last words"]
    assert client.finish(beside).value == 200


def test_a_crash_leaves_its_stack_in_the_hubs_log(
    hub: HubProcess, client: Client
) -> None:
    """The operator sees where in the plugin it was; readers do not."""
    reader = client.run("apart", "dies", {"how": "segfault"})
    assert "Segmentation fault" not in str(reader.trail)
    until(lambda: f"task {reader.task_id}: its process" in hub.errors(), 5)
    assert "Segmentation fault" in hub.errors()
    assert "apart.py" in hub.errors()


@pytest.mark.parametrize(
    "data",
    [
        "00" * 64,
        "ff" * 4096,
        "43ffffffff",
        "4fffffffff",
        "43" + "00000003" + "c1c1c1",
        # A chunk whose data is no JSON.
        "43" + "00000009" + "94a3" + b"out".hex() + "c0c40121c2",
        # A letter that only the hub writes.
        "53" + "00000001" + "90",
    ],
    ids=["zeros", "noise", "huge", "endless", "no body", "no json", "the hub's"],
)
def test_garbage_is_one_failed_run(client: Client, data: str) -> None:
    """Whatever a process writes on its line costs its own run, and nobody else's."""
    reader = client.run("apart", "nonsense", {"data": data})
    assert reader.failure["code"] == "worker_lost"
    assert "letter" in reader.failure["detail"]["reason"]
    assert reader.output == ["before"]
    assert client.run("apart", "plain", {"value": 1}).value["value"] == 1


def test_memory_is_bounded(client: Client) -> None:
    """Over `limits.process_memory_bytes` Python raises MemoryError: the run fails."""
    reader = client.run("apart", "eats")
    assert reader.failure["code"] == "plugin_error"
    assert reader.response["error"].startswith("MemoryError")
    assert client.run("apart", "eats", {"kill": True}).failure["code"] == "worker_lost"


def test_processor_time_is_bounded(client: Client) -> None:
    """Over `limits.process_cpu_s` the kernel ends the process."""
    reader = client.run("apart", "burns")
    assert reader.failure["detail"] == {"signal": "SIGXCPU"}


def test_an_endless_loop_in_c_ends_with_its_timeout(client: Client) -> None:
    """It never looks at anything, so it is killed when its grace is over."""
    reader = client.run("apart", "spins")
    assert reader.failure["code"] == "deadline_exceeded"
    assert reader.response["metadata"]["execution_time_ms"] < 5000
    gone(reader.output, 1)


@pytest.mark.parametrize("command", ["holds", "waits", "sleeps"])
def test_a_cancelled_process_can_clean_up(
    client: Client, tmp_path: Path, command: str
) -> None:
    """It sees `ctx.cancelled`, and its `finally` runs, wherever it stood."""
    note = tmp_path / "note"
    reader = client.start("apart", command, {"note": str(note)})
    client.chunks(reader, 1)
    _cancel(client, reader)
    assert client.finish(reader).response["status"] == "cancelled"
    assert note.read_text() == "cancelled=True"
    gone(reader.output, 1)


def test_a_process_may_handle_sigterm(client: Client, tmp_path: Path) -> None:
    """A handler of the command's own is called, in its main thread."""
    note = tmp_path / "note"
    reader = client.start("apart", "handles", {"note": str(note)})
    client.chunks(reader, 1)
    _cancel(client, reader)
    assert client.finish(reader).response["status"] == "cancelled"
    assert note.read_text() == f"signal {int(signal.SIGTERM)}"


def test_two_cancelled_processes_take_their_grandchildren_along(
    client: Client, name: str
) -> None:
    """Deaf ones are killed after the grace, with all they started; others go on."""
    other = client.start("apart", "holds", {"note": f"/tmp/{name}"})
    client.chunks(other, 1)
    families = [_family(client) for _ in range(2)]
    for reader, _ in families:
        _cancel(client, reader)
    begun = time.monotonic()
    for reader, pids in families:
        assert client.finish(reader).response["status"] == "cancelled"
        gone(pids, 1)
    assert GRACE_S - 0.1 < time.monotonic() - begun < GRACE_S + 2
    assert alive(other.output[0])
    _cancel(client, other)
    client.finish(other)
    Path(f"/tmp/{name}").unlink()


def test_grandchildren_end_with_a_command_that_returns(client: Client) -> None:
    """What it has left running is ended, in sessions of their own as well."""
    reader = client.run("apart", "family", {"stay": False})
    assert reader.value is None
    gone(reader.output[0], 1)


@pytest.mark.parametrize("how", ["cancel", "crash"])
def test_a_spare_is_back_within_a_second(
    hub: HubProcess, client: Client, name: str, how: str
) -> None:
    """However a process ended, the next command finds a warm one."""
    if how == "crash":
        client.run("apart", "dies", {"how": "segfault"})
    else:
        reader = client.start("apart", "holds", {"note": "/dev/null", "deaf": True})
        client.chunks(reader, 1)
        _cancel(client, reader)
        client.finish(reader)
    begun = time.monotonic()
    value = client.run("apart", "plain").value
    assert time.monotonic() - begun < 1
    until(lambda: not alive(value["pid"]), 1)


def test_a_nursery_that_dies_is_replaced(make_hub: MakeHub) -> None:
    """What ran is `worker_lost`, programs included, and a second later all is well."""
    hub = make_hub(plugins=[FOLDER], environ=ENVIRON).start()
    with hub.client() as client:
        reader, pids = _family(client)
        nursery = int(
            Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[1]
        )
        os.kill(nursery, signal.SIGKILL)
        assert client.finish(reader).failure["code"] == "worker_lost"
        begun = time.monotonic()
        assert client.run("apart", "plain", {"value": 1}).value["value"] == 1
        assert time.monotonic() - begun < 1
        gone(pids, 2)


def test_a_stopped_hub_leaves_nothing(make_hub: MakeHub) -> None:
    """Ctrl-C ends deaf commands, their programs, spares and the nursery."""
    hub = make_hub(plugins=[FOLDER], environ=ENVIRON).start()
    with hub.client() as client:
        _, pids = _family(client)
        everybody = descendants(hub.pid) | set(pids)
        assert len(everybody) >= 5
        hub.stop()
        assert not [pid for pid in everybody if alive(pid)]


def test_a_killed_hub_leaves_nothing_for_two_seconds(make_hub: MakeHub) -> None:
    """`kill -9`: deaf commands, endless loops, their programs and spares are gone."""
    hub = make_hub(plugins=[FOLDER], environ=ENVIRON).start()
    with hub.client() as client:
        families = [_family(client) for _ in range(2)]
        spinning = client.start("apart", "spins")
        client.chunks(spinning, 1)
        everybody = descendants(hub.pid) | {pid for _, pids in families for pid in pids}
        assert spinning.output[0] in everybody
        hub.kill()
        assert gone(everybody, 2) < 2
