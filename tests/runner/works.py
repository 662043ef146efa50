"""Work for real processes: runs in an engine in memory, and plugins in files."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hub.clock import Clock
from hub.codec import from_json, to_json
from hub.engines.base import Bounds
from hub.engines.memory import MemoryEngine
from hub.ids import TaskIds
from hub.plugin.context import Facts
from hub.registry import Registry, Sources
from hub.runner.caps import Caps
from hub.runner.letters import Order
from hub.runner.output import Pipe, ProcessOutput
from hub.runner.processes import Processes, Upbringing
from hub.runner.work import Work
from hub.runs import Claim, Outcome, Run, Submission

HEAD = '''
import asyncio, logging, os, signal, sys, time
from hub import Plugin, TaskContext, TaskError, command

class {name}(Plugin):
    """Is tried."""
'''


class Bench:
    """Processes, and work for them."""

    def __init__(self, processes: Processes, pipe: Pipe, folder: Path) -> None:
        self.processes = processes
        self.pipe = pipe
        self.folder = folder
        self.gone = asyncio.Event()
        self._numbers = 0

    def begin(self, plugin: str, command: str, **params: object) -> "Trial":
        """Begin a command."""
        self._numbers += 1
        trial = Trial(self, plugin, command, to_json(params), self._numbers)
        self.processes.run(trial.work)
        return trial

    async def run(self, plugin: str, command: str, **params: object) -> Any:
        """Run a command; return its result."""  # any JSON value
        outcome = await self.begin(plugin, command, **params).ended()
        assert outcome.code is None, outcome
        return from_json(outcome.result)

    async def spare(self, plugin: str) -> int:
        """Wait for a spare; return its process id."""
        async with asyncio.timeout(10):
            while plugin not in self.processes.spares:  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.005)
        return self.processes.spares[plugin]

    async def origins(self) -> list[Any]:  # what the registry says
        """Load the folder anew; return where its plugins come from."""
        registry = Registry(Sources(folders=(self.folder,), entry_points=list))
        await registry.load()
        found = registry.apart()
        await registry.close()
        return found


class Trial:
    """One run."""

    def __init__(
        self, bench: Bench, plugin: str, command: str, params: bytes, number: int
    ) -> None:
        loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[Outcome] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        request = Submission(
            principal="p", plugin=plugin, command=command, params=params, queue="q"
        )
        now = loop.time()
        self.run = Run(
            number=number, id="r", request=request, created=now, created_at=0
        )
        self.run.started = now
        self.output = ProcessOutput(bench.pipe, Claim(self.run, 1), lambda: None)
        self.output.ends_at = now + 300
        order = Order(
            command=command,
            params=params,
            facts=Facts(run_id="r", task_id="r"),
            left=300.0,
            grace=0.4,
            caps=Caps(),
        )
        self.work = Work(
            plugin,
            order,
            self.output,
            self.outcome.set_result,
            lambda: self.gone.set_result(None),
        )

    async def ended(self) -> Outcome:
        """Wait for the end of the command."""
        async with asyncio.timeout(20):
            return await self.outcome

    async def over(self) -> Outcome:
        """Wait for the end of its process, too."""
        async with asyncio.timeout(20):
            await self.gone
        return await self.outcome


@asynccontextmanager
async def bench(
    folder: Path, *, upbringing: Upbringing | None = None, **plugins: str
) -> AsyncIterator[Bench]:
    """Write plugins into files, and start their nursery.

    Args:
        folder: Where to.
        upbringing: Of their processes.
        plugins: What stands in their classes, by name.
    """
    for name, body in plugins.items():
        text = HEAD.format(name=name.title()) + body
        (folder / f"{name}.py").write_text(text)
    clock = Clock(asyncio.get_running_loop())
    engine = MemoryEngine(Bounds(), clock, TaskIds())
    await engine.start()
    pipe = Pipe(engine=engine, clock=clock, caps=Caps())
    loading = Bench.__new__(Bench)
    loading.folder = folder
    origins = await loading.origins()
    up = upbringing or Upbringing(start_s=0)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    async with Processes(origins, up) as processes:
        yield Bench(processes, pipe, folder)
    await engine.close()
