"""From a text of the command line to a JSON value, as a JSON Schema wants it.

`@file` stands for what a file holds, `-` for standard input, `@@…` for a text that
begins with `@`. What a schema says about a value beyond its type and its bounds is
left to the hub, which checks everything.
"""

import math
import re
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from click.shell_completion import CompletionItem

# Any throughout: a schema is a JSON object, and values are JSON values.
Schema = dict[str, Any]

_WORDS: Final = {
    frozenset({"integer"}): "INTEGER",
    frozenset({"number"}): "NUMBER",
    frozenset({"integer", "number"}): "NUMBER",
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_KINDS: Final = (
    (bool, "boolean"),  # before int, which it is a subclass of
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


class Inputs:
    """Files and standard input, as values are read from them."""

    def __init__(self) -> None:
        self._taken = False

    def text(self, given: str) -> str:
        """Return what a text stands for.

        Raises:
            ValueError: It cannot be read; the text says why.
        """
        if given.startswith("@@"):
            return given[1:]
        if given.startswith("@"):
            return _decoded(_file(given[1:]), given[1:])
        if given == "-":
            return _decoded(self._standard_input(), "standard input")
        return given

    def _standard_input(self) -> bytes:
        if self._taken:
            raise ValueError("standard input can be read only once")
        self._taken = True
        if sys.stdin is None or sys.stdin.closed:
            raise ValueError("standard input is closed")
        try:
            return sys.stdin.buffer.read()
        except OSError as error:
            raise ValueError(f"standard input: {error.strerror}") from None


def _file(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"cannot read {name or '@'}: {reason}") from None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError(f"{name} holds something that is no text (UTF-8)") from None


def types_of(schema: Schema) -> frozenset[str]:
    """Return the JSON types that a schema allows; empty for any."""
    named = schema.get("type")
    if isinstance(named, str):
        return frozenset({named})
    if isinstance(named, list):
        return frozenset(str(each) for each in named)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(branches, list):
        each = [types_of(one) for one in branches if isinstance(one, dict)]
        return frozenset().union(*each) if all(each) else frozenset()
    return frozenset()


def shown(value: object) -> str:
    """Return a value as it would be typed."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class Value(click.ParamType[Any]):
    """The type of one flag: converts, completes and describes its values.

    Args:
        schema: Of the value.
        inputs: What `@file` and `-` are read from.
    """

    name = "value"

    def __init__(self, schema: Schema, inputs: Inputs) -> None:
        self._schema = schema
        self._inputs = inputs
        self.types = types_of(schema)
        choices = schema.get("enum")
        self.choices: list[Any] | None = choices if isinstance(choices, list) else None

    @property
    def metavar(self) -> str:
        """What stands for the value in a help text."""
        if self.choices is not None:
            return f"[{'|'.join(shown(each) for each in self.choices)}]"
        if not self.types or "string" in self.types:
            return "TEXT" if self.types else "VALUE"
        return _WORDS.get(self.types - {"null"}, "JSON")

    @property
    def bounds(self) -> str | None:
        """The bounds of a number, as `0<=x<=10`."""
        return _bounds(self._schema)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the JSON value that a text stands for."""
        if not isinstance(value, str):
            return value
        try:
            return self.read(self._inputs.text(value), literal=value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer the values of an enum, else files."""
        if self.choices is None:
            return [CompletionItem(incomplete, type="file")]
        words = [shown(each) for each in self.choices]
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    def read(self, text: str, literal: str) -> Any:
        """Return the value that a text stands for.

        Args:
            text: The text.
            literal: What was typed: the text, or where it was read from.

        Raises:
            ValueError: It is none that the schema allows.
        """
        types = self.types - {"null"}
        if self.choices is not None:
            return self._choice(text)
        if types == {"string"}:
            return text
        if types and types <= {"integer", "number"}:
            return self._number(text.strip(), whole="number" not in types)
        return self._json(text, literal)

    def read_list(self, text: str, literal: str) -> list[Any]:
        """Return the list that a text is in JSON.

        Raises:
            ValueError: It is none.
        """
        return list(_decode(text, literal))

    def _choice(self, text: str) -> Any:
        words = {shown(each): each for each in self.choices or ()}
        for candidate in (text, text.strip()):
            if candidate in words:
                return words[candidate]
        listed = ", ".join(repr(word) for word in words)
        raise ValueError(f"{text!r} is not one of {listed}.")

    def _number(self, text: str, *, whole: bool) -> int | float | None:
        number: int | float
        if text == "null" and "null" in self.types:
            return None
        if _INTEGER.fullmatch(text):
            number = int(text)
        elif whole or not _NUMBER.fullmatch(text):
            kind = "integer" if whole else "number"
            raise ValueError(f"{text!r} is not a valid {kind}.")
        else:
            number = float(text)
        self._check(number)
        return number

    def _check(self, number: float) -> None:
        """Refuse a number that is out of bounds.

        Raises:
            ValueError: It is.
        """
        schema = self._schema
        if (
            number < schema.get("minimum", -math.inf)
            or number > schema.get("maximum", math.inf)
            or number <= schema.get("exclusiveMinimum", -math.inf)
            or number >= schema.get("exclusiveMaximum", math.inf)
        ):
            raise ValueError(f"{number} is not in the range {self.bounds}.")
        if isinstance(number, int) and not -(2**63) <= number < 2**64:
            raise ValueError(f"{number} has more than 64 bits.")

    def _json(self, text: str, literal: str) -> Any:
        """Return JSON as a value; what is none is a text, where one is allowed."""
        try:
            value = _decode(text, literal)
        except ValueError:
            if self.types and "string" not in self.types:
                raise
            return text
        kind = next((name for cls, name in _KINDS if isinstance(value, cls)), "null")
        fits = not self.types or kind in self.types
        fits = fits or (kind == "integer" and "number" in self.types)
        return text if "string" in self.types and not fits else value


def _decode(text: str, literal: str) -> Any:
    """Decode JSON.

    Raises:
        ValueError: It is none.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"{literal!r} is not JSON: {error}.") from None


def _bounds(schema: Schema) -> str | None:
    """Write the bounds of a number."""
    left, right = "", ""
    for key, sign in (("minimum", "<="), ("exclusiveMinimum", "<")):
        if key in schema:
            left = f"{schema[key]}{sign}"
    for key, sign in (("maximum", "<="), ("exclusiveMaximum", "<")):
        if key in schema:
            right = f"{sign}{schema[key]}"
    return f"{left}x{right}" if left or right else None
