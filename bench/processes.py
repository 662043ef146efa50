"""What a process costs a command: warm, one behind the other, made to measure, first.

Between warm ones there is time enough to make the next spare; one behind the other,
there is not.
"""

import asyncio
import statistics
import time

import msgspec

from bench.fanout import WAIT_S
from bench.loads import RefusedError, decode, session
from bench.scale import Figures, Scale
from bench.servers import PLUGINS, Server, hub
from bench.wire import Socket

ENVIRON = {
    "TASKHUB__PLUGINS__PATHS": str(PLUGINS / "processes"),
    # The hub is given one core, but this is about two programs.
    "TASKHUB__LIMITS__PROCESS_RUNS": "2",
}
NO_SPARES = {**ENVIRON, "TASKHUB__LIMITS__PROCESS_SPARES": "0"}
PAUSE_S = 0.05
REQUEST = msgspec.json.encode(
    {"type": "execute", "id": 1, "plugin": "apart", "command": "noop", "chunks": False}
)


async def _once(socket: Socket) -> float:
    """Run the command; return how long it took, in ms."""
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_read(messages: list[bytes]) -> None:
        for frame in (frame for m in messages for frame in decode(m)):
            if frame["type"] == "error":
                ended.set_exception(RefusedError(str(frame)))
            elif frame["type"] == "result":
                response = frame["response"]
                assert isinstance(response, dict)
                if response["status"] == "completed":
                    ended.set_result(None)
                else:
                    ended.set_exception(RefusedError(str(response)))

    socket.on_read = on_read
    begun = time.perf_counter()
    socket.write([REQUEST])
    await asyncio.wait_for(ended, WAIT_S)
    return (time.perf_counter() - begun) * 1000


async def _median(server: Server, count: int, pause_s: float) -> tuple[float, float]:
    """Return how long the first of some commands took, and the others' median."""
    socket = await session(server.port)
    try:
        first = await _once(socket)
        found = []
        for _ in range(count):
            await asyncio.sleep(pause_s)
            found.append(await _once(socket))
    finally:
        await socket.close()
    return first, statistics.median(found)


async def processes(scale: Scale) -> Figures:
    """Measure commands in processes, with spares and without."""
    async with hub("memory", ENVIRON) as server:
        first, warm = await _median(server, scale.runs, PAUSE_S)
        _, serial = await _median(server, scale.runs, 0)
    async with hub("memory", NO_SPARES) as server:
        _, made = await _median(server, scale.runs, PAUSE_S)
    return {
        "process.warm.p50": warm,
        "process.serial.p50": serial,
        "process.made.p50": made,
        "process.first": first,
    }
