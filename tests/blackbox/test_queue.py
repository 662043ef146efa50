"""The queue from outside: priorities, places, limits, pools; and after a restart."""

import pytest

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub
from tests.blackbox.reader import Reader
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK

ENGINES = pytest.mark.parametrize("engine", ["sqlite", "memory"])
ONE = {"TASKHUB__LIMITS__ASYNC_RUNS": "1"}


def blocked(client: Client, name: str) -> Reader:
    """Take the hub's only slot until somebody cancels."""
    reader = client.start("gate", "hold", {"name": name})
    return client.chunks(reader, 1)


def position(reader: Reader) -> int | None:
    """Return the place that a task was told last."""
    return None if reader.progress is None else reader.progress.get("position")


def begun(client: Client, readers: list[Reader]) -> list[int]:
    """Read to the ends of tasks; return the indices in the order they began."""
    for reader in readers:
        client.finish(reader)
    starts = [r.response["metadata"]["started_at"] for r in readers]
    ends = [client.frames.index(r.result) for r in readers if r.result is not None]
    order = sorted(range(len(readers)), key=lambda index: ends[index])
    assert [starts[index] for index in order] == sorted(starts)
    return order


@ENGINES
@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_the_urgent_go_first(
    make_hub: MakeHub, name: str, engine: str, codec: str
) -> None:
    """High, normal, low, each in its own order; over WebSocket and over HTTP."""
    hub = make_hub("--engine", engine, environ=ONE).start()
    with hub.client(codec) as client, hub.http() as http:
        first = blocked(client, name)
        wanted = ["low", "normal", "high", "low", "high"]
        readers = [
            client.start("basic", "add", {"a": index}, priority=priority)
            for index, priority in enumerate(wanted)
        ]
        body = {
            "plugin": "basic",
            "command": "add",
            "params": {"a": 5},
            "priority": "high",
        }
        answer = http.post("/api/v1/tasks", json=body)
        assert answer.status_code == 202
        readers.append(client.watch(answer.json()["task_id"]))
        client.ask("cancel", task_id=first.task_id)

        assert begun(client, readers) == [2, 4, 5, 1, 0, 3]
        told = http.get(f"/api/v1/tasks/{readers[5].task_id}").json()
        assert told["metadata"]["request"]["priority"] == "high"


@ENGINES
def test_who_waits_is_told_the_place(make_hub: MakeHub, name: str, engine: str) -> None:
    """From 1 for the next; it moves with cancels and with the urgent, then goes."""
    hub = make_hub("--engine", engine, environ=ONE).start()
    with hub.client() as client, hub.client() as other:
        first = blocked(client, name)
        readers = [client.start("basic", "add", {"a": n}) for n in range(4)]
        client.pump(lambda: [position(each) for each in readers] == [1, 2, 3, 4])
        assert position(first) is None
        # Whoever looks on sees the same.
        seen = other.watch(readers[3].task_id)
        other.pump(lambda: position(seen) == 4)

        client.ask("cancel", task_id=readers[1].task_id)
        client.pump(lambda: [position(readers[n]) for n in (0, 2, 3)] == [1, 2, 3])
        urgent = client.start("basic", "add", {"a": 9}, priority="high")
        client.pump(lambda: [position(readers[n]) for n in (0, 2, 3)] == [2, 3, 4])
        assert position(urgent) == 1

        client.ask("cancel", task_id=first.task_id)
        for reader in (urgent, *readers):
            client.finish(reader)
        other.finish(seen)
        ran = [frame for frame in readers[0].trail if frame.get("status") == "running"]
        assert all("position" not in frame for frame in ran)


def test_a_stream_over_http_tells_the_place(make_hub: MakeHub, name: str) -> None:
    """Server-sent events carry the same frames."""
    hub = make_hub(environ=ONE).start()
    with hub.client() as client, hub.http() as http:
        blocked(client, name)
        body = {"plugin": "basic", "command": "noop"}
        with http.stream("POST", "/api/v1/execute/stream", json=body) as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if '"position":1' in line)


