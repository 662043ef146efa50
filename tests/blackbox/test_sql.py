"""The sql plugin from outside: what a query does to its process stays there."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.kin import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the hub and its processes make temporary folders."""
    return tmp_path_factory.mktemp("sql")


@pytest.fixture(scope="module")
def hub(folder: Path) -> Iterator[HubProcess]:
    """Start a hub with little patience, and no roots."""
    started = HubProcess(
        folder / "data",
        environ={"TASKHUB__TIMING__GRACE_S": "0.4", "TMPDIR": str(folder)},
    ).start()
    yield started
    started.stop()


def _peak_mib(pid: int) -> int:
    """Return the most memory that a process had, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def test_a_query_that_takes_too_much_fails_alone(
    hub: HubProcess, client: Client
) -> None:
    """The hub itself has not taken any of it, and answers the next one."""
    before = _peak_mib(hub.pid)

    reader = client.run("sql", "query", {"sql": "SELECT len(range(4000000000))"})

    assert reader.response["metadata"]["failure"]["detail"]["code"] == "too_much_memory"
    assert _peak_mib(hub.pid) < before + 50
    assert client.run("sql", "query", {"sql": "SELECT 1 AS one"}).output == [{"one": 1}]


def test_a_query_that_nothing_interrupts_is_ended(client: Client, folder: Path) -> None:
    """A function in the middle of its work: its grace over, the process is gone.

    What it had on the disk the next query removes.
    """
    sql = "SELECT length(lpad('a', 2000000000, 'b'))"
    reader = client.start("sql", "query", {"sql": sql})
    until(lambda: list(folder.glob("taskhub-sql-*")), 10)

    assert client.ask("cancel", task_id=reader.task_id)["type"] == "ok"

    client.finish(reader, 10)
    assert reader.response["status"] == "cancelled"
    assert client.run("sql", "query", {"sql": "SELECT 1 AS one"}).output == [{"one": 1}]
    assert not list(folder.glob("taskhub-sql-*"))
