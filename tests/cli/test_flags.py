"""Flags are made from any JSON Schema, whatever its params are called."""

from typing import Any

import click
import pytest

from hub.cli.flags import flags_of, is_open, loose_params, missing
from hub.cli.invocation import Duration, Invocation
from hub.cli.values import Inputs

# Any throughout: schemas and params are JSON.


def invocation(properties: dict[str, Any], **more: Any) -> Invocation:
    """Make the command of some params."""
    schema = {"type": "object", "properties": properties, **more}
    return Invocation("a.b", {"schema": schema, "description": ""})


def parse(properties: dict[str, Any], *arguments: str, **more: Any) -> dict[str, Any]:
    """Read arguments."""
    command = invocation(properties, additionalProperties=False, **more)
    with command.make_context("a.b", [*arguments]) as context:
        return command.read(context, context.params.get("whole"))


def test_what_is_not_given_is_not_sent() -> None:
    """So that the hub's own defaults hold."""
    properties = {"a": {"type": "integer", "default": 5}, "b": {"type": "boolean"}}

    assert parse({**properties, "c": {"type": "array"}}) == {}


def test_names_may_be_written_both_ways() -> None:
    """With dashes, or as they are."""
    properties = {"pace_ms": {"type": "integer"}}

    assert parse(properties, "--pace-ms", "1") == {"pace_ms": 1}
    assert parse(properties, "--pace_ms", "1") == {"pace_ms": 1}


def test_booleans_are_flags() -> None:
    """Of two words; nullable ones, too."""
    properties = {"dry_run": {"type": ["boolean", "null"]}}

    assert parse(properties, "--dry-run") == {"dry_run": True}
    assert parse(properties, "--no-dry-run") == {"dry_run": False}


def test_lists_take_an_item_at_a_time_or_all() -> None:
    """Also of objects; a text that begins like a list stays a text."""
    numbers = {"n": {"type": "array", "items": {"type": "integer"}}}
    words = {"w": {"type": "array", "items": {"type": "string"}}}
    pairs = {"p": {"type": ["array", "null"], "items": {"type": "object"}}}

    assert parse(numbers, "--n", "1", "--n", "[2, 3]") == {"n": [1, 2, 3]}
    assert parse(words, "--w", "[a]", "--w", "@@b") == {"w": ["[a]", "@b"]}
    assert parse(pairs, "--p", '{"a": 1}') == {"p": [{"a": 1}]}
    assert parse({"x": {"type": "array"}}, "--x", "1", "--x", "a") == {"x": [1, "a"]}


def test_null_can_be_said() -> None:
    """Where it is allowed, and is no text."""
    properties = {"n": {"type": ["integer", "null"]}}

    assert parse(properties, "--n", "null") == {"n": None}


def test_odd_names_are_left_to_json() -> None:
    """One that makes no flag, or the flag of another, or of help."""
    properties: dict[str, Any] = {
        "a b": {},
        "a-b": {},
        "--": {},
        "help": {},
        "日本": {},
    }
    flags = flags_of({"properties": properties}, Inputs())

    assert [flag.opts[0] for flag in flags] == ["--a-b", "--日本"]
    assert parse(properties, "--json", '{"help": 1, "--": 2}') == {"help": 1, "--": 2}
    assert flags_of({}, Inputs()) == []
    assert flags_of({"properties": {"a": True}}, Inputs())[0].key == "a"


def test_what_is_required_may_come_either_way() -> None:
    """By its flag, or in --json; missing, its flag is named, or its name."""
    properties: dict[str, Any] = {"a": {}, "help": {}}

    assert parse(properties, "--json", '{"a": 1}', required=["a"]) == {"a": 1}
    with pytest.raises(click.MissingParameter) as error:
        parse(properties, required=["a"])
    assert error.value.format_message() == "Missing option '--a'."
    with pytest.raises(click.UsageError, match="help is missing; give it with --json"):
        parse(properties, required=["help"])
    assert missing({}, {}, []) is None


def test_a_schema_that_says_nothing_is_open() -> None:
    """What it does not name is taken by name."""
    assert is_open({})
    assert is_open({"additionalProperties": {"type": "string"}})
    assert not is_open({"additionalProperties": False})


def test_params_without_a_schema() -> None:
    """With a value behind it or glued to it, or alone."""
    given = ["--a-b", "1", "--c=x=y", "--d", "--e"]

    found = loose_params(given, Inputs())

    assert found == {"a_b": 1, "c": "x=y", "d": True, "e": True}
    with pytest.raises(click.UsageError, match="has no name; write --name 3"):
        loose_params(["--a", "1", "3"], Inputs())


def test_options_that_stand_at_the_wrong_place() -> None:
    """Are named, also where a schema is open."""
    command = invocation({})

    with (
        command.make_context("a.b", ["--x", "1", "--url=y"]) as context,
        pytest.raises(click.UsageError, match="--url has to stand before"),
    ):
        command.read(context)


def test_help_stays_short() -> None:
    """A long default is cut, an empty one is seen; odd flags have no empty section."""
    text = invocation(
        {
            "a": {"type": "string", "default": "x" * 100},
            "b": {"type": "string", "default": "", "description": "Of\n  two lines."},
        }
    ).get_help(click.Context(click.Command("x")))

    assert f"[default: {'x' * 39}…]" in " ".join(text.split())
    assert 'Of two lines. [default: ""]' in " ".join(text.split())
    closed = invocation({}, additionalProperties=False)
    assert "Parameters" not in closed.get_help(click.Context(closed))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5s", 1.5), ("10m", 600), ("2 H", 7200), ("50ms", 0.05)],
)
def test_times_may_have_a_unit(text: str, seconds: float) -> None:
    """Seconds are the usual one."""
    assert Duration().convert(text, None, None) == seconds
    assert Duration().convert(3, None, None) == 3.0


@pytest.mark.parametrize("text", ["", "0", "soon", "-1", "1d", "1e3", "٣"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With examples of some."""
    with pytest.raises(click.BadParameter, match="10m or 2h"):
        Duration().convert(text, None, None)
