"""The guard: the parent of a nursery, which sees to it that nothing outlives the two.

The nursery ends whatever its processes leave behind; should it be killed or stopped,
nobody would. So it is forked from a guard, which runs no code of plugins. On Linux that
is a subreaper, too: when the nursery is gone, everything it had, sessions of their own
included, comes to the guard, and is killed. A guard that is killed in turn takes the
nursery along, which then ends everything as it does at the end of the hub.
"""

import gc
import os
import select
import signal
import socket
import time
from contextlib import suppress
from typing import Final, NoReturn

from hub.runner import nursery
from hub.runner.leash import LINUX, adopt_orphans, children, end_with_parent

PATIENCE_S: Final = 2 * nursery.ORPHAN_S + 0.2
"""How long a nursery may take to end everything once its hub has gone."""
SWEEP_S: Final = 5.0
"""How long the guard kills what it finds; what cannot be killed is left then."""
_HUNG_UP: Final = select.POLLHUP | (select.POLLRDHUP if LINUX else 0)


class Guard:
    """The guard of one nursery.

    Args:
        control: The nursery's socket to the hub; the guard only looks for its end.
        pid: The nursery's process id.
    """

    def __init__(self, control: socket.socket, pid: int) -> None:
        self._control = control
        self._pid = pid
        self._told = False
        self._wake, self._woken = socket.socketpair()
        for each in (self._wake, self._woken):
            each.settimeout(0)

    def watch(self) -> None:
        """Wait until the nursery has ended, or see to it; then end what is left."""
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.signal(signal.SIGTERM, self._tell)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        poll = select.poll()
        poll.register(self._control, _HUNG_UP)
        poll.register(self._woken, select.POLLIN)
        due: float | None = None
        while self._lives():
            if self._told or (due is not None and time.monotonic() >= due):
                os.kill(self._pid, signal.SIGKILL)  # reaches one that is stopped, too
                os.waitpid(self._pid, 0)
                break
            left = None if due is None else max(0.0, due - time.monotonic())
            heard = poll.poll(None if left is None else 1000 * left)
            if any(file == self._control.fileno() for file, _ in heard):
                poll.unregister(self._control)
                due = time.monotonic() + PATIENCE_S
            with suppress(BlockingIOError):
                self._woken.recv(4096)
        _sweep()

    def _tell(self, *_: object) -> None:
        """Take the hub's word that the nursery is of no use any more."""
        self._told = True

    def _lives(self) -> bool:
        """Whether there still is a nursery; bury one that has ended."""
        return os.waitpid(self._pid, os.WNOHANG) == (0, 0)


def _sweep() -> None:
    """Kill all children, and their own as they come here."""
    end = time.monotonic() + SWEEP_S
    while time.monotonic() < end:
        for pid in children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _nothing(*_: object) -> None:
    """Let a signal wake the guard."""


def main(control: int) -> NoReturn:
    """Run guard and nursery: the program of their processes.

    Args:
        control: The file number of their socket to the hub.
    """
    adopt_orphans()
    # The hub's end is seen at the socket; a guard that was stopped has to wake for it.
    end_with_parent(os.getppid(), signal.SIGCONT)
    gc.freeze()  # a collection would write to what the two share
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        nursery.main(control, guard)
    Guard(socket.socket(fileno=control), pid).watch()
    os._exit(0)
