"""A network that a test may cut: bytes go through it, until they shall not."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Self

PREFIX = b"/below/here"


class Proxy:
    """Forward a port of this machine to another one, from a thread of its own.

    Requests below `PREFIX` go to the root, as a proxy on a sub-path would send them.
    """

    def __init__(self, target: int) -> None:
        """Note the port to forward to."""
        self.target = target
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._is_open = True
        self._is_mute = False

    @property
    def url(self) -> str:
        """Where the page is, at the root."""
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        """Start to forward."""
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Cut all connections and end the thread."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def mute(self) -> None:
        """Let nothing through from the hub, as if the network were slow."""
        self._is_mute = True

    def cut(self) -> None:
        """Drop all connections, and let no new one in."""
        self._is_open = False
        self.drop()

    def drop(self) -> None:
        """Drop all connections; new ones may come at once."""
        asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result(10)

    def heal(self) -> None:
        """Let connections in again."""
        self._is_mute = False
        self._is_open = True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._forward, "127.0.0.1", 0)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _drop(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self._is_open:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there[1]}
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(reader, there[1], self._inwards))
            group.create_task(_pump(there[0], writer, self._outwards))
        self._writers -= {writer, there[1]}

    async def _inwards(self, data: bytes) -> bytes:
        return data.replace(b" " + PREFIX, b" ", 1)

    async def _outwards(self, data: bytes) -> bytes:
        return b"" if self._is_mute else data


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    change: Callable[[bytes], Awaitable[bytes]],
) -> None:
    """Carry bytes one way until an end, then end the other side, too."""
    try:
        while data := await reader.read(65_536):
            writer.write(await change(data))
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
