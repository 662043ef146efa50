"""From the JSON of a request to validated params, or to an error naming the field.

A reader is made when a plugin is loaded and called for every request:

- `TypedReader` decodes into the Struct made from a method's signature;
- `FreeReader` takes any JSON object, checked against a JSON Schema where a classic
  plugin gave one.

Both refuse what is outside the value domain, and both raise InvalidParamsError with
the first trouble only, its `detail` being `field` (a dotted path such as
"filter.from.0"; "params" for the whole object) and `reason`.
"""

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import jsonschema_rs
import msgspec

from hub.codec import ValueDomainError, canonical, check_json, from_json
from hub.errors import InvalidParamsError
from hub.plugin.errors import error_text
from hub.plugin.spec import Parsed

WHOLE: Final = "params"
"""The field to name where the trouble is not in one of them."""

MISSING: Final = "required, but missing"
UNKNOWN: Final = "unknown"

REASON_LENGTH: Final = 500
"""Some reasons repeat the value, and names of unknown fields are the caller's."""

_FIELD_NAMED = re.compile(
    r"Object (?P<what>missing required|contains unknown) field `(?P<name>.*?)`"
    r"(?: - at `(?P<path>\$[^`]*)`)?",
    re.DOTALL,
)
_STEP = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")
_QUOTED = re.compile(r"`([^`]*)`")
_WORD = re.compile(r"\w+")
_JSON_WORDS = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def invalid(field: str, reason: str) -> InvalidParamsError:
    """Return the refusal of a field; the text names it, for people."""
    field, reason = field[:REASON_LENGTH], reason[:REASON_LENGTH]
    return InvalidParamsError(
        f"{field}: {reason}", detail={"field": field, "reason": reason}
    )


_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def _canonical(params: msgspec.Struct) -> bytes:
    """Encode params with sorted keys, those that are numbers in Python, too."""
    try:
        return _encode_sorted(params)
    except TypeError:  # msgspec sorts text only
        return _encode_sorted(msgspec.to_builtins(params, str_keys=True))


class TypedReader:
    """Reads params into a Struct.

    Args:
        struct: Made from a signature.
        schema: Its schema, for errors that say what would have been right.
    """

    # Any: a JSON Schema is a JSON object.
    def __init__(self, struct: type[msgspec.Struct], schema: dict[str, Any]) -> None:
        self._struct = struct
        self._schema = schema
        self._decode: Callable[[bytes], msgspec.Struct] = msgspec.json.Decoder(
            struct
        ).decode
        self._without: bytes | None = None
        if not any(field.required for field in msgspec.structs.fields(struct)):
            self._without = _canonical(struct())

    def __call__(self, raw: bytes) -> Parsed:
        """Decode, validate and canonicalise.

        Raises:
            InvalidParamsError: As said at the top.
        """
        if raw == b"{}" and self._without is not None:
            return Parsed(self._struct(), self._without)
        try:
            params = self._decode(raw)
            check_json(raw)
            return Parsed(params, _canonical(params))
        # A plugin's own types may raise anything in their __post_init__.
        except Exception as error:  # noqa: BLE001
            self._refuse(raw, error)

    def _refuse(self, raw: bytes, error: Exception) -> NoReturn:
        """Turn what decoding raised into the refusal that names the field."""
        _check_domain(raw)
        if not isinstance(error, msgspec.ValidationError):
            known = isinstance(error, msgspec.DecodeError | UnicodeDecodeError)
            text = str(error) if known else error_text(error)
            raise invalid(WHOLE, text) from error
        said = str(error)
        named = _FIELD_NAMED.fullmatch(said)
        if named:
            steps = [*self._steps(raw, named["path"] or "$", said), named["name"]]
            missing = named["what"].startswith("missing")
            raise invalid(".".join(steps), MISSING if missing else UNKNOWN) from None
        reason, _, path = said.rpartition(" - at `")
        if not reason:
            raise invalid(WHOLE, _plain(said)) from None
        path = path.removeprefix("key` in `").rstrip("`")
        steps = self._steps(raw, path, said)
        raise invalid(".".join(steps), self._reason(reason, steps)) from None

    def _reason(self, said: str, steps: list[str]) -> str:
        """Say what was expected; an enum's values where the field is a plain one."""
        if not said.startswith("Invalid enum value"):
            return _plain(said)
        values = self._choices(steps)
        return f"must be one of: {', '.join(values)}" if values else _plain(said)

    def _choices(self, steps: list[str]) -> list[str]:
        """Return the values of the enum at a place of the schema."""
        here = self._schema
        for step in steps:
            fallback = here.get("items" if step.isdecimal() else "additionalProperties")
            here = here.get("properties", {}).get(step, fallback)
            if not isinstance(here, dict):
                return []
        return [str(value) for value in here.get("enum", []) if value is not None]

    def _steps(self, raw: bytes, path: str, said: str) -> list[str]:
        """Turn msgspec's path into keys and indexes.

        In a dict msgspec says `[...]` for whichever key: that one is searched for.
        """
        steps: list[str] = []
        try:
            document = here = msgspec.json.decode(raw)
        except ValueError:  # such as a number out of range
            document = here = None
        for step in _STEP.finditer(path):
            name = step["name"] or step["index"]
            if name == "..." and isinstance(here, dict):
                name = self._guilty_key(document, here, said)
            steps.append(name)
            if isinstance(here, dict):
                here = here.get(name)
            elif isinstance(here, list) and name.isdecimal():
                here = here[int(name)]
        return steps

    def _guilty_key(self, document: object, place: dict[str, Any], said: str) -> str:
        """Halve a dict until one key is left that makes the same trouble."""
        items = list(place.items())
        while len(items) > 1:
            half = items[: len(items) // 2]
            place.clear()
            place.update(half)
            items = half if self._says(document) == said else items[len(half) :]
        place.update(items)
        return items[0][0]

    def _says(self, document: object) -> str | None:
        try:
            self._decode(msgspec.json.encode(document))
        except Exception as error:  # noqa: BLE001 (as in __call__)
            return str(error)
        return None


class FreeReader:
    """Reads params into a dict, fresh for each request."""

    # Any: a JSON Schema is a JSON object.
    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        """Compile the schema.

        Raises:
            ValueError: It is no valid JSON Schema, or a default in it does not fit;
                the text is one line.
        """
        self._validator = None
        self._defaults: dict[str, object] = {}
        if schema is None:
            return
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(schema), retriever=_fetch_nothing
            )
        except ValueError as error:
            raise ValueError(str(error).partition("\n")[0]) from None
        self._take_defaults(schema.get("properties"))

    def _take_defaults(self, properties: object) -> None:
        """Keep the defaults of the object's own properties."""
        if not isinstance(properties, dict):
            return
        for name, schema in properties.items():
            if isinstance(schema, dict) and "default" in schema:
                self._defaults[name] = schema["default"]
        trouble = self._trouble(dict(self._defaults), given=self._defaults)
        if trouble is not None:
            raise ValueError(f"default of {': '.join(trouble)}")

    def __call__(self, raw: bytes) -> Parsed:
        """Decode, fill defaults in, validate and canonicalise.

        Raises:
            InvalidParamsError: As said at the top.
        """
        try:
            params = from_json(raw)
        except ValueDomainError as error:
            _check_domain(raw)
            raise invalid(WHOLE, str(error)) from None
        if not isinstance(params, dict):
            raise invalid(WHOLE, "expected an object")
        for name, value in self._defaults.items():
            if name not in params:
                params[name] = copy.deepcopy(value)
        trouble = self._trouble(params)
        if trouble is not None:
            raise invalid(*trouble)
        return Parsed(params, canonical(params))

    def _trouble(
        self, params: dict[str, Any], given: Mapping[str, object] | None = None
    ) -> tuple[str, str] | None:
        """Return the first field that breaks the schema, and how.

        Args:
            params: The object.
            given: Where not None, only trouble within these fields counts.
        """
        if self._validator is None or self._validator.is_valid(params):
            return None
        for error in self._validator.iter_errors(params):
            steps, reason = _place(error)
            if given is None or (reason != MISSING and steps[:1] and steps[0] in given):
                return ".".join(steps) or WHOLE, reason
        return None


