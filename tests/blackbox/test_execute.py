"""One task from `execute` to `result`: which frames come, in which order, with what."""

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK, Frame, blob


def test_noop_is_opened_and_ends(client: Client) -> None:
    """The least task: `opened` of a new run, then the one `result`, number 1."""
    reader = client.run("basic", "noop", id="x-1")
    kinds = [frame["type"] for frame in reader.trail if frame["type"] != "progress"]
    assert kinds == ["opened", "result"]
    opened = reader.opened
    assert opened["id"] == "x-1"
    assert (opened["origin"], opened["from"], opened["attempt"]) == ("new", 0, 1)
    assert opened["floor"] == 0
    assert reader.result is not None
    assert reader.result["seq"] == 1
    assert reader.value is None


def test_response_says_what_ran_and_how_long(client: Client) -> None:
    """The final TaskResponse names plugin and command, times and counts."""
    response = client.run("stream", "count", {"n": 3}).response
    metadata = response["metadata"]
    assert (metadata["plugin"], metadata["command"]) == ("stream", "count")
    assert (metadata["origin"], metadata["attempt"]) == ("new", 1)
    assert metadata["chunks"] == 3
    assert metadata["queued_ms"] >= 0
    assert metadata["execution_time_ms"] >= 0
    assert response["created_at"] <= metadata["started_at"] <= response["updated_at"]
    assert response["message"] == "Task completed"
    assert response["error"] is None


@pytest.mark.parametrize("command", ["add", "add_in_thread"])
def test_defaults_are_filled_in(client: Client, command: str) -> None:
    """A parameter with a default may be left out, in either isolation."""
    assert client.run("basic", command, {"a": 1, "b": 2}).value == {"sum": 3}
    assert client.run("basic", command, {"a": 1}).value == {"sum": 1}


@pytest.mark.parametrize("command", ["count", "count_in_thread"])
def test_every_yielded_item_is_a_chunk(client: Client, command: str) -> None:
    """Chunks are numbered from 1, the result comes last with the next number."""
    reader = client.run("stream", command, {"n": 200})
    assert reader.output == list(range(200))
    assert [chunk["seq"] for chunk in reader.chunks] == list(range(1, 201))
    assert {chunk["channel"] for chunk in reader.chunks} == {"out"}
    ats = [chunk["at"] for chunk in reader.chunks]
    assert ats == sorted(ats)
    assert reader.result is not None
    assert reader.result["seq"] == 201
    assert reader.value == 200


def test_generator_without_a_result_ends_with_null(client: Client) -> None:
    """`ctx.result` is optional."""
    reader = client.run("stream", "no_result")
    assert (reader.output, reader.value) == (["only"], None)


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_channels_kinds_and_bytes_arrive_as_sent(hub: HubProcess, codec: str) -> None:
    """`channel` and `kind` are the command's own; bytes are `bin`, in both codecs."""
    with hub.client(codec) as client:
        plain, ansi, table, image = client.run("stream", "kinds").chunks
        assert (plain["channel"], plain["data"]) == ("out", "plain")
        assert (ansi["kind"], ansi["data"]) == ("ansi", "\x1b[1mbold")
        assert (table["channel"], table["kind"]) == ("table", "json")
        assert table["data"] == {"a": [1, None, True]}
        assert image["kind"] == "image/png"
        assert blob(image) == b"\x89PNG\x00"
        assert isinstance(image["bin"], bytes if codec == MSGPACK else str)
        sent, written = client.run("stream", "kinds_in_thread").chunks
        assert sent["data"] == "plain"
        assert blob(written) == b"\x00\x01"


def test_log_records_have_a_channel_of_their_own(client: Client) -> None:
    """`ctx.log` and the logging module arrive as chunks of channel `log`."""
    reader = client.run("basic", "talk")
    assert reader.output == ["said"]
    by_hand, by_logging = reader.logs
    assert (by_hand["level"], by_hand["message"]) == ("warning", "by hand")
    assert by_logging["level"].lower() == "warning"
    assert (by_logging["logger"], by_logging["message"]) == ("somewhere", "by logging")


def test_progress_is_told_while_it_runs(client: Client, name: str) -> None:
    """The status change comes at once, and a watcher sees the newest progress."""
    reader = client.start("gate", "hold", {"name": name})
    client.pump(lambda: (reader.progress or {}).get("status") == "running")
    client.run("gate", "step", {"name": name})
    assert client.finish(reader).value == name


def test_progress_is_conflated(hub: HubProcess) -> None:
    """Any rate of `ctx.progress` costs a watcher one frame per `progress_ms`."""
    with hub.client(hello={"progress_ms": 1000}) as client:
        reader = client.run("basic", "hurry", {"n": 50_000})
        told = [frame for frame in reader.trail if frame["type"] == "progress"]
        ran_ms = reader.response["metadata"]["execution_time_ms"]
        # One for each status beside those of the clock.
        assert len(told) <= 3 + ran_ms / 1000
        assert reader.response["progress"] == 1


