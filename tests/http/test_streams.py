"""Execute and follow in one call: blocks of the same frames as on the WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from hub.http import asking
from tests.http.client import Client, Exchange
from tests.http.conftest import Serve
from tests.peer import decode
from tests.stage import PATIENCE_S, turns

PATH = "/api/v1/execute/stream"
END = {"type": "end"}


@asynccontextmanager
async def streaming(
    client: Client, command: str, **fields: Any
) -> AsyncIterator[Exchange]:
    """Begin a stream of a command; it is left behind afterwards."""
    headers = fields.pop("headers", {})
    exchange = Exchange(client.app, "POST", PATH, headers=headers)
    body = {"plugin": "lab", "command": command, **fields}
    exchange.say(msgspec.json.encode(body))
    running = asyncio.create_task(exchange.run())
    try:
        yield exchange
    finally:
        exchange.leave()
        async with asyncio.timeout(PATIENCE_S):
            await running


async def test_a_stream_is_blocks_of_frames(client: Client) -> None:
    """`opened` first, every entry, the result, and `end` last, byte for byte."""
    body = {"plugin": "lab", "command": "count", "params": {"n": 3}}
    response = await client.post(PATH, body)
    text = response.text
    frames = decode(response.content)

    assert response.status_code == 200
    assert text.endswith('data: {"type":"end"}\n\n')
    assert all(block.startswith("data: {") for block in text.split("\n\n")[:-1])
    kinds = [each["type"] for each in frames if each["type"] != "progress"]
    assert kinds == ["opened", "chunk", "chunk", "chunk", "result", "end"]
    assert "id" not in frames[0]
    assert frames[-2]["response"]["result"] == 3
    assert len({each.get("task_id") for each in frames[:-1]}) == 1


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain; charset=utf-8"),
        ("*/*", "text/plain; charset=utf-8"),
        ("application/json", "text/plain; charset=utf-8"),
        ("text/event-stream", "text/event-stream; charset=utf-8"),
        ("text/html, text/event-stream;q=0.9", "text/event-stream; charset=utf-8"),
    ],
)
async def test_an_event_stream_is_for_who_asks(
    client: Client, accept: str | None, kind: str
) -> None:
    """Plain text otherwise; never cached, never guessed."""
    headers = {} if accept is None else {"accept": accept}
    async with streaming(client, "wait", headers=headers) as exchange:
        await exchange.frame("opened")

        assert exchange.status == 200
        assert exchange.headers["content-type"] == kind
        assert exchange.headers["cache-control"] == "no-cache"
        assert exchange.headers["x-content-type-options"] == "nosniff"


async def test_frames_come_while_the_command_runs(client: Client) -> None:
    """Not when it has ended."""
    async with streaming(client, "wait") as exchange:
        opened = await exchange.frame("opened")
        assert (await exchange.frame("chunk"))["data"] == "begun"
        assert not exchange.over
        await client.delete(f"/api/v1/tasks/{opened['task_id']}")
        result = await exchange.frame("result")
        await exchange.frame("end")
        await turns()

        assert result["response"]["status"] == "cancelled"
        assert exchange.frames[-1] == END
        assert exchange.over


async def test_a_caller_that_leaves_leaves_the_task(client: Client) -> None:
    """It goes on; nothing is kept for the stream."""
    async with streaming(client, "wait") as exchange:
        opened = await exchange.frame("opened")
        await exchange.frame("chunk")
        assert client.node.metrics.watches == 1
    task = await asking.find(client.node, opened["task_id"])

    assert task.status.value == "running"
    assert client.node.metrics.watches == 0
    assert not client.node.delivery._all


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "bad_frame"),
        (b"", "bad_frame"),
        (b'{"plugin":"lab","command":"none"}', "unknown_command"),
        (b'{"plugin":"lab","command":"add"}', "invalid_params"),
        (b'{"plugin":"lab","command":"add","credit":1}', "invalid_params"),
        (b'{"pad":"' + b"x" * 300_000 + b'"}', "frame_too_large"),
    ],
)
async def test_a_refusal_is_one_frame(client: Client, body: bytes, code: str) -> None:
    """Always 200: an `error` frame, then `end`."""
    response = await client.post(PATH, body)
    error, end = decode(response.content)

    assert response.status_code == 200
    assert (error["type"], error["code"], end) == ("error", code, END)
    assert "id" not in error


async def test_a_body_that_breaks_off_is_a_refusal(client: Client) -> None:
    """Nothing runs for half a request."""
    exchange = Exchange(client.app, "POST", PATH)
    exchange.say(b'{"plugin":"lab",', more=True)
    exchange.leave()
    exchange.leave()
    async with asyncio.timeout(PATIENCE_S):
        await exchange.run()

    assert client.node.metrics.accepted == 0


async def test_a_stream_without_chunks_has_none(client: Client) -> None:
    """`chunks: false` is heeded: one gap, then the result."""
    body = {
        "plugin": "lab",
        "command": "count",
        "params": {"n": 3},
        "chunks": False,
    }
    frames = decode((await client.post(PATH, body)).content)
    kinds = [each["type"] for each in frames if each["type"] != "progress"]

    assert kinds == ["opened", "gap", "result", "end"]


async def test_what_is_known_already_is_streamed_whole(client: Client) -> None:
    """A cached answer, and the same task by its key: from the first entry on."""
    body = {"plugin": "lab", "command": "cached", "key": "k"}
    first = decode((await client.post(PATH, body)).content)
    again = decode((await client.post(PATH, body)).content)
    cached = decode((await client.post(PATH, {**body, "key": "other"})).content)

    assert again[0]["origin"] == "existing"
    assert again[0]["task_id"] == first[0]["task_id"]
    assert cached[0]["origin"] == "cached"
    for frames in (again, cached):
        kinds = [each["type"] for each in frames]
        assert kinds == ["opened", "chunk", "result", "end"]


async def test_a_large_stream_comes_in_pieces(client: Client) -> None:
    """Each within the bound of a message, no block cut."""
    async with streaming(client, "count", params={"n": 3_000}) as exchange:
        await exchange.frame("end")
        most = client.node.settings.limits.message_bytes

        chunks = [each for each in exchange.frames if each["type"] == "chunk"]
        assert [each["data"] for each in chunks] == list(range(3_000))
        assert len(exchange.pieces) > 5
        assert max(map(len, exchange.pieces)) <= most + 1_024


async def test_a_large_result_is_fetched(client: Client) -> None:
    """As on the WebSocket: null, and `result_url`."""
    async with streaming(client, "large", params={"size": 300_000}) as exchange:
        result = await exchange.frame("result")
        whole = await client.get(f"/{result['result_url']}")

        assert result["response"]["result"] is None
        assert whole.json() == "x" * 300_000


async def test_the_texts_are_in_the_callers_language(client: Client) -> None:
    """By `Accept-Language`, in refusals too."""
    response = await client.post(PATH, b"{}", accept_language="zh-CN")
    error = decode(response.content)[0]

    assert error["message"].startswith("无法解析该帧")


async def test_a_silent_stream_has_heartbeats(serve: Serve) -> None:
    """So that proxies keep it open."""
    async with (
        serve(timing__heartbeat_s=0.05) as client,
        streaming(client, "wait") as exchange,
    ):
        await exchange.frame("chunk")
        assert (await exchange.frame("ping"))["now"].endswith("Z")


async def test_a_hub_that_goes_ends_its_streams(serve: Serve) -> None:
    """With the result of what it stopped, and `end`."""
    async with serve() as client, streaming(client, "wait") as exchange:
        await exchange.frame("chunk")
        await client.node.drain()
        result = await exchange.frame("result")
        await exchange.frame("end")

        failure = result["response"]["metadata"]["failure"]
        assert failure["code"] == "hub_restarted"
        assert exchange.frames[-1] == END
