"""How a run ends, from what its command returned or raised."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from hub.codec import from_json
from hub.errors import CODES, InvalidParamsError, UnknownCommandError
from hub.plugin.context import TaskContext
from hub.plugin.errors import Retry, TaskError
from hub.runner.outcomes import raised, refused, returned, stopped
from hub.runs import Outcome
from hub.tasks import TaskStatus
from tests.stage import Script, stage


def failing(error: BaseException, command: str) -> Script:
    """Return a script of a command's kind that raises."""

    async def coroutine(_: TaskContext) -> None:
        raise error

    def plain(_: TaskContext) -> None:
        raise error

    async def stream(_: TaskContext) -> AsyncIterator[object]:
        yield 1
        raise error

    def plain_stream(_: TaskContext) -> Iterator[object]:
        yield 1
        raise error

    found: dict[str, Script] = {
        each.__name__: each for each in (coroutine, plain, stream, plain_stream)
    }
    return found[command]


async def fine(_: TaskContext) -> str:
    """Return something."""
    return "fine"


KINDS = ["coroutine", "plain", "stream", "plain_stream"]


@pytest.mark.parametrize("command", KINDS)
@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        StopIteration(1),
        StopAsyncIteration(),
        asyncio.CancelledError(),
        BaseException("all"),
        MemoryError(),
        RecursionError("deep"),
        ExceptionGroup("two", [ValueError("a"), KeyError("b")]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_command_raises_fails_its_task_only(
    command: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """One failed result, and the next task runs; the traceback is in the hub's log."""
    async with stage() as hub:
        outcome = (await hub.run(command, failing(error, command))).outcome

        assert outcome
        assert (outcome.status, outcome.code) == (TaskStatus.FAILED, "plugin_error")
        assert (outcome.retry, outcome.ran) == (False, "yes")
        # A generator, or a coroutine, turns its own way of ending into a RuntimeError.
        assert outcome.error
        assert outcome.error.startswith((type(error).__name__, "RuntimeError"))
        assert "Traceback" in caplog.text or "the command raised" in caplog.text
        after = (await hub.run("coroutine", fine)).outcome
        assert after
        assert after.result == b'"fine"'
        assert hub.worker.running == 0


async def test_an_error_for_people_is_passed_on() -> None:
    """The text of a TaskError as it was said; its code and detail for programs."""
    outcome = raised(
        TaskError(
            "API key is invalid", code="bad_key", retry=True, detail={"hint": "renew"}
        ),
        "t1",
    )

    assert outcome.status is TaskStatus.FAILED
    assert (outcome.code, outcome.error) == ("plugin_error", "API key is invalid")
    assert (outcome.retry, outcome.ran) == (True, "yes")
    assert msgspec.json.decode(outcome.detail) == {"hint": "renew", "code": "bad_key"}


def test_an_error_for_people_leaves_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is what the author meant to happen, not a fault."""
    raised(TaskError("No such city"), "t1")
    raised(Retry("later"), "t1")

    assert caplog.records == []


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        (None, {"code": "c"}),
        ("text", {"detail": "text", "code": "c"}),
        ([1, 2], {"detail": [1, 2], "code": "c"}),
        ({1: 2}, {"1": 2, "code": "c"}),
        ({"code": "mine"}, {"code": "c"}),
        (object(), {"code": "c"}),
        ("x" * 20_000, {"code": "c"}),
    ],
)
def test_the_detail_of_an_error_may_be_anything(detail: object, shown: object) -> None:
    """What is no JSON, or larger than 16 KiB, is left out; the code is always there."""
    outcome = raised(TaskError("no", code="c", detail=detail), "t1")

    assert msgspec.json.decode(outcome.detail) == shown


@pytest.mark.parametrize(
    "message",
    ["\udc80 is no text", ValueError("inside"), None, 5, b"bytes"],
    ids=["surrogate", "exception", "none", "number", "bytes"],
)
@pytest.mark.parametrize("kind", [TaskError, Retry])
async def test_the_text_of_an_error_may_be_anything(
    kind: type[TaskError | Retry], message: str
) -> None:
    """`raise TaskError(error)` is a common slip: the task fails with a text."""
    async with stage() as hub:
        outcome = (
            await hub.run("coroutine", failing(kind(message), "coroutine"))
        ).outcome

        assert outcome
        assert (outcome.status, outcome.code) == (TaskStatus.FAILED, "plugin_error")
        assert outcome.error is None or outcome.error.encode()
        if "inside" in repr(message):
            assert outcome.error
            assert "inside" in outcome.error
        assert hub.worker.running == 0


def test_a_long_error_is_cut() -> None:
    """To 16 KiB, marked with an ellipsis; whole characters stay whole."""
    for error in (TaskError("é" * 20_000), ValueError("é" * 20_000)):
        text = raised(error, "t1").error

        assert text
        assert len(text.encode()) <= 16 * 1024
        assert text.endswith("é…")


def test_a_wish_for_another_attempt_can_be_told_from_a_failure() -> None:
    """`Retry` ends the task for now, and says that it may be tried again."""
    outcome = raised(Retry("rate limit"), "t1")

    assert (outcome.error, outcome.retry) == ("rate limit", True)
    assert raised(Retry(), "t1").error is None


class MuteError(Exception):
    """An exception whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_text_that_cannot_be_had_is_its_class() -> None:
    """Where what is said is an object whose text raises."""
    slip = TaskError(MuteError())  # type: ignore[arg-type]  # no text

    assert raised(slip, "t1").error == "MuteError"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(), "ValueError"),
        (KeyError("x"), "KeyError: 'x'"),
        (MuteError(), "MuteError"),
        (OSError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
    ],
)
def test_any_other_exception_is_told_by_class_and_text(
    error: Exception, text: str
) -> None:
    """Without a traceback, which is for the hub's log."""
    assert raised(error, "t1").error == text


