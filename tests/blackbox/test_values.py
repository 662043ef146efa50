"""Values and sizes: what passes, what is cut, what is refused."""

import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import FRAME_BYTES, JSON, MSGPACK, blob


def _nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize(
    ("which", "value"),
    [
        ("bytes", "AP8="),
        ("nan", [None, None, None]),
        ("tuple", [1, 2]),
        ("struct", {"x": 1.5, "y": 0.0}),
        ("int_keys", {"1": "one"}),
        ("int64", [2**63 - 1, -(2**63)]),
    ],
)
def test_what_a_command_returns_is_turned_into_json(
    hub: HubProcess, codec: str, which: str, value: object
) -> None:
    """Builtins once: bytes as base64, NaN as null, keys as strings; in both codecs."""
    with hub.client(codec) as client:
        assert client.run("basic", "values", {"which": which}).value == value
        reader = client.run("basic", "chunk_values", {"which": which})
        if which == "bytes":
            # A chunk of bytes is either the text of it or `bin`.
            return
        assert reader.output == [value]


def test_times_are_text(client: Client) -> None:
    """A datetime arrives as RFC 3339."""
    value = client.run("basic", "values", {"which": "time"}).value
    assert value.replace("+00:00", "Z") == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("command", ["values", "chunk_values"])
@pytest.mark.parametrize("which", ["huge", "surrogate", "stranger"])
def test_what_is_no_json_fails_the_command(
    client: Client, which: str, command: str
) -> None:
    """Out of the domain on the way out: `plugin_error`, one result, the hub well."""
    reader = client.run("basic", command, {"which": which})
    assert reader.failure["code"] == "plugin_error"
    assert reader.response["error"]
    client.fence()


def test_depth_is_bounded_both_ways(client: Client) -> None:
    """Depth 32 passes, deeper is refused: `invalid_params` in, `plugin_error` out."""
    # `params` itself and `value` are two levels of it.
    assert client.run("basic", "echo", {"value": _nested(30)}).value == _nested(30)
    error = client.refused(
        "execute", plugin="basic", command="echo", params={"value": _nested(33)}
    )
    assert error["code"] == "invalid_params"
    assert client.run("basic", "deep", {"depth": 31}).value == _nested(31)
    reader = client.run("basic", "deep", {"depth": 40})
    assert reader.failure["code"] == "plugin_error"
    client.fence()


@pytest.mark.parametrize("depth", [500, 5000, 60_000])
def test_a_bomb_of_brackets_is_refused(client: Client, depth: int) -> None:
    """No depth makes the hub stumble."""
    client.send_raw(
        '{"type":"execute","id":"b","plugin":"basic","command":"echo",'
        '"params":{"value":' + "[" * depth + "]" * depth + "}}"
    )
    assert client.complaint()["code"] in ("invalid_params", "bad_frame")
    client.fence()


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**400])
def test_integers_beyond_64_bit_are_refused(client: Client, number: int) -> None:
    """They would not survive MessagePack: `invalid_params`."""
    error = client.refused(
        "execute", plugin="basic", command="echo", params={"value": [number]}
    )
    assert error["code"] == "invalid_params"
    client.fence()


def test_integers_of_64_bit_pass(hub: HubProcess) -> None:
    """The whole of a signed 64-bit integer survives, in both codecs."""
    for codec in (JSON, MSGPACK):
        with hub.client(codec) as client:
            numbers = [2**63 - 1, -(2**63), 2**53 + 1, 0]
            assert client.run("basic", "echo", {"value": numbers}).value == numbers


def test_a_lone_surrogate_is_refused(client: Client) -> None:
    """It is no text: `invalid_params`."""
    client.send_raw(
        '{"type":"execute","id":"s","plugin":"basic","command":"echo",'
        '"params":{"value":"\\ud800"}}'
    )
    assert client.complaint()["code"] == "invalid_params"
    client.fence()


def test_escaped_pairs_and_odd_keys_survive(client: Client) -> None:
    """What is valid JSON arrives as it was sent."""
    value = {"": "\U0001f40d", "type": "x", "a\nb": "\u2028", "nul": "\x00"}
    assert client.run("basic", "echo", {"value": value}).value == value


