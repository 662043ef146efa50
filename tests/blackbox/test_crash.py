"""Power gone: what a client was shown is there after the restart, to the last chunk.

Each test kills the hub with SIGKILL right after it read something, starts another on
the same data folder, and compares.
"""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.blackbox.conftest import MakeHub
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK

ONE_THREAD = {"TASKHUB__LIMITS__THREAD_RUNS": "1"}


def _stored(hub: HubProcess, folder: Path) -> str:
    """Read every row of every table of a dead hub's database, as text."""
    shutil.copytree(hub.data, folder)
    found = [
        file
        for file in folder.rglob("*")
        if file.is_file() and file.read_bytes()[:16] == b"SQLite format 3\x00"
    ]
    assert len(found) == 1, found
    told: list[str] = []
    connection = sqlite3.connect(found[0])
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA user_version").fetchone()[0] >= 1
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
        for (table,) in tables.fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"')
            told += [repr(row) for row in rows.fetchall()]
    finally:
        connection.close()
    return "\n".join(told)


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_killed_right_after_opened(
    make_hub: MakeHub, tmp_path: Path, name: str, codec: str
) -> None:
    """`opened` was seen: the task is in the file, and ends exactly once."""
    hub = make_hub().start()
    with hub.client(codec) as client:
        execute = {
            "type": "execute",
            "id": 1,
            "plugin": "gate",
            "command": "walk",
            "params": {"name": name, "n": 2},
            "key": name,
        }
        client.send(execute)
        client.answer(1)
        hub.kill()
        (task_id,) = client.readers
        boot = client.welcome["hub"]
    assert name in _stored(hub, tmp_path / "copy")
    hub.start()
    with hub.client(codec) as client:
        assert client.welcome["hub"] == boot
        reader = client.watch(task_id)
        # Claimed before the kill or not: it failed, or runs now for the first time.
        client.pump(lambda: reader.result is not None or bool(reader.chunks))
        if reader.result is None:
            client.run("gate", "step", {"name": name, "n": 2})
            assert client.finish(reader).value == 2
        elif reader.response["status"] == "failed":
            assert reader.failure["code"] == "hub_restarted"
            assert reader.failure["retry"] is True
    hub.stop()


@pytest.mark.parametrize("seen", [1, 2, 3])
def test_killed_right_after_a_chunk(
    make_hub: MakeHub, tmp_path: Path, name: str, seen: int
) -> None:
    """Every chunk that was read is read again, the same, and then why it ended."""
    hub = make_hub().start()
    with hub.client() as client:
        reader = client.start("gate", "walk", {"name": name, "n": 3})
        for _ in range(seen - 1):
            client.ask("execute", plugin="gate", command="step", params={"name": name})
        client.chunks(reader, seen)
        hub.kill()
        before = list(reader.chunks)
    assert reader.task_id
    assert '"began"' in _stored(hub, tmp_path / "copy")
    hub.start()
    with hub.client() as client:
        after = client.finish(client.watch(reader.task_id))
        assert after.chunks[: len(before)] == before
        assert after.response["status"] == "failed"
        assert after.failure["code"] == "hub_restarted"
        assert after.failure["ran"] == "maybe"
        # Resumed from where the client was: only the end is new to it.
    with hub.client(MSGPACK) as client:
        rest = client.finish(client.watch(reader.task_id, reader.last, attempt=1))
        assert rest.opened["from"] == reader.last
        assert rest.response == after.response


def test_killed_in_a_stream(make_hub: MakeHub) -> None:
    """In full flow: what was read is a prefix of what is there."""
    hub = make_hub().start()
    with hub.client(MSGPACK) as client:
        reader = client.start("stream", "flood", {"n": 200_000, "size": 100})
        client.chunks(reader, 500)
        hub.kill()
        before = list(reader.chunks)
    hub.start()
    with hub.client(MSGPACK) as client:
        after = client.finish(client.watch(reader.task_id))
        assert after.chunks[: len(before)] == before
        assert after.response["status"] == "failed"
        assert after.failure["code"] == "hub_restarted"


def test_finished_tasks_keep_their_whole_log(make_hub: MakeHub, name: str) -> None:
    """A result that was seen is the result for ever, with all that led to it."""
    hub = make_hub().start()
    with hub.client() as client:
        done = client.run("stream", "kinds")
        failed = client.run("basic", "boom_late")
        keyed = client.run("cachy", "uncached", {"name": name}, key=name)
        big = client.run("basic", "big", {"size": 600_000})
        hub.kill()
    hub.start()
    with hub.client() as client:
        for reader in (done, failed, keyed, big):
            again = client.finish(client.watch(reader.task_id))
            assert again.chunks == reader.chunks
            assert again.result == reader.result
            head = client.watch(reader.task_id, again.last).opened["head"]
            assert head == again.last
        answer = client.ask(
            "execute",
            plugin="cachy",
            command="uncached",
            params={"name": name},
            key=name,
        )
        assert (answer["origin"], answer["task_id"]) == ("existing", keyed.task_id)
        with hub.http() as http:
            whole = http.get(f"/api/v1/tasks/{big.task_id}/result").json()
            assert whole == "x" * 600_000


