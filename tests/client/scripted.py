"""A server that plays a hub by a script, for what a real one does not do on demand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.peer import Frame, decode

JSON = "taskhub.v1.json"
WELCOME: Frame = {
    "type": "welcome",
    "hub": "scripted",
    "now": "2026-01-01T00:00:00Z",
    "principal": "local",
    "scopes": [],
    "protocol": 1,
    "limits": {
        "frame_bytes": 262144,
        "watches": None,
        "in_flight": None,
        "executes_per_s": None,
    },
    "heartbeat_ms": 20000,
}


def response(task_id: str, status: str = "running", result: Any = None) -> Frame:
    """Return a task as it stands."""
    return {
        "task_id": task_id,
        "status": status,
        "progress": None,
        "result": result,
        "error": None,
        "created_at": "",
        "updated_at": "",
        "message": None,
        "metadata": {
            "plugin": "p",
            "command": "c",
            "origin": "new",
            "attempt": 1,
            "queued_ms": 0,
            "execution_time_ms": 0,
            "chunks": 0,
        },
    }


def opened(asked: Frame, task_id: str, after: int = 0) -> Frame:
    """Return the answer to an `execute` or a `watch`."""
    return {
        "type": "opened",
        "id": asked["id"],
        "task_id": task_id,
        "origin": "watch" if asked["type"] == "watch" else "new",
        "from": after,
        "attempt": 1,
        "head": 0,
        "floor": 0,
        "response": response(task_id),
    }


def result(task_id: str, seq: int = 1, value: Any = None) -> Frame:
    """Return the end of a task."""
    told = response(task_id, "completed", value)
    return {"type": "result", "task_id": task_id, "seq": seq, "response": told}


class Caller:
    """One client, as the script sees it.

    Attributes:
        socket: The connection.
        number: Which one it is, from 1.
        messages: What it has sent.
        frames: The same, frame by frame.
    """

    def __init__(self, socket: ServerConnection, number: int) -> None:
        self.socket = socket
        self.number = number
        self.messages: list[list[Frame]] = []
        self.frames: list[Frame] = []

    async def say(self, *frames: Frame) -> None:
        """Send frames as one message."""
        made = frames[0] if len(frames) == 1 else frames
        await self.socket.send(msgspec.json.encode(made).decode())

    async def get(self, kind: str) -> Frame:
        """Read on until a frame of a type comes; return it."""
        while True:
            for frame in self.frames:
                if frame["type"] == kind:
                    self.frames.remove(frame)
                    return frame
            found = decode(await self.socket.recv())
            self.messages.append(found)
            self.frames += found


Script = Callable[[Caller], Awaitable[None]]


@asynccontextmanager
async def scripted(
    script: Script, *, subprotocols: tuple[str, ...] = (JSON,), welcome: bool = True
) -> AsyncIterator[str]:
    """Serve a script; give its address. Each connection gets its number."""
    count = 0

    async def handle(socket: ServerConnection) -> None:
        nonlocal count
        count += 1
        caller = Caller(socket, count)
        if welcome:
            await caller.say(WELCOME)
        await script(caller)

    offered = [Subprotocol(name) for name in subprotocols] or None
    async with serve(handle, "127.0.0.1", 0, subprotocols=offered) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


@asynccontextmanager
async def plain(answer: bytes, *, closes: bool = True) -> AsyncIterator[int]:
    """Serve a port that says the same to everybody; give its number."""
    done = asyncio.Event()

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if answer:
            await reader.read(1000)
            writer.write(answer)
            await writer.drain()
        if not closes:
            await done.wait()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        done.set()


@asynccontextmanager
async def tunnels(port: int, status: str = "200 OK") -> AsyncIterator[list[str]]:
    """Be an HTTP proxy that takes every place for that port; give what it was told.

    The first line is where it is.
    """
    told = list[str]()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        told.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        there = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, there[1]))
            group.create_task(pump(there[0], writer))

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        told.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        yield told
