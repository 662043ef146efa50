"""The short way past ASGI: offered by a server, known by its verbs, never needed."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.asyncio.client import connect

from hub.cli.sockets import SocketProtocol
from hub.http.wire import WIRE, Wire
from tests.peer import decode
from tests.served import served


class Whole:
    """Has every verb of a wire."""

    def attach(self, receiver: Callable[[str | bytes], None]) -> None:
        """Do nothing."""

    def pause(self) -> None:
        """Do nothing."""

    def resume(self) -> None:
        """Do nothing."""

    def blocked(self) -> Coroutine[Any, Any, None] | None:
        """Do nothing."""
        return None

    def write(self, data: str | bytes) -> Coroutine[Any, Any, None] | None:
        """Do nothing."""
        return None


class Half:
    """Cannot be paused."""

    attach = Whole.attach
    blocked = Whole.blocked
    write = Whole.write


def test_a_wire_is_known_by_its_verbs() -> None:
    """A server needs not know the hub's class; an object that lacks a verb is none."""
    wire: Wire = Whole()

    assert isinstance(wire, Wire)
    assert issubclass(SocketProtocol, Wire)
    assert not isinstance(Half(), Wire)
    assert not isinstance(None, Wire)


def without(scope: Scope) -> None:
    """Offer nothing: ASGI lets a server leave away what is optional."""
    for key in ("extensions", "subprotocols"):
        scope.pop(key, None)


def empty(scope: Scope) -> None:
    """Offer other things."""
    scope["extensions"] = {"websocket.http.response": {}}


def half(scope: Scope) -> None:
    """Offer something else under the name of the wire."""
    scope["extensions"] = {WIRE: Half()}


@pytest.mark.parametrize("change", [without, empty, half])
async def test_without_a_wire_it_is_plain_asgi(
    change: Callable[[Scope], None],
) -> None:
    """Under any server, whatever it offers, a client gets its answer."""

    def wrapped(app: ASGIApp) -> ASGIApp:
        async def changed(scope: Scope, receive: Receive, send: Send) -> None:
            change(scope)
            await app(scope, receive, send)

        return changed

    async with served(wrapped) as hub, connect(hub.ws) as socket:
        await socket.send(msgspec.json.encode({"type": "ping", "id": 1}).decode())
        found = []
        while {"type": "pong", "id": 1} not in found:
            found += decode(await socket.recv())
