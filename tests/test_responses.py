"""Responses: a task as its readers may see it, in their language."""

import calendar
import json
import time
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import responses
from hub.errors import CODES
from hub.messages import LOCALES
from hub.responses import (
    ERROR_BYTES,
    MESSAGE_BYTES,
    clip,
    error_text,
    metadata,
    response,
    result_url,
    rfc3339,
)
from hub.runs import Mood, Outcome, Run, Task
from hub.tasks import TaskStatus
from tests.samples import ACCEPTED, CANCELLED, COMPLETED, a_run, a_task, text_piece

NOW: Final = 60.0
"""On the loop's clock, where runs of these tests are accepted at 50."""


def running() -> tuple[Run, Task]:
    """Return a run that began two seconds after it was accepted."""
    run = a_run()
    task = a_task(run)
    run.mood = Mood.RUNNING
    run.started, run.started_at = 52.0, ACCEPTED + 2
    run.updated_at = run.started_at
    return run, task


def ended(outcome: Outcome) -> Task:
    """Return a task whose run has ended."""
    run, task = running()
    run.outcome, task.end = outcome, 1
    return task


def failed(code: str = "plugin_error", **fields: object) -> Outcome:
    """Return a bad end."""
    outcome = Outcome(status=TaskStatus.FAILED, code=code, ended_at=ACCEPTED + 5)
    return msgspec.structs.replace(outcome, **fields)


# Times and texts


@given(st.integers(0, 4 * 10**12))
def test_times_are_rfc_3339_to_the_millisecond(milliseconds: int) -> None:
    """Every time that clients see is UTC, and reads back to the same millisecond."""
    said = rfc3339(milliseconds / 1000)

    moment, _, rest = said.partition(".")
    seconds = calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%S"))
    assert rest == f"{milliseconds % 1000:03d}Z"
    assert seconds * 1000 + milliseconds % 1000 == milliseconds


def test_times_are_kept_within_bounds() -> None:
    """A hub that runs for long does not remember every time it ever said."""
    for number in range(3000):
        rfc3339(number)

    assert len(responses._times) <= 1024
    assert rfc3339(ACCEPTED) == "2001-09-09T01:46:40.250Z"


@given(st.text(), st.integers(3, 100))
def test_a_text_is_cut_to_its_bytes(text: str, most: int) -> None:
    """What fits stays; what does not is cut between characters, and one sees it."""
    shown = clip(text, most)

    assert len(shown.encode()) <= most
    if len(text.encode()) <= most:
        assert shown == text
    else:
        assert shown.endswith("…")
        assert text.startswith(shown[:-1])


# What is told while a task runs


def test_a_task_that_waits() -> None:
    """A task that was accepted has an id, times and a text, and nothing else yet."""
    told = response(a_task(a_run()), "en", NOW)

    assert (told.task_id, told.status) == ("0a", TaskStatus.CREATED)
    assert (told.progress, told.error, bytes(told.result)) == (None, None, b"null")
    assert told.created_at == told.updated_at == "2001-09-09T01:46:40.250Z"
    assert told.message == "Task accepted"
    facts = told.metadata
    assert (facts.plugin, facts.command, facts.origin) == ("demo", "count", "new")
    assert (facts.attempt, facts.chunks) == (1, 0)
    assert (facts.queued_ms, facts.execution_time_ms) == (0, 0.0)
    assert facts.started_at is msgspec.UNSET
    assert facts.failure is facts.trace is facts.request is msgspec.UNSET


@pytest.mark.parametrize(
    ("locale", "message"),
    [
        ("en", "Task accepted; no worker serves the pool gpu yet"),
        ("zh-CN", "任务已接受；目前没有工作进程服务于资源池 gpu"),
    ],
)
def test_a_task_that_waits_in_a_pool_that_nobody_serves(
    locale: str, message: str
) -> None:
    """It says what it waits for, until it no longer does."""
    run = a_run()
    run.request = msgspec.structs.replace(run.request, queue="gpu.async")
    task = a_task(run)
    assert "gpu" not in str(response(task, locale, NOW).message)

    run.unserved = True

    assert response(task, locale, NOW).message == message


