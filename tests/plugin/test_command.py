"""The decorator and its options."""

from typing import Any, get_args, get_type_hints

import pytest

from hub.plugin.command import (
    MARK,
    CommandOptions,
    Defaults,
    Options,
    command,
    not_served,
    options_of,
    resolved,
)
from hub.plugin.errors import CommandOptionsError


def declared(**options: Any) -> CommandOptions:
    """Return the options of a command."""
    return options_of(options, "@command")


def test_the_decorator_only_marks() -> None:
    """The function stays what it is, with or without parentheses."""

    def plain(self: object, ctx: object) -> None: ...

    assert command(plain) is plain
    assert getattr(plain, MARK) == CommandOptions()
    assert command(ttl=5)(plain) is plain
    assert getattr(plain, MARK).ttl == 5


def test_type_checkers_see_every_option() -> None:
    """The keywords that are typed are those that are taken."""
    assert tuple(get_type_hints(Options)) == CommandOptions.__struct_fields__


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tll": 3}, "@command has no option 'tll'; did you mean 'ttl'?"),
        ({"colour": 3}, "@command has no option 'colour'"),
        ({"ttl": "3"}, "@command: ttl: Expected "),
        ({"ttl": 0}, "@command: ttl: expected seconds above 0"),
        ({"ttl": False}, "@command: ttl: expected seconds above 0"),
        ({"ttl": float("inf")}, "@command: ttl: expected seconds above 0"),
        ({"timeout": None}, "@command: timeout: Expected `float`, got `null`"),
        ({"timeout": 0}, "@command: timeout: Expected `float` > 0"),
        ({"timeout": float("inf")}, "@command: timeout: expected a finite"),
        ({"public": 1}, "@command: public: Expected `bool`, got `int`"),
        ({"isolation": "fork"}, "@command: isolation: Invalid enum value 'fork'"),
        ({"name": "Get It"}, "@command: name: 'Get It' does not match"),
        ({"retry_on": ValueError}, "@command: retry_on: expected a tuple"),
        ({"retry_on": ("x",)}, "@command: retry_on: expected a tuple"),
        ({"retries": -1}, "@command: retries: Expected `int` >= 0"),
        ({"concurrency": 0}, "@command: concurrency: Expected `int` >= 1"),
        ({"concurrency": True}, "@command: concurrency: Expected `int | null`"),
        ({"pool": ""}, "@command: pool: '' does not match"),
        ({"pool": "a.b"}, "@command: pool: 'a.b' does not match"),
        ({"keep": "head"}, "@command: keep: Invalid enum value 'head'"),
    ],
)
def test_wrong_options_are_refused_where_they_stand(
    options: dict[str, Any], text: str
) -> None:
    """An unknown option, or one of a wrong type or value, is named at once."""
    with pytest.raises(CommandOptionsError) as caught:
        command(**options)

    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("thing", [staticmethod(len), property(len), 3, object])
def test_only_functions_are_marked(thing: Any) -> None:
    """A decorator in the wrong order is told so."""
    with pytest.raises(CommandOptionsError, match="marks a function"):
        command(thing)


def test_silence_means_the_defaults() -> None:
    """An `async def` without options runs on the loop, uncached, within 300 s."""
    assert resolved(declared(), Defaults(), awaits=True) == {
        "ttl": None,
        "unit": None,
        "public": False,
        "localized": False,
        "join": False,
        "isolation": "async",
        "awaits": True,
        "timeout": 300.0,
        "idempotent": False,
        "concurrency": None,
        "pool": "default",
        "refused": None,
    }


def test_ttl_true_is_the_hubs_default() -> None:
    """True takes the setting; join follows the ttl unless it is said."""
    defaults = Defaults(ttl_s=60.0, timeout_s=9.0)

    fields = resolved(declared(ttl=True), defaults, awaits=False)

    assert (fields["ttl"], fields["join"], fields["timeout"]) == (60.0, True, 9.0)
    assert not resolved(declared(ttl=5, join=False), defaults, awaits=True)["join"]
    assert resolved(declared(join=True), defaults, awaits=True)["join"]


@pytest.mark.parametrize(("isolation", "awaits"), [("thread", True), ("async", False)])
def test_isolation_must_fit_the_function(isolation: str, *, awaits: bool) -> None:
    """`async def` runs on the loop, `def` in a thread."""
    with pytest.raises(ValueError, match="does not fit"):
        resolved(declared(isolation=isolation), Defaults(), awaits=awaits)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"retries": 1}, "retries"),
        ({"retry_on": (OSError,)}, "retry_on"),
        ({"keep": "tail"}, 'keep="tail"'),
    ],
)
def test_what_is_not_served_yet_is_said(options: dict[str, Any], word: str) -> None:
    """An option of a later version is well-formed, and named as not served."""
    reason = not_served(declared(**options))

    assert reason is not None
    assert word in reason


def test_saying_a_default_is_no_wish() -> None:
    """Defaults of options that are not served may be written out."""
    harmless = declared(retries=0, retry_on=(), keep="all")

    assert not_served(harmless) is None
    assert "process" in get_args(get_type_hints(Options)["isolation"])
