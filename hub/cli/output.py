"""Standard output: what was asked for, and nothing else, so that pipes work.

Everything is written whole and at once. Nobody reading any more is the end of the
command, without a word; a disk that is full is an error that says so.
"""

import os
import sys
from collections.abc import Iterable
from typing import Final, Literal, TextIO

import click
import msgspec

from hub.cli.escaping import escape, harmless, harmless_json
from hub.cli.exits import CommandError, Exit
from hub.cli.writing import write

Format = Literal["text", "json", "ndjson"]
FORMATS: Final[tuple[Format, ...]] = ("text", "json", "ndjson")


def output_option() -> click.Parameter:
    """Return the option that says in which form results are written."""
    return click.Option(
        ["--output"],
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="For people, one JSON value, or one JSON value a line.",
    )


class ReaderGoneError(CommandError):
    """Nobody reads standard output any more."""

    def __init__(self) -> None:
        super().__init__("nobody reads the output", Exit.PIPE)

    def show(self, file: object = None) -> None:
        """Say nothing: whoever closed the pipe knows."""


def put(text: str, *, colours: bool = False) -> None:
    """Write a text: on a terminal nothing in it moves the cursor, a pipe gets it whole.

    Args:
        text: What to write.
        colours: Whether colours stay on a terminal.

    Raises:
        ReaderGoneError: Nobody reads it.
        CommandError: It cannot be written; the text says why.
    """
    stream: TextIO | None = sys.stdout
    if stream is None or stream.closed:
        raise CommandError("standard output is closed", Exit.FAILED)
    if stream.isatty():  # TERM=dumb is one, too
        text = harmless(text, colours=colours)
    try:
        write(stream, text)
    except BrokenPipeError:
        _silence(stream)
        raise ReaderGoneError from None
    except OSError as error:
        _silence(stream)
        raise CommandError(
            f"cannot write to standard output: {error.strerror or error}", Exit.FAILED
        ) from None


def put_line(text: str) -> None:
    """Write a line for people, in which nothing can move the cursor."""
    put(f"{escape(text, 1024 * 1024)}\n")


def put_json(value: object, *, line: bool = False) -> None:
    """Write a JSON value: indented for a terminal, else as one line."""
    data = msgspec.json.encode(value)
    if not line and is_terminal(sys.stdout):
        data = msgspec.json.format(data, indent=2)
    put(f"{harmless_json(data.decode())}\n")


def put_json_lines(values: Iterable[object]) -> None:
    """Write JSON values, a line each, all at once."""
    lines = [f"{msgspec.json.encode(value).decode()}\n" for value in values]
    put(harmless_json("".join(lines)))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody looks at a stream who can see lines change."""
    if stream is None or stream.closed:
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def styled(text: str, stream: TextIO | None, **style: object) -> str:
    """Return a text in a style, where the stream and NO_COLOR allow it."""
    if os.environ.get("NO_COLOR") or not is_terminal(stream):
        return text
    return click.style(text, **style)  # type: ignore[arg-type]  # the styles that click has


def _silence(stream: TextIO) -> None:
    """Let nothing be written any more: what Python still holds would fail again."""
    try:
        void = os.open(os.devnull, os.O_WRONLY)
        os.dup2(void, stream.fileno())
        os.close(void)
    except (OSError, ValueError):  # no file behind it
        return
