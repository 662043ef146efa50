"""What the fields of client frames may be, beyond their types."""

import msgspec
import pytest

from hub.errors import HubError
from hub.protocol.frames import Execute, Hello, Watch
from hub.protocol.ranges import (
    WANTED,
    wrong_in_execute,
    wrong_in_hello,
    wrong_in_watch,
)

EXECUTE = Execute(id=1, plugin="p", command="c")
WATCH = Watch(id=1, task_id="t")


def field_of(error: HubError | None) -> object:
    """Return the field that an error names; None where there is no error."""
    if error is None:
        return None
    assert error.code == "invalid_params"
    assert error.detail is not None
    assert error.message == f"{error.detail['field']}: {error.detail['reason']}"
    return error.detail["field"]


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("priority", "low", "urgent"),
        ("cache", "off", "never"),
        ("linger_ms", None, 5),
        ("credit", None, 5),
        ("deadline_ms", 0, -1),
        ("deadline_ms", 10**12, 10**12 + 1),
        ("trace", "t" * 256, "t" * 257),
        ("key", "k" * 256, "k" * 257),
        ("key", "k", ""),
    ],
)
def test_execute_has_its_ranges(field: str, good: object, bad: object) -> None:
    """The bound itself is allowed; one step beyond it is refused by name."""
    fits = msgspec.structs.replace(EXECUTE, **{field: good})
    wrong = msgspec.structs.replace(EXECUTE, **{field: bad})

    assert wrong_in_execute(fits) is None
    assert field_of(wrong_in_execute(wrong)) == field


def test_params_are_an_object() -> None:
    """Anything else is no frame of this kind."""
    wrong = msgspec.structs.replace(EXECUTE, params=msgspec.Raw(b"[1]"))

    error = wrong_in_execute(wrong)

    assert error is not None
    assert error.code == "bad_frame"


@pytest.mark.parametrize(
    ("field", "name", "good", "bad"),
    [
        ("after", "from", 0, -1),
        ("attempt", "attempt", 1, 0),
        ("credit", "credit", None, 1),
    ],
)
def test_watch_has_its_ranges(field: str, name: str, good: object, bad: object) -> None:
    """They are named as on the wire."""
    fits = msgspec.structs.replace(WATCH, **{field: good})
    wrong = msgspec.structs.replace(WATCH, **{field: bad})

    assert wrong_in_watch(fits) is None
    assert field_of(wrong_in_watch(wrong)) == name


@pytest.mark.parametrize(("pace", "field"), [(0, None), (-1, "progress_ms")])
def test_hello_has_its_ranges(pace: int, field: str | None) -> None:
    """Progress at any pace, but not before it happens."""
    assert field_of(wrong_in_hello(Hello(progress_ms=pace))) == field


def test_each_range_is_said() -> None:
    """In words, for people."""
    assert all(WANTED.values())
