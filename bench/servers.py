"""Servers under measurement: started as processes of their own, read from outside.

Every server runs on the first core and the client on the second, so neither takes time
from the other and both sides of a ratio have the same place to run. CPU time and memory
come from /proc; where there is none (macOS) from `ps`, whose CPU clock is coarser, and
nothing is pinned.
"""

import asyncio
import contextlib
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
PLUGINS = Path(__file__).parent / "plugins"
START_S = 20.0
_PROC = Path("/proc/self/stat").exists()


class Server:
    """A running server, its port and its meters.

    Attributes:
        port: where it listens.
        started_s: seconds from its start to listening.
        process: the process.
        store: the wal-index of its database, where there is one.
    """

    def __init__(self, process: Process, port: int, started_s: float) -> None:
        self.port: int = port
        self.started_s: float = started_s
        self.process: Process = process
        self.store: Path | None = None

    def cpu(self) -> float:
        """Return the CPU seconds, user and system, that it has used so far."""
        if not _PROC:
            minutes, _, seconds = self._ps("time").rpartition(":")
            return float(seconds) + 60 * float(minutes or 0)
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        ticks = stat.rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Return the resident bytes."""
        if not _PROC:
            return int(self._ps("rss")) * 1024
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def transactions(self) -> int:
        """Return how many transactions its database has seen; it may wrap around.

        SQLite counts them in the header of the wal-index, the file beside a database in
        WAL mode: `iChange`, the third 32-bit word, in the byte order of the machine.
        """
        if self.store is None or not self.store.exists():
            return 0
        with self.store.open("rb") as index:
            return int.from_bytes(index.read(12)[8:], sys.byteorder)

    def _ps(self, column: str) -> str:
        return os.popen(f"ps -o {column}= -p {self.process.pid}").read().strip()


def busy() -> float:
    """Return the CPU seconds that all programs together have used; 0 if unknown."""
    if not _PROC:
        return 0.0
    with Path("/proc/stat").open() as stat:
        user, nice, system, _, _, _, _, stolen = map(int, stat.readline().split()[1:9])
    return (user + nice + system + stolen) / os.sysconf("SC_CLK_TCK")


def pin_client() -> None:
    """Move this process to the second core, where there are two and a way to."""
    if _pinnable():
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[1]})


def _pinnable() -> bool:
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1


FIRST_CORE = min(os.sched_getaffinity(0)) if _pinnable() else None


@contextlib.asynccontextmanager
async def _running(
    arguments: list[str], environ: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """Start Python with these arguments on the first core; end it at the exit."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TASKHUB__")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=PIPE,
        cwd=ROOT,
        env={**clean, **(environ or {})},
    )
    if sys.platform == "linux" and FIRST_CORE is not None:
        os.sched_setaffinity(process.pid, {FIRST_CORE})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _listening(process: Process, port: int) -> None:
    """Wait until something accepts connections on the port."""
    async with asyncio.timeout(START_S):
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.01)
    raise RuntimeError(f"a server ended at its start, exit code {process.returncode}")


@contextlib.asynccontextmanager
async def baseline(module: str) -> AsyncIterator[Server]:
    """Run one of the servers of this folder: `echo` or `sendloop`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begun = time.perf_counter()
    async with _running(["-m", f"bench.{module}", str(port)]) as process:
        await _listening(process, port)
        yield Server(process, port, time.perf_counter() - begun)


@contextlib.asynccontextmanager
async def hub(
    engine: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Run a hub with this engine, the bench's plugin and an empty data folder."""
    with TemporaryDirectory(prefix="taskhub-bench-") as data:
        arguments = ["-m", "hub", "serve", "--port", "0", "--engine", engine]
        arguments += ["--data", data, "--plugins", str(PLUGINS)]
        begun = time.perf_counter()
        async with _running(arguments, environ) as process:
            assert process.stdout is not None
            async with asyncio.timeout(START_S):
                line = (await process.stdout.readline()).decode()
            if " on http://" not in line:
                raise RuntimeError(
                    f"the hub did not start: {line.strip() or 'no output'}"
                )
            port = int(line.rstrip().rstrip("/").rpartition(":")[2])
            server = Server(process, port, time.perf_counter() - begun)
            server.store = Path(data) / "taskhub.db-shm"
            yield server
