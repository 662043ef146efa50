"""One process of a command, as the hub sees it.

It is made with a plugin in it, and waits as a spare for the one command that it runs.
What it says is heard by a task that waits while too much of the run waits for the
store; the process then waits for its socket. It is gone when the nursery says so, and
what its socket holds by then is heard to the end: the outcome may be there.
"""

import asyncio
import enum
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hub.codec import ValueDomainError
from hub.errors import OutputTooLargeError, PluginError
from hub.runner.keeper import Keeper
from hub.runner.kit import Kit
from hub.runner.large import LARGE, check_large
from hub.runner.letters import (
    Advance,
    AnyLetter,
    Begin,
    Begun,
    Ended,
    Left,
    Piece,
    Ready,
    Record,
    Refused,
    Said,
    Stop,
)
from hub.runner.losses import how, log, lost
from hub.runner.outcomes import stopped
from hub.runner.output import ProcessOutput
from hub.runner.post import (
    HEAD,
    SMALL,
    GarbledError,
    TooLargeError,
    check_line,
    check_outcome,
    measure,
    read,
    to_bytes,
)
from hub.runner.work import Work
from hub.runs import Outcome
from hub.tasks import TaskStatus

logger = logging.getLogger("hub.runner")

TURN_LETTERS: Final = 64
"""After how many letters the loop gets a turn."""
LAST_S: Final = 1.0
"""How long a socket is heard after its process is gone: nobody can hold it then."""


TRIES: Final = 2
"""How many processes a command is given to that are lost before it begins."""
NEWS_S: Final = 0.2
"""How long the news of a death may take after the socket's end: longer, and there is
none."""
NOISE_S: Final = 0.05
"""By how much a deadline may seem to move although it does not."""


class Phase(enum.Enum):
    """Where a process stands."""

    SPARE = enum.auto()
    """Is being made, or waits for a command."""
    RUNNING = enum.auto()
    """Has a command."""
    ENDED = enum.auto()
    """Its command has ended, and the worker knows."""
    GONE = enum.auto()
    """Is no more."""


MOVES: Final[dict[Phase, frozenset[Phase]]] = {
    Phase.SPARE: frozenset({Phase.RUNNING, Phase.GONE}),
    Phase.RUNNING: frozenset({Phase.ENDED, Phase.GONE}),  # gone: it had not begun
    Phase.ENDED: frozenset({Phase.GONE}),
    Phase.GONE: frozenset(),
}
"""Which phase may follow which."""


