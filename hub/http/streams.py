"""``POST /api/v1/execute/stream``: execute and follow in one call, as lines of text."""

import asyncio

from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from hub.errors import HubError
from hub.feeds import Feed
from hub.http import asking
from hub.http.bodies import wish_of
from hub.http.problems import locale_of
from hub.protocol.frames import StreamEnd
from hub.protocol.writing import STREAM
from hub.runs import Opened


class _StreamTransport:
    """Sends messages as parts of one response's body."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.over = asyncio.Event()

    async def send(self, data: str | bytes) -> None:
        """Send a part."""
        await self._send(
            {"type": "http.response.body", "body": data, "more_body": True}
        )

    def blocked(self) -> None:
        """Know nothing: `send` waits."""

    async def close(self, code: int, reason: str) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b""})
        self.over.set()


class _OneTask(Feed):
    """A feed that ends with the task it reads."""

    def unwatch(self, task_id: str) -> None:
        """End the stream when its only task has been read."""
        watched = task_id in self.watches
        super().unwatch(task_id)
        if watched:
            self.end()

    def end(self) -> None:
        """Say that the stream is complete, once everything has been sent."""
        self.close_with(1000, "", StreamEnd())


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with the frames of the task that it starts."""
    request = Request(scope, receive)
    node = request.app.state.node
    chunks = True
    try:
        wish = await wish_of(request)
        chunks = wish.chunks
        opened: Opened | HubError = await asking.execute(node, wish, locale_of(request))
    except HubError as error:
        opened = error
    await send(_head(request))
    transport = _StreamTransport(send)
    feed = _OneTask(node.delivery, STREAM, transport, locale_of(request))
    if isinstance(opened, HubError):
        feed.error(opened)
        feed.end()
    else:
        feed.open(opened, chunks=chunks)
        if not feed.watches:
            feed.end()
    gone = asyncio.ensure_future(_disconnected(receive))
    over = asyncio.ensure_future(transport.over.wait())
    try:
        await asyncio.wait({gone, over}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        over.cancel()
        feed.close()


async def _disconnected(receive: Receive) -> None:
    """Wait until the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(request: Request) -> Message:
    """Return the start of the response; always 200."""
    accepts = request.headers.get("accept", "")
    events = "text/event-stream" in accepts
    media_type = "text/event-stream" if events else "text/plain"
    return {
        "type": "http.response.start",
        "status": 200,
        "headers": [
            (b"content-type", f"{media_type}; charset=utf-8".encode()),
            (b"cache-control", b"no-cache"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-accel-buffering", b"no"),
        ],
    }