def test_a_task_that_runs() -> None:
    """A running task says since when, and what its command said last."""
    run, task = running()
    run.fraction, run.message = 0.5, "Halfway"
    run.log.head = run.log.write([text_piece("a"), text_piece("b")])

    told = response(task, "en", NOW)

    assert (told.status, told.progress) == (TaskStatus.RUNNING, 0.5)
    assert told.message == "Halfway"
    assert told.updated_at == told.metadata.started_at == "2001-09-09T01:46:42.250Z"
    assert told.metadata.queued_ms == 2000
    assert told.metadata.execution_time_ms == 8000.0
    assert told.metadata.chunks == 2


def test_a_command_that_says_nothing() -> None:
    """Where a command is silent the hub speaks, in the reader's language."""
    _, task = running()

    assert response(task, "en", NOW).message == "Task running"
    assert response(task, "zh-CN", NOW).message == "任务执行中"


def test_a_task_was_never_updated_before_it_was_made() -> None:
    """A ticket that joined late does not say that it changed before it existed."""
    run, _ = running()
    late = a_task(run, "0b", "joined")
    late.created_at = ACCEPTED + 9

    assert response(late, "en", NOW).updated_at == rfc3339(ACCEPTED + 9)
    run.outcome, late.end = COMPLETED, 1
    told = response(late, "en", NOW)
    assert told.updated_at == told.created_at == rfc3339(ACCEPTED + 9)
    assert told.metadata.started_at == rfc3339(ACCEPTED + 2)


# What is told at the end


@pytest.mark.parametrize(
    ("outcome", "message", "chinese"),
    [
        (COMPLETED, "Task completed", "任务执行成功"),
        (failed(error="no"), "Task failed", "任务执行失败"),
        (CANCELLED, "Task cancelled", "任务已取消"),
    ],
    ids=["completed", "failed", "cancelled"],
)
def test_an_end_is_said_in_the_readers_language(
    outcome: Outcome, message: str, chinese: str
) -> None:
    """The hub's texts are made for whoever reads; the command's last words are past."""
    task = ended(outcome)
    task.run.message = "Halfway"

    assert response(task, "en", NOW).message == message
    assert response(task, "zh-CN", NOW).message == chinese


def test_a_completed_task() -> None:
    """A result is told as it is, with progress 1.0 and no error."""
    outcome = msgspec.structs.replace(
        COMPLETED, ended_at=ACCEPTED + 5, execution_ms=12.3456
    )
    task = ended(outcome)
    task.run.fraction = 0.5

    told = response(task, "en", NOW)

    assert (told.status, told.progress) == (TaskStatus.COMPLETED, 1.0)
    assert (bytes(told.result), told.error) == (b"42", None)
    assert told.updated_at == rfc3339(ACCEPTED + 5)
    assert told.metadata.execution_time_ms == 12.346
    assert told.metadata.failure is msgspec.UNSET
    assert bytes(response(task, "en", NOW, result=False).result) == b"null"


def test_a_failed_task() -> None:
    """A failure has words for people and a verdict for programs; progress stays."""
    outcome = failed(
        error="The city is unknown", retry=True, detail=b'{"code":"mine","at":[1]}'
    )
    outcome.fraction = 0.25
    task = ended(outcome)

    told = response(task, "zh-CN", NOW)

    assert (told.status, told.progress) == (TaskStatus.FAILED, 0.25)
    assert (told.error, bytes(told.result)) == ("The city is unknown", b"null")
    failure = told.metadata.failure
    assert failure is not msgspec.UNSET
    assert (failure.code, failure.retry, failure.ran) == ("plugin_error", True, "yes")
    assert failure.detail == {"code": "mine", "at": [1]}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", sorted(set(CODES) - {"cancelled"}))
def test_a_failure_without_words_has_the_hubs(code: str, locale: str) -> None:
    """Every code has a text in every language; a program finds it without detail."""
    told = response(ended(failed(code)), locale, NOW)

    assert told.error
    assert told.error != code
    assert told.metadata.failure is not msgspec.UNSET
    assert told.metadata.failure.code == code
    assert told.metadata.failure.detail is None


