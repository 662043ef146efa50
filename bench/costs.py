"""What the hub's own calls cost: the context's functions, a start."""

import asyncio
import os
import statistics
import sys
import time

import msgspec

from bench.fanout import WAIT_S
from bench.loads import RefusedError, decode, session
from bench.scale import Figures, Scale
from bench.servers import ROOT, Server, hub


async def _costs(server: Server, command: str, calls: int) -> Figures:
    """Run a command that measures itself; return its result."""
    result: asyncio.Future[Figures] = asyncio.get_running_loop().create_future()

    def on_read(messages: list[bytes]) -> None:
        for frame in (frame for m in messages for frame in decode(m)):
            if frame["type"] == "error":
                result.set_exception(RefusedError(str(frame)))
            elif frame["type"] == "result":
                response = frame["response"]
                assert isinstance(response, dict)
                if response["status"] == "completed":
                    result.set_result(response["result"])
                else:
                    result.set_exception(RefusedError(str(response)))

    socket = await session(server.port)
    socket.on_read = on_read
    request = {"type": "execute", "id": 1, "plugin": "load", "command": command}
    request |= {"params": {"calls": calls}, "chunks": False}
    socket.write([msgspec.json.encode(request)])
    try:
        return await asyncio.wait_for(result, WAIT_S)
    finally:
        await socket.close()


async def context(scale: Scale) -> Figures:
    """Measure `ctx.progress` and `ctx.chunk`, in the loop and in a thread."""
    figures: Figures = {}
    async with hub("sqlite") as server:
        for name, command in (("async", "costs"), ("thread", "thread_costs")):
            found = await _costs(server, command, scale.calls)
            figures |= {f"context.{name}.{key}": cost for key, cost in found.items()}
    return figures


async def run(scale: Scale) -> Figures:
    """Measure `taskhub run` of a command that does nothing, as a whole process."""
    arguments = ["run", "--quiet", "load.noop"]
    async with hub("sqlite") as server:
        environ = {**os.environ, "TASKHUB_URL": f"ws://127.0.0.1:{server.port}"}
        spent = []
        for _ in range(scale.programs):
            begun = time.perf_counter()
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hub", *arguments, cwd=ROOT, env=environ
            )
            if await process.wait():
                raise RefusedError("taskhub run has failed")
            spent.append(time.perf_counter() - begun)
    return {"run.s": statistics.median(spent)}


async def start(scale: Scale) -> Figures:  # noqa: ARG001 (a start has one size)
    """Measure how long a hub takes from its start to listening."""
    async with hub("sqlite") as server:
        return {"start.s": server.started_s}
