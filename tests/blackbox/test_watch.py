"""Watching: the same log from any number, as often as one likes, live and later."""

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize("after", range(6))
def test_an_ended_task_is_read_from_any_number(
    hub: HubProcess, client: Client, codec: str, after: int
) -> None:
    """`watch` from N yields exactly the entries N + 1 to the result."""
    whole = client.run("stream", "count", {"n": 5})
    with hub.client(codec) as other:
        part = other.finish(other.watch(whole.task_id, after))
        opened = part.opened
        assert (opened["from"], opened["head"], opened["attempt"]) == (after, 6, 1)
        assert part.output == list(range(after, 5))
        assert part.response == whole.response


def test_watch_at_the_head_of_an_ended_task_opens_and_says_no_more(
    hub: HubProcess, client: Client
) -> None:
    """Who has seen the result is told `opened`, nothing more."""
    task_id = client.run("stream", "count", {"n": 5}).task_id
    with hub.client() as other:
        part = other.watch(task_id, 6)
        assert (part.opened["from"], part.opened["head"]) == (6, 6)
        other.fence()
        assert [frame["type"] for frame in part.trail] == ["opened"]
        assert part.opened["response"]["status"] == "completed"


def test_watch_from_above_the_head_starts_over(hub: HubProcess, client: Client) -> None:
    """A number the log has not reached means that the store lost it: read from 0."""
    whole = client.run("stream", "count", {"n": 3})
    with hub.client() as other:
        part = other.finish(other.watch(whole.task_id, 1000))
        assert part.opened["from"] == 0
        assert part.output == [0, 1, 2]


def test_watch_with_another_attempt_starts_over(
    hub: HubProcess, client: Client
) -> None:
    """An entry of another attempt than the client saw is not the one it saw."""
    whole = client.run("stream", "count", {"n": 3})
    with hub.client() as other:
        part = other.finish(other.watch(whole.task_id, 2, attempt=2))
        assert part.opened["from"] == 0
        assert part.output == [0, 1, 2]
    with hub.client() as other:
        same = other.finish(other.watch(whole.task_id, 2, attempt=1))
        assert same.opened["from"] == 2


def test_watch_from_above_the_head_of_a_running_task_starts_over(
    hub: HubProcess, client: Client, name: str
) -> None:
    """So it is for a task that still runs."""
    running = client.start("gate", "walk", {"name": name, "n": 1})
    client.chunks(running, 1)
    with hub.client() as other:
        part = other.watch(running.task_id, 2)
        assert (part.opened["from"], part.opened["head"]) == (0, 1)
        client.run("gate", "step", {"name": name})
        assert other.finish(part).output == ["began", 0]
    client.finish(running)


def test_watch_of_a_running_task_replays_and_goes_on_live(
    hub: HubProcess, client: Client, name: str
) -> None:
    """What was missed comes first, then what happens, without a seam."""
    running = client.start("gate", "walk", {"name": name, "n": 3})
    client.run("gate", "step", {"name": name})
    client.chunks(running, 2)
    with hub.client() as late, hub.client(MSGPACK) as later:
        one = late.watch(running.task_id)
        two = later.watch(running.task_id, 1)
        assert one.opened["response"]["status"] == "running"
        assert one.opened["response"]["progress"] == pytest.approx(1 / 3)
        assert one.opened["response"]["message"] == "step 0"
        late.chunks(one, 2)
        client.run("gate", "step", {"name": name, "n": 2})
        assert late.finish(one).output == ["began", 0, 1, 2]
        assert later.finish(two).output == [0, 1, 2]
        assert one.response == two.response == client.finish(running).response


def test_opened_of_a_watch_repeats_the_request(client: Client, name: str) -> None:
    """Who comes later can see what was asked for."""
    task_id = client.run("basic", "add", {"a": 1}, deadline_ms=60_000).task_id
    client.watch(task_id, 1)
    request = client.readers[task_id].opened["response"]["metadata"]["request"]
    assert request.pop("params")["a"] == 1
    assert request == {"priority": "normal", "deadline_ms": 60_000, "cache": "use"}


def test_opened_does_not_repeat_large_params(client: Client, name: str) -> None:
    """Over 64 KiB they are null there, so that `opened` stays small; GET has them."""
    params = {"value": "p" * 100_000}
    client.run("basic", "echo", params, key=name)
    answer = client.ask(
        "execute", plugin="basic", command="echo", params=params, key=name
    )
    assert answer["origin"] == "existing"
    assert answer["response"]["metadata"]["request"]["params"] is None


def test_watch_without_chunks_skips_them(hub: HubProcess, client: Client) -> None:
    """`chunks: false` yields one gap for all of them, then the result."""
    whole = client.run("stream", "count", {"n": 5})
    with hub.client() as other:
        part = other.finish(other.watch(whole.task_id, 0, chunks=False))
        assert part.output == []
        (gap,) = part.gaps
        assert (gap["from"], gap["to"], gap["why"]) == (1, 5, "skipped")
        assert gap["attempt"] == 1
        assert part.response == whole.response
        again = [frame["type"] for frame in part.trail if frame["type"] != "progress"]
        assert again == ["opened", "gap", "result"]


def test_execute_without_chunks_skips_them(client: Client) -> None:
    """The same in one step, for who wants only the answer."""
    reader = client.run("stream", "count", {"n": 5}, chunks=False)
    assert reader.output == []
    assert [(gap["from"], gap["to"]) for gap in reader.gaps] == [(1, 5)]
    assert reader.value == 5


