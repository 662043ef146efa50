"""One run and a thousand clients: watchers, joined tasks, and the plain send loop.

The command tells the time 20 times a second, as a chunk or as progress, and every
client on its own connection compares it with its own clock, which is the same one,
being on the same machine. Progress is conflated to one frame in `progress_ms`, so its
age counts from when the value that was shown was set. The plain loop sends the very
text of a chunk frame of the hub to as many sockets.
"""

import asyncio
import statistics
import time

import msgspec

from bench.loads import Frame, Reading, RefusedError, decode, session
from bench.orders import SendOrder
from bench.scale import Figures, Scale
from bench.servers import Server, baseline, hub
from bench.wire import Socket, connect

HZ = 20
WAIT_S = 60.0
SETTLE_S = 0.5


class Audience:
    """All clients of one feed, and what they have received inside the window."""

    def __init__(self) -> None:
        self.ages: list[float] = []
        self.collecting: bool = False
        self.sample: bytes = b""
        self.opened: set[object] = set()
        self.refused: Frame | None = None
        self.sockets: list[Socket] = []

    def on_read(self, messages: list[bytes]) -> None:
        """Decode everything; note the age of each chunk and progress."""
        now = time.monotonic_ns()
        for message in messages:
            for frame in decode(message):
                stamp = self._stamp(frame, message)
                if stamp and self.collecting:
                    self.ages.append((now - int(stamp)) / 1e6)

    def _stamp(self, frame: Frame, message: bytes) -> str:
        match frame["type"]:
            case "chunk":
                self.sample = message
                return str(frame["data"])
            case "progress":
                # A status change carries no text of the command: not of the feed.
                text = str(frame["message"])
                return text if text.isdecimal() else ""
            case "opened":
                self.opened.add((frame["task_id"], frame["id"]))
            case "error" | "result":
                self.refused = frame
            case _:
                pass
        return ""

    async def gather(self, port: int, count: int, *, plain: bool = False) -> None:
        """Open the connections, some at a time: a backlog is not what is measured."""
        while len(self.sockets) < count:
            some = range(min(50, count - len(self.sockets)))
            opening = [connect(port) if plain else session(port) for _ in some]
            self.sockets += await asyncio.gather(*opening)
        for socket in self.sockets:
            socket.on_read = self.on_read

    async def all_opened(self, count: int) -> None:
        """Wait until every client has its `opened`.

        Raises:
            RefusedError: the hub answered one with an error.
        """
        async with asyncio.timeout(WAIT_S):
            while len(self.opened) < count:
                await asyncio.sleep(0.02)
                if self.refused:
                    raise RefusedError(str(self.refused))

    async def collect(self, server: Server, seconds: float) -> Figures:
        """Return the ages' quantiles and the CPU time for each message delivered."""
        await asyncio.sleep(SETTLE_S)
        before, self.collecting = Reading(server), True
        await asyncio.sleep(seconds)
        after, self.collecting = Reading(server), False
        if self.refused:
            raise RefusedError(str(self.refused))
        cuts = statistics.quantiles(self.ages, n=100, method="inclusive")
        return {
            "p50": cuts[49],
            "p99": cuts[98],
            "cpu": max(after.server - before.server, 0.01) / len(self.ages) * 1e6,
            "rate": len(self.ages) / seconds,
            "others": after.others(before),
        }


def _execute(what: str, number: int) -> bytes:
    params = {"hz": HZ, "what": what}
    request = {"type": "execute", "plugin": "load", "command": "feed", "params": params}
    return msgspec.json.encode({**request, "id": number})


async def _start(director: Socket, message: bytes) -> str:
    """Execute a command and return the id of its task."""
    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_read(messages: list[bytes]) -> None:
        for frame in (frame for m in messages for frame in decode(m)):
            if frame["type"] == "error":
                opened.set_exception(RefusedError(str(frame)))
            elif frame["type"] == "opened" and not opened.done():
                opened.set_result(str(frame["task_id"]))

    director.on_read = on_read
    director.write([message])
    return await asyncio.wait_for(opened, WAIT_S)


async def _watched(what: str, scale: Scale) -> tuple[Figures, bytes]:
    """A run with so many watchers."""
    audience = Audience()
    async with hub("sqlite") as server:
        await audience.gather(server.port, scale.watchers)
        director = await session(server.port)
        task = await _start(director, _execute(what, 0))
        director.write([msgspec.json.encode({"type": "unwatch", "task_id": task})])
        for number, socket in enumerate(audience.sockets):
            watch = {"type": "watch", "id": number, "task_id": task}
            socket.write([msgspec.json.encode(watch)])
        await audience.all_opened(scale.watchers)
        return await audience.collect(server, scale.fanout_s), audience.sample


async def _joined(what: str, scale: Scale) -> Figures:
    """As many tasks that have joined one run."""
    audience = Audience()
    async with hub("sqlite") as server:
        await audience.gather(server.port, scale.watchers)
        for number, socket in enumerate(audience.sockets):
            socket.write([_execute(what, number)])
        await audience.all_opened(scale.watchers)
        return await audience.collect(server, scale.fanout_s)


async def _plain(sample: bytes, scale: Scale) -> Figures:
    """The send loop, with the text of a chunk frame."""
    audience = Audience()
    [frame] = decode(sample)
    template = sample.decode().replace(str(frame["data"]).strip(), "@")
    count = round((scale.fanout_s + 2 * SETTLE_S) * HZ)
    async with baseline("sendloop") as server:
        await audience.gather(server.port, scale.watchers, plain=True)
        director = await connect(server.port)
        order = SendOrder(hz=HZ, count=count, template=template)
        director.write([msgspec.json.encode(order)])
        return await audience.collect(server, scale.fanout_s)


async def fanout(scale: Scale) -> Figures:
    """Measure watchers, the send loop beside them, and joined tasks."""
    figures: Figures = {}
    chunk, sample = await _watched("chunk", scale)
    parts = {
        "fanout.watch.chunk": chunk,
        "fanout.plain": await _plain(sample, scale),
        "fanout.joined.chunk": await _joined("chunk", scale),
        "fanout.watch.progress": (await _watched("progress", scale))[0],
        "fanout.joined.progress": await _joined("progress", scale),
    }
    for name, part in parts.items():
        figures |= {f"{name}.{figure}": value for figure, value in part.items()}
    return figures
