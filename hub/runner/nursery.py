"""The nursery: a process that makes the processes of commands, and buries them.

It is started by `exec`, before any thread, imports the plugins once, and forks when the
hub asks: a process is there in milliseconds, with the plugins in it, and shares their
memory until it writes to it. The nursery has one thread and runs no command, so what it
forks has no lock that somebody else held.

When a process ends, all that it has started is ended with it; when the hub ends,
however suddenly, everything is. Should the nursery be killed itself, its guard
(`guard.py`) does that.
"""

import faulthandler
import gc
import io
import logging
import os
import select
import signal
import socket
import sys
import time
import traceback
import warnings
from collections import deque
from contextlib import suppress
from typing import Any, Final, NoReturn

from hub.errors import PluginRefusedError
from hub.plugin.origin import Stock
from hub.runner.child import Child
from hub.runner.leash import (
    LINUX,
    adopt_orphans,
    bind,
    children,
    end_with_parent,
    kill_group,
)
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
from hub.runner.line import Line
from hub.runner.post import GarbledError, Unpacker, to_bytes

FILES: Final = 4
"""Files that come along with a `Fork`: socket, output, errors, last words."""
ORPHAN_S: Final = 0.5
"""How long processes may take to stop after their hub has gone."""
BROKEN: Final = 70
"""The exit code of a process whose own machinery failed (EX_SOFTWARE)."""


