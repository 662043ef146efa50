"""Limits of time and of room: timeouts, deadlines, a full queue."""

import pytest

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub
from tests.blackbox.reader import Reader
from tests.blackbox.wire import Frame

ONE_ASYNC = {"TASKHUB__LIMITS__ASYNC_RUNS": "1", "TASKHUB__LIMITS__QUEUED": "3"}


@pytest.mark.parametrize("command", ["never", "never_in_thread"])
def test_a_command_past_its_timeout_fails(client: Client, command: str) -> None:
    """One failed result, `deadline_exceeded`, and the next task runs."""
    reader = client.run("gate", command)
    assert reader.response["status"] == "failed"
    assert reader.failure["code"] == "deadline_exceeded"
    assert reader.failure["ran"] == "yes"
    assert reader.response["error"]
    client.fence()


def test_a_running_task_past_its_deadline_fails(client: Client, name: str) -> None:
    """`deadline_ms` ends the task, and its run stops."""
    reader = client.run("gate", "hold", {"name": name}, deadline_ms=200)
    assert reader.response["status"] == "failed"
    assert reader.failure["code"] == "deadline_exceeded"
    assert reader.failure["ran"] == "yes"
    # Its `finally` may be running still when the ticket has ended.
    tallies = (client.run("gate", "tally", {"name": name}).value for _ in range(500))
    tally = next(tally for tally in tallies if tally["stopped"])
    assert tally == {"began": 1, "stopped": 1, "ended": 0}


def test_a_deadline_that_is_kept_does_nothing(client: Client) -> None:
    """In time is in time."""
    assert client.run("basic", "add", {"a": 1}, deadline_ms=10_000).value == {"sum": 1}


def test_a_deadline_counts_while_waiting(make_hub: MakeHub, name: str) -> None:
    """From acceptance on, queue included: it fails unrun, and never starts."""
    hub = make_hub(environ={"TASKHUB__LIMITS__THREAD_RUNS": "1"}).start()
    with hub.client() as client:
        running = client.start("gate", "polite", {"name": name})
        client.chunks(running, 1)
        waiting = client.start("gate", "polite", {"name": f"{name}-w"}, deadline_ms=200)
        client.finish(waiting)
        assert waiting.response["status"] == "failed"
        assert waiting.failure["code"] == "deadline_exceeded"
        assert waiting.failure["ran"] == "no"
        assert "started_at" not in waiting.response["metadata"]
        client.run("gate", "step", {"name": name})
        client.finish(running)
        client.run("basic", "add_in_thread", {"a": 1})
        tally = client.run("gate", "tally", {"name": f"{name}-w"}).value
        assert tally["began"] == 0


@pytest.mark.parametrize("engine", ["sqlite", "memory"])
def test_a_full_queue_refuses_and_recovers(
    make_hub: MakeHub, name: str, engine: str
) -> None:
    """`queue_full`: retry later, nothing ran; when there is room again, it runs."""
    hub = make_hub("--engine", engine, environ=ONE_ASYNC).start()
    with hub.client() as client:
        accepted: list[Reader] = []
        refused = _fill(client, name, accepted)
        assert (refused["code"], refused["retry"]) == ("queue_full", True)
        assert refused["ran"] == "no"
        assert refused["retry_after_ms"] > 0
        assert 3 <= len(accepted) <= 4
        with hub.http() as http:
            answer = http.post(
                "/api/v1/tasks",
                json={"plugin": "gate", "command": "hold", "params": {"name": name}},
            )
            assert answer.status_code == 503
            assert answer.json()["code"] == "queue_full"
            assert int(answer.headers["retry-after"]) >= 1
        for reader in accepted:
            client.ask("cancel", task_id=reader.task_id)
            client.finish(reader)
        client.fence()


def _fill(client: Client, name: str, accepted: list[Reader]) -> Frame:
    for _ in range(8):
        answer = client.ask(
            "execute", plugin="gate", command="hold", params={"name": name}
        )
        if answer["type"] == "error":
            return answer
        accepted.append(client.readers[answer["task_id"]])
        if len(accepted) == 1:
            client.chunks(accepted[0], 1)
    raise AssertionError("eight tasks in a queue of three")


def test_waiting_tasks_run_in_their_order(make_hub: MakeHub, name: str) -> None:
    """First come, first served, and each watcher is told its place."""
    hub = make_hub(environ={"TASKHUB__LIMITS__THREAD_RUNS": "1"}).start()
    with hub.client() as client:
        running = client.start("gate", "polite", {"name": name})
        client.chunks(running, 1)
        waiting = [client.start("basic", "add_in_thread", {"a": i}) for i in range(4)]
        client.run("gate", "step", {"name": name})
        for i, reader in enumerate(waiting):
            assert client.finish(reader).value == {"sum": i}
        ends = [f["task_id"] for f in client.frames if f["type"] == "result"]
        order = [reader.task_id for reader in (running, *waiting)]
        assert [task_id for task_id in ends if task_id in order] == order


def test_threads_do_not_wait_for_async_commands(make_hub: MakeHub, name: str) -> None:
    """Each kind has its own slots: one kind full does not stop the other."""
    hub = make_hub(environ={"TASKHUB__LIMITS__THREAD_RUNS": "1"}).start()
    with hub.client() as client:
        running = client.start("gate", "polite", {"name": name})
        client.chunks(running, 1)
        client.fence()
        client.run("gate", "step", {"name": name})
        client.finish(running)
