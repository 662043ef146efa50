"""Refusals say where the trouble is."""

from pathlib import Path

import pytest

from hub.errors import PluginRefusedError
from hub.plugin.errors import CommandOptionsError
from hub.plugin.refusal import REASON_LENGTH, place_of, refused_at, refused_by

HERE = Path(__file__)


class Thing:
    """Something with a place."""

    def method(self) -> None:
        """Have a place, too."""


def test_places_are_file_and_line() -> None:
    """Of functions, methods and classes."""
    line = Thing.method.__code__.co_firstlineno

    assert place_of(Thing.method) == place_of(Thing().method) == (__file__, line)
    assert place_of(Thing) == (__file__, line - 3)


def test_places_that_are_not_known_are_left_out() -> None:
    """A class of the interpreter's has no line, one made at run time no file."""
    made = type("Made", (), {"__module__": "nowhere"})

    assert place_of(int)[1] is None
    assert place_of(made) == ("nowhere", None)


def test_reasons_are_short() -> None:
    """However long the exception's text is."""
    assert len(refused_at(Thing, "x" * 9999).reason) == REASON_LENGTH
    long = refused_by(ValueError("x" * 9999), within=HERE, file=HERE)
    assert len(long.reason) == REASON_LENGTH


def test_the_innermost_line_of_the_plugin_is_to_blame() -> None:
    """Not the library it called, and not the hub that called it."""
    with pytest.raises(ValueError, match="invalid literal") as caught:
        Path.cwd().with_name(str(int("x")))

    inside = refused_by(caught.value, within=HERE, file=Path("other.py"), line=7)
    outside = refused_by(
        caught.value, within=Path("/elsewhere"), file=Path("other.py"), line=7
    )

    assert (inside.file, inside.line) == (__file__, caught.traceback[0].lineno + 1)
    assert (outside.file, outside.line) == ("other.py", 7)


def test_a_refusal_stays_what_it_is() -> None:
    """It is not wrapped in another one."""
    refusal = PluginRefusedError("said", file="a.py", line=3)

    assert refused_by(refusal, within=HERE, file=HERE) is refusal


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit("bye"), "it called sys.exit('bye')"),
        (SyntaxError("odd"), "SyntaxError: odd"),
        (CommandOptionsError("no such option"), "no such option"),
        (KeyError("k"), "KeyError: 'k'"),
    ],
)
def test_reasons_are_for_authors(error: BaseException, reason: str) -> None:
    """What an exception means, in one line."""
    assert refused_by(error, within=HERE, file=HERE).reason == reason
