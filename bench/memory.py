"""What a connection costs in resident memory: idle ones, and ones that never read.

Idle: a hub's session (its `welcome` received, one `ping` answered) beside a bare
Starlette socket (one echo). Frozen: a thousand clients ask for the log of one run, a
log many times larger than all socket buffers, and read nothing of it; the run goes on.
The log itself, the buffers in the kernel and the hub's start are not counted. While
they are frozen, another client's no-op tasks tell whether it notices.
"""

import asyncio
import socket as sockets

import msgspec

from bench.fanout import WAIT_S
from bench.loads import Echo, RefusedError, Tasks, decode, measure, session
from bench.scale import Figures, Scale
from bench.servers import Server, baseline, hub
from bench.wire import Socket, connect

WARM = 50
CHUNK = 4096
STEADY_BYTES = 64 * 1024
STEADY_EACH = 1024
LOOKS = 20


async def _exchange(socket: Socket, message: bytes) -> None:
    """Send a message and wait for whatever comes back."""
    answered = asyncio.Event()
    socket.on_read = lambda _: answered.set()
    socket.write([message])
    async with asyncio.timeout(WAIT_S):
        await answered.wait()


async def _open(server: Server, count: int, *, plain: bool) -> list[Socket]:
    """Open connections, each with one message there and back."""
    opened = []
    for number in range(count):
        socket = await (connect(server.port) if plain else session(server.port))
        ping = msgspec.json.encode({"type": "ping", "id": number})
        await _exchange(socket, Echo.TEXT if plain else ping)
        opened.append(socket)
    return opened


async def _steady(server: Server, slack: int = STEADY_BYTES) -> int:
    """Return the resident bytes once they have stopped to move."""
    before = server.memory()
    for _ in range(LOOKS):
        await asyncio.sleep(0.25)
        now = server.memory()
        if abs(now - before) < slack:
            return now
        before = now
    return before


async def idle(scale: Scale) -> Figures:
    """Measure idle connections of a hub and of the echo."""
    figures: Figures = {}
    async with baseline("echo") as echo, hub("memory") as memory:
        for name, server in (("idle.bare", echo), ("idle.hub", memory)):
            held = await _open(server, WARM, plain=server is echo)
            before = await _steady(server)
            held += await _open(server, scale.watchers, plain=server is echo)
            cost = await _steady(server) - before
            figures[f"{name}.kib"] = cost / scale.watchers / 1024
            await asyncio.gather(*(socket.close() for socket in held))
    return figures


async def _written(port: int, scale: Scale) -> str:
    """Start the run with the long log; return its task once the log is written."""
    written: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_read(messages: list[bytes]) -> None:
        for frame in (frame for m in messages for frame in decode(m)):
            if frame["type"] in ("error", "result"):
                written.set_exception(RefusedError(str(frame)))
            elif frame["type"] == "progress" and frame["message"] == "written":
                written.set_result(str(frame["task_id"]))

    director = await session(port)
    director.on_read = on_read
    params = {"count": scale.backlog, "size": CHUNK}
    request = {"type": "execute", "id": 1, "plugin": "load", "command": "backlog"}
    request |= {"params": params, "chunks": False}
    director.write([msgspec.json.encode(request)])
    task = await asyncio.wait_for(written, WAIT_S)
    director.write([msgspec.json.encode({"type": "unwatch", "task_id": task})])
    return task


async def _freeze(socket: Socket, task: str) -> None:
    """Ask for the log and read nothing of it."""
    raw = socket.transport.get_extra_info("socket")
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
    socket.transport.pause_reading()
    watch = {"type": "watch", "id": 0, "task_id": task}
    socket.write([msgspec.json.encode(watch)])


async def frozen(scale: Scale) -> Figures:
    """Measure clients of one run that read nothing, and what others notice."""
    async with hub("memory") as server:
        other = Tasks("noop")
        calm = await measure(server, other, (1, 1), scale.window)
        task = await _written(server.port, scale)
        before = await _steady(server)
        held = await asyncio.gather(
            *(session(server.port) for _ in range(scale.watchers))
        )
        for socket in held:
            await _freeze(socket, task)
        # The kernel's buffers fill first, all of them, and only then the process's.
        await asyncio.sleep(scale.fill_s)
        slack = max(STEADY_BYTES, STEADY_EACH * scale.watchers)
        cost = await _steady(server, slack) - before
        beside = await measure(server, other, (1, 1), scale.window)
        if any(socket.failure for socket in held):
            raise RuntimeError("a frozen client was closed before it was measured")
        return {
            "frozen.kib": cost / scale.watchers / 1024,
            "frozen.calm.p95": calm["p95"],
            "frozen.beside.p95": beside["p95"],
        }
