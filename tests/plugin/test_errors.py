"""What commands raise."""

import pickle

import pytest

from hub.plugin.errors import CommandOptionsError, Retry, TaskError, error_text


def test_a_task_error_carries_what_its_author_said() -> None:
    """Text, code, retry and detail arrive as they were given."""
    error = TaskError("Key expired", code="bad_key", retry=True, detail={"days": 3})

    assert str(error) == error.message == "Key expired"
    assert (error.code, error.retry, error.detail) == ("bad_key", True, {"days": 3})


def test_a_task_error_needs_only_its_text() -> None:
    """Without more it is a plain plugin_error that is not worth another try."""
    error = TaskError("No")

    assert (error.code, error.retry, error.detail) == ("plugin_error", False, None)


def test_a_retry_may_say_why_and_when() -> None:
    """Both are optional."""
    assert (Retry().message, Retry().after) == (None, None)
    assert (Retry("busy", after=2.5).message, Retry("busy", after=2.5).after) == (
        "busy",
        2.5,
    )


@pytest.mark.parametrize("error", [TaskError("x", code="y"), Retry("x", after=1)])
def test_errors_survive_a_pickle(error: Exception) -> None:
    """They can cross to another process with all they carry."""
    copied = pickle.loads(pickle.dumps(error))

    assert type(copied) is type(error)
    assert vars(copied) == vars(error)


class _MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError("not even this")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TaskError("As said"), "As said"),
        (ValueError("bad"), "ValueError: bad"),
        (KeyError(), "KeyError"),
        (_MuteError(), "_MuteError"),
        (CommandOptionsError("no"), "CommandOptionsError: no"),
    ],
)
def test_any_exception_has_one_line(error: BaseException, text: str) -> None:
    """A TaskError speaks for itself; others are named by their class."""
    assert error_text(error) == text
