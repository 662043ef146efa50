"""Texts of the command line become the JSON values that a schema wants."""

import io
import os
from pathlib import Path
from typing import Any

import click
import pytest

from hub.cli.values import Inputs, Value, shown, types_of

# Any throughout: schemas and values are JSON.


def read(schema: dict[str, Any], text: str) -> Any:
    """Convert a text."""
    return Value(schema, Inputs()).convert(text, None, None)


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "5", "5"),
        ({"type": "string"}, "", ""),
        ({"type": ["string", "null"]}, "null", "null"),
        ({"type": "integer"}, " 7 ", 7),
        ({"type": "integer"}, "-7", -7),
        ({"type": ["integer", "null"]}, "null", None),
        ({"type": "number"}, "3", 3),
        ({"type": "number"}, "1.5e-3", 0.0015),
        ({"type": "number"}, ".5", 0.5),
        ({"enum": ["a", "b"]}, "b", "b"),
        ({"enum": [1, 2, None]}, "2", 2),
        ({"enum": [1, 2, None]}, "null", None),
        ({"type": "object"}, '{"a": [1]}', {"a": [1]}),
        ({"type": ["object", "null"]}, "null", None),
        ({}, "hello", "hello"),
        ({}, "[1]", [1]),
        ({}, '"5"', "5"),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "5", 5),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "5.5", "5.5"),
        ({"anyOf": [{"type": "number"}, {"type": "string"}]}, "5", 5),
        ({"anyOf": [{"type": "boolean"}, {"type": "string"}]}, "true", True),
        ({"oneOf": [{"type": "array"}, {}]}, "x", "x"),
    ],
)
def test_values_are_of_the_schemas_type(
    schema: dict[str, Any], text: str, value: object
) -> None:
    """As far as the text leaves a choice, the narrowest one."""
    found = read(schema, text)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        ({"type": "integer"}, "1.5", "'1.5' is not a valid integer."),
        ({"type": "integer"}, "1e3", "'1e3' is not a valid integer."),
        ({"type": "integer"}, str(2**64), "has more than 64 bits."),
        ({"type": "number"}, "nan", "'nan' is not a valid number."),
        ({"type": "number"}, "1e999", "'1e999' is not a valid number."),
        ({"type": "integer", "minimum": 1}, "0", "0 is not in the range 1<=x."),
        ({"type": "number", "exclusiveMaximum": 1}, "1", "not in the range x<1."),
        ({"type": "number", "exclusiveMinimum": 0}, "0", "not in the range 0<x."),
        ({"type": "number", "maximum": 1}, "2", "2 is not in the range x<=1."),
        ({"enum": ["a", 1]}, "c", "'c' is not one of 'a', '1'."),
        ({"type": "object"}, "{", "'{' is not JSON"),
        ({"type": "string"}, "@/none", "cannot read /none: No such file"),
        ({"type": "string"}, "@\0", "cannot read"),
        ({"type": "string"}, "@.", "cannot read .: Is a directory"),
    ],
)
def test_what_is_none_is_refused(schema: dict[str, Any], text: str, said: str) -> None:
    """With what was typed, and what would be right."""
    with pytest.raises(click.BadParameter) as error:
        read(schema, text)

    assert said in error.value.message


def test_files_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Are read as they are; standard input once only; what is no text is refused."""
    file = tmp_path / "file"
    file.write_text("3\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"4")))
    inputs = Inputs()

    assert read({"type": "integer"}, f"@{file}") == 3
    assert read({"type": "string"}, f"@{file}") == "3\n"
    assert inputs.text("-") == "4"
    with pytest.raises(ValueError, match="only once"):
        inputs.text("-")
    with pytest.raises(ValueError, match="no text"):
        inputs.text(f"@{tmp_path / 'binary'}")


def test_standard_input_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed, or a directory: an error that says so."""
    closed = io.StringIO()
    closed.close()
    for stream in (None, closed):
        monkeypatch.setattr("sys.stdin", stream)
        with pytest.raises(ValueError, match="is closed"):
            Inputs().text("-")
    folder = os.open("/", os.O_RDONLY)
    with os.fdopen(os.open(os.devnull, os.O_RDONLY)) as void:
        os.dup2(folder, void.fileno())
        monkeypatch.setattr("sys.stdin", void)
        with pytest.raises(ValueError, match="Is a directory"):
            Inputs().text("-")
    os.close(folder)


def test_values_are_described_and_completed() -> None:
    """By their type, or by the values there are."""
    choice = Value({"enum": ["red", "green"]}, Inputs())
    context, option = click.Context(click.Command("x")), click.Option(["--x"])

    words = [each.value for each in choice.shell_complete(context, option, "r")]
    files = Value({"type": "string"}, Inputs()).shell_complete(context, option, "")
    assert words == ["red"]
    assert [each.type for each in files] == ["file"]
    assert choice.metavar == "[red|green]"
    assert choice.convert(3, None, None) == 3
    assert [
        Value(schema, Inputs()).metavar
        for schema in ({}, {"type": "string"}, {"type": "integer"}, {"type": "array"})
    ] == ["VALUE", "TEXT", "INTEGER", "JSON"]


def test_types_of_a_union_are_those_of_all_branches() -> None:
    """Unless one allows anything."""
    union = {"anyOf": [{"type": "integer"}, {"type": ["string", "null"]}]}

    assert types_of(union) == {"integer", "string", "null"}
    assert types_of({"anyOf": [{"type": "integer"}, {}]}) == set()
    assert types_of({"type": 5}) == set()


def test_values_are_shown_as_they_are_typed() -> None:
    """Texts as they are, all else as JSON."""
    assert [shown(each) for each in ("a b", None, [1])] == ["a b", "null", "[1]"]
