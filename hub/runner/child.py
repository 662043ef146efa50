"""The life of a process that runs one command: start the plugin, wait, run, leave.

The command runs in the main thread, where Python delivers signals: a plain one by
itself, an async one on a loop, the same that the plugin was started on. The process is
never used for a second command, so nothing that a command does to it meets another.

A command that is told to stop sees `ctx.cancelled`, and an async one is cancelled. A
plain one that has not returned after half of its grace is interrupted by `SystemExit`
where it stands, so that its `finally` blocks have the other half.
"""

import asyncio
import contextvars
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec

from hub.codec import sayable
from hub.plugin.context import TaskContext
from hub.plugin.errors import error_text
from hub.plugin.origin import Stock
from hub.plugin.resident import Resident
from hub.plugin.spec import CommandSpec
from hub.runner.inline import run_inline
from hub.runner.letters import Begin, Begun, Ended, Order, Ready, Refused, Said
from hub.runner.line import Line
from hub.runner.outcomes import raised, returned, stopped
from hub.runner.plain import run_plain
from hub.runner.records import TaskLogHandler
from hub.runner.voice import LoopVoice, Voice

LEAVE_S: Final = 1.0
"""How long a plugin may take to let go of things when its process ends."""
SIGNAL_S: Final = 0.02
"""How long the line may take to notice a signal."""
LOG_HELD_BYTES: Final = 1024 * 1024
"""How much may wait for the hub before log records are left out."""
TEXT_CHARACTERS: Final = 16 * 1024
"""How much of a log record's text, or of a traceback, goes to the hub's log."""


class HubLogHandler(logging.Handler):
    """Passes records on to the hub's own log."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, unless the hub is far behind."""
        if self._line.held > LOG_HELD_BYTES:
            return
        try:
            self._line.send(_said(record))
        except Exception:  # noqa: BLE001  # logging must never fail the one who logs
            self.handleError(record)


def _said(record: logging.LogRecord) -> Said:
    """Return a record as a letter."""
    trace = record.exc_info and logging.Formatter().formatException(record.exc_info)
    return Said(
        logger=sayable(record.name)[:1024],
        level=min(1000, max(0, record.levelno)),
        message=sayable(record.getMessage())[:TEXT_CHARACTERS],
        trace=sayable(trace)[-TEXT_CHARACTERS:] if trace else None,
    )


