"""Standard output: whole, at once, and an error that says why where it cannot be."""

import io
import os
import sys
from pathlib import Path

import pytest

from hub.cli.exits import CommandError, Exit
from hub.cli.output import (
    ReaderGoneError,
    is_terminal,
    put,
    put_json,
    put_line,
    styled,
)
from hub.cli.table import age, table


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_everything_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the terminal's encoding lacks is escaped, and so is what moves cursors."""
    out = io.BytesIO()
    stream = io.TextIOWrapper(out, "ascii")
    monkeypatch.setattr("sys.stdout", stream)
    put("a\n")
    put_line("é\x1b[2J")
    put_json({"a": [1]})

    assert out.getvalue() == b'a\n\\xe9\\x1b[2J\n{"a":[1]}\n'


def test_json_is_indented_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, unless a line was asked for."""
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, "utf-8")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("TERM", "xterm")

    put_json({"a": 1})
    put_json({"a": 1}, line=True)

    assert data.getvalue() == b'{\n  "a": 1\n}\n{"a":1}\n'


def test_a_reader_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends the command without a word, and Python has nothing left to write."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        with pytest.raises(ReaderGoneError) as error:
            put("x")
        put("y")
    error.value.show()

    assert error.value.exit_code == Exit.PIPE


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is an error that says so, once."""
    with Path("/dev/full").open("w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        with pytest.raises(CommandError, match="No space left on device"):
            put("x")


def test_a_full_disk_that_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more can be done about it."""

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    stream = io.TextIOWrapper(Full(), "utf-8")
    monkeypatch.setattr("sys.stdout", stream)

    with pytest.raises(CommandError, match="No space left"):
        put("x")


def test_a_closed_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is an error, too; and nobody looks at it."""
    monkeypatch.setattr("sys.stdout", None)

    with pytest.raises(CommandError, match="closed"):
        put("x")
    assert not is_terminal(None)


def test_styles_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """That have some, of people who want them."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert styled("x", Tty(), bold=True) == "\x1b[1mx\x1b[0m"
    assert styled("x", io.StringIO(), bold=True) == "x"

    monkeypatch.setenv("NO_COLOR", "1")
    assert styled("x", Tty(), bold=True) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert styled("x", Tty(), bold=True) == "x"


def test_tables_are_columns() -> None:
    """As wide as their widest cell is shown; a cell breaks no line."""
    lines = table(("CITY", "N"), [("北京", "1"), ("a\nb\x1b", "22")])

    assert lines == ["CITY     N", "北京     1", "a b\\x1b  22"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59, "59 s"), (90, "2 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_times_are_said_shortly(seconds: float, said: str) -> None:
    """In the largest unit that fits."""
    assert age(seconds) == said
