"""A hub in a process of its own, started and stopped as a user does.

The start waits for the line that says where it listens, the stop is Ctrl-C; exit
code 0 and a log without a traceback of the hub's own are part of every stop.
"""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from tests.blackbox.client import Client

ROOT = Path(__file__).parents[2]
PLUGINS = Path(__file__).parent / "plugins"
LISTENS = re.compile(r"taskhub (\S+) on (http://\S+:(\d+))")
START_S = 20.0
STOP_S = 25.0
# A traceback that passes through a test plugin is the plugin's; any other is the hub's.
OURS = re.compile("on purpose|/blackbox/plugins/|/broken/")
BAD_WORDS = ("was never awaited", "Task was destroyed", "was never retrieved")


class HubProcess:
    """One `taskhub serve --port 0`, and clients for it."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        plugins: Sequence[Path] = (PLUGINS,),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Note how to start it; `data` may be the folder of a former hub."""
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        self.lines: list[str] = []
        self.port = 0
        self.url = ""
        self.version = ""
        self._arguments = [*arguments]
        for folder in plugins:
            self._arguments += ["--plugins", str(folder)]
        self._environ = dict(environ or {})
        self._process: subprocess.Popen[str] | None = None
        self._queue: queue.Queue[str | None] = queue.Queue()
        self._pump: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The process id of the running hub."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> Self:
        """Start the process, and do not wait for it."""
        self.lines.clear()
        self._queue = queue.Queue()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TASKHUB")}
        command = [sys.executable, "-m", "hub", "serve", "--port", "0"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--data", str(self.data), *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                cwd=ROOT,
                env={**kept, **self._environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self._pump = threading.Thread(target=self._read, daemon=True)
        self._pump.start()
        return self

    def start(self) -> Self:
        """Start the process, and wait until it listens."""
        self.launch()
        found = self.wait_line(LISTENS.pattern)
        self.version, self.url, self.port = found[1], found[2], int(found[3])
        return self

    def wait_line(self, pattern: str, timeout: float = START_S) -> re.Match[str]:
        """Wait for a line of standard output.

        Raises:
            AssertionError: It does not come, or the process ends.
        """
        end = time.monotonic() + timeout
        for line in self.lines:
            if found := re.search(pattern, line):
                return found
        while True:
            try:
                line_or_end = self._queue.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                line_or_end = None
            if line_or_end is None:
                told = f"no line like {pattern!r} in {self.lines}\n{self.errors()}"
                self.kill()
                raise AssertionError(told)
            self.lines.append(line_or_end)
            if found := re.search(pattern, line_or_end):
                return found

    def stop(self, code: int = 0) -> None:
        """End it as Ctrl-C does.

        Raises:
            AssertionError: It does not end in time, ends with another code, or its
                log holds a traceback that no test plugin meant.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        assert self.ended() == code, self.errors()
        self.look_for_trouble()

    def kill(self) -> None:
        """End it as a power switch does: no handler runs."""
        assert self._process is not None
        self._process.kill()
        self.ended()

    def ended(self, timeout: float = STOP_S) -> int:
        """Wait for the end; give the exit code."""
        assert self._process is not None
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"still there\n{self.errors()}") from None
        finally:
            if self._pump is not None:
                self._pump.join(5)
            if self._process.stdout is not None:
                self._process.stdout.close()

    def said(self) -> str:
        """Read all that an ended hub said, on either stream."""
        while (line := self._queue.get(timeout=STOP_S)) is not None:
            self.lines.append(line)
        return "\n".join([*self.lines, self.errors()])

    def errors(self) -> str:
        """Read what went to standard error."""
        return self.log.read_text(encoding="utf-8")[-20_000:]

    def look_for_trouble(self) -> None:
        """See that the log holds no traceback of the hub's own."""
        log = self.log.read_text(encoding="utf-8")
        _, *traces = log.split("Traceback (most recent call last)")
        assert not [trace for trace in traces if not OURS.search(trace)]
        assert not [word for word in BAD_WORDS if word in log], self.errors()

    def client(self, *subprotocols: str, **more: object) -> Client:
        """Connect a client; it is a context manager."""
        # The keywords are the Client's own; it checks them.
        return Client(self.port, *subprotocols, **more)  # type: ignore[arg-type]

    def http(self, **headers: str) -> httpx.Client:
        """Make an HTTP client for this hub; it is a context manager."""
        return httpx.Client(
            base_url=self.url, headers=headers, trust_env=False, timeout=15
        )

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        lines = self._queue
        for line in self._process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put(None)
