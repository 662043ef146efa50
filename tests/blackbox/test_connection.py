"""The connection itself: subprotocols, `welcome`, `hello`, languages, signs of life."""

import json
import socket

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.blackbox.client import Client
from tests.blackbox.conftest import MakeHub
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import FRAME_BYTES, JSON, MSGPACK


def test_welcome_comes_at_once_and_says_who_is_speaking(hub: HubProcess) -> None:
    """Without authentication `welcome` is the first frame, unasked, for `local`."""
    with hub.client() as client:
        welcome = client.frames[0]
        assert welcome["type"] == "welcome"
        assert welcome["principal"] == "local"
        assert set(welcome["scopes"]) >= {
            "execute",
            "read",
            "monitor",
            "cancel",
            "admin",
        }
        assert welcome["protocol"] == 1
        assert welcome["limits"]["frame_bytes"] == FRAME_BYTES
        assert welcome["limits"]["in_flight"] is None
        assert welcome["limits"]["executes_per_s"] is None
        assert welcome["heartbeat_ms"] == 20_000
        assert "session" not in welcome


def test_hub_is_the_same_for_every_connection(hub: HubProcess) -> None:
    """`welcome.hub` names the store's life, not the connection's."""
    with hub.client() as one, hub.client(MSGPACK) as two:
        assert one.welcome["hub"] == two.welcome["hub"]


def test_subprotocol_is_chosen_from_the_offer(hub: HubProcess) -> None:
    """The codec is the one that was offered; without an offer it is JSON."""
    for offer in (JSON, MSGPACK):
        with hub.client(offer) as client:
            assert client.ws.subprotocol == offer
            assert client.ask("ping")["type"] == "pong"
    with hub.client() as client:
        assert client.ws.subprotocol is None
        assert client.ask("ping")["type"] == "pong"


def test_known_subprotocol_beside_an_unknown_one_is_taken(hub: HubProcess) -> None:
    """One match among the offered names is enough."""
    with hub.client("taskhub.v9.cbor", MSGPACK) as client:
        assert client.ws.subprotocol == MSGPACK
        assert client.ask("ping")["type"] == "pong"


def test_unknown_subprotocol_is_accepted_and_closed_4502(hub: HubProcess) -> None:
    """A browser cannot see a refused upgrade, so the close code says it."""
    ws = connect(
        f"ws://127.0.0.1:{hub.port}/ws",
        subprotocols=[Subprotocol("taskhub.v9.cbor"), Subprotocol("chat")],
        ping_interval=None,
        proxy=None,
    )
    with ws:
        assert ws.subprotocol == "taskhub.v9.cbor"
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4502


def test_hello_is_answered_by_another_welcome(hub: HubProcess) -> None:
    """`hello` may come as the first frame though nobody needs it."""
    hello = {"client": "blackbox", "progress_ms": 50, "locale": "en", "unheard": 1}
    with hub.client(hello=hello) as client:
        assert client.count("welcome") == 2
        assert client.frames[0]["hub"] == client.frames[1]["hub"]
        client.fence()


def test_hello_counts_as_first_in_an_array(hub: HubProcess) -> None:
    """`hello` and the first `execute` may share one message."""
    with hub.client() as client:
        execute = {"type": "execute", "id": "e", "plugin": "basic", "command": "noop"}
        client.send({"type": "hello", "locale": "zh-CN"}, execute)
        reader = client.readers[client.answer("e")["task_id"]]
        assert client.finish(reader).response["message"] == "任务执行成功"


def test_hello_after_another_frame_is_a_bad_frame(hub: HubProcess) -> None:
    """`hello` may only be the first frame; the connection stays."""
    with hub.client() as client:
        client.ask("ping")
        client.send({"type": "hello"})
        assert client.complaint()["code"] == "bad_frame"
        client.fence()


def test_second_hello_is_a_bad_frame(hub: HubProcess) -> None:
    """A `hello` after a `hello` is not the first frame."""
    with hub.client(hello={"locale": "zh-CN"}) as client:
        client.send({"type": "hello", "locale": "en"})
        assert client.complaint()["code"] == "bad_frame"
        assert client.run("basic", "noop").response["message"] == "任务执行成功"


@pytest.mark.parametrize(
    ("locale", "message"),
    [
        ("en", "Task completed"),
        ("en-GB", "Task completed"),
        ("zh-CN", "任务执行成功"),
        ("zh", "任务执行成功"),
        ("zh-Hans-CN", "任务执行成功"),
        ("fr", "Task completed"),
    ],
)
def test_texts_come_in_the_watchers_language(
    hub: HubProcess, locale: str, message: str
) -> None:
    """`hello.locale` chooses the best of the hub's languages."""
    with hub.client(hello={"locale": locale}) as client:
        assert client.run("basic", "noop").response["message"] == message