def test_msgpack_values_that_json_lacks(hub: HubProcess) -> None:
    """Binary, integer keys, timestamps: answered, and the connection stays."""
    for value in (b"\x00", {1: 2}, float("nan")):
        with hub.client(MSGPACK) as client:
            answer = client.ask(
                "execute", plugin="basic", command="echo", params={"value": value}
            )
            assert answer["type"] == "opened" or answer["code"] in (
                "invalid_params",
                "bad_frame",
            )
            client.fence()


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_message_over_the_limit_is_refused(hub: HubProcess, codec: str) -> None:
    """Up to four times the limit: `frame_too_large`, and the connection stays."""
    with hub.client(codec) as client:
        for count, size in enumerate((FRAME_BYTES + 1, FRAME_BYTES * 3), start=1):
            client.send({"type": "ping", "id": 1, "pad": "p" * size})
            assert client.complaint(count)["code"] == "frame_too_large"
        client.fence()


def test_a_message_at_the_limit_is_fine(client: Client) -> None:
    """The limit itself is allowed."""
    frame = '{"type":"ping","id":1,"pad":"%s"}'
    client.send_raw(frame % ("p" * (FRAME_BYTES - len(frame) + 2)))
    assert client.answer(1)["type"] == "pong"


def test_a_message_far_over_the_limit_closes(hub: HubProcess, client: Client) -> None:
    """Above four times the limit: 1009."""
    other = hub.client()
    other.send_raw("x" * (FRAME_BYTES * 4 + 1000))
    assert other.closed() == 1009
    client.fence()


def test_a_hello_over_4_kib_is_refused(hub: HubProcess) -> None:
    """The first frame is small."""
    with hub.client() as client:
        client.send({"type": "hello", "client": "c" * 5000})
        assert client.complaint()["code"] == "frame_too_large"
        client.fence()


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_long_text_is_cut_into_chunks(hub: HubProcess, codec: str) -> None:
    """No chunk passes 128 KiB; joined again the text is what was sent."""
    with hub.client(codec) as client:
        reader = client.run("stream", "large_text", {"size": 200_000})
        assert len(reader.chunks) > 1
        assert "".join(reader.output) == "é" * 200_000
        assert all(len(data.encode()) <= 131_072 for data in reader.output)


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_many_bytes_are_cut_into_chunks(hub: HubProcess, codec: str) -> None:
    """The same for `bin`."""
    with hub.client(codec) as client:
        reader = client.run("stream", "large_bytes", {"size": 300_000})
        assert len(reader.chunks) > 1
        joined = b"".join(blob(chunk) for chunk in reader.chunks)
        assert joined == bytes(i % 251 for i in range(300_000))


def test_a_large_value_cannot_be_cut(client: Client) -> None:
    """Anything but text and bytes fails the command, by code."""
    reader = client.run("stream", "large_list", {"size": 140_000})
    assert reader.failure["code"] == "plugin_error"
    assert reader.failure["detail"]["code"] == "chunk_too_large"


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_a_large_result_is_fetched_by_its_url(hub: HubProcess, codec: str) -> None:
    """Over the frame limit: null on the wire, whole under `result_url`."""
    size = FRAME_BYTES * 2
    with hub.client(codec) as client, hub.http() as http:
        reader = client.run("basic", "big", {"size": size})
        assert reader.result is not None
        assert reader.value is None
        whole = http.get("/" + reader.result["result_url"])
        assert whole.json() == "x" * size
        read = http.get(f"/api/v1/tasks/{reader.task_id}").json()
        assert read["result"] is None
        assert read["result_url"] == reader.result["result_url"]


def test_a_result_below_the_limit_is_sent(client: Client) -> None:
    """No detour where there is room."""
    reader = client.run("basic", "big", {"size": FRAME_BYTES - 8192})
    assert reader.value == "x" * (FRAME_BYTES - 8192)
    assert reader.result is not None
    assert "result_url" not in reader.result


def test_messages_stay_below_the_limit(client: Client) -> None:
    """Many chunks: merged where they are small, never over the frame limit."""
    reader = client.run("stream", "flood", {"n": 300, "size": 10_000})
    assert len(reader.chunks) == 300
    assert max(client.sizes) <= FRAME_BYTES
    small = client.run("stream", "count", {"n": 5000})
    assert small.output == list(range(5000))
