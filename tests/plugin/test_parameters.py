"""Signatures become Structs, or are refused with their line."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from hub.errors import PluginRefusedError
from hub.plugin.context import TaskContext
from hub.plugin.parameters import params_struct


class Owner:
    """Has a type that annotations may name."""

    class Inner(Struct):
        """A type within the class."""

        a: int


@dataclass
class Point:
    """Mutable, and so copied where it is a default."""

    xs: list[int] = field(default_factory=list)


def struct_of(function: Callable[..., object]) -> type[msgspec.Struct]:
    """Return the Struct of a function."""
    return params_struct(function, Owner)


def refusal(function: Callable[..., object]) -> str:
    """Return why a function is refused; its line is that of the function."""
    with pytest.raises(PluginRefusedError) as caught:
        struct_of(function)
    assert caught.value.file == __file__
    assert caught.value.line == function.__code__.co_firstlineno
    return caught.value.reason


def test_parameters_become_fields_in_their_order() -> None:
    """All but self and the context, with types, bounds and defaults."""

    def current(
        self: object,
        whatever: TaskContext,
        city: str,
        *,
        days: Annotated[int, Meta(ge=1)] = 3,
        unit: Literal["C", "F"] = "C",
    ) -> None: ...

    fields = msgspec.structs.fields(struct_of(current))

    assert [each.name for each in fields] == ["city", "days", "unit"]
    assert [each.required for each in fields] == [True, False, False]
    assert [each.default for each in fields][1:] == [3, "C"]


def test_the_context_needs_no_annotation_and_no_name() -> None:
    """It is the first one after self, by position."""

    def bare(self, c): ...  # type: ignore[no-untyped-def]  # that is the point

    def before_the_slash(self: object, ctx: TaskContext, /, city: str) -> None: ...

    assert struct_of(bare).__struct_fields__ == ()
    assert struct_of(before_the_slash).__struct_fields__ == ("city",)


def test_annotations_may_be_text() -> None:
    """Names are looked up in the module and in the plugin's class."""

    def current(self: object, ctx: "TaskContext", inner: "Inner") -> "Any": ...  # type: ignore[name-defined]  # noqa: F821 (a name of the class's body)

    (inner,) = msgspec.structs.fields(struct_of(current))

    assert inner.type is Owner.Inner


def test_mutable_defaults_are_copied() -> None:
    """No request sees what another did to a default."""
    given, origin = [1, 2], Point([3])

    def current(
        self: object, ctx: object, xs: list[int] = given, point: Point = origin
    ) -> None: ...

    struct = struct_of(current)
    # Any: the Struct is made at run time.
    first: Any = struct()
    first.xs.append(9)
    first.point.xs.append(9)
    second: Any = struct()

    assert second.xs == given == [1, 2]
    assert second.point.xs == [3]


def test_none_as_default_makes_a_parameter_nullable() -> None:
    """Who reads the canonical params again finds the null allowed."""

    def current(self: object, ctx: object, city: str = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013 (people write it)

    struct = struct_of(current)

    assert msgspec.json.decode(b'{"city": null}', type=struct) == struct()


def test_any_value_is_written_any_or_object() -> None:
    """Both take every JSON value."""

    def echo(
        self: object, ctx: object, a: Any, b: object, c: object = None
    ) -> None: ...

    # Any: the Struct is made at run time.
    decoded: Any = msgspec.json.decode(
        b'{"a": [1], "b": {"c": 2}}', type=struct_of(echo)
    )

    assert (decoded.a, decoded.b, decoded.c) == ([1], {"c": 2}, None)


def test_a_parameter_needs_an_annotation() -> None:
    """It is refused by its name."""

    def current(self, ctx, city): ...  # type: ignore[no-untyped-def]  # that is the point

    assert refusal(current) == "current: parameter 'city' has no annotation"


def test_parameters_have_names() -> None:
    """Neither variadic nor positional-only ones can come from a JSON object."""

    def many(self: object, ctx: object, *cities: str) -> None: ...

    def options(self: object, ctx: object, **options: str) -> None: ...

    def positional(self: object, ctx: object, city: str, /) -> None: ...

    assert "*cities" in refusal(many)
    assert "**options" in refusal(options)
    assert "'city' is positional-only" in refusal(positional)


def test_the_context_cannot_be_left_out() -> None:
    """A first parameter that is plainly a param is no context."""

    def nothing(self: object) -> None: ...

    def keyword(self: object, *, ctx: object) -> None: ...

    def text(self: object, city: str) -> None: ...

    def choice(self: object, unit: Literal["C"] | None) -> None: ...

    def bounded(self: object, days: Annotated[int, Meta(ge=1)]) -> None: ...

    for function in (nothing, keyword, text, choice, bounded):
        assert "must be the context" in refusal(function)


def test_annotations_must_mean_something() -> None:
    """A name that is not there is refused at load, not at the first call."""

    def current(self: object, ctx: object, city: "Citty") -> None: ...  # type: ignore[name-defined]  # noqa: F821 (that is the point)

    assert "NameError: name 'Citty' is not defined" in refusal(current)


def test_types_must_be_convertible() -> None:
    """What msgspec cannot tell apart is refused."""

    def current(self: object, ctx: object, when: Point | Owner.Inner) -> None: ...

    assert "TypeError" in refusal(current)


@pytest.mark.parametrize("default", [3, ["x", 3], object()])
def test_a_default_fits_its_annotation(default: Any) -> None:
    """A default that no caller could send is refused, by its parameter's name."""

    def current(self: object, ctx: object, city: list[str] | str = default) -> None: ...

    assert refusal(current).startswith("current: default of parameter 'city': ")
