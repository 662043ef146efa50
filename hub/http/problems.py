"""Errors over HTTP: problem details (RFC 9457) with the hub's code and verdict."""

import math
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hub.errors import HubError
from hub.messages import best_locale
from hub.watches import error_message

MEDIA_TYPE: Final = "application/problem+json"
_RESERVED: Final = frozenset({"type", "title", "status", "detail", "instance"})


def problem(error: HubError, locale: str) -> Response:
    """Return an error as a response, in the caller's language.

    What the error knows (`field`, `reason`, `limit` …) stands beside the standard's
    members.
    """
    members: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error_message(error, locale),
        "code": error.code,
        "retry": error.retry,
        "ran": error.ran,
    }
    for name, value in (error.detail or {}).items():
        if name not in _RESERVED:
            members.setdefault(name, value)
    headers = {}
    if error.retry_after_ms is not None:
        members["retry_after_ms"] = error.retry_after_ms
        headers["Retry-After"] = str(math.ceil(error.retry_after_ms / 1000))
    return Response(
        msgspec.json.encode(members), error.status, headers, media_type=MEDIA_TYPE
    )


async def on_error(request: Request, error: Exception) -> Response:
    """Answer a `HubError` that an endpoint has raised."""
    if not isinstance(error, HubError):
        raise error
    return problem(error, locale_of(request))


def locale_of(request: Request) -> str:
    """Return the caller's language."""
    default: str = request.app.state.node.settings.locale
    wanted = request.headers.get("accept-language")
    return best_locale(wanted, default) if wanted else default
