"""JSON Schema of a command's params, normalised for forms and command lines.

Rules, on top of what msgspec writes:

1. The params object stands at the top; references are replaced by what they mean,
   except in types that contain themselves (those stay in `$defs`).
2. Every property has a title; so has every branch of an `anyOf`.
3. An enum has a `type` and its values in the order in which they were declared.
4. A value or null is `"type": [T, "null"]`, not an `anyOf`.
5. Properties keep the order of the signature.
"""

import enum
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

# Any throughout: a JSON Schema is a JSON object.
Schema = dict[str, Any]

_REF = "#/$defs/"
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),  # before int, which it is a subclass of
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (type(None), "null"),
)
_BRANCH_TITLES = {
    "string": "Text",
    "integer": "Whole number",
    "number": "Number",
    "boolean": "Yes or no",
    "array": "List",
    "object": "Object",
    "null": "Nothing",
}


def schema_of(struct: type[msgspec.Struct], title: str) -> Schema:
    """Return the schema of a Struct of params.

    Args:
        struct: Made from a command's signature.
        title: What the whole is called.

    Raises:
        TypeError: A type in it has no schema, so nothing could convert it.
    """
    (top,), components = msgspec.json.schema_components(
        (struct,), ref_template=_REF + "{name}", schema_hook=_any_value
    )
    properties = components[str(top["$ref"]).removeprefix(_REF)]["properties"]
    for field in msgspec.structs.fields(struct):
        # msgspec shows the defaults it knows, and none that are copied.
        if field.default_factory is not msgspec.NODEFAULT:
            default = msgspec.to_builtins(field.default_factory(), str_keys=True)
            properties[field.encode_name]["default"] = default
    orders: dict[frozenset[object], list[object]] = {}
    _collect_orders(struct, orders, {})
    normaliser = _Normaliser(components, orders)
    schema = normaliser.whole(top)
    return {**schema, "title": humanised(title)}


def tidy(schema: Schema, title: str) -> Schema:
    """Return a schema that a plugin gave, with titles and types of enums added."""
    normaliser = _Normaliser({}, {})
    return {"type": "object", "title": humanised(title), **normaliser.node(schema, ())}


