"""What a program catches."""

import msgspec
import pytest

from hub.client.errors import (
    ConnectionLost,
    NotAHubError,
    TaskCancelled,
    TaskFailed,
    UnreachableError,
    ended_badly,
    refused,
)
from hub.errors import CODES, HubError, RateLimitedError
from hub.protocol.frames import ErrorFrame
from hub.tasks import Failure, TaskResponse, TaskStatus
from tests.client.model import Log


def ended(status: TaskStatus, failure: Failure | None = None) -> TaskResponse:
    """Return a response."""
    made = Log("t").response()
    made.status, made.message = status, "how it ended"
    made.metadata.failure = failure or msgspec.UNSET
    return made


def test_a_bad_end_is_its_verdict() -> None:
    """Code, retry and ran are the failure's own."""
    failure = Failure(code="worker_lost", retry=True, ran="maybe", detail={"a": 1})
    error = ended_badly(ended(TaskStatus.FAILED, failure))

    assert type(error) is TaskFailed
    assert (error.code, error.retry, error.ran) == ("worker_lost", True, "maybe")
    assert error.detail == {"a": 1}
    assert type(ended_badly(ended(TaskStatus.CANCELLED))) is TaskCancelled
    assert ended_badly(ended(TaskStatus.COMPLETED)) is None


def test_a_bad_end_without_a_reason_still_says_something() -> None:
    """A hub that names no failure."""
    error = ended_badly(ended(TaskStatus.FAILED))

    assert error is not None
    assert (str(error), error.code, error.ran) == ("how it ended", "internal", "maybe")


def test_a_refusal_has_its_class_and_the_frames_words() -> None:
    """With what the frame says over what the class says."""
    error = refused(
        ErrorFrame(
            code="rate_limited",
            message="slow down",
            retry=False,
            ran="maybe",
            retry_after_ms=500,
            detail={"limit": 3},
        )
    )

    assert isinstance(error, RateLimitedError)
    assert (str(error), error.retry, error.ran) == ("slow down", False, "maybe")
    assert (error.retry_after_ms, error.detail) == (500, {"limit": 3})


@pytest.mark.parametrize("code", ["from_the_future", "output_too_large"])
def test_a_code_without_a_refusal_is_a_hub_error(code: str) -> None:
    """One of a newer hub, or one that no request is refused with."""
    error = refused(ErrorFrame(code=code, message="m", retry=True, ran="no"))

    assert type(error) is HubError
    assert (error.code, error.retry, error.ran) == (code, True, "no")


def test_what_cannot_be_reached_is_one_family() -> None:
    """`UnreachableError` catches all of it; none of it is a code of the wire."""
    for kind, code, ran in (
        (UnreachableError, "unreachable", "no"),
        (NotAHubError, "unreachable", "no"),
        (ConnectionLost, "connection_lost", "maybe"),
    ):
        error = kind()
        assert isinstance(error, UnreachableError)
        assert (error.code, error.ran) == (code, ran)
        assert error.code not in CODES
