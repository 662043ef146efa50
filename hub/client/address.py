"""Where the hub is: one address for the WebSocket, one for HTTP."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from hub.errors import ConfigError

DEFAULT: Final = "ws://127.0.0.1:8765"
_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where one hub is, and what lets this client in.

    Attributes:
        socket: Of the WebSocket.
        root: Of everything over HTTP, with a slash at its end.
        token: A bearer token.
        shown: As it was given, for people.
    """

    socket: str
    root: str
    token: str | None = None
    shown: str


def resolve(url: str | None, token: str | None, environ: Mapping[str, str]) -> Address:
    """Return where the hub is.

    Args:
        url: As a user says it: with ws, wss, http or https, with or without `/ws`, on
            a sub-path or not; by default TASKHUB_URL, else this machine.
        token: By default TASKHUB_TOKEN.
        environ: The environment.

    Raises:
        ConfigError: It is no such address.
    """
    given = url or environ.get("TASKHUB_URL") or DEFAULT
    try:
        parts = urlsplit(given.strip())
        host, _ = parts.hostname, parts.port  # a port that is none raises
    except ValueError as error:
        raise ConfigError(f"{given!r} is no address of a hub: {error}") from None
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not host:
        raise ConfigError(f"{given!r} is no address of a hub, such as {DEFAULT}")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError(
            "the address of a hub has no query, fragment or user name; "
            "a token is given by itself"
        )
    path = parts.path.rstrip("/").removesuffix("/ws")
    secure = "s" if scheme == "wss" else ""
    place = f"{parts.netloc}{path}"
    return Address(
        socket=f"ws{secure}://{place}/ws",
        root=f"http{secure}://{place}/",
        token=token or environ.get("TASKHUB_TOKEN") or None,
        shown=given.strip(),
    )
