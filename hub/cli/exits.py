"""How a command of the terminal ends: exit codes, and one line that says why."""

import enum
import sys
from typing import IO, Any

import click

from hub.cli.escaping import escape, harmless
from hub.cli.writing import write

MOST_CHARACTERS = 4096
"""How much of an error's text is shown."""


class Exit(enum.IntEnum):
    """Exit codes; a script may rely on them."""

    OK = 0
    """It was done, or the task completed."""
    FAILED = 1
    """The task failed, or the hub could not take it now."""
    USAGE = 2
    """What was asked for is wrong: a flag, a name, a parameter, a task's id."""
    CANCELLED = 3
    """The task was cancelled."""
    AUTH = 4
    """The hub wants to know who is asking, or does not allow it."""
    UNREACHABLE = 5
    """No hub, or none any more; a task may go on."""
    INTERRUPTED = 130
    """Ctrl-C where it cancels nothing; what runs goes on."""
    PIPE = 141
    """Nobody reads the output any more; what runs goes on."""


class CommandError(click.ClickException):
    """A command cannot do what it was asked to.

    Args:
        message: For people. Control characters are escaped: it may quote a peer.
        code: The exit code.
    """

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(escape(message, MOST_CHARACTERS).replace("\n", "\\n"))
        self.exit_code = int(code)  # type: ignore[misc]  # what click tells to do

    # Any: as click declares it.
    def show(self, file: IO[Any] | None = None) -> None:
        """Say it in one line; a standard error that is closed is no further error."""
        say(f"Error: {self.message}", file)


class MisuseError(click.UsageError):
    """What click says about a command line, with nothing in it that moves a cursor.

    It quotes what was typed, and what the hub says of a command's params.

    Args:
        error: As click has it.
    """

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(escape(error.format_message(), MOST_CHARACTERS), error.ctx)


def say(text: str, file: IO[Any] | None = None, *, colours: bool = False) -> None:
    """Write a line to standard error, if anybody is there to read it.

    All that commands write there comes by here.

    Args:
        text: Nothing in it moves a cursor when it is written.
        file: Another stream.
        colours: Whether colours stay.
    """
    stream = file or sys.stderr
    if stream is None:
        return
    shown = harmless(text, colours=colours)
    try:
        write(stream, f"{shown if stream.isatty() else click.unstyle(shown)}\n")
    except (OSError, ValueError):  # closed, full, or a pipe without a reader
        return
