"""The cache: an answer that is still good is given again, log and all."""

import time

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK, Frame


def _output(reader_chunks: list[Frame]) -> list[Frame]:
    return [{k: v for k, v in c.items() if k != "task_id"} for c in reader_chunks]


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_hit_replays_the_whole_log(hub: HubProcess, name: str, codec: str) -> None:
    """A cached answer has its own id and every chunk of the run, number by number."""
    with hub.client(codec) as client:
        first = client.run("cachy", "count", {"name": name})
        second = client.run("cachy", "count", {"name": name})
        assert (first.origin, second.origin) == ("new", "cached")
        assert first.task_id != second.task_id
        assert _output(first.chunks) == _output(second.chunks)
        assert len(second.chunks) == 3
        assert second.value == first.value == {"run": 1, "unit": "°C"}
        here, there = first.response["metadata"], second.response["metadata"]
        assert there["origin"] == "cached"
        assert "cached_at" in there
        # These describe the run, whoever asks.
        for field in ("attempt", "execution_time_ms", "chunks"):
            assert here[field] == there[field], field
        assert here.get("started_at") == there.get("started_at")


def test_a_cached_task_is_a_task_like_any_other(
    hub: HubProcess, client: Client, name: str
) -> None:
    """Its ticket can be watched later, from any number, by its own id."""
    client.run("cachy", "count", {"name": name})
    hit = client.run("cachy", "count", {"name": name})
    with hub.client() as other:
        seen = other.finish(other.watch(hit.task_id, 1))
        assert [c["seq"] for c in seen.chunks] == [2, 3]
        assert seen.response == hit.response
        assert seen.opened["response"]["metadata"]["origin"] == "cached"


def test_a_hit_may_leave_its_chunks_out(client: Client, name: str) -> None:
    """`chunks: false` holds for a cached answer as for any."""
    client.run("cachy", "count", {"name": name})
    hit = client.run("cachy", "count", {"name": name}, chunks=False)
    assert hit.origin == "cached"
    assert [(gap["from"], gap["to"]) for gap in hit.gaps] == [(1, 3)]
    assert hit.value["run"] == 1


def test_other_params_are_another_answer(client: Client, name: str) -> None:
    """The key holds the params, defaults filled in, order forgotten."""
    client.run("cachy", "count", {"name": name})
    spelled = client.run("cachy", "count", {"unit": "°C", "name": name})
    other = client.run("cachy", "count", {"unit": "°F", "name": name})
    assert (spelled.origin, other.origin) == ("cached", "new")
    assert other.value == {"run": 2, "unit": "°F"}


def test_refresh_does_not_read_but_writes(client: Client, name: str) -> None:
    """`cache: refresh` runs again, and its answer is the one kept."""
    client.run("cachy", "count", {"name": name})
    fresh = client.run("cachy", "count", {"name": name}, cache="refresh")
    assert (fresh.origin, fresh.value["run"]) == ("new", 2)
    kept = client.run("cachy", "count", {"name": name})
    assert (kept.origin, kept.value["run"]) == ("cached", 2)


def test_off_neither_reads_nor_writes(client: Client, name: str) -> None:
    """`cache: off` leaves the cache as it was."""
    off = client.run("cachy", "count", {"name": name}, cache="off")
    assert off.value["run"] == 1
    second = client.run("cachy", "count", {"name": name})
    assert (second.origin, second.value["run"]) == ("new", 2)
    off = client.run("cachy", "count", {"name": name}, cache="off")
    assert (off.origin, off.value["run"]) == ("new", 3)
    kept = client.run("cachy", "count", {"name": name})
    assert (kept.origin, kept.value["run"]) == ("cached", 2)


def test_an_answer_past_its_ttl_is_not_given(client: Client, name: str) -> None:
    """Checked on access: an old answer is never served."""
    first = client.run("cachy", "brief", {"name": name})
    hit = client.run("cachy", "brief", {"name": name})
    began = time.monotonic()
    while (hit := client.run("cachy", "brief", {"name": name})).origin == "cached":
        assert time.monotonic() - began < 5, "cached for ever"
    assert hit.origin == "new"
    assert hit.value == first.value + 1


def test_commands_without_ttl_are_never_cached(client: Client, name: str) -> None:
    """Only what declares a `ttl` is kept."""
    for run in (1, 2):
        reader = client.run("cachy", "uncached", {"name": name})
        assert (reader.origin, reader.value) == ("new", run)


def test_a_failure_is_not_cached(client: Client, name: str) -> None:
    """Only `completed` runs are kept."""
    first = client.run("cachy", "failing", {"name": name})
    assert first.failure["code"] == "plugin_error"
    second = client.run("cachy", "failing", {"name": name})
    assert (second.origin, second.value) == ("new", 2)
    assert client.run("cachy", "failing", {"name": name}).origin == "cached"


def test_a_localised_answer_is_kept_by_language(hub: HubProcess, name: str) -> None:
    """A command that reads the locale has an answer for each of the hub's."""
    answers = []
    for locale in ("en", "zh-CN", "en-GB", "zh"):
        with hub.client(hello={"locale": locale}) as client:
            reader = client.run("cachy", "greet", {"name": name})
            answers.append((reader.origin, reader.value["locale"]))
    assert answers == [
        ("new", "en"),
        ("new", "zh-CN"),
        ("cached", "en"),
        ("cached", "zh-CN"),
    ]


def test_other_answers_know_no_language(hub: HubProcess, name: str) -> None:
    """Elsewhere `ctx.locale` is the hub's default, and the answer is shared."""
    answers = []
    for locale in ("zh-CN", "en"):
        with hub.client(hello={"locale": locale}) as client:
            reader = client.run("cachy", "deaf", {"name": name})
            answers.append((reader.origin, reader.value["locale"]))
    assert answers == [("new", "en"), ("cached", "en")]


def test_a_public_answer_names_nobody(client: Client, name: str) -> None:
    """What all principals share was made for none of them."""
    first = client.run("cachy", "open_to_all", {"name": name})
    assert first.value == {"principal": None, "run": 1}
    assert client.run("cachy", "open_to_all", {"name": name}).origin == "cached"


def test_a_key_on_a_cached_answer_holds(
    hub: HubProcess, client: Client, name: str
) -> None:
    """The first rule comes first: a known key is `existing`, not another hit."""
    client.run("cachy", "count", {"name": name})
    hit = client.run("cachy", "count", {"name": name}, key=name)
    assert hit.origin == "cached"
    with hub.client() as other:
        again = other.run("cachy", "count", {"name": name}, key=name)
        assert (again.origin, again.task_id) == ("existing", hit.task_id)


def test_a_hit_too_large_for_one_message_is_whole(client: Client, name: str) -> None:
    """Where log and result do not fit in one message, several bring them."""
    first = client.run("cachy", "big", {"name": name})
    hit = client.run("cachy", "big", {"name": name})
    assert hit.origin == "cached"
    assert _output(hit.chunks) == _output(first.chunks)
    assert hit.value == name


def test_cancel_of_a_cached_task_changes_nothing(client: Client, name: str) -> None:
    """It had ended before it was asked for."""
    client.run("cachy", "count", {"name": name})
    hit = client.run("cachy", "count", {"name": name})
    assert client.ask("cancel", task_id=hit.task_id)["type"] == "ok"
    assert client.run("cachy", "count", {"name": name}).origin == "cached"
