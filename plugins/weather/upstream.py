"""One weather service over HTTP: bounded in time and bytes, and discreet.

Rules: an answer takes at most `timeout_s` seconds and `ANSWER_BYTES` bytes; no
redirect is followed; an error names the service's host and never the query, for
the query may carry the operator's key.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import TypeVar

import httpx
from msgspec import DecodeError
from msgspec.json import Decoder

from hub import TaskError

from .troubles import text, trouble

ANSWER_BYTES = 1024 * 1024
"""More than any honest answer; what is longer is not read to its end."""

T = TypeVar("T")


class MissingError(TaskError):
    """The service answered 404; a provider may know what that means."""


def hide_query(record: logging.LogRecord) -> bool:
    """Cut query strings from the lines in which httpx reports its requests.

    Such a line reaches the hub's log and the task's own log channel.
    """
    if isinstance(record.args, tuple):
        record.args = tuple(
            argument.copy_with(query=None)
            if isinstance(argument, httpx.URL)
            else argument
            for argument in record.args
        )
    return True


def new_client() -> httpx.AsyncClient:
    """Make the client that the providers share; the caller closes it."""
    logging.getLogger("httpx").addFilter(hide_query)
    # Compressed answers are not asked for: a few bytes of them could become very
    # many before anyone counts.
    return httpx.AsyncClient(
        follow_redirects=False, headers={"Accept-Encoding": "identity"}
    )


class Upstream:
    """One service at one base URL."""

    def __init__(
        self, client: httpx.AsyncClient, base_url: str, timeout_s: float
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self.host = httpx.URL(base_url).netloc.decode("ascii")

    async def get(
        self, path: str, query: Mapping[str, str], decoder: Decoder[T], locale: str
    ) -> T:
        """Ask the service, and read its answer as what `decoder` makes.

        Raises:
            MissingError: HTTP 404.
            TaskError: Anything else that is not a well-formed 200, by the codes of
                `troubles.TEXTS`, in the language of `locale`.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                status, body = await self._fetch(path, query)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise trouble(
                "too_slow", locale, host=self.host, seconds=self._timeout_s
            ) from error
        except httpx.HTTPError as error:
            raise trouble("unreachable", locale, host=self.host) from error
        self._judge(status, locale)
        try:
            return decoder.decode(body)
        # A body cut at the bound, bytes that are no UTF-8, fields that are missing or
        # of another type, and a thousand brackets all come out here.
        except (DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.bad_answer(locale) from error

    def bad_answer(self, locale: str) -> TaskError:
        """Make the error for an answer that decodes and still makes no sense."""
        return trouble("bad_answer", locale, host=self.host)

    async def _fetch(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        """Read status and body, the latter no further than the bound."""
        body = bytearray()
        async with self._client.stream(
            "GET", self._base_url + path, params=query, timeout=self._timeout_s
        ) as response:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > ANSWER_BYTES:
                    return response.status_code, b""
            return response.status_code, bytes(body)

    def _judge(self, status: int, locale: str) -> None:
        """Turn any status but 200 into the error that it stands for."""
        if status == httpx.codes.OK:
            return
        if status == httpx.codes.UNAUTHORIZED:
            raise trouble("bad_key", locale)
        if status == httpx.codes.NOT_FOUND:
            message = text("refused", locale, host=self.host, status=status)
            raise MissingError(message, code="refused")
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise trouble("busy", locale, host=self.host)
        code = "unavailable" if httpx.codes.is_server_error(status) else "refused"
        raise trouble(code, locale, host=self.host, status=status)
