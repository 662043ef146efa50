"""Cancel: of what waits, runs in async or thread, will not listen, or has ended."""

import time

import pytest

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub
from tests.blackbox.server import HubProcess

ONE_EACH = {
    "TASKHUB__LIMITS__ASYNC_RUNS": "1",
    "TASKHUB__LIMITS__THREAD_RUNS": "1",
}


def _cancel(client: Client, task_id: str) -> None:
    assert client.ask("cancel", task_id=task_id, reason="test")["type"] == "ok"


def test_a_running_async_command_is_cancelled(client: Client, name: str) -> None:
    """It is stopped at its next await, its `finally` runs, the end is `cancelled`."""
    reader = client.start("gate", "walk", {"name": name, "n": 2})
    client.chunks(reader, 1)
    _cancel(client, reader.task_id)
    client.finish(reader)
    assert reader.response["status"] == "cancelled"
    assert reader.response["message"] == "Task cancelled"
    assert reader.response["error"] is None
    assert reader.failure["code"] == "cancelled"
    assert reader.failure["ran"] == "yes"
    assert reader.output == ["began"]
    tally = client.run("gate", "tally", {"name": name}).value
    assert tally == {"began": 1, "stopped": 1, "ended": 0}


def test_a_polite_thread_is_cancelled(client: Client, name: str) -> None:
    """A thread that looks at `ctx.cancelled` ends well before the grace is over."""
    reader = client.start("gate", "polite", {"name": name})
    client.chunks(reader, 1)
    began = time.monotonic()
    _cancel(client, reader.task_id)
    client.finish(reader)
    assert time.monotonic() - began < 1.5
    assert reader.response["status"] == "cancelled"
    # What it did after the cancel is dropped, the value it returned, too.
    assert reader.output == ["began"]
    assert reader.logs == []


def test_a_stubborn_thread_is_abandoned_after_the_grace(
    client: Client, name: str
) -> None:
    """Whoever will not stop does not keep the caller: the result comes after 2 s."""
    reader = client.start("gate", "stubborn", {"name": name})
    client.chunks(reader, 1)
    began = time.monotonic()
    _cancel(client, reader.task_id)
    client.finish(reader)
    took = time.monotonic() - began
    client.run("gate", "step", {"name": name})
    assert 1.5 < took < 4
    assert reader.response["status"] == "cancelled"


def test_an_abandoned_thread_keeps_its_slot(make_hub: MakeHub, name: str) -> None:
    """Its slot stays counted until it really ends; then the next one runs."""
    hub = make_hub(environ={**ONE_EACH, "TASKHUB__TIMING__GRACE_S": "0.2"}).start()
    with hub.client() as client:
        stubborn = client.start("gate", "stubborn", {"name": name})
        client.chunks(stubborn, 1)
        waiting = client.start("basic", "add_in_thread", {"a": 1})
        _cancel(client, stubborn.task_id)
        client.finish(stubborn)
        client.fence()
        assert waiting.result is None
        assert waiting.opened["response"]["status"] == "created"
        client.run("gate", "step", {"name": name})
        assert client.finish(waiting).value == {"sum": 1}


@pytest.mark.parametrize("engine", ["sqlite", "memory"])
def test_a_waiting_task_never_starts(make_hub: MakeHub, name: str, engine: str) -> None:
    """Cancelled in the queue: ended at once, `ran: no`, the command not called."""
    hub = make_hub("--engine", engine, environ=ONE_EACH).start()
    with hub.client() as client:
        running = client.start("gate", "polite", {"name": name})
        client.chunks(running, 1)
        waiting = client.start("gate", "stubborn", {"name": f"{name}-w"})
        third = client.start("basic", "add_in_thread", {"a": 3})
        _cancel(client, waiting.task_id)
        client.finish(waiting)
        assert waiting.response["status"] == "cancelled"
        assert waiting.failure["ran"] == "no"
        assert "started_at" not in waiting.response["metadata"]
        assert waiting.result is not None
        assert waiting.result["seq"] == 1
        client.run("gate", "step", {"name": name})
        assert client.finish(running).value == name
        assert client.finish(third).value == {"sum": 3}
        tally = client.run("gate", "tally", {"name": f"{name}-w"}).value
        assert tally["began"] == 0


def test_cancel_of_an_ended_task_is_ok_and_does_nothing(client: Client) -> None:
    """There is nothing to stop, and nothing to complain about."""
    reader = client.run("basic", "add", {"a": 1})
    _cancel(client, reader.task_id)
    _cancel(client, reader.task_id)
    client.watch(reader.task_id, 0)
    assert client.finish(reader).value == {"sum": 1}


def test_cancel_twice_is_one_end(client: Client, name: str) -> None:
    """Two wishes, one result."""
    reader = client.start("gate", "walk", {"name": name, "n": 1})
    client.chunks(reader, 1)
    client.send(
        {"type": "cancel", "id": "c1", "task_id": reader.task_id},
        {"type": "cancel", "id": "c2", "task_id": reader.task_id},
    )
    assert client.answer("c1")["type"] == client.answer("c2")["type"] == "ok"
    client.finish(reader)
    client.fence()
    assert sum(frame["type"] == "result" for frame in reader.trail) == 1


def test_cancel_from_another_connection(
    hub: HubProcess, client: Client, name: str
) -> None:
    """A task belongs to the principal, not to the connection that began it."""
    reader = client.start("gate", "walk", {"name": name, "n": 1})
    client.chunks(reader, 1)
    with hub.client() as other:
        _cancel(other, reader.task_id)
        # Who only cancels watches nothing.
        other.fence()
        assert reader.task_id not in other.readers
    assert client.finish(reader).response["status"] == "cancelled"


def test_cancel_races_completion(client: Client) -> None:
    """Whichever came first: `ok`, and one result that is true for every reader."""
    for _ in range(50):
        name = client.next_id()
        client.send(
            {
                "type": "execute",
                "id": name,
                "plugin": "stream",
                "command": "count",
                "params": {"n": 5},
            }
        )
        reader = client.readers[client.answer(name)["task_id"]]
        _cancel(client, reader.task_id)
        client.finish(reader)
        status = reader.response["status"]
        assert status in ("completed", "cancelled")
        before = reader.response
        client.watch(reader.task_id, 0)
        assert client.finish(reader).response == before


def test_a_cancelled_task_runs_again_under_a_new_ticket(
    client: Client, name: str
) -> None:
    """A cancel ends a task, not the possibility of another one."""
    first = client.start("gate", "hold", {"name": name})
    client.chunks(first, 1)
    _cancel(client, first.task_id)
    client.finish(first)
    second = client.start("gate", "hold", {"name": name})
    client.run("gate", "step", {"name": name})
    assert client.finish(second).value == name