def test_a_cancelled_task_is_no_error() -> None:
    """Cancelled has error null, and its code in the failure."""
    told = response(ended(CANCELLED), "en", NOW)

    assert (told.status, told.error) == (TaskStatus.CANCELLED, None)
    assert told.metadata.failure is not msgspec.UNSET
    assert told.metadata.failure.code == "cancelled"
    assert error_text(COMPLETED, "en") is None


def test_long_texts_are_cut() -> None:
    """A message has 2 KiB and an error 16 KiB, counted as readers get them."""
    run, task = running()
    run.message = "é" * 5000
    message = response(task, "en", NOW).message
    error = response(ended(failed(error="错" * 9000)), "en", NOW).error

    assert message
    assert error
    assert MESSAGE_BYTES - 4 < len(message.encode()) <= MESSAGE_BYTES == 2048
    assert ERROR_BYTES - 4 < len(error.encode()) <= ERROR_BYTES == 16_384


def test_a_ticket_that_left_is_what_it_was() -> None:
    """What the run does after a ticket has left shows in no answer about it."""
    run = a_run()
    leaves, _ = a_task(run), a_task(run, "0b", "joined")
    leaves.end = 1
    leaves.early = msgspec.structs.replace(CANCELLED, ended_at=ACCEPTED + 1, ran="no")
    before = response(leaves, "en", NOW)
    run.started, run.started_at, run.fraction = 52.0, ACCEPTED + 2, 0.5
    run.attempt, run.updated_at, run.message = 2, ACCEPTED + 8, "on"
    run.log.head = run.log.write_reset(0, 2, "again")
    run.log.head = run.log.write([text_piece("a")])
    run.outcome = COMPLETED

    assert response(leaves, "en", NOW + 99) == before
    assert before.metadata.queued_ms == 1000
    assert before.metadata.started_at is msgspec.UNSET


# The rest of the facts


def test_a_cached_answer_says_how_old_it_is() -> None:
    """An answer from the cache says when it was made, and until when it is given."""
    run, _ = running()
    run.outcome, run.cached_at, run.expires_at = COMPLETED, ACCEPTED + 5, ACCEPTED + 305
    task = a_task(run, "0c", "cached")
    task.end, task.created_at = 1, ACCEPTED + 100

    facts = metadata(task, NOW)

    assert facts.origin == "cached"
    assert facts.cached_at == rfc3339(ACCEPTED + 5)
    assert facts.expires_at == rfc3339(ACCEPTED + 305)
    assert metadata(run.tasks[0], NOW).cached_at is msgspec.UNSET


def test_a_request_is_repeated_where_it_is_wanted() -> None:
    """`request` has the caller's words; large params are null; a trace is told."""
    run = a_run(params=b'{"a":1}')
    task = a_task(run)
    task.deadline_ms, task.cache, task.trace = 5000, "refresh", "00-ab"

    facts = metadata(task, NOW, request=True)

    assert facts.trace == "00-ab"
    assert json.loads(msgspec.json.encode(facts.request)) == {
        "params": {"a": 1},
        "priority": "normal",
        "deadline_ms": 5000,
        "cache": "refresh",
    }
    for size, told in ((65_536, True), (65_537, False)):
        params = b'{"a":"%b"}' % (b"x" * (size - 8))
        large = metadata(a_task(a_run(params=params)), NOW, request=True).request
        assert large is not msgspec.UNSET
        assert (bytes(large.params) == params) is told
        assert told or bytes(large.params) == b"null"


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    """Wall time may jump; a wait is never shorter than nothing."""
    run = a_run()
    task = a_task(run)
    run.outcome, task.end = failed(ended_at=ACCEPTED - 100), 1

    assert metadata(task, NOW).queued_ms == 0
    assert response(task, "en", NOW).updated_at == rfc3339(ACCEPTED)


def test_a_result_has_an_address() -> None:
    """Where a large result is read is relative to the hub's root."""
    assert result_url(a_task(a_run())) == "api/v1/tasks/0a/result"
