"""Bad input: the protocol's error, by name; the connection and every task unharmed."""

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK, Frame

EXECUTE = {"plugin": "basic", "command": "noop"}


@pytest.mark.parametrize(
    ("plugin", "command"),
    [
        ("nobody", "noop"),
        ("basic", "nothing"),
        ("basic", "__init__"),
        ("basic", "start"),
        ("", ""),
        ("old", "nothing"),
        ("../basic", "noop"),
    ],
)
def test_unknown_command(client: Client, plugin: str, command: str) -> None:
    """What no plugin offers is `unknown_command`; a method alone is no command."""
    error = client.refused("execute", plugin=plugin, command=command)
    assert error["code"] == "unknown_command"
    client.fence()


@pytest.mark.parametrize(
    ("command", "params", "field"),
    [
        ("add", {}, "a"),
        ("add", {"b": 1}, "a"),
        ("add", {"a": 1, "zzz": 1}, "zzz"),
        ("noop", {"zzz": None}, "zzz"),
        ("add", {"a": "1"}, "a"),
        ("add", {"a": None}, "a"),
        ("add", {"a": 1.5}, "a"),
        ("add", {"a": True}, "a"),
        ("add", {"a": 1, "b": []}, "b"),
        ("strict", {"n": 0}, "n"),
        ("strict", {"n": 11}, "n"),
        ("strict", {"n": 1, "unit": "K"}, "unit"),
        ("strict", {"n": 1, "point": 5}, "point"),
    ],
)
def test_wrong_params_are_named(
    client: Client, command: str, params: Frame, field: str
) -> None:
    """Missing, extra, mistyped, out of range: `invalid_params` says which."""
    error = client.refused("execute", plugin="basic", command=command, params=params)
    assert error["code"] == "invalid_params"
    assert error["detail"]["field"] == field
    client.fence()


@pytest.mark.parametrize("point", [{}, {"x": "left"}, {"x": 1, "z": 1}])
def test_wrong_params_are_named_inside(client: Client, point: Frame) -> None:
    """A parameter that is an object is checked, too."""
    params = {"n": 1, "point": point}
    answer = client.ask("execute", plugin="basic", command="strict", params=params)
    if "z" in point:
        # Unknown names are refused in params; deeper down the struct decides.
        return
    assert answer["code"] == "invalid_params"
    assert answer["detail"]["field"].startswith("point")


def test_classic_params_are_checked_against_their_schema(client: Client) -> None:
    """A classic command with `params` has them; one without takes any object."""
    assert client.run("old", "add", {"a": 1, "b": 2}).value == {"sum": 3}
    assert client.run("old", "chat", {"anything": [1]}).value == "chatted"


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ({"priority": "urgent"}, "priority"),
        ({"priority": ""}, "priority"),
        ({"linger_ms": 0}, "linger_ms"),
        ({"linger_ms": 5000}, "linger_ms"),
        ({"credit": 5}, "credit"),
        ({"credit": -1}, "credit"),
        ({"cache": "sometimes"}, "cache"),
        ({"deadline_ms": -1}, "deadline_ms"),
    ],
)
def test_values_out_of_range_are_named(
    client: Client, frame: Frame, field: str
) -> None:
    """What cannot be honoured is refused by name, never silently ignored."""
    error = client.refused("execute", **EXECUTE, **frame)
    assert error["code"] == "invalid_params"
    assert error["detail"]["field"] == field
    client.fence()


def test_normal_priority_is_no_offence(client: Client) -> None:
    """The default may be said aloud."""
    client.run("basic", "noop", priority="normal", cache="use", chunks=True)


@pytest.mark.parametrize(
    ("frame", "field"), [({"from": -1}, "from"), ({"credit": 5}, "credit")]
)
def test_a_watch_out_of_range_is_named(
    client: Client, frame: Frame, field: str
) -> None:
    """A negative `from` is no number of an entry."""
    task_id = client.run("basic", "noop").task_id
    error = client.refused("watch", task_id=task_id, **frame)
    assert error["code"] == "invalid_params"
    assert error["detail"]["field"] == field
    client.fence()


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "execute", "plugin": "basic"},
        {"type": "execute", "command": "noop"},
        {"type": "execute", "plugin": 5, "command": "noop"},
        {"type": "execute", **EXECUTE, "params": [1]},
        {"type": "execute", **EXECUTE, "params": "none"},
        {"type": "execute", **EXECUTE, "chunks": "no"},
        {"type": "execute", **EXECUTE, "key": 5},
        {"type": "execute", **EXECUTE, "deadline_ms": "soon"},
        {"type": "execute", **EXECUTE, "cache": 1},
        {"type": "watch"},
        {"type": "watch", "task_id": 5},
        {"type": "watch", "task_id": "x", "from": "start"},
        {"type": "watch", "task_id": "x", "from": 1.5},
        {"type": "cancel"},
        {"type": "cancel", "task_id": None},
    ],
)
def test_missing_or_mistyped_fields_are_a_bad_frame(
    client: Client, frame: Frame
) -> None:
    """The frame cannot be understood; the error carries its id, where it has one."""
    client.send({**frame, "id": "bad"})
    error = client.answer("bad")
    assert (error["type"], error["code"]) == ("error", "bad_frame")
    client.fence()