def test_one_task_is_told_to_each_watcher_in_its_own_language(hub: HubProcess) -> None:
    """The log keeps codes, so two readers of one task get two texts."""
    with (
        hub.client(hello={"locale": "en"}) as english,
        hub.client(hello={"locale": "zh-CN"}) as chinese,
    ):
        task_id = english.run("basic", "boom").task_id
        there = chinese.finish(chinese.watch(task_id))
        here = english.readers[task_id]
        assert here.response["message"] == "Task failed"
        assert there.response["message"] == "任务执行失败"
        # What a plugin said is stored as it was said.
        assert here.response["error"] == there.response["error"]


def test_errors_of_the_hub_come_in_the_clients_language(hub: HubProcess) -> None:
    """An error's text is made for the locale, its code is not."""
    with (
        hub.client(hello={"locale": "en"}) as english,
        hub.client(hello={"locale": "zh-CN"}) as chinese,
    ):
        here = english.refused("watch", task_id="0" * 22)
        there = chinese.refused("watch", task_id="0" * 22)
        assert here["code"] == there["code"] == "not_found"
        assert here["message"].isascii()
        assert not there["message"].isascii()


def test_ping_is_answered_with_its_id(client: Client) -> None:
    """`pong` echoes a string or an integer."""
    for name in ("p", 7, 0, "0", 2**53):
        assert client.ask("ping", id=name) == {"type": "pong", "id": name}


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_silence_is_broken_by_a_ping_frame(make_hub: MakeHub, codec: str) -> None:
    """After `heartbeat_ms` without another frame the hub says something."""
    hub = make_hub(environ={"TASKHUB__TIMING__HEARTBEAT_S": "0.2"}).start()
    with hub.client(codec) as client:
        assert client.welcome["heartbeat_ms"] == 200
        client.pump(lambda: client.count("ping") >= 2)
        # No answer is needed: the connection is as good as before.
        client.fence()


def test_foreign_origin_is_refused_at_the_upgrade(hub: HubProcess) -> None:
    """A page of another site must not speak to the hub: 403."""
    for origin in (
        "https://evil.example",
        "null",
        f"https://127.0.0.1:{hub.port}",
        f"http://127.0.0.1:{hub.port + 1}",
        f"http://127.0.0.1.evil.example:{hub.port}",
    ):
        with pytest.raises(InvalidStatus) as refused:
            hub.client(origin=origin)
        assert refused.value.response.status_code == 403, origin


def test_own_origin_is_welcome(hub: HubProcess) -> None:
    """The hub's own page may connect."""
    with hub.client(origin=f"http://127.0.0.1:{hub.port}") as client:
        client.fence()


def test_foreign_host_is_refused(hub: HubProcess) -> None:
    """A name that someone else's DNS points here is not ours: 403 on both doors."""
    with socket.create_connection(("127.0.0.1", hub.port)) as raw:
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://evil.example:{hub.port}/ws", sock=raw, proxy=None)
        assert refused.value.response.status_code == 403
    with hub.http(Host="evil.example") as http:
        for path in ("/", "/healthz", "/api/v1/plugins"):
            assert http.get(path).status_code == 403, path


def test_localhost_is_a_name_of_the_hub(hub: HubProcess) -> None:
    """`localhost` is as good as 127.0.0.1."""
    with hub.http(Host=f"localhost:{hub.port}") as http:
        assert http.get("/healthz").status_code == 200


def test_one_line_of_json_runs_a_task(hub: HubProcess) -> None:
    """A console, one line, no hello: the whole of the handshake is optional."""
    with hub.client() as client:
        client.send_raw(
            '{"type":"execute","id":1,"plugin":"basic","command":"add",'
            '"params":{"a":2,"b":3}}'
        )
        reader = client.readers[client.answer(1)["task_id"]]
        assert client.finish(reader).value == {"sum": 5}


def test_a_fragmented_message_is_one_message(client: Client) -> None:
    """How a message was cut on its way means nothing."""
    client.ws.send(iter(['{"type":', '"ping","id":', "5}"]))
    assert client.answer(5)["type"] == "pong"


def test_a_protocol_ping_is_answered(client: Client) -> None:
    """WebSocket's own ping gets its pong, whatever else goes on."""
    assert client.ws.ping().wait(10)


def test_compression_is_off(hub: HubProcess) -> None:
    """A client that offers to compress is not taken up on it."""
    with connect(f"ws://127.0.0.1:{hub.port}/ws", proxy=None) as ws:
        assert ws.protocol.extensions == []


def test_thousands_of_frames_in_one_message(client: Client) -> None:
    """Each is answered, in order, in messages that keep the limit."""
    client.send(*({"type": "ping", "id": i} for i in range(5000)))
    client.answer(4999)
    pongs = [frame["id"] for frame in client.frames if frame["type"] == "pong"]
    assert pongs == list(range(5000))


def test_a_dropped_connection_harms_nobody(hub: HubProcess, client: Client) -> None:
    """A socket torn down in mid-frame is an ordinary end."""
    gone = hub.client()
    gone.send_raw(json.dumps({"type": "execute", "id": 1, "plugin": "basic"})[:-5])
    gone.ws.socket.close()
    client.fence()