def _place(error: jsonschema_rs.ValidationError) -> tuple[list[str], str]:
    """Return where a schema was broken, and how."""
    steps = [str(step) for step in error.instance_path]
    kind = error.kind
    if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required):
        return [*steps, str(kind.property)], MISSING
    if isinstance(
        kind,
        jsonschema_rs.ValidationErrorKind.AdditionalProperties
        | jsonschema_rs.ValidationErrorKind.UnevaluatedProperties,
    ):
        return [*steps, str(kind.unexpected[0])], UNKNOWN
    return steps, error.message


def _fetch_nothing(uri: str) -> NoReturn:
    """Refuse to look anywhere for a part of a schema."""
    raise ValueError(f"{uri} is not part of the schema, and nothing is fetched")


def _check_domain(raw: bytes) -> None:
    """Refuse a params object with a value outside the value domain, by its field."""
    try:
        check_json(raw)
    except ValueDomainError as error:
        torn = _field_with_surrogate(raw)
        if torn is not None:
            raise invalid(torn, "text with a lone surrogate") from None
        raise invalid(_field_outside_domain(raw), str(error)) from None


def _field_outside_domain(raw: bytes) -> str:
    """Return the name of the first such field."""
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return WHOLE
    for name, value in fields.items():
        try:
            check_json(b"[%b]" % bytes(value))  # as deep in there as in the object
        except ValueDomainError:
            return name
    return WHOLE


def _field_with_surrogate(raw: bytes) -> str | None:
    """Return the name of the first field with a lone surrogate in it.

    msgspec reads none of it; the standard library does.
    """
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    for name, value in fields.items():
        try:
            json.dumps([name, value], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return str(name).encode(errors="replace").decode()
    return None


def _plain(text: str) -> str:
    """Say what msgspec said in the words of JSON, to stand behind a field's name."""
    text = _QUOTED.sub(lambda found: _WORD.sub(_json_word, found[1]), text)
    return text[:1].lower() + text[1:]


def _json_word(found: re.Match[str]) -> str:
    return _JSON_WORDS.get(found[0], found[0])
