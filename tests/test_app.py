"""The ASGI face: the WebSocket from the upgrade to the close, on real sockets."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from hub.answers import CONGESTED_BYTES
from hub.app import app_of, create_app
from hub.errors import ConfigError
from hub.http.wire import WIRE
from hub.node import Node
from hub.settings import load
from tests.peer import Frame, decode
from tests.served import Served, same, served
from tests.stage import PATIENCE_S, soon

JSON = Subprotocol("taskhub.v1.json")
MSGPACK = Subprotocol("taskhub.v1.msgpack")
OTHER = Subprotocol("other.v1")


def plain(app: ASGIApp) -> ASGIApp:
    """Serve without the short way, as any other ASGI server would."""

    async def served_plainly(scope: Scope, receive: Receive, send: Send) -> None:
        scope.get("extensions", {}).pop(WIRE, None)
        await app(scope, receive, send)

    return served_plainly


WAYS = pytest.mark.parametrize("way", [same, plain], ids=["short", "asgi"])


async def frames(socket: ClientConnection, until: str) -> list[Frame]:
    """Receive frames up to the first of a type."""
    found: list[Frame] = []
    async with asyncio.timeout(PATIENCE_S):
        while not any(each["type"] == until for each in found):
            found += decode(await socket.recv())
    return found


async def send(socket: ClientConnection, frame: object) -> None:
    """Send frames in the codec that was agreed."""
    if socket.subprotocol == MSGPACK:
        await socket.send(msgspec.msgpack.encode(frame))
    else:
        await socket.send(msgspec.json.encode(frame).decode())


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Receive until the hub closes; return code and reason."""
    async with asyncio.timeout(PATIENCE_S):
        with suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code or 0, socket.close_reason or ""


@WAYS
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, None),
        ([JSON], JSON),
        ([MSGPACK], MSGPACK),
        ([MSGPACK, JSON], MSGPACK),
        ([OTHER, JSON], JSON),
    ],
)
async def test_a_task_is_run_in_any_subprotocol(
    way: Callable[[ASGIApp], ASGIApp],
    offered: list[Subprotocol] | None,
    chosen: Subprotocol | None,
) -> None:
    """The first that both know; JSON where none is offered. Arrays both ways."""
    async with served(way) as hub, connect(hub.ws, subprotocols=offered) as socket:
        assert socket.subprotocol == chosen
        await frames(socket, "welcome")
        wish = {"type": "execute", "id": 1, "plugin": "lab", "command": "count"}
        await send(socket, [wish | {"params": {"n": 3}}, {"type": "ping", "id": 2}])
        found = await frames(socket, "result")

        assert [each["data"] for each in found if each["type"] == "chunk"] == [0, 1, 2]
        assert found[-1]["response"]["result"] == 3
        assert {"type": "pong", "id": 2} in found


async def test_an_unknown_subprotocol_is_told_by_a_close() -> None:
    """A browser cannot see a refused upgrade: 4502 under the first offered name."""
    async with served() as hub, connect(hub.ws, subprotocols=[OTHER]) as socket:
        assert socket.subprotocol == OTHER
        assert await closed(socket) == (4502, "unsupported_version")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
    ],
)
async def test_a_foreign_page_is_refused_at_the_upgrade(
    headers: dict[str, str],
) -> None:
    """403, before anything is said."""
    async with served() as hub:
        with pytest.raises(InvalidStatus) as refused:
            await connect(hub.ws, additional_headers=headers)

        assert refused.value.response.status_code == 403
        assert hub.node.metrics.sessions == 0


async def test_a_foreign_name_is_refused_at_the_upgrade() -> None:
    """403, whatever address it leads to."""
    async with served() as hub:
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"ws://evil.example:{hub.port}/ws", host="127.0.0.1", port=hub.port
            )

        assert refused.value.response.status_code == 403


