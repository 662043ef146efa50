"""Rendering: what is filled into templates is what the structs say, byte by byte."""

import json
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from hub import rendering
from hub.events import Result
from hub.messages import LOCALES
from hub.protocol.frames import Id, OpenedFrame
from hub.rendering import (
    CachedAnswer,
    fresh_json,
    opened_json,
    response_json,
    result_json,
)
from hub.responses import response
from hub.runs import Task
from hub.tasks import TaskStatus
from tests.samples import COMPLETED, OUTCOMES, a_run, a_task, tasks, text_piece

encode = msgspec.json.encode

NOW: Final = 60.0
"""The present, on the loop's clock."""
LANGUAGES = st.sampled_from(LOCALES)
NAMES = st.sampled_from(["demo", "天气", 'a "name"']) | st.text(max_size=9)
IDS: st.SearchStrategy[Id | UnsetType] = st.one_of(
    st.just(UNSET), st.integers(-(2**63), 2**64 - 1), st.text(max_size=12)
)


@st.composite
def named_tasks(draw: st.DrawFn) -> Task:
    """Draw a task in any state, of a command of any name."""
    task = draw(tasks())
    names = {"plugin": draw(NAMES), "command": draw(NAMES)}
    task.run.request = msgspec.structs.replace(task.run.request, **names)
    return task


@st.composite
def cached_tasks(draw: st.DrawFn) -> tuple[Task, Task]:
    """Draw two tickets that a run in the cache answered, one after the other."""
    first = draw(named_tasks())
    run = first.run
    run.outcome = draw(
        OUTCOMES.filter(lambda each: each.status is TaskStatus.COMPLETED)
    )
    run.cached_at = run.outcome.ended_at
    run.expires_at = run.cached_at + 300
    second = a_task(run, "5ec0", "cached")
    for task in (first, second):
        task.origin, task.early, task.end = "cached", None, run.log.head + 1
        task.created_at = run.cached_at + draw(st.floats(0, 1e5))
    return first, second


def field_of(id: Id | UnsetType) -> bytes:
    """Return the field of an id, as it stands in a frame."""
    return b"" if id is UNSET else b'"id":%b,' % encode(id)


def opened_bytes(
    task: Task, origin: str, start: int, id: Id | UnsetType, locale: str
) -> bytes:
    """Return `opened` as the structs say it."""
    return encode(
        OpenedFrame(
            id=id,
            task_id=task.id,
            origin=origin,
            after=start,
            attempt=task.attempt,
            head=task.head,
            floor=task.run.log.floor,
            response=response(task, locale, NOW, result=False),
        )
    )


def result_bytes(task: Task, seq: int, locale: str) -> bytes:
    """Return `result` as the structs say it."""
    whole = response(task, locale, NOW)
    return encode(Result(task_id=task.id, seq=seq, response=whole))


@settings(max_examples=300)
@given(named_tasks(), LANGUAGES, st.floats(60, 1e6), st.booleans(), st.booleans())
def test_a_response_is_its_struct(
    task: Task, locale: str, now: float, result: bool, request: bool
) -> None:
    """However a task stands, and whatever is asked for, the bytes are the struct's."""
    made = response_json(task, locale, now, result=result, request=request)

    assert made == encode(response(task, locale, now, result=result, request=request))


@given(named_tasks(), LANGUAGES, IDS)
def test_a_fresh_task_is_opened_as_its_struct(
    task: Task, locale: str, id: Id | UnsetType
) -> None:
    """The template gives the struct's bytes, or leaves it to the long way."""
    task.origin, task.created_at = "new", task.run.created_at

    made = fresh_json(task, field_of(id), locale)

    run = task.run
    fresh = run.started_at == run.log.head == task.end == 0 and task.trace is None
    assert (made is not None) == fresh
    if made is not None:
        assert made == opened_bytes(task, "new", 0, id, locale)


def test_a_task_that_nobody_serves_is_opened_in_its_own_words() -> None:
    """The template says what most tasks are; this one waits for a worker."""
    run = a_run()
    task = a_task(run)
    assert fresh_json(task, b"", "en") is not None

    run.unserved = True

    assert fresh_json(task, b"", "en") is None


@given(named_tasks(), LANGUAGES, IDS, st.integers(0, 2**53), st.integers(0, 9))
def test_opened_is_its_struct(
    task: Task, locale: str, id: Id | UnsetType, start: int, floor: int
) -> None:
    """The first frame of every watch is the struct's, with an id and without."""
    task.run.log.floor = floor
    answer = response_json(task, locale, NOW, result=False)

    made = opened_json(task, "watch", start, field_of(id), answer)

    assert made == opened_bytes(task, "watch", start, id, locale)


@given(named_tasks(), LANGUAGES, st.integers(1, 2**53))
def test_a_result_is_its_struct(task: Task, locale: str, seq: int) -> None:
    """The last frame of every watch is the struct's."""
    made = result_json(task, seq, response_json(task, locale, NOW))

    assert made == result_bytes(task, seq, locale)


@given(cached_tasks(), LANGUAGES, IDS, st.sampled_from([None, "00-ab-cd-01"]))
def test_a_cached_answer_is_its_structs(
    answered: tuple[Task, Task], locale: str, id: Id | UnsetType, trace: str | None
) -> None:
    """What was kept from one ticket, whatever its trace, is right for all others."""
    first, second = answered
    first.trace = trace
    answer = CachedAnswer(first.run, locale, first)
    first.trace = None

    for task in (second, first):
        opened, result = answer.fill(field_of(id), task)

        assert opened == opened_bytes(task, "cached", 0, id, locale)
        assert result == result_bytes(task, task.end, locale)


def test_a_cached_answer_is_its_struct_whatever_the_wall_clock_does() -> None:
    """Where it was set back behind the run's end, all ways to say it agree."""
    run = a_run()
    ended_at = run.created_at + 60
    run.outcome = msgspec.structs.replace(COMPLETED, ended_at=ended_at)
    run.started_at = run.cached_at = run.created_at
    task = a_task(run, "5ec0", "cached")
    task.end = 1

    opened, result = CachedAnswer(run, "en", task).fill(b"", task)

    assert opened == opened_bytes(task, "cached", 0, UNSET, "en")
    assert result == result_bytes(task, 1, "en")


@pytest.mark.parametrize("locale", LOCALES)
def test_many_commands_cost_bounded_memory(locale: str) -> None:
    """The kept pieces are dropped before they are too many, and made again."""
    for number in range(rendering._MOST_PIECES + 9):
        task = a_task(a_run(command=f"c{number}"))
        made = fresh_json(task, b"", locale)
        assert made == opened_bytes(task, "new", 0, UNSET, locale)

    assert len(rendering._pieces) <= rendering._MOST_PIECES


def test_an_answer_without_a_result_is_null() -> None:
    """A cached run whose command returned nothing answers null."""
    run = a_run()
    run.log.head = run.log.write([text_piece("a")])
    run.outcome = msgspec.structs.replace(COMPLETED, result=b"null")
    task = a_task(run, "5ec0", "cached")
    task.end = 2

    _, result = CachedAnswer(run, "en", task).fill(b"", task)

    assert json.loads(result)["response"]["result"] is None