def humanised(name: str) -> str:
    """Turn `forecast_days` into "Forecast days"."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


class _Normaliser:
    """Walks one schema; see the rules at the top."""

    def __init__(
        self,
        components: Mapping[str, Schema],
        orders: Mapping[frozenset[object], list[object]],
    ) -> None:
        self._components = components
        self._orders = orders
        self._kept: list[str] = []

    def whole(self, top: Schema) -> Schema:
        """Normalise a document with what it refers to."""
        schema = self.node(top, ())
        definitions: Schema = {}
        for name in self._kept:  # grows while we walk
            if name not in definitions:
                definitions[name] = self.node(self._components[name], (name,))
        return {**schema, "$defs": definitions} if definitions else schema

    def node(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        """Normalise a schema found inside the named components."""
        name = str(schema.get("$ref", "")).removeprefix(_REF)
        if name in path:
            self._kept.append(name)
            return schema
        if name in self._components:
            around = {key: schema[key] for key in schema if key != "$ref"}
            return self.node({**self._components[name], **around}, (*path, name))
        schema = self._with_children(schema, path)
        if "enum" in schema:
            schema = self._enum(schema)
        if "anyOf" in schema:
            schema = _union(schema)
        return schema

    def _with_children(self, schema: Schema, path: tuple[str, ...]) -> Schema:
        """Normalise what a schema holds: properties, items, branches."""
        schema = dict(schema)
        properties = schema.get("properties")
        if isinstance(properties, dict):
            schema["properties"] = {
                key: self._property(key, value, path)
                for key, value in properties.items()
            }
        for key in ("additionalProperties", "items"):
            if isinstance(schema.get(key), dict):
                schema[key] = self.node(schema[key], path)
        for key in ("anyOf", "prefixItems"):
            if isinstance(schema.get(key), list):
                schema[key] = [self._child(child, path) for child in schema[key]]
        if "discriminator" in schema:
            # Its mapping names components, which are no longer there.
            name = schema["discriminator"]["propertyName"]
            schema["discriminator"] = {"propertyName": name}
        return schema

    def _child(self, schema: object, path: tuple[str, ...]) -> object:
        return self.node(schema, path) if isinstance(schema, dict) else schema

    def _property(self, name: str, schema: object, path: tuple[str, ...]) -> object:
        """Normalise a property and give it a title, unless its author did."""
        if not isinstance(schema, dict):
            return schema
        title = schema.get("title") or _title_within(schema) or humanised(name)
        return {"title": title, **self.node(schema, path)} | {"title": title}

    def _enum(self, schema: Schema) -> Schema:
        """Give an enum its type and its declared order."""
        values = schema["enum"]
        try:
            values = self._orders.get(frozenset(values), values)
        except TypeError:  # lists or objects among the values of a plugin's schema
            return schema
        types = _types_of(values)
        return {"type": types[0] if len(types) == 1 else types, **schema} | {
            "enum": list(values)
        }


def _title_within(schema: Schema) -> object:
    """Return the title that an author gave to the value of "a value or null"."""
    branches = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    alone = branches[0] if len(branches) == 1 else None
    return alone.get("title") if isinstance(alone, dict) else None


def _types_of(values: Iterable[object]) -> list[str]:
    """Return the JSON types of scalar values, each once."""
    found: list[str] = []
    for value in values:
        name = next(name for kind, name in _TYPES if isinstance(value, kind))
        if name not in found:
            found.append(name)
    return found


def _union(schema: Schema) -> Schema:
    """Turn "a value or null" into a list of types; name the branches of others."""
    branches = schema["anyOf"]
    others = [branch for branch in branches if branch != {"type": "null"}]
    alone = others[0] if len(others) == 1 and len(branches) > 1 else None
    if isinstance(alone, dict) and isinstance(alone.get("type"), str | list):
        around = {key: schema[key] for key in schema if key != "anyOf"}
        nullable = {**alone, **around}
        types = alone["type"]
        known = [types] if isinstance(types, str) else types
        nullable["type"] = [*known, *(["null"] if "null" not in known else [])]
        if "enum" in alone and None not in alone["enum"]:
            nullable["enum"] = [*alone["enum"], None]
        return nullable
    return {**schema, "anyOf": [_titled(branch) for branch in branches]}


def _titled(branch: object) -> object:
    """Give a branch of a union a title."""
    if not isinstance(branch, dict) or "title" in branch:
        return branch
    kind = branch.get("type")
    title = _BRANCH_TITLES.get(kind) if isinstance(kind, str) else None
    return branch if title is None else {"title": title, **branch}


def _any_value(kind: type[object]) -> Schema:
    """Describe `object`, which people write for any JSON value."""
    if kind is object:
        return {"$comment": "any value"}  # msgspec asks again for an empty one
    raise NotImplementedError


# object: annotations are whatever Python allows there.
def _collect_orders(
    hint: object, orders: dict[frozenset[object], list[object]], seen: dict[int, object]
) -> None:
    """Find how the values of Literals and Enums were declared, in depth.

    msgspec sorts them. Two sets of equal values declared in different orders within
    one signature share the first one's order.
    """
    if id(hint) in seen:
        return
    seen[id(hint)] = hint  # kept alive, or its id would be another's soon
    if typing.get_origin(hint) is Literal:
        values = list(typing.get_args(hint))
        orders.setdefault(frozenset(values), values)
        return
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        values = [member.value for member in hint]
        orders.setdefault(frozenset(values), values)
        return
    fields = _fields_of(typing.get_origin(hint) or hint)
    for part in (*typing.get_args(hint), *fields):
        _collect_orders(part, orders, seen)


def _fields_of(kind: object) -> tuple[object, ...]:
    """Return the types of the fields of a Struct, dataclass, TypedDict and so on."""
    if not isinstance(kind, type) or not getattr(kind, "__annotations__", None):
        return ()
    return tuple(typing.get_type_hints(kind, include_extras=True).values())