class Interrupter:
    """Interrupts the main thread, where a command there does not stop by itself."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None
        self._due = False
        self._main = threading.main_thread().ident or 0

    def take_sigterm(self) -> None:
        """Handle SIGTERM; called in the main thread."""
        signal.signal(signal.SIGTERM, self._handle)

    def arm(self, seconds: float) -> None:
        """Interrupt in so many seconds, unless it is disarmed before; only once."""
        if self._timer is None:
            self._timer = threading.Timer(seconds, self._interrupt)
            self._timer.daemon = True
            self._timer.start()

    def disarm(self) -> None:
        """Leave the main thread alone."""
        if self._timer is not None:
            self._timer.cancel()
        self._due = False

    def _interrupt(self) -> None:
        """Send the signal once more, and mean it, unless the command handles it."""
        if signal.getsignal(signal.SIGTERM) == self._handle:
            self._due = True
            signal.pthread_kill(self._main, signal.SIGTERM)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        """Do nothing at the first signal: the line has noticed it."""
        if self._due:
            self._due = False
            raise SystemExit("told to stop")


class Child:
    """A process's main thread.

    Args:
        line: To the hub; it listens already.
        stock: The plugins, imported or not.
    """

    def __init__(self, line: Line, stock: Stock) -> None:
        self._line = line
        self._stock = stock
        self._interrupter = Interrupter()
        self._voice: Voice | None = None

    def live(self) -> None:
        """Live, until the command has ended and the hub knows."""
        self._interrupter.take_sigterm()
        with asyncio.Runner() as runner:
            begin = runner.run(self._next())
            if not isinstance(begin, Begin):
                return
            _log_to(self._line, begin.level)
            try:
                resident = runner.run(self._start(begin))
            # A plugin may raise anything while it starts.
            except BaseException as error:  # noqa: BLE001
                self._line.finish(Refused(reason=sayable(error_text(error))[:4096]))
                return
            self._line.send(Ready())
            order = runner.run(self._next())
            if isinstance(order, Order):
                self._line.send(Begun())
                self._line.finish(self._execute(runner, resident, order))
            runner.run(resident.stop(LEAVE_S))

    async def _next(self) -> Begin | Order | None:
        """Wait for what is asked for next; None where nothing will be.

        On the loop, so that what the plugin started there goes on.
        """
        told = asyncio.Event()
        self._listen(told.set)
        while not self._line.stopping:
            letter = self._line.take()
            if letter is not None:
                return letter
            await told.wait()
            told.clear()
        return None

    def _listen(self, listener: Callable[[], object]) -> None:
        """Have a function called on the loop when something has come or gone."""
        loop = asyncio.get_running_loop()

        def notice() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(listener)

        self._line.listen(notice)

    async def _start(self, begin: Begin) -> Resident:
        """Make the plugin's instance, and start it."""
        origin = begin.origin
        resident = Resident(
            self._stock.load(origin),
            name=origin.name,
            source="folder",
            within=Path(origin.folder or origin.file),
        )
        config = msgspec.msgpack.decode(begin.config)
        await resident.start(config, begin.defaults)
        return resident

    def _execute(
        self, runner: asyncio.Runner, resident: Resident, order: Order
    ) -> Ended:
        """Run the command; return how it ended."""
        self._line.move_deadline(order.left)
        try:
            value = self._run(runner, resident, order)
            outcome = returned(value)
        except BaseException as error:  # noqa: BLE001  # it is the command's, whatever
            if isinstance(error, SystemExit):
                # A handler of its own may have been faster than the line.
                time.sleep(SIGNAL_S)
            if self._line.stopping:
                outcome = stopped("cancelled")
            else:
                outcome = raised(error, order.facts.task_id)
        self._interrupter.disarm()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # the command may have closed it
                stream.flush()
        dropped = 0 if self._voice is None else self._voice.dropped
        return Ended(outcome=outcome, dropped=dropped)

    def _run(self, runner: asyncio.Runner, resident: Resident, order: Order) -> object:
        """Run the command; return what it returned, or raise what it raised."""
        spec = resident.find(order.command)
        if spec is None:
            raise LookupError(f"{order.command} is not what it was: restart the hub")
        params = spec.parse(order.params).params
        if spec.awaits:
            return runner.run(self._inline(spec, params, order))
        return contextvars.copy_context().run(self._plain, spec, params, order)

    async def _inline(self, spec: CommandSpec, params: Any, order: Order) -> object:
        # Any: what `spec.parse` returned.
        """Run an async command; cancel it, once, when it is to stop."""
        task = asyncio.current_task()
        voice = self._voice = LoopVoice(self._line, order.caps)

        def look() -> None:
            nonlocal task
            if self._line.stopping and task is not None:
                task.cancel()
                task = None

        self._listen(look)
        return await run_inline(spec, TaskContext(order.facts, voice), params)

    def _plain(self, spec: CommandSpec, params: Any, order: Order) -> object:
        # Any: what `spec.parse` returned.
        """Run a plain command; interrupt it where it does not stop by itself."""
        voice = self._voice = Voice(self._line, order.caps)

        def look() -> None:
            if self._line.stopping:
                self._interrupter.arm(order.grace / 2)

        self._line.listen(look)
        return run_plain(spec, TaskContext(order.facts, voice), params)


def _log_to(line: Line, level: int) -> None:
    """Send what is logged to the hub, and to the readers of the command's task."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.setLevel(level)
    root.addHandler(HubLogHandler(line))
    root.addHandler(TaskLogHandler())
