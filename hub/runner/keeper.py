"""The hub's hold on a nursery: starts it, asks it for processes, hears of deaths."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from hub.plugin.origin import Origin
from hub.runner.leash import kill_group, scrubbed
from hub.runner.letters import (
    Alive,
    AnyLetter,
    Ask,
    Born,
    Died,
    Fork,
    Limits,
    Load,
    Signal,
)
from hub.runner.post import GarbledError, Unpacker, to_bytes

PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from hub.runner.guard import main; main(int(sys.argv[1]))"
)
"""What their interpreter runs: the hub may have been found in odd ways."""
LEAVE_S: Final = 2.0
"""How long a nursery may take to end; longer than its guard lets it."""
LOAD_S: Final = 60.0
"""How long a nursery may take to import its plugins, during which it cannot answer."""
ASKS: Final = 4
"""How often a nursery is asked in the time that it has for an answer."""

logger = logging.getLogger("hub.runner")


class Kept(Protocol):
    """Somebody who is told what becomes of a process."""

    def born(self, pid: int) -> None:
        """Note the process's id."""

    def died(self, code: int, reason: str | None) -> None:
        """Note that the process is gone, and how; it is so once only."""


class Keeper:
    """A nursery, from its start to its end.

    Args:
        origins: The plugins that it imports.
        limits: What each process may use.
        gone: Called on the loop when the nursery has ended by itself.
        answer_s: How long it may take to answer before it is replaced.

    Raises:
        OSError: It cannot be started.

    Attributes:
        guard: The process id of the nursery's guard, and that of their group.
        pid: The nursery's process id; 0 until it has answered.
    """

    def __init__(
        self,
        origins: Sequence[Origin],
        limits: Limits,
        gone: Callable[[], None],
        answer_s: float,
    ) -> None:
        self._limits = limits
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._kept: dict[int, Kept] = {}
        self._pids: dict[int, int] = {}
        self._queue: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._unpacker = Unpacker(trusting=False)
        self._closing = False
        self._over = asyncio.Event()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(0)
        try:
            self._process = _start(theirs)
        except OSError:
            self._control.close()
            raise
        finally:
            theirs.close()
        self.guard = self._process.pid
        self.pid = 0
        self._answer_s = answer_s
        self._answers = 0
        self._silent_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._control, self._hear)
        # The first answer comes before the plugins are imported, the second afterwards.
        self._send(Ask())
        self._send(Load(origins=list(origins)))
        self._ask()

    def fork(self, number: int, kept: Kept, files: Sequence[int]) -> None:
        """Ask for a process.

        Args:
            number: What it is called.
            kept: Is told what becomes of it, from the loop.
            files: Its socket, output, errors and last words; they are closed here.
        """
        self._kept[number] = kept
        self._send(Fork(number=number, limits=self._limits), tuple(files))

    def signal(self, number: int, by: signal.Signals) -> None:
        """Ask for a signal to a process and its group; one that is gone gets none."""
        if number in self._kept:
            self._send(Signal(number=number, signal=by))

    async def close(self) -> None:
        """End the nursery and everything in it; it says so by hanging up, too."""
        self._closing = True
        if not self._over.is_set():
            with suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_S):
                    await self._over.wait()
        self._put_down()

    def _ask(self) -> None:
        """Ask the nursery whether it is there, again and again.

        Silence is counted in questions and not by the clock: a hub that was held up
        itself has heard nothing either.
        """
        self._send(Ask())
        self._timer = self._loop.call_later(self._answer_s / ASKS, self._count)

    def _count(self) -> None:
        """Count the silence; end a nursery that was silent for too long."""
        self._silent_s += self._answer_s / ASKS
        most = self._answer_s if self._answers > 1 else max(LOAD_S, self._answer_s)
        if self._silent_s < most:
            self._ask()
            return
        if self._silent_s < 2 * most:
            logger.error("the nursery of processes does not answer, and is ended")
            for each in (signal.SIGTERM, signal.SIGCONT):
                self._process.send_signal(each)  # its guard may be stopped as well
            self._silent_s = 2 * most
            self._timer = self._loop.call_later(self._answer_s, self._count)
            return
        # Its guard does not answer either. All that has their number goes at once.
        kill_group(self.guard, signal.SIGKILL)

    def _put_down(self) -> None:
        """See the nursery's end, and tell of its processes'."""
        if self._timer is not None:
            self._timer.cancel()
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control)
            self._loop.remove_writer(self._control)
            self._control.close()
        kill_group(self.guard, signal.SIGKILL)
        self._process.wait()
        for _, files in self._queue:
            _close(files)
        self._queue.clear()
        # Without its nursery nobody else ends what a process has started.
        for pid in self._pids.values():
            kill_group(pid, signal.SIGKILL)
        kept, self._kept = self._kept, {}
        for each in kept.values():
            each.died(-signal.SIGKILL, None)

    def _send(self, letter: AnyLetter, files: tuple[int, ...] = ()) -> None:
        """Send a letter, with files, as soon as the nursery takes it."""
        if self._control.fileno() < 0:
            _close(files)
            return
        self._queue.append((to_bytes(letter), files))
        if len(self._queue) == 1:
            self._push()

    def _push(self) -> None:
        """Send what the nursery takes."""
        while self._queue:
            data, files = self._queue[0]
            try:
                sent = socket.send_fds(self._control, [data], files)
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._control, self._push)
                return
            except OSError:
                break  # it has ended: the reader tells
            _close(files)
            if sent == len(data):
                self._queue.popleft()
            else:
                self._queue[0] = (data[sent:], ())
        self._loop.remove_writer(self._control)

    def _hear(self) -> None:
        """Take what the nursery says."""
        try:
            data = self._control.recv(65536)
            self._silent_s = 0.0
            for letter in self._unpacker.feed(data):
                self._take(letter)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, GarbledError):
            data = b""
        if data:
            return
        self._loop.remove_reader(self._control)
        self._over.set()
        if not self._closing:
            self._put_down()
            self._gone()

    def _take(self, letter: AnyLetter) -> None:
        """Pass a letter on to whom it is about."""
        if isinstance(letter, Alive):
            self.pid = letter.pid
            self._answers += 1
        elif isinstance(letter, Born) and letter.number in self._kept:
            self._pids[letter.number] = letter.pid
            self._kept[letter.number].born(letter.pid)
        elif isinstance(letter, Died) and letter.number in self._kept:
            self._pids.pop(letter.number, None)
            self._kept.pop(letter.number).died(letter.code, letter.reason)


def _start(control: socket.socket) -> subprocess.Popen[bytes]:
    """Start guard and nursery, with a socket and nothing else of this process."""
    arguments = [str(control.fileno()), json.dumps(sys.path)]
    return subprocess.Popen(  # noqa: S603  # this very interpreter
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[control.fileno()],
        env=scrubbed(os.environ),
        start_new_session=True,
    )


def _close(files: Sequence[int]) -> None:
    """Close files that somebody else has now."""
    for file in files:
        os.close(file)
