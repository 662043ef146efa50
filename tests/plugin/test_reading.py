"""From request bytes to params, or to the name of the field that is wrong."""

import contextlib
import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from hub.errors import InvalidParamsError
from hub.plugin.reading import FreeReader, TypedReader
from hub.plugin.schema import schema_of


class Size(enum.Enum):
    """An enum whose values are what clients send."""

    SMALL = "s"
    LARGE = "l"


class Filter(Struct, rename={"since": "from"}):
    """A nested object."""

    since: list[Annotated[int, Meta(ge=0)]] = []
    table: dict[str, int] = {}


class Picky(Struct):
    """Raises what msgspec does not expect."""

    n: int

    def __post_init__(self) -> None:
        """Refuse 13 properly, 14 with a bug."""
        if self.n == 13:
            raise ValueError("no thirteens")
        if self.n == 14:
            raise KeyError("bug")


# Any: types and defaults of all kinds.
def reader(**fields: Any) -> TypedReader:
    """Return a reader of parameters: a type, or a type and a default."""
    parts = [
        (name, *(spec if isinstance(spec, tuple) else (spec,)))
        for name, spec in fields.items()
    ]
    struct = msgspec.defstruct(
        "params", parts, kw_only=True, forbid_unknown_fields=True
    )
    return TypedReader(struct, schema_of(struct, "params"))


WEATHER = reader(
    city=str,
    unit=(Literal["°C", "°F"], "°C"),
    days=(Annotated[int, Meta(ge=1, le=16)], 3),
    filter=(Filter | None, None),
    size=(Size | None, None),
    extra=(Any, None),
    picky=(Picky | None, None),
    codes=(dict[int, int], field(default_factory=dict)),
)
NOTHING = reader()
FREE = FreeReader(None)


def refusal(read: TypedReader | FreeReader, raw: bytes) -> tuple[str, str]:
    """Return the field and the reason of a refusal; its text names both."""
    with pytest.raises(InvalidParamsError) as caught:
        read(raw)
    detail = caught.value.detail
    assert detail is not None
    assert detail.keys() == {"field", "reason"}
    assert str(caught.value) == f"{detail['field']}: {detail['reason']}"
    return str(detail["field"]), str(detail["reason"])


def test_canonical_params_are_sorted_compact_and_whole() -> None:
    """Defaults are filled in, so that equal requests are equal bytes."""
    parsed = WEATHER(b' { "days" : 3, "city":"Paris" } ')

    assert (
        parsed.canonical
        == (
            '{"city":"Paris","codes":{},"days":3,"extra":null,"filter":null,'
            '"picky":null,"size":null,"unit":"°C"}'
        ).encode()
    )
    assert parsed.params.city == "Paris"
    assert (
        parsed.canonical == WEATHER(b'{"city": "Paris", "unit": "\\u00b0C"}').canonical
    )


def test_canonical_params_can_be_read_again() -> None:
    """What is stored gives the same params and the same bytes."""
    parsed = WEATHER(b'{"city":"x","filter":{"from":[2,1]},"size":"l","codes":{"7":1}}')
    again = WEATHER(parsed.canonical)

    assert again == parsed
    assert again.params.size is Size.LARGE


def test_no_params_are_fresh_each_time() -> None:
    """`{}` is answered from prepared bytes, with an object of the request's own."""
    read = reader(xs=(list[int], field(default_factory=lambda: [1])))
    first, second = read(b"{}"), read(b"{}")

    assert first.canonical == second.canonical == b'{"xs":[1]}'
    first.params.xs.append(2)
    assert second.params.xs == [1]
    assert NOTHING(b"{}").canonical == b"{}"


@pytest.mark.parametrize(
    ("raw", "name", "reason"),
    [
        ("{}", "city", "required, but missing"),
        ('{"city":1}', "city", "expected string, got integer"),
        ('{"city":"a","town":2}', "town", "unknown"),
        ('{"city":"a","a` - at `$.b":2}', "b.a", "unknown"),
        ('{"city":"a","unit":"K"}', "unit", "must be one of: °C, °F"),
        ('{"city":"a","size":"m"}', "size", "must be one of: s, l"),
        ('{"city":"a","days":17}', "days", "expected integer <= 16"),
        ('{"city":"a","days":1.5}', "days", "expected integer, got number"),
        ('{"city":"a","days":true}', "days", "expected integer, got boolean"),
        (
            '{"city":"a","filter":{"from":[-1]}}',
            "filter.from.0",
            "expected integer >= 0",
        ),
        (
            '{"city":"a","filter":{"table":{"a":1,"b":2,"c":"x","d":"y"}}}',
            "filter.table.c",
            "expected integer, got string",
        ),
        ('{"city":"a","codes":{"x":1}}', "codes", "expected integer, got string"),
        ('{"city":"a","picky":{}}', "picky.n", "required, but missing"),
        ('{"city":"a","picky":{"n":13}}', "picky", "no thirteens"),
        ('{"city":"a","picky":{"n":14}}', "params", "KeyError: 'bug'"),
        ('{"city":1,"days":99,"town":2}', "city", "expected string, got integer"),
        ("[]", "params", "expected object, got array"),
        ("null", "params", "expected object, got null"),
        ('{"city"', "params", "Input data was truncated"),
    ],
)
def test_the_first_wrong_field_is_named(raw: str, name: str, reason: str) -> None:
    """Missing, unknown, mistyped, out of range, nested: by a dotted path."""
    assert refusal(WEATHER, raw.encode()) == (name, reason)


