"""The hub over HTTP, for commands that ask one thing and need its answer."""

import asyncio
from random import random
from typing import Any, Final
from urllib.parse import quote, urlencode

from hub.cli.exits import CommandError, Exit, say
from hub.cli.target import Target
from hub.client.errors import NotAHubError, UnreachableError, UnsupportedVersionError
from hub.client.http import check, fetch
from hub.client.pace import Pace
from hub.client.shapes import Shape
from hub.errors import HubError

PACE: Final = Pace()
HUSH_S: Final = 2.0
"""After how many seconds without an answer somebody who waits is told so."""
WAY_OUT: Final = "`taskhub serve`, or name another one with --url or TASKHUB_URL"
_LATER: Final = frozenset(
    {"rate_limited", "queue_full", "draining", "unavailable", "storage_full"}
)
"""Codes of refusals that may not be refused later."""


class NoHubError(CommandError):
    """There is no hub where one was looked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.UNREACHABLE)


class RefusedError(CommandError):
    """The hub has refused a request.

    Attributes:
        wire: The error's code in the protocol, such as `not_found`.
    """

    def __init__(self, error: HubError) -> None:
        self.wire = error.code
        super().__init__(error.message, exit_of(error.code))


def exit_of(wire: str) -> Exit:
    """Return the exit code for a refusal with a code of the protocol."""
    if wire in ("unauthenticated", "forbidden"):
        return Exit.AUTH
    return Exit.FAILED if wire in _LATER or wire == "internal" else Exit.USAGE


class Api:
    """Asks one hub.

    Args:
        target: Which hub.
        pace: How long it may take.
        patient: Whether to look for a hub that is away, as for a connection that was
            lost: it may be starting just now.
        hush_s: After how many seconds without an answer that is said.
    """

    def __init__(
        self,
        target: Target,
        pace: Pace = PACE,
        *,
        patient: bool = False,
        hush_s: float = HUSH_S,
    ) -> None:
        self._target = target
        self._pace = pace
        self._patience = target.reconnect_for if patient else 0.0
        self._hush_s = hush_s

    # Any: answers are JSON values, and each command knows which.
    def ask(
        self, method: str, *path: str, kind: type[Shape], **query: str | None
    ) -> Any:
        """Send a request without a body, and return the JSON of its answer.

        Args:
            method: GET or DELETE.
            path: What stands behind `/api/v1`, part by part.
            kind: What the answer has to hold.
            query: Parameters; None for those that are not given.

        Raises:
            NoHubError: Nothing answers, or what answers is no hub.
            RefusedError: The hub says no.
        """
        place = "/".join(["api/v1", *(quote(part, safe="") for part in path)])
        given = {name: each for name, each in query.items() if each is not None}
        if given:
            place += f"?{urlencode(given)}"
        try:
            answer = asyncio.run(self._answer(place, method))
            check(answer, kind, self._target.shown)
        except UnsupportedVersionError as error:
            raise NoHubError(error.message) from None
        except NotAHubError as error:
            raise NoHubError(
                f"{error.message} Name the hub with --url or TASKHUB_URL"
            ) from None
        except UnreachableError as error:
            raise NoHubError(f"{error.message} Start one with {WAY_OUT}") from None
        except UnicodeError:  # of a name that is none
            raise NoHubError(f"No hub at {self._target.shown}: no such name.") from None
        except HubError as error:
            raise RefusedError(error) from None
        return answer

    # Any: any JSON value.
    async def _answer(self, place: str, method: str) -> Any:
        """Ask, and go on asking where nobody is there; say that it is so.

        A hub that takes a connection and is silent has had its time already.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience
        failures = 0
        while True:
            hush = asyncio.ensure_future(self._remark())
            try:
                return await fetch(
                    self._target.address, place, method=method, pace=self._pace
                )
            except UnreachableError as error:
                left = until - loop.time()
                if left <= 0 or not error.retry or hush.done():
                    raise
                if not failures:
                    say(
                        f"{error.message} Trying for {self._patience:g} s; Ctrl-C "
                        f"stops. If there is none, start one with {WAY_OUT}"
                    )
            finally:
                hush.cancel()
            await asyncio.sleep(min(self._pace.wait(failures, random()), left))  # noqa: S311  # no secret
            failures += 1

    async def _remark(self) -> None:
        """Say that there is no answer, when there was none for a while."""
        await asyncio.sleep(self._hush_s)
        say(f"The hub at {self._target.shown} does not answer yet. Ctrl-C stops.")
