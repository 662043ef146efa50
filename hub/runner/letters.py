"""What the hub, the nursery and the processes of commands say to each other."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from hub.plugin.command import Defaults
from hub.plugin.context import Facts
from hub.plugin.origin import Origin
from hub.runner.caps import Caps
from hub.runs import Outcome

Name = Annotated[str, Meta(max_length=256)]
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """Anything that is said between the hub and its processes."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a process may use of the machine; 0 stands for no limit.

    Attributes:
        memory_bytes: Address space (RLIMIT_AS).
        cpu_s: CPU time in seconds (RLIMIT_CPU).
        files: Open files (RLIMIT_NOFILE).
    """

    memory_bytes: int = 0
    cpu_s: int = 0
    files: int = 0


# To the nursery.


class Load(Letter, frozen=True, kw_only=True):
    """Import plugins, so that the processes need not.

    Attributes:
        origins: Where they are.
    """

    origins: list[Origin]


class Fork(Letter, frozen=True, kw_only=True):
    """Make a process; its socket, output, errors and last words come along as files.

    Attributes:
        number: What it is called.
        limits: What it may use.
    """

    number: int
    limits: Limits


class Signal(Letter, frozen=True, kw_only=True):
    """Send a signal to a process and its group.

    Attributes:
        number: Which process.
        signal: Which signal.
    """

    number: int
    signal: int


class Ask(Letter, frozen=True, kw_only=True):
    """Answer, so that the hub knows that there is somebody."""


# From the nursery.


class Alive(Letter, frozen=True, kw_only=True):
    """The nursery answers.

    Attributes:
        pid: Its process id.
    """

    pid: int


class Born(Letter, frozen=True, kw_only=True):
    """A process was made.

    Attributes:
        number: Which.
        pid: Its id, and that of its group and session.
    """

    number: int
    pid: int


class Died(Letter, frozen=True, kw_only=True):
    """A process is gone, and so is all that it has started.

    Attributes:
        number: Which.
        code: The exit code; negative for the signal that ended it.
        reason: Why it could not be made; None where it was.
    """

    number: int
    code: int
    reason: str | None = None


# To a process.


class Begin(Letter, frozen=True, kw_only=True):
    """Make the plugin's instance, and start it.

    Attributes:
        origin: The plugin.
        config: Its table of the configuration, as MessagePack.
        defaults: What the hub's settings say about commands.
        level: Of log records that the hub wants to see.
    """

    origin: Origin
    config: bytes
    defaults: Defaults
    level: int


class Order(Letter, frozen=True, kw_only=True):
    """Run a command.

    Attributes:
        command: Its name.
        params: Canonical JSON.
        facts: What it may know.
        left: Seconds until its deadline; None for never.
        grace: Seconds that it has to stop when it is told to.
        caps: Bounds on what it says.
    """

    command: str
    params: bytes
    facts: Facts
    left: float | None
    grace: float
    caps: Caps


class Left(Letter, frozen=True, kw_only=True):
    """The deadline has moved.

    Attributes:
        left: Seconds until then; None for never.
    """

    left: float | None


class Stop(Letter, frozen=True, kw_only=True):
    """Stop the command."""


# From a process.


class Ready(Letter, frozen=True, kw_only=True):
    """The plugin is started."""


class Begun(Letter, frozen=True, kw_only=True):
    """The command has been taken: from now on it may have run."""


class Refused(Letter, frozen=True, kw_only=True):
    """The plugin could not be started here.

    Attributes:
        reason: Why.
    """

    reason: Annotated[str, Meta(max_length=4096)]


class Advance(Letter, frozen=True, kw_only=True):
    """How far the command is; the fields are those of `ctx.progress`.

    The bounds keep out what is no number, too.
    """

    fraction: Annotated[float, Meta(ge=0, le=1)] | None
    message: str | None
    step: Whole | None
    total: Whole | None


class Piece(Letter, frozen=True, kw_only=True):
    """Output.

    Attributes:
        channel: Where it belongs.
        kind: What it is.
        data: JSON, or bytes.
        binary: Which of the two.
    """

    channel: Name
    kind: Name | None
    data: bytes
    binary: bool


class Record(Letter, frozen=True, kw_only=True):
    """A log record for the task's readers.

    Attributes:
        data: JSON.
    """

    data: bytes


class Said(Letter, frozen=True, kw_only=True):
    """A log record for the hub's own log.

    Attributes:
        logger: Who said it.
        level: As in `logging`.
        message: The text.
        trace: The traceback, if there is one.
    """

    logger: Annotated[str, Meta(max_length=1024)]
    level: Annotated[int, Meta(ge=0, le=1000)]
    message: str
    trace: str | None


class Ended(Letter, frozen=True, kw_only=True):
    """The command has returned or raised.

    Attributes:
        outcome: How.
        dropped: How many log records were left out.
    """

    outcome: Outcome
    dropped: Annotated[int, Meta(ge=0, le=2**53)] = 0


AnyLetter: TypeAlias = (
    Load
    | Fork
    | Signal
    | Ask
    | Alive
    | Born
    | Died
    | Begin
    | Order
    | Left
    | Stop
    | Ready
    | Begun
    | Refused
    | Advance
    | Piece
    | Record
    | Said
    | Ended
)