@pytest.mark.parametrize("read", [WEATHER, FREE])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("18446744073709551616", "an integer beyond 64 bit"),
        ("-9223372036854775809", "an integer beyond 64 bit"),
        ('{"deep":[123456789012345678901234]}', "an integer beyond 64 bit"),
        ('"\\ud800"', "text with a lone surrogate"),
        ('["x","\\udc00y"]', "text with a lone surrogate"),
        ("[" * 32 + "]" * 32, "nested deeper than 32"),
    ],
)
def test_values_outside_the_domain_are_refused(
    read: TypedReader | FreeReader, value: str, reason: str
) -> None:
    """Typed or free, by the field that holds them."""
    raw = f'{{"city":"a","extra":{value}}}'.encode()

    assert refusal(read, raw) == ("extra", reason)


@pytest.mark.parametrize("read", [WEATHER, FREE, NOTHING])
@pytest.mark.parametrize(
    "raw",
    [
        b'{"extra":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"\\ud800":1}',
        b'{"extra":"\xff"}',
        b"\xff",
        b"",
        b'{"extra":' + b"9" * 5000 + b"}",
    ],
)
def test_hostile_bytes_are_one_refusal(
    read: TypedReader | FreeReader, raw: bytes
) -> None:
    """Nothing but InvalidParamsError comes out, and its texts are encodable."""
    name, reason = refusal(read, raw)

    assert f"{name}{reason}".encode()
    assert len(name) <= 500


@pytest.mark.parametrize("read", [WEATHER, FREE])
@pytest.mark.parametrize(
    "value", ["18446744073709551615", "-9223372036854775808", "[" * 31 + "]" * 31]
)
def test_the_edges_of_the_domain_are_inside(
    read: TypedReader | FreeReader, value: str
) -> None:
    """64 bit, signed or not, and 32 levels with the params object are taken."""
    raw = f'{{"city":"a","extra":{value}}}'.encode()

    assert b'"extra":' + value.encode() in read(raw).canonical


def test_long_runs_of_digits_in_text_are_text() -> None:
    """The cheap check for integers does not refuse a long number in quotes."""
    assert WEATHER(b'{"city":"12345678901234567890123"}').params.city.startswith("123")


JSON = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(-(2**63), 2**64 - 1),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_free_params_come_as_they_were_sent(params: dict[str, Any]) -> None:
    """Any JSON object is taken, and its canonical bytes mean the same."""
    parsed = FREE(msgspec.json.encode(params))

    assert parsed.params == params
    assert msgspec.json.decode(parsed.canonical) == params
    assert FREE(parsed.canonical).canonical == parsed.canonical


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_break_a_reader(raw: bytes) -> None:
    """Whatever comes is params, or InvalidParamsError."""
    for read in (WEATHER, FREE, NOTHING):
        with contextlib.suppress(InvalidParamsError):
            read(raw)


SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "integer", "maximum": 16, "default": 3},
        "tags": {"type": "array", "items": {"type": "string"}, "default": []},
        "at": {
            "type": "object",
            "properties": {"lat": {"type": "number"}},
            "unevaluatedProperties": False,
        },
    },
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("raw", "name", "reason"),
    [
        ("{}", "city", "required, but missing"),
        ('{"city":"a","q":1}', "q", "unknown"),
        ('{"city":1}', "city", '1 is not of type "string"'),
        ('{"city":"a","days":17}', "days", "17 is greater than the maximum of 16"),
        ('{"city":"a","tags":["x",1]}', "tags.1", '1 is not of type "string"'),
        ('{"city":"a","at":{"lon":1}}', "at.lon", "unknown"),
        ("[1]", "params", "expected an object"),
    ],
)
def test_a_plugins_own_schema_names_the_field(raw: str, name: str, reason: str) -> None:
    """As typed commands do."""
    assert refusal(FreeReader(SCHEMA), raw.encode()) == (name, reason)


def test_defaults_of_a_schema_are_filled_in() -> None:
    """Fresh for each request, in the params and in their canonical form."""
    read = FreeReader(SCHEMA)
    first, second = read(b'{"city":"a"}'), read(b'{"city":"a","days":3}')

    assert first.canonical == second.canonical == b'{"city":"a","days":3,"tags":[]}'
    first.params["tags"].append("x")
    assert second.params["tags"] == []
    assert read(b'{"city":"a"}').params["tags"] == []


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "text"}, "text"),
        ({"properties": {"a": {"pattern": "("}}}, "regex"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "none"),
        ({"properties": {"a": {"$ref": "http://x.invalid/y"}}}, "nothing is fetched"),
        ({"properties": {"a": {"type": "string", "default": 3}}}, "default of a: 3 is"),
        ({"type": object()}, "Unsupported type"),
    ],
)
def test_a_bad_schema_is_refused(schema: dict[str, Any], reason: str) -> None:
    """When the reader is made, in one line, and nothing is fetched for it."""
    with pytest.raises(ValueError, match=reason) as caught:
        FreeReader(schema)

    assert "\n" not in str(caught.value)


def test_a_schema_without_properties_is_taken() -> None:
    """Whatever JSON Schema allows, booleans among the properties included."""
    assert FreeReader({})(b'{"a":1}').params == {"a": 1}
    assert FreeReader({"properties": {"a": True}})(b'{"a":1}').params == {"a": 1}
