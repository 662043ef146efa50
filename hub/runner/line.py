"""A process's line to the hub: what it says, and what it is told.

Whoever speaks sends at once where the socket takes it, so that a word said before a
long computation is not held up by it. What the socket does not take waits in a queue
that a thread empties. The same thread listens: it learns of a stop by letter or by
SIGTERM, and of the hub's end by that of the socket.

Signals may come at any moment, in the middle of any verb, and their handlers may speak
as well. So nothing here waits for a lock.
"""

import os
import select
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hub.runner.letters import Advance, AnyLetter, Begin, Left, Order, Stop
from hub.runner.post import GarbledError, Unpacker, to_bytes

PROGRESS_S: Final = 0.02
"""How long after a word of progress the next one waits."""
LOOK_S: Final = 0.1
"""How often who waits for room looks whether there still is a hub."""
ORPHAN_S: Final = 1.0
"""How long a process may go on without its hub."""
KNOCK: Final = signal.SIGURG
"""Interrupts system calls, and does nothing else."""
KNOCK_S: Final = 0.05
"""How long between two of them."""


class Line:
    """The line.

    Args:
        wire: A connected socket.

    Attributes:
        stopping: Whether the command is to stop.
        lost: Whether the hub is gone.
        ends: When the deadline is, on the monotonic clock; None for never.
        pressed: Whether a listener wants to know when the socket has taken all.
    """

    def __init__(self, wire: socket.socket) -> None:
        wire.settimeout(0)
        self.stopping = False
        self.lost = False
        self.ends: float | None = None
        self.pressed = False
        self._main: int | None = None
        self._knocked = 0.0
        self._wire = wire
        self._queue: deque[bytes] = deque()
        self._rest = b""
        self._sending = threading.Lock()
        self._given = self._sent = 0
        self._progress: Advance | None = None
        self._spoke = 0.0
        self._orders: deque[Begin | Order] = deque()
        self._unpacker = Unpacker(trusting=True)
        self._listeners: list[Callable[[], None]] = []
        self._wake, self._woken = socket.socketpair()
        self._wake.settimeout(0)
        self._woken.settimeout(0)

    def start(self, name: str = "taskhub-line") -> threading.Thread:
        """Begin to listen, in a thread, and return that."""
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        thread.start()
        return thread

    def watch_signals(self) -> None:
        """Take SIGTERM as being told to stop, whatever its handler does.

        Its handler runs when the main thread gets round to it. A signal that comes just
        before a system call, or to another thread, does not end the call, so the main
        thread is knocked up again and again from then on.
        """
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(KNOCK, _nothing)
        self._main = threading.main_thread().ident

    # What the process is told.

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called, in any thread, when something has come or gone."""
        self._listeners.append(listener)
        listener()

    def take(self) -> Begin | Order | None:
        """Return the next thing that is asked for; None while there is none."""
        return self._orders.popleft() if self._orders else None

    @property
    def left(self) -> float | None:
        """Seconds until the deadline."""
        return None if self.ends is None else max(0.0, self.ends - time.monotonic())

    def move_deadline(self, left: float | None) -> None:
        """Note that the deadline has moved."""
        self.ends = None if left is None else time.monotonic() + left

    def stop(self) -> None:
        """Let the command know that it is to stop."""
        self.stopping = True
        self._notify()

    # What the process says.

    @property
    def held(self) -> int:
        """How many bytes the socket has not taken yet."""
        return self._given - self._sent

    def send(self, letter: AnyLetter) -> None:
        """Send a letter as soon as the socket takes it; never waits."""
        data = to_bytes(letter)
        size = len(data)
        # No call in between: another thread that sends would lose one of the two.
        self._given += size
        self._queue.append(data)
        self._push()

    def advance(self, latest: Advance) -> None:
        """Send how far the command is, now or soon; the latest wins. Never waits."""
        waits = self._progress is not None
        self._progress = latest
        if waits:
            return
        if not self.held and time.monotonic() - self._spoke >= PROGRESS_S:
            self._tell()
        else:
            self._nudge()

    def wait(self, most: int, until: Callable[[], bool]) -> None:
        """Wait in this thread until the socket has taken all but `most` bytes.

        Args:
            most: How many bytes may be held.
            until: Whether to wait no longer, however many there are.
        """
        while self.held > most and not self.lost and not until():
            with suppress(OSError, ValueError):  # closed: `lost` says so in a moment
                select.select([], [self._wire], [], LOOK_S)
            self._push()

    def finish(self, letter: AnyLetter) -> None:
        """Send a last letter behind all that was said, and wait until it is taken.

        A hub that takes nothing for too long ends the process.
        """
        self._tell()
        self.send(letter)
        self.wait(0, lambda: False)

    def _tell(self) -> None:
        """Send the latest progress."""
        latest, self._progress = self._progress, None
        if latest is not None:
            self._spoke = time.monotonic()
            self.send(latest)

    def _push(self) -> None:
        """Send what the socket takes, unless somebody is about it already.

        Who cannot have the lock leaves what it has in the queue, and whoever has the
        lock looks again after it has let go.
        """
        while (self._queue or self._rest) and self._sending.acquire(blocking=False):
            try:
                taken = self._send_some()
            finally:
                self._sending.release()
            if not taken:
                self._nudge()
                return
            if self.pressed:
                self.pressed = False
                self._notify()

    def _send_some(self) -> bool:
        """Send until nothing is left; return False where nothing is taken."""
        while self._rest or self._queue:
            if not self._rest:
                self._rest = self._queue.popleft()
            try:
                sent = self._wire.send(self._rest)
            except (BlockingIOError, InterruptedError):
                return False
            except OSError:
                self._lose()
                return True
            self._rest = self._rest[sent:]
            self._sent += sent
        return True

    # The thread.

    def _nudge(self) -> None:
        """Wake the thread; one that is awake, or gone, needs none."""
        with suppress(OSError):
            self._wake.send(b"\0")

    def _serve(self) -> None:
        """Listen, and send what others could not, until the hub is gone."""
        while not self.lost:
            wanted = [self._wire] if self._rest or self._queue else []
            heard, free, _ = select.select(
                [self._wire, self._woken], wanted, [], self._patience()
            )
            if self._woken in heard and signal.SIGTERM in self._woken.recv(4096):
                self.stop()
            if self._wire in heard:
                self._hear()
            if free:
                self._push()
            if self._patience() == 0:
                self._tell()
            self._knock()
        self._outlive()
        for each in (self._wire, self._wake, self._woken):
            each.close()

    def _knock(self) -> None:
        """Interrupt the main thread, if it is to stop, now and then."""
        if self.stopping and self._main is not None:
            now = time.monotonic()
            if now - self._knocked >= KNOCK_S:
                self._knocked = now
                signal.pthread_kill(self._main, KNOCK)

    def _outlive(self) -> None:
        """End the process a moment after its hub, with all that is in its group.

        The nursery does so first, if there still is one.
        """
        end = time.monotonic() + ORPHAN_S
        while self._main is not None:
            self._knock()
            time.sleep(KNOCK_S)
            if time.monotonic() >= end:
                os.killpg(os.getpgid(0), signal.SIGKILL)

    def _patience(self) -> float | None:
        """Return for how long the thread may sleep: progress may be due, or a knock."""
        if self.stopping and self._main is not None:
            return KNOCK_S
        if self._progress is None or self.held:
            return None
        return max(0.0, self._spoke + PROGRESS_S - time.monotonic())

    def _hear(self) -> None:
        """Take what the hub says; bytes that are no letters are no hub's."""
        try:
            data = self._wire.recv(65536)
            for letter in self._unpacker.feed(data):
                self._take_in(letter)
        except BlockingIOError:
            return
        except (OSError, GarbledError):
            data = b""
        if not data:
            self._lose()

    def _take_in(self, letter: AnyLetter) -> None:
        """Act on a letter."""
        if isinstance(letter, Stop):
            self.stop()
        elif isinstance(letter, Left):
            self.move_deadline(letter.left)
        elif isinstance(letter, Begin | Order):
            self._orders.append(letter)
            self._notify()

    def _lose(self) -> None:
        """Note that the hub is gone: nothing can be said any more."""
        self.lost = True
        self._queue.clear()
        self._rest = b""
        self._sent = self._given
        self.stop()

    def _notify(self) -> None:
        """Tell the listeners that something has come or gone."""
        for listener in self._listeners:
            listener()


def _nothing(*_: object) -> None:
    """Handle a signal that only interrupts."""
