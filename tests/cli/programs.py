"""`taskhub` as a process: with pipes, or in a terminal that is one (a pty)."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from typing import IO

ENVIRON = {
    "NO_COLOR": None,
    "TASKHUB_URL": None,
    "TASKHUB_TOKEN": None,
    "FORCE_COLOR": None,
}
"""Variables of whoever runs the tests that must not change them."""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r")
PATIENCE_S = 20.0


def environ(url: str, more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program."""
    kept = {key: value for key, value in os.environ.items() if key not in ENVIRON}
    return {**kept, "TASKHUB_URL": url, "TERM": "xterm-256color", **more}


class Program:
    """A program with pipes.

    Args:
        url: Of the hub.
        arguments: Of `taskhub`.
        stdin, stdout, stderr: Where to connect them; pipes by default.
        env: Further variables.
    """

    def __init__(  # noqa: PLR0913  # the streams are three
        self,
        url: str,
        arguments: Sequence[str],
        *,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub", *arguments],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environ(url, env or {}),
        )

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self.process.send_signal(signal.SIGINT)

    def wait_line(self, pattern: str) -> str:
        """Wait for a line of standard error."""
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            line = raw.decode()
            if re.search(pattern, line):
                return line
        raise AssertionError(f"no line like {pattern!r}")

    def ended(self) -> tuple[int, str, str]:
        """Wait for the end; return exit code, output and errors."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        told = (err or b"").decode()
        assert "Traceback" not in told
        return self.process.returncode, (out or b"").decode(), told

    def close(self) -> None:
        """End it, if it is there."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Terminal:
    """A program in a terminal.

    Args:
        url: Of the hub.
        arguments: Of `taskhub`.
        columns: How wide it is.
        env: Further variables.
    """

    def __init__(
        self,
        url: str,
        arguments: Sequence[str],
        *,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.raw = ""
        self._side, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub", *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environ(url, env or {}),
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # two system calls, no lock
        )
        os.close(inner)

    @property
    def text(self) -> str:
        """What was shown so far, without what moves the cursor."""
        return CONTROL.sub("", self.raw)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._side, keys.encode())

    def shows(self, pattern: str) -> re.Match[str]:
        """Wait until something is shown."""
        end = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.text)):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.text!r}"
            assert self._read(left), f"no {pattern!r} in {self.text!r}"
        return found

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        while self._read(PATIENCE_S):
            continue
        code = self.process.wait(PATIENCE_S)
        assert "Traceback" not in self.text
        return code

    def close(self) -> None:
        """End it, if it is there."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._side)

    def _read(self, timeout: float) -> bool:
        """Read what comes next; return whether anything may follow."""
        if not select.select([self._side], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._side, 65_536)
        except OSError:  # the program has ended
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)


def _take_terminal() -> None:
    """Make the terminal the session's own, so that Ctrl-C reaches the program."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