async def test_the_hubs_own_page_is_let_in() -> None:
    """And pages of allowed origins."""
    async with served(server__allowed_origins=("https://tools.example",)) as hub:
        for origin in (hub.http, "https://tools.example"):
            headers = {"Origin": origin}
            async with connect(hub.ws, additional_headers=headers) as socket:
                await frames(socket, "welcome")


@WAYS
async def test_bad_frames_close_the_connection(
    way: Callable[[ASGIApp], ASGIApp],
) -> None:
    """The fifth: its answer still comes, then 4501."""
    async with served(way) as hub, connect(hub.ws) as socket:
        for _ in range(5):
            await socket.send("{")

        assert await closed(socket) == (4501, "bad_frame")


@WAYS
@pytest.mark.parametrize(
    ("size", "code"), [(200_000, None), (300_000, None), (1_100_000, 1009)]
)
async def test_large_messages_are_refused_in_two_ways(
    way: Callable[[ASGIApp], ASGIApp], size: int, code: int | None
) -> None:
    """Up to four times the limit by an error; above that by the close."""
    async with served(way) as hub, connect(hub.ws) as socket:
        await send(socket, {"type": "ping", "id": 1, "pad": "x" * size})
        if code is not None:
            assert (await closed(socket))[0] == code
            return
        await send(socket, {"type": "ping", "id": 2})
        found = await frames(socket, "pong")

        answer = next(each for each in found if each.get("id") == 1)
        assert answer.get("code") == (None if size < 262_144 else "frame_too_large")


@WAYS
async def test_a_closed_socket_ends_the_session_and_not_the_task(
    way: Callable[[ASGIApp], ASGIApp],
) -> None:
    """Whichever way it was closed."""
    async with served(way) as hub:
        metrics = hub.node.metrics
        for abort in (False, True):
            async with connect(hub.ws) as socket:
                wish = {"type": "execute", "id": 1, "plugin": "lab", "command": "wait"}
                await send(socket, wish)
                await frames(socket, "chunk")
                assert (metrics.sessions, metrics.watches) == (1, 1)
                if abort:
                    socket.transport.abort()
            await soon(lambda: metrics.sessions == 0)
            assert metrics.watches == 0
        assert hub.node._worker.running == 2


@WAYS
async def test_a_fault_of_the_hub_closes_one_connection(
    way: Callable[[ASGIApp], ASGIApp], caplog: pytest.LogCaptureFixture
) -> None:
    """With 4005, which clients answer with a reconnect; others go on."""
    async with served(way) as hub, connect(hub.ws) as other, connect(hub.ws) as socket:
        cancel = hub.node.orchestrator.cancel

        def fail(*_: object) -> None:
            raise ZeroDivisionError("a fault of ours")

        hub.node.orchestrator.cancel = fail  # type: ignore[method-assign,assignment]  # the fault
        await send(socket, {"type": "cancel", "id": 1, "task_id": "t"})

        assert await closed(socket) == (4005, "internal")
        assert "a fault of ours" in caplog.text
        hub.node.orchestrator.cancel = cancel  # type: ignore[method-assign]  # as it was
        await send(other, {"type": "cancel", "id": 1, "task_id": "t"})
        assert (await frames(other, "error"))[-1]["code"] == "not_found"


