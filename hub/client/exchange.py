"""One request over HTTP and its answer: on the loop, with the standard's parser.

Each has a connection of its own, through a proxy where the environment names one.
None follows a redirect, and neither does a WebSocket: a token is for one hub.
"""

import asyncio
import ssl
from binascii import b2a_base64
from typing import NamedTuple
from urllib.parse import urlsplit

import h11
from websockets.asyncio.client import connect
from websockets.proxy import Proxy, get_proxy, parse_proxy
from websockets.uri import parse_uri

from hub.client.address import Address
from hub.client.errors import UnreachableError
from hub.client.pace import Pace

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PIECE = 64 * 1024
_OK = 200


class Answer(NamedTuple):
    """What came back."""

    status: int
    media_type: str
    body: bytes


class Direct(connect):
    """Opens a WebSocket where it was told to, and nowhere else: HTTP does neither."""

    def process_redirect(self, exc: Exception) -> Exception:
        """Follow none."""
        return exc


async def exchange(
    address: Address, path: str, method: str, headers: list[tuple[str, str]], pace: Pace
) -> Answer:
    """Send one request and read its answer."""
    parts = urlsplit(address.root + path)
    async with asyncio.timeout(pace.open_s):
        reader, writer = await _connect(address, pace)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        request = h11.Request(
            method=method, target=target, headers=[("Host", parts.netloc), *headers]
        )
        return await _ask(reader, writer, request, pace.answer_s)
    finally:
        writer.transport.abort()


async def _connect(
    address: Address, pace: Pace
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect the way that the WebSocket takes: through a proxy, if there is one."""
    parts = urlsplit(address.root)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    tls = ssl.create_default_context() if secure else None
    found = proxy_for(address)
    if found is None:
        return await asyncio.open_connection(host, port, ssl=tls)
    proxy = parse_proxy(found)
    if not proxy.scheme.startswith("http"):
        raise UnreachableError(f"Only HTTP proxies can be used, not {proxy.scheme}.")
    reader, writer = await asyncio.open_connection(
        proxy.host, proxy.port, ssl=True if proxy.scheme == "https" else None
    )
    try:
        await _tunnel((reader, writer), f"{host}:{port}", proxy, pace.answer_s)
        if tls is not None:
            await writer.start_tls(tls, server_hostname=host)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


def proxy_for(address: Address) -> str | None:
    """Return the proxy that the environment names for a hub; none on this machine."""
    uri = parse_uri(address.socket)
    return None if uri.host in _LOOPBACK else get_proxy(uri)


async def _tunnel(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    place: str,
    proxy: Proxy,
    patience_s: float,
) -> None:
    """Have a proxy connect to a place.

    Raises:
        UnreachableError: It does not.
    """
    headers = [("Host", place)]
    if proxy.username is not None:
        secret = f"{proxy.username}:{proxy.password or ''}".encode()
        basic = b2a_base64(secret, newline=False).decode()
        headers.append(("Proxy-Authorization", f"Basic {basic}"))
    request = h11.Request(method="CONNECT", target=place, headers=headers)
    answer = await _ask(*streams, request, patience_s)
    if answer.status != _OK:
        text = f"The proxy {proxy.host} does not connect to {place}"
        raise UnreachableError(f"{text} (HTTP {answer.status}).")


async def _ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    request: h11.Request,
    patience_s: float,
) -> Answer:
    """Send a request without a body, and read the answer; of a tunnel only its head.

    Raises:
        EOFError: The connection ended first.
    """
    connection = h11.Connection(h11.CLIENT)
    writer.write(connection.send(request) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    status, media_type, body = 0, "", bytearray()
    while True:
        event = await _next(reader, connection, patience_s, begun=status > 0)
        if isinstance(event, h11.Response):
            status = event.status_code
            found = dict(event.headers).get(b"content-type", b"").decode("latin-1")
            media_type = found.partition(";")[0].strip()
        elif isinstance(event, h11.Data):
            body += event.data
        if isinstance(event, h11.EndOfMessage) or (status and _is_tunnel(request)):
            return Answer(status, media_type, bytes(body))


async def _next(
    reader: asyncio.StreamReader,
    connection: h11.Connection,
    patience_s: float,
    *,
    begun: bool,
) -> object:
    """Return what comes next of an answer.

    Raises:
        EOFError: The connection ended first.
    """
    data = b"nothing yet"
    heard = begun
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            if not data and (begun or not heard):
                raise EOFError from None
            raise
        if event is not h11.NEED_DATA:
            return event
        async with asyncio.timeout(patience_s):
            data = await reader.read(_PIECE)
        heard = heard or bool(data)
        connection.receive_data(data)


def _is_tunnel(request: h11.Request) -> bool:
    """Whether a request makes a tunnel, which begins behind the head of the answer."""
    return request.method == b"CONNECT"
