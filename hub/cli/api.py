"""The hub over HTTP, for commands that ask one thing and need its answer.

The standard library's client on one kept connection: a process that asks once would
spend more time on importing a better one than on asking.
"""

import http.client
import ssl
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import msgspec

from hub.cli.exits import CommandError, Exit
from hub.cli.target import Target
from hub.version import VERSION

TIMEOUT_S: Final = 10.0
"""How long to wait for a connection, and for each piece of an answer."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""What an answer may have: a hub's longest ones are lists of thousands of entries."""
_AUTH: Final = frozenset({401, 403})
_TEMPORARY: Final = frozenset({429, 503, 507})


class NoHubError(CommandError):
    """There is no hub where one was looked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.UNREACHABLE)


class RefusedError(CommandError):
    """The hub has refused a request.

    Attributes:
        wire: The error's code in the protocol, such as `invalid_params`.
        detail: What else the hub says, such as the `field` it is about.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        self.wire = str(problem.get("code", ""))
        self.detail = problem
        super().__init__(str(problem.get("detail") or self.wire), exit_of(self.wire))


def exit_of(wire: str) -> Exit:
    """Return the exit code for a refusal with a code of the protocol."""
    if wire in ("unauthenticated", "forbidden"):
        return Exit.AUTH
    temporary = wire in ("rate_limited", "queue_full", "draining", "unavailable")
    broken = wire in ("storage_full", "internal", "")
    return Exit.FAILED if temporary or broken else Exit.USAGE


# Any: answers are JSON values, and each command knows which.
class Api:
    """Asks one hub over one connection; a context manager.

    Args:
        target: Which hub.
        timeout: Seconds to wait for a connection, and for each piece of an answer.
    """

    def __init__(self, target: Target, timeout: float = TIMEOUT_S) -> None:
        self._target = target
        parts = urlsplit(target.root)
        self._base = parts.path
        make = (
            http.client.HTTPSConnection
            if parts.scheme == "https"
            else http.client.HTTPConnection
        )
        self._connection = make(str(parts.hostname), parts.port, timeout=timeout)
        self._headers = {
            "Accept": "application/json",
            "User-Agent": f"taskhub/{VERSION}",
        }
        if target.token is not None:
            self._headers["Authorization"] = f"Bearer {target.token}"

    def __enter__(self) -> Self:
        """Connect with the first question."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, *path: str, **query: str | None) -> Any:
        """Send a request without a body, and return the JSON of its answer.

        Args:
            method: GET or DELETE: what may be sent again when a connection is lost.
            path: What stands behind `/api/v1`, part by part.
            query: Parameters; None for those that are not given.

        Raises:
            NoHubError: Nothing answers, or what answers is no hub.
            RefusedError: The hub says no.
        """
        return self._converse(method, _place(path, query), None, {})

    def post(self, *path: str, body: object) -> Any:
        """Send a request with a body, and return the JSON of its answer.

        Raises:
            NoHubError: Nothing answers, or what answers is no hub.
            RefusedError: The hub says no.
        """
        sent = {"Content-Type": "application/json"}
        return self._converse("POST", _place(path, {}), msgspec.json.encode(body), sent)

    def _converse(
        self, method: str, place: str, body: bytes | None, headers: dict[str, str]
    ) -> Any:
        connection = self._connection
        kept = connection.sock is not None
        try:
            try:
                connection.request(
                    method, self._base + place, body, {**self._headers, **headers}
                )
                answer = connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionError):
                if not kept:
                    raise
                connection.close()  # the hub had closed it meanwhile: once more
                return self._converse(method, place, body, headers)
            data = answer.read(MOST_BYTES + 1)
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or error
            raise NoHubError(f"{self._target.root}: TLS: {reason}") from None
        except http.client.HTTPException:
            raise self._stranger("it does not speak HTTP") from None
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that is none
            raise self._absent(error) from None
        return self._read(answer.status, answer.headers.get_content_type(), data)

    def _read(self, status: int, media: str, data: bytes) -> Any:
        """Return an answer's JSON, or raise what it says."""
        value: Any = None
        if media in ("application/json", "application/problem+json"):
            try:
                value = msgspec.json.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise self._stranger("its JSON is broken") from None
        if isinstance(value, dict) and isinstance(value.get("code"), str):
            raise RefusedError(value)
        if status in _AUTH:
            text = "wants a valid token" if status == 401 else "does not allow that"  # noqa: PLR2004  # Unauthorized
            raise CommandError(f"{self._target.root} {text} ({status})", Exit.AUTH)
        if status in _TEMPORARY | {502, 504}:
            raise NoHubError(
                f"{self._target.root}: no hub answers behind it ({status})"
            )
        if value is None or status >= 300:  # noqa: PLR2004  # not a success
            raise self._stranger(f"{status}, {media}")
        return value

    def _absent(self, error: OSError | UnicodeError) -> NoHubError:
        """Make the error that nothing answers."""
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, TimeoutError):
            reason = "it does not answer"
        return NoHubError(
            f"no hub at {self._target.root}: {reason}; start one with `taskhub serve`, "
            "or name another one with --url or TASKHUB_URL"
        )

    def _stranger(self, what: str) -> NoHubError:
        """Make the error that something else answers."""
        return NoHubError(
            f"{self._target.root} answers, but is no taskhub hub ({what}); "
            "name the hub with --url or TASKHUB_URL"
        )


def _place(path: tuple[str, ...], query: dict[str, str | None]) -> str:
    """Return the path of a request."""
    place = "/".join(["/api/v1", *(quote(part, safe="") for part in path)])
    given = [
        f"{name}={quote(each)}" for name, each in query.items() if each is not None
    ]
    return f"{place}?{'&'.join(given)}" if given else place
