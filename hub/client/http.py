"""Questions over HTTP: what a hub answers outside of a conversation."""

import re
from typing import Any, Final

import h11
import msgspec
from websockets.exceptions import InvalidProxy

from hub.client import troubles
from hub.client.address import Address
from hub.client.errors import (
    NotAHubError,
    UnreachableError,
    UnsupportedVersionError,
    refused,
)
from hub.client.exchange import Answer, exchange
from hub.client.pace import Pace
from hub.client.shapes import Shape
from hub.errors import HubError
from hub.protocol.frames import ErrorFrame

_REFUSAL = 400
_PROBLEM = "application/problem+json"
_PLACE: Final = re.compile(
    r"(?!\.\.?(/|$))[\w.~-][\w.~%-]*(/(?!\.\.?(/|$))[\w.~%-]+)*", re.ASCII
)
"""A path below the hub's root: no scheme, no query, no way up."""
_decode = msgspec.json.Decoder().decode


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
    url = address.shown
    headers = [("Accept", "application/json"), ("Connection", "close")]
    if address.token:
        headers.append(("Authorization", f"Bearer {address.token}"))
    if locale:
        headers.append(("Accept-Language", locale))
    try:
        answer = await exchange(address, path, method, headers, pace)
    except h11.RemoteProtocolError as error:
        raise NotAHubError(f"What answers at {url} is no hub: {error}.") from None
    except EOFError:
        raise troubles.of_silence(url) from None
    except (OSError, InvalidProxy) as error:
        raise _unreached(error, url) from None
    if answer.status >= _REFUSAL:
        raise _refusal(answer, url)
    try:
        return _decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotAHubError(f"What answers at {url} is no hub.") from None


def check(value: object, kind: type[Shape], url: str) -> None:
    """See that an answer can be taken at its word.

    Args:
        value: The answer.
        kind: What it has to hold.
        url: Where the hub is.

    Raises:
        NotAHubError: It is none of a hub.
        UnsupportedVersionError: It is one of a hub that this client does not know.
    """
    if not isinstance(value, dict) or kind.mark not in value:
        raise NotAHubError(f"What answers at {url} is no hub.")
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise UnsupportedVersionError(
            f"What answers at {url} is a hub of another version, or none: {error}."
        ) from None


def place(path: str) -> str:
    """Return where the hub says that something is: a path below its own root.

    Raises:
        NotAHubError: It is somewhere else, or nowhere.
    """
    if _PLACE.fullmatch(path) is None or "%2e" in path.lower():
        raise NotAHubError(f"What the hub names as a result's place is none: {path!r}.")
    return path


def _unreached(error: Exception, url: str) -> HubError:
    """Return the error that there is no connection; it knows whether that may pass."""
    trouble = troubles.of_connecting(error, url)
    if trouble is None:
        return UnreachableError(str(error))
    trouble.error.retry = not trouble.lasting
    return trouble.error


def _refusal(answer: Answer, url: str) -> HubError:
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
