"""How the loss of a process is told."""

import logging

import pytest

from hub.codec import from_json
from hub.responses import error_text
from hub.runner.losses import how, log, lost


@pytest.mark.parametrize(
    ("code", "reason", "detail", "english", "chinese"),
    [
        (-11, None, {"signal": "SIGSEGV"}, "was ended by SIGSEGV", "SIGSEGV 终止"),
        (-63, None, {"signal": "signal 63"}, "was ended by signal 63", "signal 63"),
        (3, None, {"exit_code": 3}, "exit code 3", "退出码 3"),
        (-9, "it fell", {"reason": "it fell"}, "was lost: it fell", "it fell"),
    ],
)
def test_readers_learn_how_it_was(
    code: int, reason: str | None, detail: object, english: str, chinese: str
) -> None:
    """In their language, and programs in the detail; it may be tried again."""
    outcome = lost(code, reason)

    assert (outcome.code, outcome.retry, outcome.ran) == ("worker_lost", True, "maybe")
    assert from_json(outcome.detail) == detail
    assert english in (error_text(outcome, "en") or "")
    assert chinese in (error_text(outcome, "zh-CN") or "")


def test_the_operator_reads_the_same_words() -> None:
    """A signal by its name."""
    assert (how(-6), how(1)) == ("SIGABRT", "exit code 1")


def test_records_of_processes_keep_their_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As text, since the exception itself stayed behind; levels are held to."""
    caplog.set_level(logging.INFO)
    log("some.library", logging.ERROR, "100% bad", "Traceback: here")
    log("some.library", logging.DEBUG, "not asked for", None)

    [record] = caplog.records
    assert (record.name, record.getMessage()) == ("some.library", "100% bad")
    assert record.exc_text == "Traceback: here"
