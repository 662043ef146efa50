"""Everything has a bound: texts, logs, records, the time and room that tasks take."""

import time

import pytest

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub


def test_texts_are_cut_not_refused(client: Client) -> None:
    """`message` holds 2 KiB, `error` and the failure's detail 16 KiB."""
    reader = client.run("basic", "rant", {"size": 50_000})
    error = reader.response["error"]
    assert error.startswith("é" * 1000)
    assert len(error.encode()) <= 16 * 1024 + 8
    assert len(str(reader.failure.get("detail"))) <= 16 * 1024 + 200
    # What was said of its progress was checked on arrival.
    assert reader.failure["code"] == "plugin_error"


@pytest.mark.parametrize("engine", ["sqlite", "memory"])
def test_a_log_over_its_bound_fails_the_command(make_hub: MakeHub, engine: str) -> None:
    """`output_too_large`: what was sent stands, and the next task runs."""
    environ = {"TASKHUB__LIMITS__MAX_LOG_BYTES": "4000000"}
    hub = make_hub("--engine", engine, environ=environ).start()
    with hub.client() as client:
        reader = client.run("stream", "flood", {"n": 200, "size": 50_000})
        assert reader.failure["code"] == "output_too_large"
        assert reader.failure["detail"] == {"limit": 4_000_000}
        # What was not committed when the bound was passed, at most 1 MiB, is gone.
        assert 3_000_000 / 50_000 - 2 < len(reader.chunks) <= 4_000_000 / 50_000
        # A result counts as part of its log.
        big = client.run("basic", "big", {"size": 5_000_000})
        assert big.failure["code"] == "output_too_large"
        client.fence()


def test_log_records_never_fail_a_run(make_hub: MakeHub) -> None:
    """Over their bound they are dropped, and the last one says how many."""
    environ = {"TASKHUB__LIMITS__LOG_RECORD_BYTES": "20000"}
    hub = make_hub(environ=environ).start()
    with hub.client() as client:
        reader = client.run("basic", "log_much", {"n": 100, "size": 1000})
        assert reader.value == "done"
        *kept, last = reader.logs
        assert 10 < len(kept) < 21
        assert str(100 - len(kept)) in last["message"]


@pytest.mark.parametrize("engine", ["sqlite", "memory"])
def test_an_ended_task_is_kept_for_its_time(
    make_hub: MakeHub, name: str, engine: str
) -> None:
    """After its retention it is `not_found`, and its key is free."""
    environ = {"TASKHUB__TIMING__RETENTION_S": "0.5"}
    hub = make_hub("--engine", engine, environ=environ).start()
    with hub.client() as client:
        reader = client.run("cachy", "uncached", {"name": name}, key=name)
        began = time.monotonic()
        while (
            client.ask("watch", task_id=reader.task_id, **{"from": 1})["type"]
            != "error"
        ):
            assert time.monotonic() - began < 10, "kept for ever"
        assert client.frames[-1]["code"] == "not_found"
        again = client.run("cachy", "uncached", {"name": name}, key=name)
        assert (again.origin, again.value) == ("new", 2)


@pytest.mark.parametrize(
    ("engine", "setting"), [("memory", "MEMORY_BYTES"), ("sqlite", "SQLITE_BYTES")]
)
def test_old_logs_make_room(make_hub: MakeHub, engine: str, setting: str) -> None:
    """Under pressure the oldest log goes first: a gap, and the result all the same."""
    environ = {f"TASKHUB__STORE__{setting}": "8000000"}
    hub = make_hub("--engine", engine, environ=environ).start()
    with hub.client() as client:
        readers = [
            client.run("stream", "flood", {"n": 50, "size": 40_000}) for _ in range(10)
        ]
        for reader in readers:
            assert reader.value == 50
    with hub.client() as client:
        oldest = client.finish(client.watch(readers[0].task_id))
        assert [gap["why"] for gap in oldest.gaps] == ["expired"]
        assert oldest.output == []
        assert oldest.value == 50
        newest = client.finish(client.watch(readers[-1].task_id))
        assert newest.chunks == readers[-1].chunks


@pytest.mark.parametrize("bound", ["ENTRIES", "BYTES"])
def test_the_cache_is_bounded(make_hub: MakeHub, name: str, bound: str) -> None:
    """The least recently used answer goes; nothing is wrong, it only runs again."""
    environ = {f"TASKHUB__CACHE__{bound}": {"ENTRIES": "5", "BYTES": "5000"}[bound]}
    hub = make_hub(environ=environ).start()
    with hub.client() as client:
        for i in range(40):
            client.run("cachy", "count", {"name": f"{name}-{i}"})
        newest = client.run("cachy", "count", {"name": f"{name}-39"})
        oldest = client.run("cachy", "count", {"name": f"{name}-0"})
        assert (newest.origin, oldest.origin) == ("cached", "new")
        with hub.http() as http:
            assert http.get("/api/v1/cache").text.count(name) < 40