def _plain(frame: Frame) -> Frame:
    """Take from a frame what must differ between two runs."""
    kept = {k: v for k, v in frame.items() if k not in ("task_id", "at", "id")}
    if "bin" in kept:
        kept["bin"] = blob(frame)
    if "response" in kept:
        response = dict(kept["response"])
        for timed in ("task_id", "created_at", "updated_at"):
            response.pop(timed)
        metadata = dict(response["metadata"])
        for timed in ("queued_ms", "execution_time_ms", "started_at"):
            metadata.pop(timed, None)
        response["metadata"] = metadata
        kept["response"] = response
    return kept


@pytest.mark.parametrize(
    ("plugin", "command", "params"),
    [
        ("basic", "noop", {}),
        ("basic", "add", {"a": 2**62, "b": -5}),
        ("basic", "echo", {"value": {"ä": [1.5, None, True, "\U0001f40d", {}, []]}}),
        ("basic", "values", {"which": "time"}),
        ("basic", "refuse", {}),
        ("basic", "boom_late", {}),
        ("basic", "strict", {"n": 3, "unit": "°F", "point": {"x": 1}}),
        ("stream", "kinds", {}),
        ("stream", "count", {"n": 40}),
        ("old", "chat", {}),
    ],
)
def test_both_codecs_tell_the_same(
    hub: HubProcess, plugin: str, command: str, params: Frame
) -> None:
    """Apart from `bin` a frame means the same in JSON and in MessagePack."""
    told: list[list[Frame]] = []
    for codec in (JSON, MSGPACK):
        with hub.client(codec) as client:
            trail = client.run(plugin, command, params).trail
            told.append([_plain(f) for f in trail if f["type"] in ("chunk", "result")])
    assert told[0] == told[1]
    assert told[0]


def test_one_log_reads_the_same_through_both_codecs(
    hub: HubProcess, client: Client
) -> None:
    """A task started in JSON and watched in MessagePack is the same, to the ms."""
    here = client.run("stream", "kinds")
    with hub.client(MSGPACK) as other:
        there = other.finish(other.watch(here.task_id))
    assert [{**c, "bin": blob(c)} if "bin" in c else c for c in here.chunks] == [
        {**c, "bin": blob(c)} if "bin" in c else c for c in there.chunks
    ]
    assert here.response == there.response


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_array_of_frames_is_answered_frame_by_frame(
    hub: HubProcess, codec: str
) -> None:
    """Each frame of an array counts for itself, wrong ones, too."""
    with hub.client(codec) as client:
        client.send(
            {"type": "ping", "id": "a"},
            {"type": "execute", "id": "b", "plugin": "basic", "command": "noop"},
            {"type": "execute", "id": "c", "plugin": "basic", "command": "nothing"},
            {"type": "execute", "id": "d", "command": "noop"},
            {"type": "mumble", "id": "e"},
            {"type": "ping", "id": "f"},
        )
        assert client.answer("a")["type"] == "pong"
        assert client.answer("b")["type"] == "opened"
        assert client.answer("c")["code"] == "unknown_command"
        assert client.answer("d")["code"] == "bad_frame"
        assert client.answer("e")["code"] == "unknown_type"
        assert client.answer("f")["type"] == "pong"
        client.finish(client.readers[client.answer("b")["task_id"]])


def test_unknown_fields_are_ignored(client: Client) -> None:
    """A newer client may say more than this hub understands."""
    reader = client.run("basic", "add", {"a": 1}, colour="blue", nested={"a": [1]})
    assert reader.value == {"sum": 1}
    assert client.ask("ping", colour="blue")["type"] == "pong"


def test_fields_may_come_in_any_order(client: Client) -> None:
    """`type` need not be the first field."""
    client.send(
        {"command": "add", "params": {"a": 4}, "plugin": "basic", "id": 9}
        | {"type": "execute"}
    )
    reader = client.readers[client.answer(9)["task_id"]]
    assert client.finish(reader).value == {"sum": 4}


def test_many_tasks_at_once_keep_apart(client: Client) -> None:
    """A hundred tasks on one connection end each with its own answer."""
    client.send(
        *(
            {
                "type": "execute",
                "id": f"n{i}",
                "plugin": "basic",
                "command": "add",
                "params": {"a": i},
            }
            for i in range(100)
        )
    )
    for i in range(100):
        reader = client.readers[client.answer(f"n{i}")["task_id"]]
        assert client.finish(reader).value == {"sum": i}
    assert len(client.readers) == 100


def test_the_context_tells_the_command_who_called(client: Client, name: str) -> None:
    """Key, trace, principal, deadline and attempt reach the command."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    reader = client.run("basic", "who", key=name, trace=trace, deadline_ms=9000)
    told = reader.value
    assert told["task_id"] == reader.task_id
    assert (told["attempt"], told["principal"]) == (1, "local")
    assert (told["key"], told["trace"]) == (name, trace)
    assert 0 < told["deadline"] <= 9
    assert told["cancelled"] is False
    assert reader.response["metadata"]["trace"] == trace


def test_a_public_command_does_not_learn_who_called(client: Client, name: str) -> None:
    """What all may share must not depend on one caller."""
    told = client.run("basic", "who_public", key=name).value
    assert told == {"principal": None, "key": None, "trace": None}