@pytest.mark.parametrize("bad", [None, 1.5, True, [], {}])
def test_a_mistyped_id_is_a_bad_frame(client: Client, bad: object) -> None:
    """An id is a string or an integer."""
    client.send({"type": "ping", "id": bad})
    assert client.complaint()["code"] == "bad_frame"
    client.fence()


def test_a_missing_id_is_a_bad_frame(client: Client) -> None:
    """What is answered needs an id to be answered to."""
    client.send({"type": "execute", **EXECUTE})
    client.send({"type": "ping"})
    client.complaint(2)
    assert {frame["code"] for frame in client.frames[-2:]} == {"bad_frame"}
    client.fence()


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "",
        "hello",
        '{"type":"ping","id":1}{"type":"ping","id":2}',
        '{"type":"ping","id":NaN}',
        "5",
        '"ping"',
        "null",
        '{"id":1}',
        '{"type":5,"id":1}',
        "[" * 5000,
        '{"type":"ping","id":"\\ud800"}',
    ],
)
def test_undecodable_json_is_a_bad_frame(client: Client, message: str) -> None:
    """What cannot be decoded is answered, and the connection stays."""
    client.send_raw(message)
    assert client.complaint()["code"] == "bad_frame"
    client.fence()


@pytest.mark.parametrize(
    "message",
    [
        b"\xc1",
        b"",
        b"\x81",
        b"\x81\xa4type\xa4ping\x00",
        b"\x05",
        b"\xa4ping",
        b"\xd4\x01\x00",
        b"\x81\xa4type\xa2\xff\xfe",
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 5000,
        b"\xdf\xff\xff\xff\xff",
    ],
)
def test_undecodable_msgpack_is_a_bad_frame(hub: HubProcess, message: bytes) -> None:
    """The same in MessagePack: cut short, trailing bytes, bombs of length."""
    with hub.client(MSGPACK) as client:
        client.send_raw(message)
        assert client.complaint()["code"] == "bad_frame"
        client.fence()


def test_text_on_msgpack_and_bytes_on_json(hub: HubProcess) -> None:
    """The codec is the connection's: a message of the other kind is a bad frame."""
    with hub.client(MSGPACK) as packed:
        packed.send_raw('{"type":"ping","id":1}')
        assert packed.complaint()["code"] == "bad_frame"
        packed.fence()
    with hub.client(JSON) as plain:
        plain.send_raw(b"\x82\xa4type\xa4ping\xa2id\x01")
        assert plain.complaint()["code"] == "bad_frame"
        plain.fence()


def test_the_fifth_bad_frame_in_a_minute_closes(hub: HubProcess) -> None:
    """Four are forgiven, each with its error; the fifth closes 4501."""
    client = hub.client()
    for i in range(4):
        client.send_raw("{")
        assert client.complaint(i + 1)["code"] == "bad_frame"
        client.fence()
    client.send_raw("{")
    assert client.closed() == 4501


def test_unknown_types_are_answered_and_do_not_count(client: Client) -> None:
    """`unknown_type`, as often as one likes; what is not there yet is said so."""
    for kind in ("list", "stats", "auth", "unlist", "unstats", "mumble", ""):
        error = client.refused(kind)
        assert error["code"] == "unknown_type", kind
    # An answer of the hub's is no wish of a client's.
    assert client.refused("pong")["code"] == "unknown_type"
    client.fence()


def test_an_unknown_type_without_id_is_answered(client: Client) -> None:
    """Even then the client learns that it was not understood."""
    client.send({"type": "mumble"})
    assert client.complaint()["code"] == "unknown_type"
    client.fence()


def test_arrays_do_not_nest(client: Client) -> None:
    """An array in an array is one bad frame; its neighbours count."""
    client.send_raw('[[{"type":"ping","id":1}],{"type":"ping","id":2},7]')
    assert client.answer(2)["type"] == "pong"
    client.complaint(2)
    assert {f["code"] for f in client.frames if f["type"] == "error"} == {"bad_frame"}
    assert 1 not in client.answers
    client.fence()


def test_other_tasks_and_connections_are_unharmed(
    hub: HubProcess, client: Client, name: str
) -> None:
    """While one client misbehaves to its end, another's task goes on."""
    reader = client.start("gate", "walk", {"name": name, "n": 3})
    client.run("gate", "step", {"name": name})
    client.chunks(reader, 2)
    bad = hub.client()
    theirs = bad.start("gate", "walk", {"name": f"{name}-b", "n": 1})
    for _ in range(5):
        bad.send_raw("[{")
    assert bad.closed() == 4501
    client.run("gate", "step", {"name": name, "n": 2})
    assert client.finish(reader).output == ["began", 0, 1, 2]
    # Its task is none the worse, either.
    client.run("gate", "step", {"name": f"{name}-b"})
    assert client.finish(client.watch(theirs.task_id)).value == 1


def test_a_bad_hello_leaves_the_connection(hub: HubProcess) -> None:
    """Mistyped or out of range, `hello` is refused like any frame."""
    for hello, code in (
        ({"locale": 5}, "bad_frame"),
        ({"progress_ms": "fast"}, "bad_frame"),
        ({"progress_ms": -1}, "invalid_params"),
    ):
        with hub.client() as client:
            client.send({"type": "hello", **hello})
            assert client.complaint()["code"] == code, hello
            client.fence()
