"""The errors: each code carries the verdict that the protocol gives it."""

import re
from typing import Final

import pytest

from hub import errors
from hub.errors import CODES, HubError, PluginRefusedError

REFUSALS: Final = {
    "bad_frame": (400, False, "no"),
    "unknown_type": (400, False, "no"),
    "unauthenticated": (401, False, "no"),
    "forbidden": (403, False, "no"),
    "unknown_command": (404, False, "no"),
    "not_found": (404, False, "maybe"),
    "key_conflict": (409, False, "no"),
    "frame_too_large": (413, False, "no"),
    "invalid_params": (422, False, "no"),
    "rate_limited": (429, True, "no"),
    "queue_full": (503, True, "no"),
    "draining": (503, True, "no"),
    "unavailable": (503, True, "no"),
    "storage_full": (507, True, "no"),
    "internal": (500, True, "maybe"),
}
"""What each refusal says: the HTTP status, whether to try again, what ran."""

ENDS: Final = {
    "deadline_exceeded": (False, "yes"),
    "cancelled": (False, "yes"),
    "output_too_large": (False, "yes"),
    "poisoned": (False, "yes"),
    "plugin_error": (False, "yes"),
    "worker_lost": (True, "maybe"),
    "hub_restarted": (True, "maybe"),
}
"""How each bad end of a run is judged, once an attempt has begun."""


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_says_what_the_protocol_says(code: str) -> None:
    """A client may act on status, retry and ran without knowing the code."""
    error = CODES[code]()

    assert (error.status, error.retry, error.ran) == REFUSALS[code]
    assert error.code == code


@pytest.mark.parametrize("code", ENDS)
def test_a_bad_end_says_what_the_protocol_says(code: str) -> None:
    """A caller knows from the code whether the same request is worth another try."""
    error = CODES[code]()

    assert (error.retry, error.ran) == ENDS[code]


def test_the_codes_are_the_protocols() -> None:
    """No code is missing, and none is the hub's invention."""
    assert set(CODES) == REFUSALS.keys() | ENDS.keys()


def test_a_code_belongs_to_one_error() -> None:
    """The class that a code stands for is the only one with it."""
    assert {kind.code for kind in CODES.values()} == set(CODES)
    assert {kind.__dict__["code"] for kind in CODES.values()} == set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_an_error_speaks_without_being_told(code: str) -> None:
    """The default message is a sentence for people."""
    error = CODES[code]()

    assert re.fullmatch(r"[A-Z][^\n]+\.", error.message)
    assert str(error) == error.message
    assert not error.custom
    assert error.detail is None
    assert error.retry_after_ms is None


def test_an_error_carries_what_it_was_given() -> None:
    """What is known of a trouble reaches the peer as it is."""
    error = errors.QueueFullError(
        "Come back later.", detail={"limit": 3}, retry_after_ms=1000
    )

    assert (error.message, error.custom) == ("Come back later.", True)
    assert error.detail == {"limit": 3}
    assert error.retry_after_ms == 1000


@pytest.mark.parametrize(
    ("line", "text"), [(7, "odd.py:7: no version"), (None, "odd.py: no version")]
)
def test_a_refused_plugin_names_its_file(line: int | None, text: str) -> None:
    """The author of a plugin reads where to look, and what is wrong there."""
    error = PluginRefusedError("no version", file="odd.py", line=line)

    assert str(error) == text
    assert (error.reason, error.file, error.line) == ("no version", "odd.py", line)


def descendants(kind: type[HubError]) -> set[type[HubError]]:
    """Return all classes that derive from one, and itself."""
    found = {kind}
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            found |= descendants(child)
    return found


def test_the_tree_is_drawn_as_it_is() -> None:
    """The docstring shows every error under its parent, with its code."""
    drawn = re.findall(r"([│ ]*)[├└]── (\w+)(?: +(\w+))?", errors.__doc__ or "")
    parents = ["HubError"]
    tree = {"HubError": ("Exception", None)}
    for indent, name, code in drawn:
        level = len(indent) // 4
        del parents[level:]
        tree[name] = (parents[-1], code if code in CODES else None)
        parents.append(name)

    assert tree == {
        kind.__name__: (kind.__bases__[0].__name__, kind.__dict__.get("code"))
        if kind is not HubError
        else ("Exception", None)
        for kind in descendants(HubError)
    }
