"""Schemas that forms can be made from."""

import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from hub.plugin.schema import humanised, schema_of, tidy


class Unit(enum.Enum):
    """Declared in an order of its own."""

    K = "K"
    C = "°C"


class Leaf(Struct):
    """A leaf."""

    size: int


class Tree(Struct):
    """Contains itself."""

    leaf: Leaf | None = None
    branches: list["Tree"] = field(default_factory=list)


class Cat(Struct, tag=True):
    """One of two."""

    lives: int


class Dog(Struct, tag=True):
    """The other."""

    tricks: dict[str, int]


@dataclass
class Order:
    """A dataclass within a list."""

    level: Literal["low", "high", "mid"]


# Any: JSON, made at run time.
def schema(**fields: Any) -> dict[str, Any]:
    """Return the schema of parameters: a type, or a type and a default."""
    parts = [
        (name, *(spec if isinstance(spec, tuple) else (spec,)))
        for name, spec in fields.items()
    ]
    struct = msgspec.defstruct(
        "params", parts, kw_only=True, forbid_unknown_fields=True
    )
    return schema_of(struct, "do_it")


def properties(**fields: Any) -> dict[str, Any]:
    """Return the schemas of parameters by name."""
    found: dict[str, Any] = schema(**fields)["properties"]
    return found


def test_the_params_object_stands_at_the_top() -> None:
    """A closed object with properties in declared order and what is required."""
    whole = schema(zebra=str, ant=(int, 3))

    assert whole == {
        "title": "Do it",
        "type": "object",
        "properties": {
            "zebra": {"title": "Zebra", "type": "string"},
            "ant": {"title": "Ant", "type": "integer", "default": 3},
        },
        "required": ["zebra"],
        "additionalProperties": False,
    }
    assert list(whole["properties"]) == ["zebra", "ant"]


def test_every_property_has_a_title() -> None:
    """Made of its name, unless its author gave one, optional or not."""
    given = Annotated[int, Meta(title="How many", description="From 1.", ge=1)]

    found = properties(forecast_days=int, n=given, m=(given | None, None), leaf=Leaf)

    assert [each["title"] for each in found.values()] == [
        "Forecast days",
        "How many",
        "How many",
        "Leaf",
    ]
    assert found["n"]["minimum"] == 1
    assert found["n"]["description"] == "From 1."


def test_enums_have_a_type_and_keep_their_order() -> None:
    """Literals and Enums, in depth, as they were declared."""
    found = properties(
        unit=(Literal["°F", "°C", "K"], "°C"),
        kind=Unit,
        level=Literal[3, 1, 2],
        mixed=Literal["b", 1],
        orders=list[Order],
    )

    assert found["unit"] == {
        "title": "Unit",
        "type": "string",
        "enum": ["°F", "°C", "K"],
        "default": "°C",
    }
    assert (found["kind"]["type"], found["kind"]["enum"]) == ("string", ["K", "°C"])
    assert (found["level"]["type"], found["level"]["enum"]) == ("integer", [3, 1, 2])
    assert found["mixed"]["type"] == ["string", "integer"]
    level = found["orders"]["items"]["properties"]["level"]
    assert level["enum"] == ["low", "high", "mid"]


def test_a_value_or_null_is_a_list_of_types() -> None:
    """For scalars, enums and objects alike; null is among an enum's values then."""
    found = properties(a=str | None, b=Literal["x", "a"] | None, c=Leaf | None)

    assert found["a"] == {"title": "A", "type": ["string", "null"]}
    assert found["b"]["type"] == ["string", "null"]
    assert found["b"]["enum"] == ["x", "a", None]
    assert found["c"]["type"] == ["object", "null"]
    assert found["c"]["properties"] == {"size": {"title": "Size", "type": "integer"}}


def test_branches_of_a_union_have_titles() -> None:
    """A form can offer them by name."""
    found = properties(a=int | str | None, pet=Cat | Dog)

    assert [each["title"] for each in found["a"]["anyOf"]] == [
        "Whole number",
        "Text",
        "Nothing",
    ]
    assert [each["title"] for each in found["pet"]["anyOf"]] == ["Cat", "Dog"]
    assert found["pet"]["discriminator"] == {"propertyName": "type"}
    assert found["pet"]["anyOf"][0]["properties"]["type"]["type"] == "string"


def test_references_are_replaced_where_they_end() -> None:
    """Only a type that contains itself stays in `$defs`."""
    plain = schema(leaf=Leaf)
    endless = schema(tree=Tree)

    assert "$defs" not in plain
    assert list(endless["$defs"]) == ["Tree"]
    branches = endless["properties"]["tree"]["properties"]["branches"]
    assert branches["items"] == {"$ref": "#/$defs/Tree"}
    assert endless["$defs"]["Tree"]["properties"]["leaf"]["type"] == ["object", "null"]


def test_defaults_that_are_copied_are_shown() -> None:
    """A list as default is part of the schema."""
    found = properties(xs=(list[int], field(default_factory=lambda: [1, 2])))

    assert found["xs"]["default"] == [1, 2]


def test_other_shapes_survive() -> None:
    """Tuples, dicts and any value keep what msgspec says about them."""
    found = properties(pair=tuple[int, str], table=dict[str, int], any=Any, obj=object)

    assert [each["type"] for each in found["pair"]["prefixItems"]] == [
        "integer",
        "string",
    ]
    assert found["table"]["additionalProperties"] == {"type": "integer"}
    assert "type" not in found["any"]
    assert "type" not in found["obj"]


def test_a_plugins_own_schema_is_tidied_not_changed() -> None:
    """Titles and types of enums are added; what it means stays."""
    given = {
        "properties": {
            "unit": {"enum": ["b", "a"]},
            "odd": {"enum": [[1], {}]},
            "free": True,
            "named": {"title": "N", "$ref": "#/$defs/x"},
        },
        "$defs": {"x": {"type": "string"}},
        "anyOf": [True, {"required": ["unit"]}],
        "required": ["unit"],
    }

    assert tidy(given, "do_it") == {
        "type": "object",
        "title": "Do it",
        "properties": {
            "unit": {"title": "Unit", "type": "string", "enum": ["b", "a"]},
            "odd": {"title": "Odd", "enum": [[1], {}]},
            "free": True,
            "named": {"title": "N", "$ref": "#/$defs/x"},
        },
        "$defs": {"x": {"type": "string"}},
        "anyOf": [True, {"required": ["unit"]}],
        "required": ["unit"],
    }


def test_names_become_titles() -> None:
    """Underscores are spaces, and the first letter is large."""
    assert humanised("base_url") == "Base url"
