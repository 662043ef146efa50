"""Requests' bodies, and what is asked for in headers."""

import re
from typing import Final

import msgspec
from starlette.requests import ClientDisconnect, Request

from hub.errors import BadFrameError, FrameTooLargeError, InvalidParamsError
from hub.protocol.frames import Execute
from hub.protocol.ranges import wrong_in_execute

MOST_WAIT_S: Final = 3600.0
"""How long `Prefer: wait` makes a request wait at the most."""
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_execute = msgspec.json.Decoder(Execute).decode
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})", re.IGNORECASE)


async def body_of(request: Request) -> bytes:
    """Read a body within the limit of a frame.

    Raises:
        FrameTooLargeError: It is larger.
        BadFrameError: It ended too early.
    """
    most: int = request.app.state.node.settings.limits.frame_bytes
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > most:
                raise FrameTooLargeError(detail={"limit": most})
    except ClientDisconnect:
        raise BadFrameError("the body ended too early") from None
    return bytes(body)


async def params_of(request: Request) -> msgspec.Raw:
    """Read params: an object; nothing at all stands for an empty one.

    Raises:
        HubError: They are none.
    """
    body = await body_of(request) or b"{}"
    try:
        _fields(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadFrameError(str(error)) from None
    return msgspec.Raw(body)


async def wish_of(request: Request) -> Execute:
    """Read what is to be executed: an `execute` frame without type and id.

    Raises:
        HubError: It is none; the error names the field.
    """
    body = await body_of(request)
    try:
        fields = _fields(body)
        fields["type"], fields["id"] = msgspec.Raw(b'"execute"'), msgspec.Raw(b"0")
        wish = _execute(msgspec.json.encode(fields))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise BadFrameError(str(error)) from None
    wish = _with_key(wish, request.headers.get("idempotency-key"))
    wrong = wrong_in_execute(wish)
    if wrong is not None:
        raise wrong
    return wish


def _with_key(wish: Execute, header: str | None) -> Execute:
    """Take the key from the header, which must not contradict the body."""
    if header is None:
        return wish
    # The standard's syntax is a quoted string; bare ones are common.
    key = header[1:-1] if header[:1] == header[-1:] == '"' else header
    if wish.key is not None and wish.key != key:
        raise InvalidParamsError(
            "key: the body and the header Idempotency-Key differ",
            detail={"field": "key"},
        )
    return msgspec.structs.replace(wish, key=key)


def wait_of(request: Request) -> float | None:
    """Return how many seconds the caller prefers to wait; None for not at all."""
    found = _WAIT.search(", ".join(request.headers.getlist("prefer")))
    return None if found is None else min(float(found[1]), MOST_WAIT_S)
