"""Questions over HTTP."""

import pytest

from hub.client.address import resolve
from hub.client.errors import NotAHubError, UnreachableError
from hub.client.http import fetch
from hub.client.pace import Pace
from hub.errors import NotFoundError, UnauthenticatedError
from tests.client.scripted import plain
from tests.served import Served

PACE = Pace(open_s=2, answer_s=0.2)


async def ask(port: int) -> object:
    """Ask something."""
    address = resolve(f"http://127.0.0.1:{port}", "secret", {})
    return await fetch(address, "api", locale="zh-CN", pace=PACE)


def answer(head: str, body: str) -> bytes:
    """Return an answer's bytes."""
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def test_an_answer_is_a_value() -> None:
    """With a length, in pieces, or up to the end of the connection."""
    head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = f"{head}2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"
    for said in (
        answer("200 OK", "[1]"),
        pieces.encode(),
        b"HTTP/1.0 200 OK\r\n\r\n[1]",
    ):
        async with plain(said) as port:
            assert await ask(port) == [1]


async def test_a_refusal_is_the_hubs_error(house: Served) -> None:
    """In the caller's language, with what the hub knows."""
    address = resolve(house.http, None, {})
    with pytest.raises(NotFoundError) as caught:
        await fetch(address, "api/v1/tasks/nowhere", locale="zh-CN", pace=PACE)

    assert not str(caught.value).isascii()
    assert (caught.value.code, caught.value.ran) == ("not_found", "maybe")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer("200 OK", "<html>"), NotAHubError),
        (answer("404 Not Found", "nothing"), NotAHubError),
        (answer("401 No\r\nContent-Type: application/problem+json", "{}"), None),
        (answer("502 Bad Gateway", ""), UnreachableError),
        (b"SSH-2.0\r\n", NotAHubError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", UnreachableError),
        (b"", UnreachableError),
    ],
)
async def test_what_is_no_answer_of_a_hub_is_said(
    said: bytes, kind: type[Exception] | None
) -> None:
    """Each with its class, never a traceback of a parser."""
    async with plain(said) as port:
        with pytest.raises(kind or UnauthenticatedError) as caught:
            await ask(port)
    assert type(caught.value) is (kind or UnauthenticatedError)


async def test_silence_ends() -> None:
    """An answer that stops in the middle is not waited for without end."""
    async with plain(answer("200 OK", "[1]")[:-1], closes=False) as port:
        with pytest.raises(UnreachableError, match="in time"):
            await ask(port)
