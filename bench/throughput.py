"""The families whose unit is the echo: serial, 64 deep, many connections, chunks.

Every figure of a hub has an echo of its own, measured just before it with the same
client and the same number of connections: a machine's pace drifts within minutes, and
neighbours drift together. The two servers of a pair are both alive; one is idle. A pair
that other programs disturbed is measured again, a few times; the calmest one counts.
"""

from collections.abc import Mapping

from bench.loads import Echo, Speaker, Tasks, measure
from bench.scale import DISTURBED, Figures, Scale
from bench.servers import Server, baseline, hub

FULL = {"TASKHUB__STORE__DURABILITY": "full"}
DEEP = (1, 64)
SERIAL = (1, 1)


async def _pairs(
    loads: Mapping[str, tuple[Server, Speaker]],
    echo: Server,
    shape: tuple[int, int],
    scale: Scale,
) -> Figures:
    """Measure each load with an echo beside it; its figures get the load's name."""
    figures: Figures = {}
    for name, (server, speaker) in loads.items():
        # Many runs of chunks would hide the cost of a chunk; one at a time will do.
        flight = SERIAL if name.startswith("chunks") else shape
        tries: list[tuple[float, int, Figures, Figures]] = []
        while len(tries) < scale.tries and (not tries or min(tries)[0] > DISTURBED):
            beside = await measure(echo, Echo(), shape, scale.window)
            found = await measure(server, speaker, flight, scale.window)
            others = max(beside["others"], found["others"])
            tries.append((others, len(tries), beside, found))
        others, _, beside, found = min(tries)
        figures |= {f"{name}.echo.{figure}": value for figure, value in beside.items()}
        figures |= {f"{name}.{figure}": value for figure, value in found.items()}
        figures[f"{name}.others"] = others
    return figures


async def serial(scale: Scale) -> Figures:
    """One request at a time."""
    async with baseline("echo") as echo, hub("memory") as memory, hub("sqlite") as file:
        loads: dict[str, tuple[Server, Speaker]] = {
            "serial.noop.memory": (memory, Tasks("noop")),
            "serial.noop.sqlite": (file, Tasks("noop")),
            "serial.cached.memory": (memory, Tasks("cached", key=True)),
            "serial.cached.sqlite": (file, Tasks("cached", key=True)),
        }
        return await _pairs(loads, echo, SERIAL, scale)


async def deep(scale: Scale) -> Figures:
    """Sixty-four no-op tasks in flight on one connection."""
    async with (
        baseline("echo") as echo,
        hub("memory") as memory,
        hub("sqlite") as file,
        hub("sqlite", FULL) as full,
    ):
        loads: dict[str, tuple[Server, Speaker]] = {
            "deep.noop.memory": (memory, Tasks("noop")),
            "deep.noop.memory.array": (memory, Tasks("noop", array=True)),
            "deep.noop.sqlite": (file, Tasks("noop")),
            "deep.noop.full": (full, Tasks("noop")),
            "deep.noop.sqlite.array": (file, Tasks("noop", array=True)),
        }
        return await _pairs(loads, echo, DEEP, scale)


async def cached(scale: Scale) -> Figures:
    """Sixty-four cached executes in flight on one connection, each with a key."""
    async with baseline("echo") as echo, hub("memory") as memory, hub("sqlite") as file:
        loads: dict[str, tuple[Server, Speaker]] = {
            "deep.cached.memory": (memory, Tasks("cached", key=True)),
            "deep.cached.memory.array": (memory, Tasks("cached", key=True, array=True)),
            "deep.cached.sqlite": (file, Tasks("cached", key=True)),
            "deep.cached.sqlite.array": (file, Tasks("cached", key=True, array=True)),
        }
        return await _pairs(loads, echo, DEEP, scale)


async def many(scale: Scale) -> Figures:
    """A hundred connections, one no-op task in flight on each."""
    async with baseline("echo") as echo, hub("memory") as memory, hub("sqlite") as file:
        loads: dict[str, tuple[Server, Speaker]] = {
            "many.noop.memory": (memory, Tasks("noop")),
            "many.noop.sqlite": (file, Tasks("noop")),
        }
        return await _pairs(loads, echo, (scale.connections, 1), scale)


async def chunks(scale: Scale) -> Figures:
    """Chunks of one run after the other, all decoded by the client."""
    async with baseline("echo") as echo, hub("memory") as memory, hub("sqlite") as file:
        params = {"count": scale.chunks}
        loads: dict[str, tuple[Server, Speaker]] = {
            "chunks.memory": (memory, Tasks("chunks", params)),
            "chunks.sqlite": (file, Tasks("chunks", params)),
        }
        return await _pairs(loads, echo, DEEP, scale)
