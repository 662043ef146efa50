"""Why a hub cannot be reached, in words."""

import socket
import ssl

import pytest
from websockets.exceptions import InvalidMessage, InvalidProxy, InvalidUpgrade

from hub.client import troubles
from hub.client.errors import NotAHubError, UnreachableError
from hub.errors import ForbiddenError, UnauthenticatedError

URL = "ws://hub/ws"


@pytest.mark.parametrize(
    ("status", "kind", "lasting"),
    [
        (401, UnauthenticatedError, True),
        (403, ForbiddenError, True),
        (404, NotAHubError, True),
        (200, NotAHubError, True),
        (503, UnreachableError, False),
        (502, UnreachableError, False),
        (429, UnreachableError, False),
    ],
)
def test_a_status_says_who_answers(status: int, kind: type, lasting: bool) -> None:
    """A door that is shut, no hub at all, or a proxy whose hub is away for now."""
    trouble = troubles.of_status(status, URL)

    assert type(trouble.error) is kind
    assert trouble.lasting is lasting


def cut() -> InvalidMessage:
    """Return a handshake that ended with the connection."""
    error = InvalidMessage("did not receive a valid HTTP response")
    error.__cause__ = EOFError()
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    """Return a certificate's refusal."""
    error = ssl.SSLCertVerificationError(1, "x")
    # Set where the handshake fails.
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "words", "lasting"),
    [
        (ConnectionRefusedError(111, "refused"), "connection refused", False),
        (OSError("Multiple exceptions: Connect call failed"), "refused", False),
        (OSError(113, "No route to host"), "No route to host", False),
        (TimeoutError(), "in time", False),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "cannot be resolved", False),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "cannot be resolved", True),
        (untrusted(), "not trusted: self-signed", True),
        (ssl.SSLError(1, "wrong version"), "No TLS", True),
        (cut(), "closed before", False),
        (InvalidMessage("plain text"), "is no hub", True),
        (InvalidUpgrade("Upgrade", "x"), "is no hub", True),
        (InvalidProxy("x", "y"), "is no hub", True),
    ],
)
def test_each_trouble_has_its_words(
    error: Exception, words: str, lasting: bool
) -> None:
    """Where, why, and whether another try can help at the first contact."""
    trouble = troubles.of_connecting(error, URL)

    assert trouble is not None
    assert words in str(trouble.error)
    assert URL in str(trouble.error)
    assert trouble.lasting is lasting


def test_a_fault_of_ours_is_no_trouble() -> None:
    """It is raised as it is."""
    assert troubles.of_connecting(TypeError(), URL) is None
