"""A hub on a real socket, in this process."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from hub.app import app_of
from hub.cli.server import Server, server_of
from hub.node import Node
from hub.settings import load
from tests.stage import PATIENCE_S

PLUGINS = Path(__file__).parent / "http" / "plugins"


class Served:
    """A hub that can be reached.

    Attributes:
        node: What is served.
        server: What serves it.
        port: Where.
    """

    def __init__(self, node: Node, server: Server, port: int) -> None:
        self.node = node
        self.server = server
        self.port = port

    @property
    def http(self) -> str:
        """The root of the HTTP routes."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """The WebSocket's address."""
        return f"ws://127.0.0.1:{self.port}/ws"


def same(app: ASGIApp) -> ASGIApp:
    """Serve the application as it is."""
    return app


@asynccontextmanager
async def served(
    wrapped: Callable[[ASGIApp], ASGIApp] = same, **overrides: Any
) -> AsyncIterator[Served]:
    """Serve a hub in memory, with some settings, on a free port."""
    chosen = {
        "store.engine": "memory",
        "plugins.paths": (str(PLUGINS),),
        "plugins.bundled": False,
        "timing.tick_s": 0.01,
        "timing.grace_s": 0.05,
    }
    chosen |= {key.replace("__", "."): value for key, value in overrides.items()}
    listener = socket.create_server(("127.0.0.1", 0))
    listening = asyncio.Event()
    async with Node(load(None, {}, chosen), Path("unused")) as node:
        server = server_of(node, wrapped(app_of(node)), listening.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(PATIENCE_S):
            await listening.wait()
        try:
            yield Served(node, server, listener.getsockname()[1])
        finally:
            server.should_exit = True
            async with asyncio.timeout(PATIENCE_S):
                await serving
            listener.close()
