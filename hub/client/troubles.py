"""Why a hub could not be reached, said so that a person knows what to look at."""

import socket
import ssl
from typing import NamedTuple

from websockets.exceptions import (
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
)

from hub.client.errors import NotAHubError, UnreachableError, UnsupportedVersionError
from hub.errors import ForbiddenError, HubError, UnauthenticatedError

_BUSY = frozenset({429, 500, 502, 503, 504})


class Trouble(NamedTuple):
    """Why there is no connection.

    Attributes:
        error: What to raise, if it stays so.
        lasting: Whether trying again would only hide it, at the first contact.
    """

    error: HubError
    lasting: bool = False


def of_connecting(error: BaseException, url: str) -> Trouble | None:
    """Return what an exception of connecting means; None for a fault of ours."""
    if isinstance(error, InvalidStatus):
        return of_status(error.response.status_code, url)
    if isinstance(error, InvalidHandshake | InvalidProxy):
        return _of_handshake(error, url)
    return _of_system(error, url) if isinstance(error, OSError) else None


def _of_handshake(error: InvalidHandshake | InvalidProxy, url: str) -> Trouble:
    """Return what a handshake that was none means."""
    if isinstance(error, InvalidMessage) and _is_cut(error.__cause__):
        return Trouble(of_silence(url))
    return Trouble(
        NotAHubError(f"What answers at {url} is no hub: {error}."), lasting=True
    )


def of_silence(url: str) -> UnreachableError:
    """Return what it means that an answer never began."""
    return UnreachableError(
        f"The connection to {url} was closed before a hub answered."
    )


def _is_cut(cause: BaseException | None) -> bool:
    """Whether a handshake ended with the connection."""
    return isinstance(cause, EOFError | OSError)


def of_status(status: int, url: str) -> Trouble:
    """Return what an HTTP status means where a hub was expected."""
    if status == UnauthenticatedError.status:
        return Trouble(UnauthenticatedError(), lasting=True)
    if status == ForbiddenError.status:
        text = f"The hub at {url} does not let this client in (HTTP 403)."
        return Trouble(ForbiddenError(text), lasting=True)
    if status in _BUSY:
        text = f"The hub at {url} cannot be reached now (HTTP {status})."
        return Trouble(UnreachableError(text))
    text = f"What answers at {url} is no hub (HTTP {status})."
    return Trouble(NotAHubError(text), lasting=True)


def of_version(url: str) -> Trouble:
    """Return what the close code 4502 means."""
    text = f"The hub at {url} speaks another version of the protocol."
    return Trouble(UnsupportedVersionError(text), lasting=True)


def _of_system(error: OSError, url: str) -> Trouble:
    """Return what the operating system's error means; of a silence, too."""
    if isinstance(error, ssl.SSLError):
        why = f"No TLS at {url}: {error}."
        if isinstance(error, ssl.SSLCertVerificationError):
            why = f"The certificate of {url} is not trusted: {error.verify_message}."
        return Trouble(UnreachableError(why), lasting=True)
    if isinstance(error, socket.gaierror):
        text = f"The name of {url} cannot be resolved: {error.strerror}."
        return Trouble(UnreachableError(text), error.errno != socket.EAI_AGAIN)
    if isinstance(error, TimeoutError):
        return Trouble(UnreachableError(f"No hub answers at {url} in time."))
    # Where a name has several addresses, their errors come as one, without a number.
    refused = isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(
        error
    )
    why = "connection refused" if refused else error.strerror or str(error)
    text = f"No hub at {url}: {why}."
    return Trouble(UnreachableError(text))
