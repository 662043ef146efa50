"""Texts of others: nothing in them moves a terminal's cursor or forges a line."""

import pytest

from hub.cli.escaping import FIELD_CHARACTERS, escape


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
