"""A client that never reads: it costs itself, and nobody else."""

import time

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import MSGPACK

FLOOD = {"n": 300, "size": 60_000}


def _frozen(hub: HubProcess, task_id: str) -> Client:
    """Connect a client that watches, and read no more from then on."""
    client = hub.client(MSGPACK)
    client.send({"type": "watch", "id": "w", "task_id": task_id, "from": 0})
    return client


def _resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:  # noqa: PTH123  # no file
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_a_frozen_watcher_disturbs_nobody(make_hub: MakeHub, name: str) -> None:
    """18 MB that one watcher never takes: others read on, and are answered at once."""
    hub = make_hub().start()
    with hub.client() as fast:
        running = fast.start("gate", "walk", {"name": name, "n": 1})
        first = fast.start("stream", "flood", FLOOD)
        frozen = [_frozen(hub, first.task_id) for _ in range(3)]
        try:
            fast.finish(first, timeout=40)
            assert len(first.chunks) == FLOOD["n"]
            slowest = 0.0
            for _ in range(50):
                began = time.monotonic()
                assert fast.ask("ping")["type"] == "pong"
                slowest = max(slowest, time.monotonic() - began)
            assert slowest < 1
            fast.run("gate", "step", {"name": name})
            assert fast.finish(running).value == 1
            # A frozen one that wakes up has lost nothing.
            late = frozen[0]
            late.answer("w")
            reader = late.finish(late.readers[first.task_id], timeout=40)
            assert [data["n"] for data in reader.output] == list(range(FLOOD["n"]))
            assert reader.faults == []
        finally:
            for client in frozen:
                client.ws.socket.close()
    hub.stop()


def test_the_command_does_not_wait_for_watchers(make_hub: MakeHub) -> None:
    """With only a frozen watcher a run ends as fast as with none."""
    hub = make_hub().start()
    with hub.client() as fast:
        alone = fast.run("stream", "flood", FLOOD).response["metadata"]
        frozen = hub.client()
        execute = {"plugin": "stream", "command": "flood", "params": FLOOD}
        frozen.send({"type": "execute", "id": 1, "key": "k", **execute})
        answer = fast.ask("execute", key="k", chunks=False, **execute)
        seen = fast.finish(fast.readers[answer["task_id"]], timeout=40)
        watched = seen.response["metadata"]
        assert watched["execution_time_ms"] < 5 * alone["execution_time_ms"] + 1000
        frozen.ws.socket.close()
    hub.stop()


def test_frozen_watchers_cost_little_memory(make_hub: MakeHub) -> None:
    """The hub keeps no copy for them: fifty more are a few MiB."""
    hub = make_hub().start()
    with hub.client() as fast:
        reader = fast.run("stream", "flood", {"n": 200, "size": 60_000})
        before = _resident_kib(hub.pid)
        frozen = [_frozen(hub, reader.task_id) for _ in range(50)]
        try:
            for _ in range(20):
                fast.fence()
            grown = _resident_kib(hub.pid) - before
            # Buffers of the sockets' own included, 12 MB of log each not.
            assert grown < 50 * 1024, grown
        finally:
            for client in frozen:
                client.ws.socket.close()
    hub.stop()
