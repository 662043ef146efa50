"""The ASGI face: the WebSocket, HTTP, and the page, for any ASGI server."""

import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from hub.errors import HubError
from hub.http.guard import LOOPBACK, Guard
from hub.http.pages import (
    MethodNotAllowedError,
    PageNotFoundError,
    manifest,
    static_folder,
)
from hub.http.problems import locale_of, on_error, problem
from hub.http.routes import ROUTES
from hub.http.wire import WIRE, Wire
from hub.node import Node
from hub.protocol.frames import CloseCode
from hub.protocol.writing import Subprotocol
from hub.sessions import Session
from hub.settings import Settings, load

logger = logging.getLogger("hub.app")

INTERNAL: Final = CloseCode.INTERNAL
UNSUPPORTED: Final = CloseCode.UNSUPPORTED_VERSION


class SocketTransport:
    """Sends messages over an ASGI server's WebSocket.

    Args:
        send: The server's; the socket has been accepted.
        wire: The short way, where there is one.
    """

    __slots__ = ("_send", "_wire")

    def __init__(self, send: Send, wire: Wire | None = None) -> None:
        self._send = send
        self._wire = wire

    def send(self, data: str | bytes) -> Coroutine[Any, Any, None] | None:
        """Send one message; None where it was taken, else what to await until it is."""
        if self._wire is not None:
            return self._wire.write(data)
        kind = "text" if isinstance(data, str) else "bytes"
        return self._send({"type": "websocket.send", kind: data})  # type: ignore[return-value]  # servers' sends are coroutines

    def blocked(self) -> Coroutine[Any, Any, None] | None:
        """Return what to await before a message would be taken, as far as is known."""
        return None if self._wire is None else self._wire.blocked()

    def close(self, code: int, reason: str) -> Coroutine[Any, Any, None]:  # ditto
        """Close the socket."""
        return self._send({"type": "websocket.close", "code": code, "reason": reason})  # type: ignore[return-value]  # ditto


class SocketEndpoint:
    """``/ws``: from the upgrade to the last message."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        socket = WebSocket(scope, receive, send)
        offered: list[str] = scope.get("subprotocols", [])
        chosen = _choose(offered)
        if chosen is None:
            # A browser cannot see why an upgrade was refused, but it sees a close code.
            await socket.accept(subprotocol=offered[0])
            await socket.close(UNSUPPORTED, UNSUPPORTED.reason)
            return
        await socket.accept(subprotocol=chosen.value if offered else None)
        node: Node = scope["app"].state.node
        found = scope.get("extensions", {}).get(WIRE)
        wire = found if isinstance(found, Wire) else None
        session = Session(
            node.house,
            chosen,
            SocketTransport(send, wire),
            node.principal,
            node.settings.locale,
        )
        try:
            if wire is not None:
                wire.attach(partial(_take_from_wire, session, wire))
            await _serve(session, receive)
        finally:
            session.close()


def _take(session: Session, data: str | bytes) -> None:
    """Hand a message to its session; a fault of the hub ends that one connection."""
    try:
        session.receive(data)
    except Exception:
        logger.exception("a message could not be taken")
        session.close_with(INTERNAL, INTERNAL.reason)


def _take_from_wire(session: Session, wire: Wire, data: str | bytes) -> None:
    """Hand a message over; stop reading from a client that reads nothing."""
    _take(session, data)
    if session.congested:
        wire.pause()
        session.when_relieved(wire.resume)


async def _serve(session: Session, receive: Receive) -> None:
    """Hand a client's messages to its session until it goes."""
    while True:
        message = await receive()
        if message["type"] != "websocket.receive":
            return
        data = message.get("text")
        _take(session, message["bytes"] if data is None else data)
        if session.congested:
            await session.relief()


def _choose(offered: list[str]) -> Subprotocol | None:
    """Choose a subprotocol; JSON where the client offers none."""
    if not offered:
        return Subprotocol.JSON
    known = {each.value: each for each in Subprotocol}
    return next((known[name] for name in offered if name in known), None)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Answer what Starlette refuses: an unknown path, a method that is not allowed."""
    if isinstance(error, HTTPException) and error.status_code == 405:  # noqa: PLR2004  # method not allowed
        response = problem(MethodNotAllowedError(), locale_of(request))
        response.headers.update(error.headers or {})
        return response
    return problem(PageNotFoundError(), locale_of(request))


def app_of(node: Node) -> Starlette:
    """Return the application of a node that somebody else starts and stops."""
    server = node.settings.server
    wide = server.host not in LOOPBACK
    app = Starlette(
        routes=[WebSocketRoute("/ws", SocketEndpoint()), *ROUTES],
        exception_handlers={HubError: on_error, HTTPException: _on_http_error},
        middleware=[
            Middleware(
                Guard,
                hosts=(*server.allowed_hosts, *((server.host,) if wide else ())),
                origins=server.allowed_origins,
                addresses=wide,
            )
        ],
    )
    app.state.node = node
    app.state.files = manifest(static_folder())
    return app


def create_app(
    settings: Settings | None = None,
    *,
    data: Path | str = "taskhub-data",
    environ: Mapping[str, str] | None = None,
) -> Starlette:
    """Return the hub as an ASGI application.

    The node starts and stops with the application's lifespan.

    Args:
        settings: Everything that can be chosen; by default what `environ` says.
        data: The data folder, for the engine with a file.
        environ: The environment; none of it is read where it is not given.

    Raises:
        ConfigError: The environment is wrong.
    """
    chosen = settings or load(None, environ or {}, {})
    node = Node(chosen, Path(chosen.store.data or data))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with node:
            yield
            await node.drain()

    app = app_of(node)
    app.router.lifespan_context = lifespan
    return app
