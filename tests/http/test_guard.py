"""The guard: under which names, and from which pages, the hub may be used."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from hub.http.guard import Guard
from tests.http.client import Client, Exchange

OWN = "http://127.0.0.1:8765"


async def passed(scope: dict[str, Any], **options: Any) -> tuple[bool, list[Message]]:
    """Send a request through a guard; return whether it passed, and the answer."""
    reached: list[bool] = []
    sent: list[Message] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        reached.append(True)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await Guard(app, **options)(scope, receive, send)
    return bool(reached), sent


def scope(kind: str = "http", method: str = "GET", **headers: Any) -> dict[str, Any]:
    """Return a request's scope; a list of values is a header given several times."""
    found: list[tuple[bytes, bytes]] = []
    for name, value in {"host": "127.0.0.1:8765", **headers}.items():
        values = value if isinstance(value, list) else [value]
        found += [(name.encode(), each.encode()) for each in values if each is not None]
    secure = headers.pop("scheme", None)
    plain = "ws" if kind == "websocket" else "http"
    return {
        "type": kind,
        "method": method,
        "scheme": secure or plain,
        "path": "/ws",
        "headers": found,
    }


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("localhost:8765", True),
        ("LOCALHOST:1", True),
        ("127.0.0.1", True),
        ("127.0.0.1:80", True),
        ("[::1]", True),
        ("[::1]:8765", True),
        ("hub.example", True),
        ("Hub.Example:443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("evil-hub.example", False),
        ("192.168.1.5:8765", False),
        ("0.0.0.0", False),
        ("[::2]", False),
        ("", False),
        ([], False),
        (["localhost", "evil.example"], False),
        (["localhost", "localhost"], False),
    ],
)
async def test_a_request_names_the_hub_by_its_own_names(
    kind: str, host: str | list[str], allowed: bool
) -> None:
    """Against DNS rebinding; the port does not matter."""
    found, sent = await passed(scope(kind, host=host), hosts=["hub.example"])

    assert found is allowed
    if not allowed:
        expected = "websocket.close" if kind == "websocket" else "http.response.start"
        assert sent[0]["type"] == expected


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("192.168.1.5:8765", True), ("[fe80::1]:1", True), ("evil.example", False)],
)
async def test_a_hub_on_all_addresses_is_named_by_any(host: str, allowed: bool) -> None:
    """An address is no name that a stranger's DNS could answer for."""
    assert (await passed(scope(host=host), addresses=True))[0] is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        (OWN, True),
        (OWN.upper(), True),
        ("https://tools.example", True),
        ("https://tools.example:443", False),
        ("http://tools.example", False),
        ("https://127.0.0.1:8765", False),
        ("http://127.0.0.1", False),
        ("http://127.0.0.1:8766", False),
        ("http://localhost:8765", False),
        ("http://evil.example", False),
        ("http://127.0.0.1:8765.evil.example", False),
        ("null", False),
        ("", False),
        ([OWN, OWN], False),
        ([OWN, "http://evil.example"], False),
    ],
)
@pytest.mark.parametrize(
    ("kind", "method"),
    [("websocket", "GET"), ("http", "POST"), ("http", "DELETE"), ("http", "PUT")],
)
async def test_what_changes_something_comes_from_the_hubs_own_page(
    kind: str, method: str, origin: str | None, allowed: bool
) -> None:
    """Scheme, host and port as they are, or an allowed one; programs send none."""
    found, _ = await passed(
        scope(kind, method, origin=origin), origins=["https://tools.example/"]
    )

    assert found is allowed


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_reading_needs_no_origin(method: str) -> None:
    """What a foreign page asks for it cannot read anyway."""
    assert (await passed(scope("http", method, origin="http://evil.example")))[0]


@pytest.mark.parametrize(("kind", "scheme"), [("http", "https"), ("websocket", "wss")])
async def test_behind_tls_the_own_origin_is_secure(kind: str, scheme: str) -> None:
    """The page's origin is `https` then, and the plain one is foreign."""
    for origin, allowed in (
        ("https://127.0.0.1:8765", True),
        (OWN, False),
    ):
        request = scope(kind, "POST", origin=origin)
        request["scheme"] = scheme
        assert (await passed(request))[0] is allowed


async def test_other_events_pass() -> None:
    """The lifespan is no request."""
    assert (await passed({"type": "lifespan"}))[0]


async def test_a_refusal_is_a_problem(client: Client) -> None:
    """403 with a code, and the setting that would change it; not what was asked."""
    host = await client.get("/healthz", host="evil.example")
    origin = await client.post("/api/v1/tasks", b"{}", origin="http://evil.example")

    for response, setting in ((host, "allowed_hosts"), (origin, "allowed_origins")):
        assert response.status_code == 403
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == "forbidden"
        assert setting in response.json()["detail"]
        assert "evil" not in response.text
    assert client.node.metrics.accepted == 0


async def test_every_route_is_guarded(client: Client) -> None:
    """A foreign name gets nothing, not even that a path is unknown."""
    for path in ("/", "/healthz", "/api/v1/plugins", "/nothing", "/ws"):
        exchange = Exchange(client.app, "GET", path, headers={"host": "evil.example"})
        exchange.say(b"")
        async with asyncio.timeout(5):
            await exchange.run()
        assert exchange.status == 403
