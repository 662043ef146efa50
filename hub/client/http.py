"""Requests over HTTP: a connection each, on the loop, with the standard's parser."""

import asyncio
import ssl
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import h11
import msgspec

from hub.client import troubles
from hub.client.address import Address
from hub.client.errors import NotAHubError, UnreachableError, refused
from hub.client.pace import Pace
from hub.errors import HubError
from hub.protocol.frames import ErrorFrame

_PIECE = 64 * 1024
_OK = 200
_REFUSAL = 400
_PROBLEM = "application/problem+json"
_decode = msgspec.json.Decoder().decode


class _Answer(NamedTuple):
    """What came back."""

    status: int
    media_type: str
    body: bytes


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal (RFC 9457), as far as it is ours."""

    code: str
    detail: str
    retry: bool
    ran: str
    retry_after_ms: int | msgspec.UnsetType = msgspec.UNSET


async def fetch(
    address: Address,
    path: str,
    *,
    method: str = "GET",
    locale: str | None = None,
    pace: Pace,
) -> Any:  # any JSON value
    """Ask the hub something over HTTP.

    Args:
        address: Where the hub is.
        path: Relative to the hub's root, with what is asked.
        method: GET or DELETE.
        locale: The language of its texts.
        pace: How long it may take.

    Returns:
        The answer's value.

    Raises:
        HubError: It was refused, or could not be asked.
    """
    url = address.root + path
    headers = [("Accept", "application/json"), ("Connection", "close")]
    if address.token:
        headers.append(("Authorization", f"Bearer {address.token}"))
    if locale:
        headers.append(("Accept-Language", locale))
    try:
        answer = await _exchange(url, method, headers, pace)
    except h11.RemoteProtocolError as error:
        raise NotAHubError(f"What answers at {url} is no hub: {error}.") from None
    except EOFError:
        raise troubles.of_silence(url) from None
    except OSError as error:
        trouble = troubles.of_connecting(error, url)
        raise (trouble.error if trouble else UnreachableError(str(error))) from None
    if answer.status >= _REFUSAL:
        raise _refusal(answer, url)
    try:
        return _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotAHubError(f"What answers at {url} is no hub.") from None


def _refusal(answer: _Answer, url: str) -> HubError:
    """Return the error that an answer stands for."""
    if answer.media_type == _PROBLEM:
        try:
            problem = msgspec.json.decode(answer.body, type=_Problem)
            known = {*_Problem.__struct_fields__, "type", "title", "status"}
            rest = {k: v for k, v in _decode(answer.body).items() if k not in known}
        except msgspec.DecodeError:
            return troubles.of_status(answer.status, url).error
        return refused(
            ErrorFrame(
                code=problem.code,
                message=problem.detail,
                retry=problem.retry,
                ran=problem.ran,
                retry_after_ms=problem.retry_after_ms,
                detail=rest or msgspec.UNSET,
            )
        )
    return troubles.of_status(answer.status, url).error


async def _exchange(
    url: str, method: str, headers: list[tuple[str, str]], pace: Pace
) -> _Answer:
    """Send one request and read its answer."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    async with asyncio.timeout(pace.open_s):
        reader, writer = await asyncio.open_connection(
            parts.hostname, port, ssl=ssl.create_default_context() if secure else None
        )
    try:
        connection = h11.Connection(h11.CLIENT)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        request = h11.Request(
            method=method, target=target, headers=[("Host", parts.netloc), *headers]
        )
        writer.write(connection.send(request) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        return await _answer(reader, connection, pace)
    finally:
        writer.transport.abort()


async def _answer(
    reader: asyncio.StreamReader, connection: h11.Connection, pace: Pace
) -> _Answer:
    """Read an answer to its end.

    Raises:
        EOFError: The connection ended first.
    """
    status, media_type, body = 0, "", bytearray()
    cut = heard = False
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            if cut and (status or not heard):
                raise EOFError from None
            raise
        if event is h11.NEED_DATA:
            async with asyncio.timeout(pace.answer_s):
                data = await reader.read(_PIECE)
            cut, heard = not data, heard or bool(data)
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            status = event.status_code
            found = dict(event.headers).get(b"content-type", b"").decode("latin-1")
            media_type = found.partition(";")[0].strip()
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            return _Answer(status, media_type, bytes(body))