class Remote:
    """A process.

    Args:
        number: What it is called.
        keeper: Of the nursery that makes it.
        begin: What it begins with.
        result_bytes: How long the result of its command may be.
        gone: Is told when it is no more, with the work that it leaves undone.

    Raises:
        OSError: There are no files for it.

    Attributes:
        number: What it is called.
        plugin: The name of the plugin in it.
        phase: Where it stands.
        pid: Its process id; 0 while it is not known.
        ready: Whether its plugin has been started.
        keeper: Of the nursery that it is from.
    """

    def __init__(
        self,
        number: int,
        keeper: Keeper,
        begin: Begin,
        result_bytes: int,
        gone: Callable[["Remote", Work | None], None],
    ) -> None:
        self.number = number
        self.plugin = begin.origin.name
        self.phase = Phase.SPARE
        self.pid = 0
        self.ready = False
        self._begun = False
        self.keeper = keeper
        self._gone = gone
        self._bounds = (result_bytes + SMALL, SMALL)
        self._work: Work | None = None
        self._refusal: str | None = None
        self._reason: str | None = None
        self._code = 0
        self._told_to_stop = False
        self._killed = False
        self._now = asyncio.get_running_loop().time
        self._due: float | None = None
        self._dead = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._unsent = [to_bytes(begin)]
        self._kit = Kit(self._record)
        keeper.fork(number, self, self._kit.theirs)
        self._task = asyncio.get_running_loop().create_task(self._live(self._kit.wire))

    # What the pool says.

    def run(self, work: Work) -> None:
        """Run the command."""
        self._move(Phase.RUNNING)
        self._work = work
        work.process = self
        work.tries += 1
        left = work.order.left
        self._due = None if left is None else self._now() + left
        most = work.order.caps.chunk_bytes
        self._bounds = (self._bounds[0], max(SMALL, most + SMALL // 4))
        work.output.told = self._stop
        self._send(work.order)

    @property
    def busy(self) -> bool:
        """Whether it has, or had, a command, and is not gone."""
        return self.phase in {Phase.RUNNING, Phase.ENDED}

    def check_deadline(self) -> None:
        """Tell the command where its deadline has moved."""
        if self.phase is not Phase.RUNNING or self._work is None:
            return
        left = self._work.output.deadline
        due = None if left is None else self._now() + left
        if _moved(self._due, due):
            self._due = due
            self._send(Left(left=left))

    async def over(self) -> None:
        """Wait until it is gone."""
        await asyncio.wait({self._task})

    def _stop(self) -> None:
        """Tell the command to stop, twice: it may be deaf on one ear."""
        self._told_to_stop = True
        self._send(Stop())
        self.keeper.signal(self.number, signal.SIGTERM)

    def kill(self) -> bool:
        """End the process; return whether that is news."""
        self.keeper.signal(self.number, signal.SIGKILL)
        first, self._killed = not self._killed, True
        return first

    def dismiss(self) -> None:
        """Let a spare go: it cleans up after its plugin."""
        self.keeper.signal(self.number, signal.SIGTERM)
        asyncio.get_running_loop().call_later(2 * LAST_S, self.kill)

    # What the keeper says.

    def born(self, pid: int) -> None:
        """Note the process id."""
        self.pid = pid

    def died(self, code: int, reason: str | None) -> None:
        """Note that the process is gone."""
        self._code = code
        self._reason = reason or self._reason
        self._dead.set()
        if reason is not None:
            self._abort()
        else:
            asyncio.get_running_loop().call_later(LAST_S, self._abort)

    def _abort(self) -> None:
        """Hear no more."""
        if self._writer is not None:
            self._writer.transport.abort()

    # The task.

    async def _live(self, wire: socket.socket) -> None:
        """Hear what the process says, then see to its end."""
        try:
            await self._listen(wire)
        except TooLargeError:
            self._end(stopped(OutputTooLargeError.code))
        except GarbledError as error:
            self._reason = f"it sent what is no letter: {error}"
        except (asyncio.IncompleteReadError, OSError):
            await self._see_death()
        except Exception:
            logger.exception("what the process %d said could not be taken", self.pid)
            self._reason = "what it said could not be taken"
        self.kill()
        await self._dead.wait()
        self._bury()

    async def _see_death(self) -> None:
        """Wait for the news of the death of a process that has hung up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(NEWS_S):
                await self._dead.wait()
        if not self._dead.is_set():
            self._reason = "it closed its line to the hub"

    async def _listen(self, wire: socket.socket) -> None:
        """Hear what the process says until it hangs up."""
        reader, writer = await asyncio.open_connection(sock=wire)
        self._writer = writer
        unsent, self._unsent = self._unsent, []
        writer.write(b"".join(unsent))
        heard = 0
        while True:
            head = await reader.readexactly(HEAD.size)
            letter = read(head, await reader.readexactly(measure(head, *self._bounds)))
            await self._hear(letter)
            heard += 1
            if heard % TURN_LETTERS == 0:
                await asyncio.sleep(0)

    async def _hear(self, letter: AnyLetter) -> None:
        """Act on a letter."""
        if isinstance(letter, Said):
            log(letter.logger, letter.level, letter.message, letter.trace)
        elif isinstance(letter, Ready):
            self.ready = True
        elif isinstance(letter, Begun):
            self._begun = True
        elif isinstance(letter, Refused):
            self._refusal = letter.reason
        elif self.phase is Phase.RUNNING and self._work is not None:
            await self._take(letter, self._work.output)
        elif self.phase is Phase.SPARE:
            raise GarbledError("it speaks of a command that it does not have")

    async def _take(self, letter: AnyLetter, output: ProcessOutput) -> None:
        """Take what the command says."""
        if isinstance(letter, Advance):
            told = letter.fraction, letter.message, letter.step, letter.total
            output.progress(*told)
        elif isinstance(letter, Piece):
            if not letter.binary:
                check_line(letter.data)
            await output.pass_on(
                letter.channel, letter.kind, letter.data, binary=letter.binary
            )
        elif isinstance(letter, Record):
            check_line(letter.data)
            output.log(letter.data)
        elif isinstance(letter, Ended):
            output.leave_out(letter.dropped)
            self._end(await self._believed(letter.outcome))
        else:
            raise GarbledError("it is of a kind that only the hub says")

    async def _believed(self, said: Outcome) -> Outcome:
        """Return how the command ended, by what its process says."""
        outcome = check_outcome(said)
        if len(outcome.result) >= LARGE:
            try:
                await asyncio.to_thread(check_large, outcome.result)
            except ValueDomainError as error:
                raise GarbledError(f"it holds no JSON value: {error}") from None
        # Who was told to stop by somebody else did not end by itself.
        if outcome.code == "cancelled" and not self._told_to_stop:
            return lost(-signal.SIGTERM, None)
        return outcome

    def _end(self, outcome: Outcome) -> None:
        """Tell the worker how the command ended, unless it knows."""
        if self.phase is not Phase.RUNNING or self._work is None:
            return
        self._move(Phase.ENDED)
        self._kit.drain()
        self._work.ended(outcome)
        # Its plugin may take a while to clean up, but not for ever.
        asyncio.get_running_loop().call_later(2 * LAST_S, self.kill)

    def _bury(self) -> None:
        """See to the end of the process: it is gone."""
        if self._writer is not None:
            self._writer.transport.abort()
        told = self._told_to_stop or self.phase is not Phase.RUNNING
        words = self._kit.last_words()
        if not told or words:
            self._tell_operator(words)
        again = self._unbegun()
        if not again:
            self._end(self._outcome())
        self._kit.close()
        self._move(Phase.GONE)
        self._gone(self, self._work if again else None)
        if self._work is not None and not again:
            self._work.gone()

    def _unbegun(self) -> bool:
        """Whether its command may be run elsewhere, because it has not begun here."""
        return (
            self.phase is Phase.RUNNING
            and self._work is not None
            and self._work.tries < TRIES
            and not (self._begun or self._told_to_stop or self._refusal)
        )

    def _outcome(self) -> Outcome:
        """Return the end of a command whose process is gone."""
        if self._refusal is not None:
            return Outcome(
                status=TaskStatus.FAILED,
                code=PluginError.code,
                error=f"The plugin does not start in a process: {self._refusal}",
            )
        return lost(self._code, self._reason)

    def _tell_operator(self, words: str) -> None:
        """Write to the hub's log how the process ended, and its last words."""
        work = self._work
        task = f"task {work.order.facts.run_id}" if work else f"a spare {self.plugin}"
        cause = self._reason or self._refusal or how(self._code)
        message = f"{task}: its process {self.pid} is gone: {cause}"
        log(logger.name, logging.ERROR, message, words or None)

    # Small things.

    def _move(self, phase: Phase) -> None:
        """Go on to a phase."""
        if phase not in MOVES[self.phase]:
            raise RuntimeError(f"a process cannot go from {self.phase} to {phase}")
        self.phase = phase

    def _send(self, letter: AnyLetter) -> None:
        """Send a letter; one that cannot be sent any more does not matter."""
        if self._writer is None:
            self._unsent.append(to_bytes(letter))
        elif not self._writer.transport.is_closing():
            self._writer.write(to_bytes(letter))

    def _record(self, record: bytes) -> None:
        """Take a line that the process printed."""
        if self._work is not None:
            self._work.output.log(record)


def _moved(before: float | None, after: float | None) -> bool:
    """Whether a deadline has moved by more than a clock's noise."""
    if before is None or after is None:
        return before is not after
    return abs(after - before) > NOISE_S