class Nursery:
    """The nursery.

    Args:
        control: A connected socket; its end is that of the hub.
        parent: The guard's process id.
    """

    def __init__(self, control: socket.socket, parent: int) -> None:
        self._control = control
        self._parent = parent
        self._stock = Stock()
        self._unpacker = Unpacker(trusting=True)
        self._files: deque[int] = deque()
        self._pids: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._spared: frozenset[int] = frozenset()
        self._open = True
        self._wake, self._woken = socket.socketpair()
        for each in (self._wake, self._woken):
            each.settimeout(0)

    def work(self) -> None:
        """Do what the hub asks for until it is gone; then end everything."""
        adopt_orphans()
        signal.signal(signal.SIGCHLD, _nothing)
        signal.signal(signal.SIGTERM, self._close)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        while self._open:
            heard, _, _ = select.select([self._control, self._woken], [], [])
            if self._woken in heard:
                self._woken.recv(4096)
                self._bury()
            if self._control in heard:
                self._hear()
        self._end()

    def _close(self, *_: object) -> None:
        """Take no more orders."""
        self._open = False

    def _hear(self) -> None:
        """Take what the hub says."""
        try:
            data, files, _, _ = socket.recv_fds(self._control, 65536, FILES)
            for each in files:
                os.set_inheritable(each, False)  # noqa: FBT003  # it takes no keyword
            self._files += files
            for letter in self._unpacker.feed(data):
                self._obey(letter)
        except (OSError, GarbledError):
            data = b""
        if not data:
            self._open = False

    def _obey(self, letter: AnyLetter) -> None:
        """Do what a letter asks for."""
        if isinstance(letter, Load):
            self._load(letter)
        elif isinstance(letter, Fork):
            self._fork(letter)
        elif isinstance(letter, Ask):
            self._say(Alive(pid=os.getpid()))
        elif isinstance(letter, Signal) and letter.number in self._pids:
            pid = self._pids[letter.number]
            if not kill_group(pid, letter.signal):
                os.kill(pid, letter.signal)  # it has no group of its own yet

    def _load(self, letter: Load) -> None:
        """Import plugins; what is wrong with one is said by the processes that need it.

        Elsewhere than on Linux they are left to the processes: there, system libraries
        may start threads, and do not bear a fork afterwards.
        """
        if LINUX:
            for origin in letter.origins:
                with suppress(PluginRefusedError):
                    self._stock.load(origin)
        self._spared = frozenset(children())
        # From now on the end of hub and guard is noticed by this loop.
        end_with_parent(self._parent, signal.SIGTERM)
        gc.collect()
        gc.freeze()

    def _fork(self, letter: Fork) -> None:
        """Make a process."""
        files = [self._files.popleft() for _ in range(FILES)]
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            reason = error.strerror or str(error)
            self._say(Died(number=letter.number, code=0, reason=reason))
            pid = -1
        if pid == 0:
            self._live(files, letter.limits, parent)
        for file in files:
            os.close(file)
        if pid > 0:
            self._pids[letter.number] = pid
            self._numbers[pid] = letter.number
            self._say(Born(number=letter.number, pid=pid))

    def _live(self, files: list[int], limits: Limits, parent: int) -> NoReturn:
        """Be the process that was made."""
        code = BROKEN
        words = io.FileIO(files[3], "w")
        try:
            signal.set_wakeup_fd(-1)
            for each in (self._control, self._wake, self._woken):
                each.close()
            _settle(files[1], files[2], words, limits, parent)
            line = Line(socket.socket(fileno=files[0]))
            line.watch_signals()
            line.start()
            Child(line, self._stock).live()
            code = 0
        except BaseException:  # noqa: BLE001  # nothing may return from here
            with suppress(Exception):
                words.write(traceback.format_exc().encode())
        finally:
            os._exit(code)

    def _bury(self) -> None:
        """Take note of processes that have ended, and end what they have started."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            number = self._numbers.pop(pid, None)
            if number is None:
                continue
            del self._pids[number]
            kill_group(pid, signal.SIGKILL)
            self._end_strays()
            self._say(Died(number=number, code=os.waitstatus_to_exitcode(status)))
        self._end_strays()

    def _end_strays(self) -> None:
        """End the orphans of processes that are gone, those in other groups, too.

        Orphans of a process that lives are its own affair: it has adopted them.
        """
        for pid in children():
            if pid not in self._numbers and pid not in self._spared:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _say(self, letter: AnyLetter) -> None:
        """Tell the hub; one that is gone is noticed elsewhere."""
        with suppress(OSError):
            self._control.sendall(to_bytes(letter))

    def _end(self) -> None:
        """End everything: politely, and a moment later for certain."""
        for pid in self._pids.values():
            kill_group(pid, signal.SIGTERM)
        end = time.monotonic() + ORPHAN_S
        while self._pids and time.monotonic() < end:
            select.select([self._woken], [], [], max(0.0, end - time.monotonic()))
            with suppress(BlockingIOError):
                self._woken.recv(4096)
            self._bury()
        for pid in self._pids.values():
            kill_group(pid, signal.SIGKILL)
        # Their own children come here one generation after the other.
        while self._pids and time.monotonic() < end + ORPHAN_S:
            self._bury()
            time.sleep(0.001)
        self._bury()


def _settle(
    output: int, errors: int, words: io.FileIO, limits: Limits, parent: int
) -> None:
    """Make this process one of its own: session, files, limits, signals, chance."""
    os.setsid()
    end_with_parent(parent)
    adopt_orphans()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(file, number)
        os.close(file)
    sys.stdout, sys.stderr = _writer(1), _writer(2)
    faulthandler.enable(words)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Python's own generator gets a new seed with a fork; numpy's does not.
    random: Any = sys.modules.get("numpy.random")  # a module that may be there
    if random is not None:
        random.seed()
    bind(limits)


def _writer(number: int) -> io.TextIOWrapper:
    """Return a stream whose lines leave at once, whatever the locale."""
    return open(  # a file by its number, open to the end
        number,
        "w",
        buffering=1,
        encoding="utf-8",
        errors="backslashreplace",
        closefd=False,
    )


def _nothing(*_: object) -> None:
    """Let a signal wake the nursery."""


def main(control: int, parent: int) -> NoReturn:
    """Run the nursery: the program of its process.

    Args:
        control: The file number of its socket.
        parent: The guard's process id.
    """
    end_with_parent(parent)
    # What plugins log while they are imported, they log in the hub as well.
    logging.getLogger().addHandler(logging.NullHandler())
    # Threads that a plugin starts while it is imported are its author's affair.
    warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
    Nursery(socket.socket(fileno=control), parent).work()
    os._exit(0)  # threads of plugins do not matter any more
