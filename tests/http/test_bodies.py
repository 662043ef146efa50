"""Bodies and headers: sizes, keys and patience."""

import asyncio

import pytest
from starlette.requests import Request

from hub.errors import BadFrameError
from hub.http.bodies import MOST_WAIT_S, body_of, wait_of
from tests.http.client import Client, Exchange
from tests.http.conftest import Serve
from tests.stage import PATIENCE_S


def preferring(*values: str) -> Request:
    """Return a request with `Prefer` headers."""
    headers = [(b"prefer", value.encode()) for value in values]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        ([""], None),
        (["wait=5"], 5),
        (['wait="5"'], 5),
        (["WAIT=5"], 5),
        (["respond-async, wait=5"], 5),
        (["respond-async; wait=5"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait = 5"], 5),
        (["wait=0"], 0),
        (["await=5"], None),
        (["wait=-5"], None),
        (["wait=x"], None),
        (["wait"], None),
        (["wait=999999"], MOST_WAIT_S),
    ],
)
def test_patience_is_read_from_prefer(values: list[str], seconds: float | None) -> None:
    """As RFC 7240 writes it; what cannot be read is no wish; there is a bound."""
    assert wait_of(preferring(*values)) == seconds


async def test_a_body_is_read_in_parts(client: Client) -> None:
    """However it comes."""
    exchange = Exchange(client.app, "POST", "/api/v1/tasks")
    for part in (b'{"plugin":', b'"lab","comm', b'and":"wait"}'):
        exchange.say(part, more=True)
    exchange.say(b"")
    await exchange.run()

    assert exchange.status == 202


async def test_a_body_over_the_limit_is_not_read_on(serve: Serve) -> None:
    """The answer comes as soon as it is too long, whatever was announced."""
    async with serve(
        limits__frame_bytes=10_000,
        limits__message_bytes=5_000,
        limits__chunk_bytes=5_000,
    ) as client:
        exchange = Exchange(client.app, "POST", "/api/v1/tasks")
        exchange.say(b"x" * 9_000, more=True)
        exchange.say(b"x" * 9_000, more=True)
        # Nothing more comes: who reads on waits for ever.
        async with asyncio.timeout(PATIENCE_S):
            await exchange.run()

        assert exchange.status == 413


async def test_a_body_that_breaks_off_is_a_bad_frame(client: Client) -> None:
    """Nothing runs for half a request."""
    exchange = Exchange(client.app, "POST", "/api/v1/plugins/lab/add")
    exchange.say(b'{"a":1', more=True)
    exchange.leave()

    request = Request(
        {**exchange._scope, "app": client.app}, receive=exchange._incoming.get
    )
    with pytest.raises(BadFrameError, match="ended too early"):
        await body_of(request)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("k", 202),
        ('"k"', 202),
        ("x" * 256, 202),
        ("x" * 257, 422),
        ("", 422),
        ('""', 422),
        ('"', 422),
    ],
)
async def test_keys_have_a_length(client: Client, header: str, status: int) -> None:
    """From 1 to 256 characters, without the standard's quotes."""
    response = await client.start("wait", headers={"idempotency_key": header})

    assert response.status_code == status
    if status == 422:
        assert response.json()["field"] == "key"
