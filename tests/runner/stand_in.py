"""Stands in for a nursery and its one process: a test speaks for both."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest

from hub.clock import Clock
from hub.engines.base import Bounds, Engine
from hub.plugin.command import Defaults
from hub.plugin.context import Facts
from hub.plugin.origin import Origin
from hub.runner.caps import Caps
from hub.runner.keeper import Keeper, Kept
from hub.runner.letters import (
    AnyLetter,
    Begin,
    Order,
)
from hub.runner.output import Pipe, ProcessOutput
from hub.runner.post import Unpacker, to_bytes
from hub.runner.remote import Phase, Remote
from hub.runner.work import Work
from hub.runs import Claim, Outcome, Run, Submission
from hub.tasks import TaskStatus
from tests.stage import ManualClock, memory

BEGIN = Begin(
    origin=Origin(name="x", file="x.py"),
    config=b"\x80",
    defaults=Defaults(),
    level=logging.INFO,
)
DONE = Outcome(status=TaskStatus.COMPLETED, result=b"1")


class Nursery:
    """Stands in for the keeper of a nursery; its one process is the test."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self.kept: Kept
        self.wire: socket.socket
        self.files: list[int] = []
        self.unpacker = Unpacker(trusting=True)

    def fork(self, _number: int, kept: Kept, files: Sequence[int]) -> None:
        """Take the files that a process would get."""
        self.kept = kept
        self.wire = socket.socket(fileno=files[0])
        self.wire.settimeout(0)
        self.files = list(files[1:])
        kept.born(4711)

    def signal(self, _number: int, by: signal.Signals) -> None:
        """Note a signal; SIGKILL is deadly."""
        self.signals.append(by)
        if by is signal.SIGKILL:
            asyncio.get_running_loop().call_soon(self.die, -by)

    def die(self, code: int, reason: str | None = None) -> None:
        """Be gone, once."""
        if self.files:
            for each in self.files:
                os.close(each)
            self.files = []
            self.wire.close()
            self.kept.died(code, reason)

    def say(self, *letters: AnyLetter | bytes) -> None:
        """Speak as the process."""
        for each in letters:
            self.wire.send(each if isinstance(each, bytes) else to_bytes(each))

    async def hear(self, count: int) -> list[AnyLetter]:
        """Wait for letters to the process."""
        heard: list[AnyLetter] = []
        loop = asyncio.get_running_loop()
        while len(heard) < count:
            heard += self.unpacker.feed(await loop.sock_recv(self.wire, 65536))
        return heard


class Trial:
    """A process, a run in an engine in memory, and what became of both."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.nursery = Nursery()
        self.gone: list[Work | None] = []
        self.outcomes: list[Outcome] = []
        self.released = 0
        self.remote = Remote(
            1,
            cast("Keeper", self.nursery),  # it has the verbs that are called
            BEGIN,
            1000,
            lambda _remote, undone: self.gone.append(undone),
        )
        request = Submission(
            principal="p",
            plugin="x",
            command="c",
            params=b"{}",
            queue="default.process",
        )
        self.run = Run(number=1, id="r", request=request, created=0, created_at=0)
        self.run.started = clock.now()
        pipe = Pipe(engine=engine, clock=clock, caps=Caps())
        self.output = ProcessOutput(pipe, Claim(self.run, 1), lambda: None)
        self.output.ends_at = clock.now() + 100
        self.work = Work(
            "x",
            Order(
                command="c",
                params=b"{}",
                facts=Facts(run_id="r", task_id="r"),
                left=100.0,
                grace=1.0,
                caps=Caps(),
            ),
            self.output,
            self.outcomes.append,
            self._release,
        )

    def _release(self) -> None:
        self.released += 1

    async def over(self) -> Outcome:
        """Wait for the end; return how the command ended."""
        async with asyncio.timeout(10):
            await self.remote.over()
        assert self.remote.phase is Phase.GONE
        [outcome] = self.outcomes
        assert self.released == 1
        return outcome


@pytest.fixture
async def trial() -> AsyncIterator[Trial]:
    """Make a process; see that it is over afterwards."""
    clock = ManualClock(asyncio.get_running_loop())
    engine = memory(Bounds(), clock)
    await engine.start()
    made = Trial(engine, clock)
    yield made
    made.nursery.die(-9)
    await made.remote.over()
    await engine.close()
