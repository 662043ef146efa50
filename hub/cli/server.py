"""The server: uvicorn, with the options and the patience that the hub needs."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.cli.sockets import SocketProtocol
from hub.node import Node


class Server(uvicorn.Server):
    """uvicorn's server: says when it listens, and drains before it closes.

    Args:
        config: Of uvicorn.
        node: What is served.
        listening: Called when the hub can be reached.
    """

    def __init__(
        self, config: uvicorn.Config, node: Node, listening: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._node = node
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            self._listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye to the clients, then close what is left."""
        for server in self.servers:
            server.close()
        await self._node.drain()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; a second one stops at once.

        uvicorn raises a caught signal again after its shutdown, and the process would
        not end with exit code 0.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        stops = (signal.SIGINT, signal.SIGTERM)
        before = {each: signal.signal(each, self.handle_exit) for each in stops}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def server_of(node: Node, app: ASGIApp, listening: Callable[[], None]) -> Server:
    """Return the server of a node."""
    settings = node.settings
    config = uvicorn.Config(
        app,
        loop="auto",
        http="h11",
        ws=SocketProtocol,
        ws_max_size=4 * settings.limits.frame_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        ws_ping_timeout=None,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=2048,
        timeout_graceful_shutdown=max(1, round(settings.timing.grace_s)),
    )
    return Server(config, node, listening)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the loop: uvloop's, where there is one."""
    config = uvicorn.Config(_nothing, loop="auto", log_config=None)
    factory: Callable[[], asyncio.AbstractEventLoop] | None
    factory = config.get_loop_factory()
    return factory


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for an application where only the choice of a loop is asked for."""
