"""Commands in processes of their own: kind ones and unkind ones."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from hub import Plugin, Retry, TaskContext, TaskError, command

FOREVER = 3600


class Apart(Plugin):
    """Runs apart."""

    class Config(Struct):
        """What it may be told."""

        secret: str = "none"

    async def start(self) -> None:
        """Note where it was started."""
        self.started_in = os.getpid()

    @command(isolation="process")
    def plain(self, ctx: TaskContext, value: object = None) -> object:
        """Return what was given, and where."""
        return {"value": value, "pid": os.getpid(), "started": self.started_in}

    @command(isolation="process")
    async def awaited(self, ctx: TaskContext, value: object = None) -> object:
        """Do so on a loop."""
        await asyncio.sleep(0)
        return {"value": value, "pid": os.getpid(), "started": self.started_in}

    @command(isolation="process")
    def count(self, ctx: TaskContext, n: int = 3, size: int = 0) -> Iterator[object]:
        """Count."""
        for number in ctx.track(range(n)):
            yield "x" * size if size else number
        ctx.result(n)

    @command(isolation="process")
    async def count_awaited(
        self, ctx: TaskContext, n: int = 3, size: int = 0
    ) -> AsyncIterator[object]:
        """Count on a loop."""
        for number in range(n):
            yield "x" * size if size else number
        ctx.result(n)

    @command(isolation="process", localized=True)
    def facts(self, ctx: TaskContext) -> dict[str, object]:
        """Say what it knows."""
        return {
            "run_id": ctx.run_id,
            "task_id": ctx.task_id,
            "attempt": ctx.attempt,
            "principal": ctx.principal,
            "key": ctx.key,
            "locale": ctx.locale,
            "trace": ctx.trace,
            "deadline": ctx.deadline,
            "cancelled": ctx.cancelled,
            "secret": self.config.secret,
        }

    @command(isolation="process")
    def says(self, ctx: TaskContext) -> None:
        """Speak in every way there is."""
        ctx.progress(0.25, "a quarter", step=1, total=4)
        _ = ctx.chunk({"a": 1})
        _ = ctx.chunk("text", channel="side", kind="text")
        _ = ctx.write(b"\x00\xff", kind="image/png")
        ctx.log("logged", level="warning")
        logging.getLogger("some.library").info("from %s", "logging")
        print("printed")  # noqa: T201  # what a plugin should not do
        print("complained", file=sys.stderr)  # noqa: T201  # likewise
        os.write(1, b'{"raw": "line"}\n')
        subprocess.run(["/bin/sh", "-c", "echo by a program"], check=True)
        ctx.progress(0.75, "three quarters")

    @command(isolation="process")
    def fails(self, ctx: TaskContext, how: str = "error") -> None:
        """End badly."""
        if how == "task_error":
            raise TaskError("Not like this", code="mine", retry=True, detail={"a": 1})
        if how == "retry":
            raise Retry("once more")
        if how == "exit":
            sys.exit(4)
        raise ValueError("on purpose")

    @command(isolation="process")
    def dies(self, ctx: TaskContext, how: str = "exit") -> None:
        """End worse."""
        _ = ctx.chunk("last words")
        if how == "segfault":
            ctypes.string_at(0)
        elif how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "term":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(FOREVER)
        elif how == "abort":
            os.abort()
        elif how == "close":
            os.closerange(3, 64)
            time.sleep(FOREVER)
        else:
            os._exit(3)

    @command(isolation="process")
    def nonsense(self, ctx: TaskContext, data: str = "nonsense") -> None:
        """Write bytes of its own on its line to the hub."""
        _ = ctx.chunk("before")
        sink: Any = ctx._sink  # nothing is hidden from a plugin
        line = sink._line
        line._wire.setblocking(True)
        line._wire.sendall(bytes.fromhex(data))
        time.sleep(FOREVER)

    @command(isolation="process")
    def eats(self, ctx: TaskContext, kill: bool = False) -> int:
        """Take all the memory there is."""
        held = []
        try:
            while True:
                held.append(bytearray(16 * 1024 * 1024))
        except MemoryError:
            if kill:
                os.abort()
            raise

    @command(isolation="process", timeout=0.5)
    def spins(self, ctx: TaskContext) -> None:
        """Never come back to Python."""
        _ = ctx.chunk(os.getpid())
        sum(iter(int, 1))

    @command(isolation="process")
    def burns(self, ctx: TaskContext) -> None:
        """Use the processor."""
        while True:
            pass

    @command(isolation="process")
    def holds(self, ctx: TaskContext, note: str = "", deaf: bool = False) -> None:
        """Wait until it is told to stop; leave a note of how it was."""
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _ = ctx.chunk(os.getpid())
        try:
            while deaf or not ctx.cancelled:
                time.sleep(0.01)
        finally:
            _write(note, f"cancelled={ctx.cancelled}")

    @command(isolation="process")
    def sleeps(self, ctx: TaskContext, note: str) -> None:
        """Sleep, and look at nothing."""
        _ = ctx.chunk(os.getpid())
        try:
            time.sleep(FOREVER)
        finally:
            _write(note, f"cancelled={ctx.cancelled}")

    @command(isolation="process")
    def handles(self, ctx: TaskContext, note: str) -> None:
        """Have a handler of its own."""

        def handler(number: int, _frame: object) -> None:
            Path(note).write_text(f"signal {number}")
            sys.exit(0)

        signal.signal(signal.SIGTERM, handler)
        _ = ctx.chunk(os.getpid())
        time.sleep(FOREVER)

    @command(isolation="process")
    async def waits(self, ctx: TaskContext, note: str) -> None:
        """Wait on a loop."""
        await ctx.chunk(os.getpid())
        try:
            await asyncio.sleep(FOREVER)
        finally:
            _write(note, f"cancelled={ctx.cancelled}")

    @command(isolation="process")
    def family(self, ctx: TaskContext, stay: bool = True, deaf: bool = True) -> None:
        """Start programs: one in its group, one in a session of its own, an orphan."""
        if deaf:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleep = ["/bin/sleep", str(FOREVER)]
        near = subprocess.Popen(sleep)
        far = subprocess.Popen(sleep, start_new_session=True)
        orphan = subprocess.run(
            ["/bin/sh", "-c", "setsid sleep 3600 >/dev/null 2>&1 & echo $!"],
            capture_output=True,
            text=True,
            check=True,
        )
        _ = ctx.chunk([os.getpid(), near.pid, far.pid, int(orphan.stdout)])
        while stay and (deaf or not ctx.cancelled):
            time.sleep(0.01)

    @command(isolation="process")
    def surroundings(self, ctx: TaskContext) -> dict[str, object]:
        """Say what it has inherited."""
        files = {}
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                files[entry.name] = str(entry.readlink())
        families = []
        for name, target in files.items():
            if target.startswith("socket:"):
                with socket.socket(fileno=os.dup(int(name))) as each:
                    families.append(each.family.name)
        told = subprocess.run(
            ["/bin/ls", "-l", "/proc/self/fd"],
            capture_output=True,
            text=True,
            check=True,
            close_fds=False,
        )
        return {
            "of_programs": told.stdout,
            "environ": dict(os.environ),
            "files": files,
            "families": families,
            "group": os.getpgid(0),
            "session": os.getsid(0),
            "pid": os.getpid(),
            "hub": os.getppid(),
        }

    @command
    async def beside(self, ctx: TaskContext) -> str:
        """Run on the hub's loop."""
        return "beside"


def _write(note: str, text: str) -> None:
    """Leave a note."""
    Path(note).write_text(text)
