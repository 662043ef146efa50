"""What is executed, and how: the arguments of `execute`, as a frame."""

import secrets
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict

import msgspec

from hub.client.wire import Codec
from hub.errors import InvalidParamsError
from hub.protocol.frames import Execute

Priority: TypeAlias = Literal["high", "normal", "low"]
Cache: TypeAlias = Literal["use", "refresh", "off"]
_KEY_BYTES = 16


class Wishes(TypedDict, total=False):
    """The attributes of `Options`, as they are given."""

    key: str | None
    deadline: float | None
    priority: Priority
    linger: float | None
    cache: Cache
    chunks: bool
    trace: str | None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a command is to be executed.

    Attributes:
        key: Idempotency key; by default 128 random bits for each request.
        deadline: Seconds from acceptance to the end.
        priority: high, normal or low.
        linger: Seconds that the task outlives its last watcher; None for ever.
        cache: use, refresh or off.
        chunks: Whether the output is wanted from the first moment, which saves who
            iterates a round trip.
        trace: W3C traceparent.
    """

    key: str | None = None
    deadline: float | None = None
    priority: Priority = "normal"
    linger: float | None = None
    cache: Cache = "use"
    chunks: bool = False
    trace: str | None = None


# Any: the values of JSON objects.
def request(
    codec: Codec,
    name: str,
    params: Mapping[str, Any] | None,
    named: Mapping[str, Any],
    options: Options,
) -> Execute:
    """Return what is sent.

    Args:
        codec: How params are written.
        name: ``plugin.command``.
        params: As one mapping …
        named: … or by their names.
        options: How it is to be executed.

    Raises:
        TypeError: Params were given in both ways.
        InvalidParamsError: The name is none, or the params are no JSON.
    """
    if params is not None and named:
        raise TypeError("params are given as one mapping or by name, not both")
    plugin, dot, command = name.partition(".")
    if not (plugin and dot and command):
        raise InvalidParamsError(
            f"{name!r} is no command; one is named plugin.command",
            detail={"field": "command"},
        )
    return Execute(
        id=0,
        plugin=plugin,
        command=command,
        params=codec.params(dict(params if params is not None else named)),
        key=options.key or secrets.token_hex(_KEY_BYTES),
        deadline_ms=_milliseconds(options.deadline),
        priority=options.priority,
        linger_ms=_milliseconds(options.linger),
        cache=options.cache,
        chunks=options.chunks,
        trace=options.trace,
    )


def _milliseconds(seconds: float | None) -> int | None:
    """Return a time as the wire has it."""
    return None if seconds is None else round(seconds * 1000)