class Hesitant:
    """The server's side of a plain ASGI socket whose client reads nothing."""

    def __init__(self) -> None:
        self.taken = 0
        self.sent: list[MutableMapping[str, Any]] = []
        self.free = asyncio.Event()
        self.over = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        """Hand out the connect, then pings without end."""
        self.taken += 1
        if self.taken == 1:
            return {"type": "websocket.connect"}
        if self.over.is_set():
            return {"type": "websocket.disconnect", "code": 1006}
        await asyncio.sleep(0)
        text = msgspec.json.encode({"type": "ping", "id": "x" * 1_000}).decode()
        return {"type": "websocket.receive", "text": text}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take the accept, and then nothing before the test says so."""
        self.sent.append(message)
        if message["type"] == "websocket.send":
            await self.free.wait()


async def test_who_reads_nothing_is_read_from_no_more() -> None:
    """Its answers are bounded; when it reads again, it is answered on."""
    settings = {"store.engine": "memory", "plugins.bundled": False}
    async with Node(load(None, {}, settings), Path("unused")) as node:
        peer = Hesitant()
        scope = {
            "type": "websocket",
            "path": "/ws",
            "scheme": "ws",
            "headers": [(b"host", b"localhost")],
            "subprotocols": [],
            "extensions": {},
            "query_string": b"",
        }
        run: Awaitable[None] = app_of(node)(scope, peer.receive, peer.send)
        serving = asyncio.ensure_future(run)
        before = -1
        while peer.taken != before:
            before = peer.taken
            for _ in range(50):
                await asyncio.sleep(0)
        asked = (peer.taken - 2) * 1_000
        assert 0.9 * CONGESTED_BYTES < asked < 2 * CONGESTED_BYTES
        peer.free.set()
        await soon(lambda: peer.taken > before + 100)
        peer.over.set()
        async with asyncio.timeout(PATIENCE_S):
            await serving

        assert node.metrics.sessions == 0


async def test_who_reads_nothing_is_read_from_no_more_on_the_short_way() -> None:
    """The socket is not read: what is on its way stays with the client's kernel."""
    async with served() as hub, connect(hub.ws, max_queue=1) as socket:
        text = msgspec.json.encode({"type": "ping", "id": "x" * 1_000}).decode()

        async def flood() -> None:
            for _ in range(20_000):
                await socket.send(text)

        flooding = asyncio.create_task(flood())
        metrics = hub.node.metrics
        before = -1
        while metrics.frames_in != before:
            before = metrics.frames_in
            await asyncio.sleep(0.1)
        assert before < 20_000
        assert not flooding.done()
        found = 0
        async with asyncio.timeout(PATIENCE_S):
            while found < 20_000:
                found += sum(e["type"] == "pong" for e in decode(await socket.recv()))
            await flooding


async def test_an_application_for_any_server(tmp_path: Path) -> None:
    """`create_app` starts and stops the hub with the server's lifespan."""
    settings = load(None, {}, {"plugins.bundled": False})
    app = create_app(settings, data=tmp_path / "data")
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost"
        ) as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}

    assert (tmp_path / "data").is_dir()
    assert app.state.node.orchestrator.draining


def test_an_application_reads_the_environment_it_is_given(tmp_path: Path) -> None:
    """And none where it is given none; a wrong one is refused at once."""
    environ = {"TASKHUB__STORE__ENGINE": "memory", "TASKHUB__LOCALE": "zh-CN"}

    assert create_app(environ=environ).state.node.settings.locale == "zh-CN"
    assert create_app().state.node.settings.locale == "en"
    with pytest.raises(ConfigError, match="TASKHUB__LOCALE"):
        create_app(environ={"TASKHUB__LOCALE": "xx"})


async def test_a_hub_that_goes_says_goodbye() -> None:
    """`goaway`, then 4000; the page and the routes answer until then."""
    async with served() as hub:
        socket = await connect(hub.ws)
        await frames(socket, "welcome")
        async with httpx.AsyncClient() as client:
            assert (await client.get(hub.http)).status_code == 200
        hub.server.should_exit = True
        assert (await frames(socket, "goaway"))[-1]["reason"] == "shutdown"

        assert await closed(socket) == (4000, "going_away")


async def ask(hub: Served, path: str, **headers: str) -> httpx.Response:
    """GET a path over a real socket."""
    async with httpx.AsyncClient() as client:
        return await client.get(f"{hub.http}{path}", headers=headers)


async def test_a_wide_hub_is_named_by_addresses_and_its_own_name() -> None:
    """Where it listens on all addresses, any address names it; no stranger does."""
    async with served(
        server__host="0.0.0.0", server__insecure=True, server__allowed_hosts=("hub.x",)
    ) as hub:
        for host, status in (("10.0.0.1", 200), ("hub.x", 200), ("evil.example", 403)):
            assert (await ask(hub, "/healthz", host=host)).status_code == status
