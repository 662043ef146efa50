"""Texts of others: nothing in them moves a terminal's cursor or forges a line."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import hub.cli
from hub.cli.escaping import FIELD_CHARACTERS, escape, harmless, harmless_json
from tests.cli.programs import Program, Terminal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("line\u2028separator", "line\\x2028separator"),
        ("北京 é", "北京 é"),
    ],
)
def test_control_characters_are_harmless(text: str, shown: str) -> None:
    """Nobody can forge lines, colours or cursor movements."""
    assert escape(text) == shown


def test_a_lone_surrogate_is_escaped() -> None:
    """It is no UTF-8, and the rest of the record must not be lost with it."""
    escape("file \udcff").encode()


def test_long_fields_are_cut() -> None:
    """To 2,048 characters, marked."""
    shown = escape("x" * 5_000)

    assert len(shown) == FIELD_CHARACTERS
    assert shown.endswith("…")


def test_colours_stay_where_they_may() -> None:
    """Nothing else does that a terminal would obey."""
    said = harmless("\x1b[1;31mred\x1b[0m\x1b[2J\x9b31m\n\x07", colours=True)

    assert said == "\x1b[1;31mred\x1b[0m\\x1b[2J\\x9b31m\n\\x07"


def test_json_stays_json() -> None:
    """It lets C1 controls stand, which a terminal obeys: they are escaped its way."""
    value = {"\x9dkey": "\x1b]0;T\x07\x9b31m\x7f é"}

    text = harmless_json(msgspec.json.encode(value).decode())

    assert not any(ord(each) < 32 or 127 <= ord(each) < 160 for each in text)
    assert "\\u009b31m" in text
    assert msgspec.json.decode(text) == value


def test_all_that_is_written_goes_through_the_doors() -> None:
    """No command writes by itself: `say` and `put` escape what others have said."""
    doors = {"exits.py": "say", "output.py": "put", "serve.py": "report"}
    found = [
        f"{file.name}: {line.strip()}"
        for file in Path(hub.cli.__file__).parent.glob("*.py")
        if file.name not in doors
        for line in file.read_text().splitlines()
        if re.search(r"\b(print|echo|secho)\(|\.std(out|err)\.(write|buffer)", line)
        and "_live.console.print" not in line
    ]

    assert found == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "curse.speak"),
        ("run", "--output", "json", "curse.speak"),
        ("run", "--output", "ndjson", "curse.speak"),
        ("run", "curse.answer"),
        ("run", "--output", "json", "curse.answer"),
        ("run", "--output", "ndjson", "curse.answer"),
        ("run", "curse.answer", "--help"),
        ("run", "curse.answer", "--how", "\x1b]0;T\x07\x9b31m"),
        ("plugins", "curse"),
        ("plugins", "\x1b]0;T\x07\x9b31m"),
    ],
)
@pytest.mark.parametrize("variable", [{}, {"TERM": "dumb"}])
def test_a_task_tells_a_terminal_nothing(
    terminal: Callable[..., Terminal],
    arguments: tuple[str, ...],
    variable: dict[str, str],
) -> None:
    """Whatever it fails with, returns or is called: it is shown, not obeyed."""
    screen = terminal(*arguments, env=variable)

    screen.ended()

    for command in ("\x1b]0", "\x1b[2J", "\x07", "\x9b", "\x9d"):
        assert command not in screen.raw


def test_a_pipe_of_errors_is_harmless_too(program: Callable[..., Program]) -> None:
    """Somebody will read the log on a terminal; the whole error is one line."""
    code, _, err = program("run", "curse.speak").ended()

    assert code == 1
    assert err.splitlines()[-1].startswith(
        "Error: curse.speak failed: err\\x1b]0;T\\x07"
    )
    assert not any(
        ord(each) < 32 or 127 <= ord(each) < 160 for each in err if each != "\n"
    )


def test_a_pipe_gets_a_text_whole(program: Callable[..., Program]) -> None:
    """A result is data there: nothing in it is changed."""
    out = program("run", "curse.answer").ended()[1]

    assert out == "\x1b]0;T\x07\x1b[2J\x9b31m\x9d0;T\x9c\n"