def test_waiting_tasks_run_after_the_restart(make_hub: MakeHub, name: str) -> None:
    """What waited when the power went runs; what ran is told to have failed."""
    hub = make_hub(environ=ONE_THREAD).start()
    with hub.client() as client:
        running = client.start("gate", "polite", {"name": name})
        client.chunks(running, 1)
        waiting = [
            client.start("basic", "add_in_thread", {"a": i}, key=f"{name}-{i}")
            for i in range(3)
        ]
        cancelled = client.start("basic", "add_in_thread", {"a": 9})
        client.ask("cancel", task_id=cancelled.task_id)
        client.finish(cancelled)
        hub.kill()
    hub.start()
    with hub.client() as client:
        for i, reader in enumerate(waiting):
            again = client.finish(client.watch(reader.task_id))
            assert again.value == {"sum": i}
        stopped = client.finish(client.watch(running.task_id))
        assert stopped.failure["code"] == "hub_restarted"
        still = client.finish(client.watch(cancelled.task_id))
        assert still.response == cancelled.response


def test_joined_tickets_all_end(make_hub: MakeHub, name: str) -> None:
    """Every ticket of an interrupted run is there, and tells the same end."""
    hub = make_hub().start()
    params = {"name": name, "n": 1}
    with hub.client() as client:
        readers = [client.start("gate", "shared", params) for _ in range(3)]
        for reader in readers:
            client.chunks(reader, 1)
        left = readers.pop()
        client.ask("cancel", task_id=left.task_id)
        client.finish(left)
        hub.kill()
    hub.start()
    with hub.client() as client:
        for reader in readers:
            again = client.finish(client.watch(reader.task_id))
            assert again.failure["code"] == "hub_restarted"
            assert again.chunks == reader.chunks
        assert client.finish(client.watch(left.task_id)).response == left.response


def test_a_closing_run_ends_cancelled(make_hub: MakeHub, name: str) -> None:
    """The wish to cancel was confirmed: after the restart it is `cancelled`."""
    hub = make_hub(environ={"TASKHUB__TIMING__GRACE_S": "20"}).start()
    with hub.client() as client:
        reader = client.start("gate", "stubborn", {"name": name})
        client.chunks(reader, 1)
        assert client.ask("cancel", task_id=reader.task_id)["type"] == "ok"
        hub.kill()
    hub.start()
    with hub.client() as client:
        again = client.finish(client.watch(reader.task_id))
        assert again.response["status"] == "cancelled"


def test_a_resend_after_the_restart_is_the_same_task(
    make_hub: MakeHub, name: str
) -> None:
    """Sent, killed, sent again with its key: one task, whatever was seen of it."""
    hub = make_hub().start()
    with hub.client() as client:
        first = client.start("gate", "hold", {"name": name}, key=name)
        hub.kill()
    hub.start()
    with hub.client() as client:
        answer = client.ask(
            "execute", plugin="gate", command="hold", params={"name": name}, key=name
        )
        assert answer["origin"] == "existing"
        assert answer["task_id"] == first.task_id


@pytest.mark.slow
def test_killed_again_and_again(make_hub: MakeHub, name: str) -> None:
    """Ten lives of one data folder: every task of each has one end."""
    hub = make_hub()
    ends: dict[str, object] = {}
    for life in range(10):
        hub.start()
        with hub.client(MSGPACK if life % 2 else JSON) as client:
            open_ones = [t for t, end in ends.items() if end is None]
            for task_id in open_ones:
                ends[task_id] = client.finish(client.watch(task_id)).response
            for task_id, end in ends.items():
                seen = client.finish(client.watch(task_id, 0))
                assert seen.response == end
            done = client.run("stream", "count", {"n": 50})
            ends[done.task_id] = done.response
            begun = client.start("gate", "walk", {"name": f"{name}-{life}", "n": 5})
            client.chunks(begun, 1)
            ends[begun.task_id] = None
            hub.kill()


def test_memory_forgets(make_hub: MakeHub) -> None:
    """The memory engine is another store after a restart, and says so."""
    hub = make_hub("--engine", "memory").start()
    with hub.client() as client:
        first, task_id = client.welcome["hub"], client.run("basic", "noop").task_id
        hub.kill()
    hub.start()
    with hub.client() as client:
        assert client.welcome["hub"] != first
        assert client.refused("watch", task_id=task_id)["code"] == "not_found"
