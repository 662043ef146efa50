"""The guard: who may speak to the hub from where. It looks at the raw scope.

Against DNS rebinding a request must name the hub by a name that is its own (`Host`).
Against pages of other sites a WebSocket, and anything that changes something, must
come from the hub's own page or from an allowed origin (`Origin`); programs send none.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.errors import ForbiddenError
from hub.http.problems import MEDIA_TYPE

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuses what comes under a foreign name, or from a foreign page.

    Args:
        app: What is guarded.
        hosts: Names of the hub beside the loopback ones.
        origins: Origins that may use it beside its own.
        addresses: Whether any address may name it; true where it listens on all.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        addresses: bool = False,
    ) -> None:
        self._app = app
        self._hosts = LOOPBACK | {host.strip("[]").lower() for host in hosts}
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] in ("http", "websocket"):
            reason = self._objection(scope)
            if reason is not None:
                await _refuse(scope, receive, send, reason)
                return
        await self._app(scope, receive, send)

    def _objection(self, scope: Scope) -> str | None:
        """Return why a request is refused; None where it is not."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._own(hosts[0]):
            return "host"
        safe = scope["type"] == "http" and scope["method"] in _SAFE
        origins = headers.getlist("origin")
        if safe or not origins:
            return None
        secure = scope["scheme"] in ("https", "wss")
        own = f"{'https' if secure else 'http'}://{hosts[0]}".lower()
        given = origins[0].lower()
        known = given == own or given in self._origins
        return None if known and len(origins) == 1 else "origin"

    def _own(self, host: str) -> bool:
        """Whether a Host header names this hub."""
        name = _name(host)
        if name in self._hosts:
            return True
        return self._addresses and _is_address(name)


def _name(host: str) -> str:
    """Return a Host header without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    """Whether a name is an address, which no foreign DNS can answer for."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(scope: Scope, receive: Receive, send: Send, what: str) -> None:
    """Answer 403."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    error = ForbiddenError()
    body = {
        "type": "about:blank",
        "title": "Forbidden",
        "status": error.status,
        "detail": f"This {what} is not allowed here; see server.allowed_{what}s.",
        "code": error.code,
        "retry": error.retry,
        "ran": error.ran,
    }
    response = Response(msgspec.json.encode(body), error.status, media_type=MEDIA_TYPE)
    await response(scope, receive, send)