def test_without_chunks_nothing_is_skipped_where_nothing_was(client: Client) -> None:
    """No entries, no gap."""
    reader = client.run("basic", "noop", chunks=False)
    assert reader.gaps == []
    assert reader.last == 1


def test_skipped_chunks_are_held_back_until_the_result(
    hub: HubProcess, client: Client, name: str
) -> None:
    """The one gap comes when its end is known, not chunk by chunk."""
    running = client.start("gate", "walk", {"name": name, "n": 4})
    with hub.client() as other:
        part = other.watch(running.task_id, 0, chunks=False)
        client.run("gate", "step", {"name": name, "n": 3})
        client.chunks(running, 4)
        other.fence()
        assert part.gaps == []
        client.run("gate", "step", {"name": name})
        other.finish(part)
        assert [(gap["from"], gap["to"]) for gap in part.gaps] == [(1, 5)]
    client.finish(running)


def test_second_watch_on_a_connection_moves_the_cursor(client: Client) -> None:
    """One task, one cursor: a second `watch` reads again from where it says."""
    reader = client.run("stream", "count", {"n": 5})
    client.watch(reader.task_id, 2)
    client.finish(reader)
    assert reader.output == [2, 3, 4]
    assert len([f for f in reader.trail if f["type"] == "result"]) == 2


def test_second_watch_of_a_running_task_moves_the_cursor(
    client: Client, name: str
) -> None:
    """The output before comes again, what comes later comes once."""
    reader = client.start("gate", "walk", {"name": name, "n": 2})
    client.chunks(reader, 1)
    client.watch(reader.task_id, 0)
    client.chunks(reader, 1)
    client.run("gate", "step", {"name": name, "n": 2})
    client.finish(reader)
    assert reader.output == ["began", 0, 1]
    assert [f["seq"] for f in reader.trail if f["type"] == "chunk"] == [1, 1, 2, 3]


def test_second_watch_may_switch_chunks_off(client: Client, name: str) -> None:
    """The newer watch's wishes hold."""
    reader = client.start("gate", "walk", {"name": name, "n": 2})
    client.chunks(reader, 1)
    client.watch(reader.task_id, 1, chunks=False)
    client.run("gate", "step", {"name": name, "n": 2})
    client.finish(reader)
    assert reader.output == ["began"]
    assert [(gap["from"], gap["to"]) for gap in reader.gaps] == [(2, 3)]


def test_unwatch_stops_the_reading_not_the_run(
    hub: HubProcess, client: Client, name: str
) -> None:
    """After `unwatch` nothing of the task comes; the run ends all the same."""
    reader = client.start("gate", "walk", {"name": name, "n": 2})
    client.chunks(reader, 1)
    client.send({"type": "unwatch", "task_id": reader.task_id})
    client.fence()
    seen = len(reader.trail)
    with hub.client() as other:
        part = other.watch(reader.task_id)
        other.run("gate", "step", {"name": name, "n": 2})
        assert other.finish(part).value == 2
    client.fence()
    assert len(reader.trail) == seen
    # And one may take it up again where one left it.
    client.watch(reader.task_id, reader.last)
    assert client.finish(reader).output == ["began", 0, 1]


def test_unwatch_of_an_unknown_task_is_ignored(client: Client) -> None:
    """It has no id and is never answered; nor is `more`."""
    client.send({"type": "unwatch", "task_id": "nobody"})
    client.send({"type": "unwatch", "task_id": "0" * 32})
    client.send({"type": "more", "task_id": "nobody", "n": 5})
    client.fence()
    assert client.count("error") == 0


def test_unknown_task_is_not_found(client: Client) -> None:
    """One answer for what never was, is gone, or is another's; the id not repeated."""
    for task_id in ("nobody", "0" * 22, "0" * 32, "é" * 22, ""):
        error = client.refused("watch", task_id=task_id)
        assert error["code"] == "not_found", error
        error = client.refused("cancel", task_id=task_id)
        assert error["code"] == "not_found", error


def test_a_reader_that_left_resumes_where_it_was(
    hub: HubProcess, client: Client, name: str
) -> None:
    """The connection drops, the run goes on, `watch` from `last` misses nothing."""
    with hub.client() as first:
        reader = first.start("gate", "walk", {"name": name, "n": 6})
        first.run("gate", "step", {"name": name, "n": 2})
        first.chunks(reader, 3)
        first.ws.socket.close()
    client.run("gate", "step", {"name": name, "n": 2})
    with hub.client(MSGPACK) as second:
        resumed = second.watch(reader.task_id, reader.last, attempt=reader.attempt)
        second.run("gate", "step", {"name": name, "n": 2})
        second.finish(resumed)
        assert reader.output + resumed.output == ["began", 0, 1, 2, 3, 4, 5]


def test_twenty_watchers_see_one_run_alike(
    hub: HubProcess, client: Client, name: str
) -> None:
    """Every viewer reads the same log, with the same numbers and times."""
    reader = client.start("gate", "walk", {"name": name, "n": 3})
    viewers = [hub.client(MSGPACK if i % 2 else JSON) for i in range(20)]
    try:
        for viewer in viewers:
            viewer.watch(reader.task_id)
        client.run("gate", "step", {"name": name, "n": 3})
        client.finish(reader)
        for viewer in viewers:
            seen = viewer.finish(viewer.readers[reader.task_id])
            assert seen.chunks == reader.chunks
            assert seen.response == reader.response
    finally:
        for viewer in viewers:
            viewer.ws.close()