@ENGINES
def test_low_starts_while_there_is_always_high(
    make_hub: MakeHub, name: str, engine: str
) -> None:
    """The slot is never without something urgent, and still low comes to its turn."""
    environ = {**ONE, "TASKHUB__TIMING__AGEING_S": "0.5"}
    hub = make_hub("--engine", engine, environ=environ).start()
    with hub.client() as client:
        first = blocked(client, name)
        low = client.start("basic", "add", {"a": 0}, priority="low")
        urgent = [
            client.start("narrow", "nap", {"s": 0.05}, priority="high")
            for _ in range(100)
        ]
        client.ask("cancel", task_id=first.task_id)
        client.finish(low)

        left = [reader for reader in urgent if reader.result is None]
        assert len(left) > 50
        for reader in left:
            client.send({"type": "cancel", "id": 0, "task_id": reader.task_id})


@ENGINES
def test_joining_moves_a_run_up(make_hub: MakeHub, name: str, engine: str) -> None:
    """A task that shares a waiting run brings its priority along."""
    hub = make_hub("--engine", engine, environ=ONE).start()
    with hub.client() as client:
        first = blocked(client, name)
        others = [client.start("basic", "add", {"a": n}) for n in range(3)]
        shared = client.start("narrow", "shared", {"name": name}, priority="low")
        client.pump(lambda: position(shared) == 4)

        joined = client.start("narrow", "shared", {"name": name}, priority="high")

        assert joined.origin == "joined"
        client.pump(lambda: position(shared) == position(joined) == 1)
        client.ask("cancel", task_id=first.task_id)
        assert begun(client, [*others, shared])[0] == 3
        client.finish(joined)


@ENGINES
def test_a_limit_of_a_command_holds_nobody_up(
    make_hub: MakeHub, name: str, engine: str
) -> None:
    """Two at once, whatever waits; others go past, and a cancel makes room."""
    hub = make_hub("--engine", engine).start()
    with hub.client() as client:
        readers = [client.start("narrow", "two", {"name": name}) for _ in range(6)]
        for reader in readers[:2]:
            client.chunks(reader, 1)
        client.pump(lambda: [position(each) for each in readers[2:]] == [1, 2, 3, 4])
        client.fence()
        assert [len(each.chunks) for each in readers] == [1, 1, 0, 0, 0, 0]

        client.ask("cancel", task_id=readers[0].task_id)
        client.chunks(readers[2], 1)
        client.ask("cancel", task_id=readers[3].task_id)
        client.run("narrow", "step", {"name": name, "n": 4})
        values = [client.finish(readers[n]).value for n in (1, 2, 4, 5)]
        assert values == [2, 2, 2, 2]
        assert client.finish(readers[3]).failure["ran"] == "no"


def test_a_pool_that_nobody_serves(make_hub: MakeHub) -> None:
    """The hub says so at its start, the task in its message; later it is served."""
    hub = make_hub(environ={"TASKHUB__PLUGINS__POOLS": "default"}).start()
    assert "no worker serves the pool far: runs of narrow.distant" in hub.errors()
    with hub.client() as client:
        far = client.start("narrow", "distant")
        client.fence()
        assert far.opened["response"]["status"] == "created"
        assert "no worker serves the pool far" in far.opened["response"]["message"]
        assert position(far) is None
    hub.stop()

    served = make_hub(environ={"TASKHUB__PLUGINS__POOLS": "default,far"}).start()
    assert served.errors().count("no worker serves the pool far") == 1
    with served.client() as client:
        assert client.finish(client.watch(far.task_id)).value == "arrived"


def test_a_kill_keeps_the_order(make_hub: MakeHub, name: str) -> None:
    """Priorities and arrival are in the file, a higher one that joined, too."""
    hub = make_hub(environ=ONE).start()
    with hub.client() as client:
        blocked(client, name)
        ids = [
            client.start("basic", "add", {"a": n}, priority=priority).task_id
            for n, priority in enumerate(["low", "normal", "high", "normal"])
        ]
        ids.append(client.start("narrow", "shared", {"name": name}).task_id)
        client.start("narrow", "shared", {"name": name}, priority="high")
    hub.kill()

    again = HubProcess(hub.data, environ=ONE).start()
    with again.client() as client:
        readers = [client.watch(task_id) for task_id in ids]
        for reader in readers:
            client.finish(reader)
        starts = [reader.response["metadata"]["started_at"] for reader in readers]
        in_order = [starts[index] for index in (2, 4, 1, 3, 0)]
        assert in_order == sorted(in_order)
    again.stop()
