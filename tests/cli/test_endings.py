"""How a task has ended, and why it cannot be followed any more, in one line."""

from typing import Any

import pytest

from hub.cli.endings import trouble, why
from hub.cli.exits import CommandError, Exit, say
from hub.client.errors import (
    ConnectionLost,
    NotAHubError,
    UnreachableError,
    UnsupportedVersionError,
)
from hub.errors import (
    ForbiddenError,
    FrameTooLargeError,
    HubError,
    InvalidParamsError,
    NotFoundError,
    QueueFullError,
    UnauthenticatedError,
)
from hub.tasks import Failure, Metadata, TaskResponse, TaskStatus


def response(status: TaskStatus, error: str | None = None, **more: Any) -> TaskResponse:
    """Make the end of a task; Any: fields of its metadata."""
    metadata = Metadata(
        plugin="a",
        command="b",
        origin="new",
        attempt=1,
        queued_ms=0,
        execution_time_ms=0,
        chunks=0,
        **more,
    )
    return TaskResponse(
        task_id="t1",
        status=status,
        progress=None,
        result=None,
        error=error,
        created_at="",
        updated_at="",
        message="Task failed",
        metadata=metadata,
    )


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (response(TaskStatus.CANCELLED), "a.b was cancelled (task t1)"),
        (response(TaskStatus.FAILED), "a.b failed: Task failed (task t1)"),
        (
            response(
                TaskStatus.FAILED,
                "no\n paper",
                failure=Failure(
                    code="plugin_error", retry=True, ran="yes", detail={"code": "own"}
                ),
            ),
            "a.b failed: no paper (plugin_error, own; task t1); trying again may help",
        ),
        (
            response(
                TaskStatus.FAILED,
                "late",
                failure=Failure(code="deadline_exceeded", retry=False, ran="yes"),
            ),
            "a.b failed: late (deadline_exceeded; task t1)",
        ),
    ],
)
def test_why_there_is_no_result(end: TaskResponse, said: str) -> None:
    """The hub's code, the plugin's own, the task's id, and whether to try again."""
    assert why(end, "a.b") == said


@pytest.mark.parametrize(
    ("error", "task", "code", "said"),
    [
        (
            ConnectionLost("Gone."),
            "t1",
            Exit.UNREACHABLE,
            "Gone. The task may still run: taskhub watch t1",
        ),
        (
            ConnectionLost("Gone."),
            None,
            Exit.UNREACHABLE,
            "with --key k finds or starts",
        ),
        (NotFoundError("Its store is lost."), "t1", Exit.FAILED, "t1: Its store is"),
        (UnreachableError("No hub."), None, Exit.UNREACHABLE, "No hub."),
        (NotAHubError("No hub."), None, Exit.UNREACHABLE, "No hub."),
        (UnsupportedVersionError("Other."), None, Exit.UNREACHABLE, "Other."),
        (UnauthenticatedError(), None, Exit.AUTH, "A valid credential is needed."),
        (ForbiddenError(), "t1", Exit.AUTH, "This credential does not allow that."),
        (QueueFullError(), None, Exit.FAILED, "Too many tasks are waiting."),
        (
            InvalidParamsError(
                "x", detail={"field": "place_of.city", "reason": "expected text"}
            ),
            None,
            Exit.USAGE,
            "Invalid value for '--place-of': expected text",
        ),
        (InvalidParamsError("all wrong"), None, Exit.USAGE, "all wrong"),
        (
            FrameTooLargeError(detail={"limit": 1000, "size": 2000}),
            None,
            Exit.USAGE,
            "The request has 2,000 bytes, and the hub takes 1,000.",
        ),
        (FrameTooLargeError(), None, Exit.USAGE, "The frame is too large."),
    ],
)
def test_what_a_refusal_means(
    error: HubError, task: str | None, code: Exit, said: str
) -> None:
    """An exit code, and what can be done."""
    made = trouble(error, task, "k")

    assert said in made.message
    assert made.exit_code == code


def test_errors_are_one_harmless_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a peer has put into them."""
    CommandError("a\nb\x1b[2J", Exit.FAILED).show()

    assert capsys.readouterr().err == "Error: a\\nb\\x1b[2J\n"


def test_nobody_has_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard error that is closed is no further error."""

    class Closed:
        def isatty(self) -> bool:
            return False

        def write(self, _: str) -> None:
            raise OSError

        def flush(self) -> None:
            raise OSError

    say("lost", Closed())  # type: ignore[arg-type]  # all that is used of a stream