def test_an_exception_with_a_lone_surrogate_is_told() -> None:
    """As file names may hold them, which are no UTF-8."""
    error = raised(ValueError("no file \udcff"), "t1").error

    assert error
    assert error.startswith("ValueError")
    error.encode()


def test_the_log_names_the_task(caplog: pytest.LogCaptureFixture) -> None:
    """So that an operator finds the traceback of a task that failed."""
    raised(ValueError("bad"), "task-7")

    record = caplog.records[0]
    assert record.levelno == logging.ERROR
    assert "task-7" in record.getMessage()
    assert record.exc_info


class Cyclic:
    """A value that holds itself."""

    @staticmethod
    def made() -> list[object]:
        """Return a list that holds itself."""
        value: list[object] = []
        value.append(value)
        return value


@pytest.mark.parametrize(
    "value",
    [object(), 2**64, -(2**63) - 1, "\ud800", {"k": {1j}}, Cyclic.made(), {(1, 2): 3}],
    ids=["object", "big", "small", "surrogate", "complex", "cycle", "key"],
)
def test_garbage_is_a_failed_result(value: object) -> None:
    """What is no JSON value is `plugin_error`, and the text says why."""
    outcome = returned(value)

    assert (outcome.status, outcome.code) == (TaskStatus.FAILED, "plugin_error")
    assert outcome.error
    assert outcome.error.startswith("The result is no JSON value: ")
    assert outcome.result == b"null"


async def test_a_command_that_returns_garbage_fails_alone() -> None:
    """In a thread as on the loop; the next task runs."""
    async with stage() as hub:

        async def garbage(_: TaskContext) -> object:
            return object()

        def plain(_: TaskContext) -> object:
            return object()

        for command, script in (("coroutine", garbage), ("plain", plain)):
            outcome = (await hub.run(command, script)).outcome
            assert outcome
            assert outcome.code == "plugin_error"
        after = (await hub.run("coroutine", fine)).outcome
        assert after
        assert after.status is TaskStatus.COMPLETED


def verdict(outcome: Outcome) -> tuple[str | None, bool, str]:
    """Return code, retry and ran."""
    assert outcome.status is TaskStatus.FAILED
    return outcome.code, outcome.retry, outcome.ran


@pytest.mark.parametrize(
    ("code", "retry", "ran"),
    [
        ("deadline_exceeded", False, "yes"),
        ("cancelled", False, "yes"),
        ("output_too_large", False, "yes"),
        ("hub_restarted", True, "maybe"),
        ("worker_lost", True, "maybe"),
    ],
)
def test_what_the_hub_stops_has_its_code(code: str, retry: bool, ran: str) -> None:
    """With the verdict of the protocol's table."""
    assert verdict(stopped(code)) == (code, retry, ran)


def test_what_could_not_begin_did_not_run() -> None:
    """A run whose command is gone ends with the refusal's code and its reason."""
    gone = refused(UnknownCommandError("There is no plugin 'lab'."))
    wrong = refused(InvalidParamsError(detail={"field": "n", "reason": "missing"}))

    assert verdict(gone) == ("unknown_command", False, "no")
    assert (gone.error, gone.detail) == ("There is no plugin 'lab'.", b"")
    assert verdict(wrong) == ("invalid_params", False, "no")
    assert from_json(wrong.detail) == {"field": "n", "reason": "missing"}
    assert wrong.error is None, "the hub's own text is made for whoever reads"


def test_each_code_is_one_error() -> None:
    """The table by which ends are made holds the protocol's own errors."""
    strangers = [
        kind.__name__ for kind in CODES.values() if kind.__module__ != "hub.errors"
    ]

    assert strangers == []
