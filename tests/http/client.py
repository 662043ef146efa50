"""HTTP without a socket: whole answers by httpx, exchanges step by step by ASGI."""

import asyncio
from typing import Any, Self

import httpx
import msgspec
from starlette.types import ASGIApp, Message

from hub.node import Node
from tests.peer import Frame, decode
from tests.stage import PATIENCE_S

HOST = "127.0.0.1:8765"


class Client:
    """A caller of the hub's HTTP routes.

    Attributes:
        node: What is served.
        app: The application.
        http: For whole requests.
    """

    def __init__(self, node: Node, app: ASGIApp) -> None:
        self.node = node
        self.app = app
        transport = httpx.ASGITransport(app=app)
        self.http = httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")

    async def __aenter__(self) -> Self:
        """Begin."""
        await self.http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""
        await self.http.aclose()

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET a path; `_` in a header's name stands for `-`."""
        return await self.http.get(path, headers=named(headers))

    async def delete(self, path: str) -> httpx.Response:
        """DELETE a path."""
        return await self.http.delete(path)

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """POST a value as JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.http.post(path, content=data, headers=named(headers))

    async def start(self, command: str, **fields: Any) -> httpx.Response:
        """POST a task of the plugin `lab`."""
        headers = fields.pop("headers", {})
        body = {"plugin": "lab", "command": command, **fields}
        return await self.post("/api/v1/tasks", body, **headers)

    async def task(self, command: str, **fields: Any) -> str:
        """Start a task that waits or ends, and return its id."""
        response = await self.start(command, **fields)
        task_id: str = response.json()["task_id"]
        return task_id

    async def done(self, command: str, **params: Any) -> str:
        """Run a task to its end, and return its id."""
        headers = {"prefer": f"wait={PATIENCE_S}"}
        response = await self.start(command, params=params, headers=headers)
        assert response.status_code == 200
        task_id: str = response.json()["task_id"]
        return task_id


def named(headers: dict[str, str]) -> dict[str, str]:
    """Return headers whose names were written as Python's."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Exchange:
    """One request, as an ASGI server would see it; the answer comes piece by piece.

    Attributes:
        status: Of the answer, once it is there.
        headers: Of the answer.
        pieces: Of its body.
        over: Whether the body is complete.
    """

    def __init__(self, app: ASGIApp, method: str, path: str, **options: Any) -> None:
        headers = {"host": HOST, **options.pop("headers", {})}
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.over = False
        self._app = app
        self._news = asyncio.Event()
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        self._scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "server": ("127.0.0.1", 8765),
            "client": ("127.0.0.1", 5),
            **options,
        }

    def say(self, body: bytes, *, more: bool = False) -> None:
        """Send a part of the body."""
        message = {"type": "http.request", "body": body, "more_body": more}
        self._incoming.put_nowait(message)

    def leave(self) -> None:
        """Close the connection."""
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def run(self) -> None:
        """Let the application answer, to the end."""
        await self._app(self._scope, self._incoming.get, self._take)

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.pieces.append(message.get("body", b""))
            self.over = not message.get("more_body", False)
        self._news.set()

    @property
    def frames(self) -> list[Frame]:
        """The frames of a stream, as far as it has come."""
        return [frame for piece in self.pieces if piece for frame in decode(piece)]

    async def frame(self, kind: str) -> Frame:
        """Wait for the first frame of a type."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := [f for f in self.frames if f["type"] == kind]):
                self._news.clear()
                await self._news.wait()
        return found[0]
