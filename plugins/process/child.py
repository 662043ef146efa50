"""A running program: its output as it comes, its end with all that it started."""

import asyncio
import codecs
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import IO, Final

from msgspec import Struct

from hub import TaskError

from .programs import Program

READ: Final = 32 * 1024
"""Bytes that are read at once."""
LINGER_S: Final = 0.5
"""Seconds for output to end once the program has."""
LOOK_S: Final = 0.02
"""How often it is looked whether a process group is empty: nothing tells."""

Say = Callable[[str, str], Awaitable[None]]
"""Takes a channel and a piece of text; waits while too much is on its way."""


class Ended(Struct, frozen=True, kw_only=True):
    """How a program ended.

    Attributes:
        exit_code: What it returned; None where a signal ended it.
        signal: The signal that ended it.
        out_bytes: Bytes of its standard output.
        err_bytes: Bytes of its standard error.
        dropped_bytes: How many of both were over the limit and dropped.
        seconds: How long it ran.
    """

    exit_code: int | None
    signal: str | None
    out_bytes: int
    err_bytes: int
    dropped_bytes: int
    seconds: float


class _Budget:
    """How much output is still kept."""

    def __init__(self, kept: int) -> None:
        self.left = kept
        self.dropped = 0

    def take(self, block: bytes) -> bytes:
        """Return the part of a block that is kept."""
        part = block[: self.left]
        self.left -= len(part)
        self.dropped += len(block) - len(part)
        return part


async def run_program(
    program: Program, line: Sequence[str], stdin: str | None, say: Say
) -> Ended:
    """Run a program to its end.

    When it has ended, or is cancelled, or its time is up, all that is in its process
    group is asked to end, and ended when the grace is over.

    Args:
        program: How to run it.
        line: Its command line.
        stdin: Text for it; None for nothing at all.
        say: Takes its output, as it comes.

    Raises:
        TaskError: It cannot be started, or takes too long.
        asyncio.CancelledError: The task was cancelled.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    child = _Child(_start(program, line, with_stdin=stdin is not None))
    budget = _Budget(program.output_bytes)
    child.begin(stdin, budget, say)
    try:
        async with asyncio.timeout(program.timeout_s):
            await child.finish()
    except TimeoutError:
        raise TaskError(
            f"The program ran longer than {program.timeout_s:g} s and was ended",
            code="too_slow",
        ) from None
    finally:
        await child.end(program.grace_s)
    code = child.returncode
    return Ended(
        exit_code=code if code >= 0 else None,
        signal=signal.Signals(-code).name if code < 0 else None,
        out_bytes=child.sizes["out"],
        err_bytes=child.sizes["err"],
        dropped_bytes=budget.dropped,
        seconds=round(loop.time() - started, 3),
    )


def _start(
    program: Program, line: Sequence[str], *, with_stdin: bool
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, which is a process group, too.

    Raises:
        TaskError: It cannot be started.
    """
    file = program.find()
    if file is None:
        raise TaskError(
            f"The program {line[0]} is not there; the operator has to install it",
            code="missing_program",
        )
    try:
        return subprocess.Popen(  # noqa: S603  # a line of the operator's, no shell
            [file, *line[1:]],
            stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=program.folder(),
            env=program.variables(),
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        raise TaskError(
            f"The program {line[0]} cannot be started: {error}", code="not_started"
        ) from None


class _Child:
    """A program that was started, and its process group."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.sizes = {"out": 0, "err": 0}
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._exited = asyncio.Event()
        # A thread, since what the loop offers for it waits for the pipes as well, and
        # these may be held open by what the program left behind.
        threading.Thread(target=self._wait, name="process", daemon=True).start()

    @property
    def returncode(self) -> int:
        """What it returned; the negative number of the signal that ended it."""
        return self._process.returncode or 0

    def _wait(self) -> None:
        self._process.wait()
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._exited.set)

    def begin(self, stdin: str | None, budget: _Budget, say: Say) -> None:
        """Feed it, and pass its output on."""
        process = self._process
        self._out = asyncio.create_task(
            self._pass_on(process.stdout, "out", budget, say)
        )
        self._err = asyncio.create_task(
            self._pass_on(process.stderr, "err", budget, say)
        )
        self._fed = asyncio.create_task(self._feed(process.stdin, stdin))

    async def finish(self) -> None:
        """Wait for its end, and for that of its output."""
        await self._exited.wait()
        # What it left behind may hold the pipes open: it ends with the program. What
        # has left its group is not ours any more, and is not waited for.
        done = set[asyncio.Task[None]]()
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            done, open_still = await asyncio.wait(
                {self._out, self._err}, timeout=LINGER_S
            )
            if not open_still:
                break
        for pump in done:
            pump.result()

    async def end(self, grace_s: float) -> None:
        """Ask what is left of the group to end; after the grace, end it.

        Its output is read meanwhile: last words must not hold it up.
        """
        pumps = (self._out, self._err, self._fed)
        try:
            if self._signal(signal.SIGTERM):
                await self._emptied(grace_s)
        finally:
            self._signal(signal.SIGKILL)
            for pump in pumps:
                pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await self._exited.wait()

    async def _emptied(self, within_s: float) -> None:
        """Wait until nobody is left in the group, or the time is over."""
        until = self._loop.time() + within_s
        while self._signal(0) and self._loop.time() < until:  # noqa: ASYNC110  # no event says so
            await asyncio.sleep(LOOK_S)

    def _signal(self, number: int) -> bool:
        """Send a signal to the group; say whether anybody was there."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            # macOS says the latter of a group in which only the dead are left.
            return False
        return True

    async def _pass_on(
        self, pipe: IO[bytes] | None, channel: str, budget: _Budget, say: Say
    ) -> None:
        """Say what comes out of a pipe, and count it."""
        reader = asyncio.StreamReader(READ)
        transport, _ = await self._loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        try:
            while block := await reader.read(READ):
                self.sizes[channel] += len(block)
                if text := decoder.decode(budget.take(block)):
                    await say(channel, text)
            if rest := decoder.decode(b"", final=True):
                await say(channel, rest)
        finally:
            transport.close()

    async def _feed(self, pipe: IO[bytes] | None, text: str | None) -> None:
        """Write text into a pipe and close it; a program need not read it."""
        if pipe is None or text is None:
            return
        transport, protocol = await self._loop.connect_write_pipe(
            lambda: asyncio.streams.FlowControlMixin(self._loop), pipe
        )
        writer = asyncio.StreamWriter(transport, protocol, None, self._loop)
        try:
            with suppress(ConnectionError):
                writer.write(text.encode())
                await writer.drain()
        finally:
            writer.close()
