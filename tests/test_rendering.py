"""Rendering: what is filled into templates is what the structs say, byte by byte."""

import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import rendering
from hub.protocol.frames import OpenedFrame
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
from tests.samples import COMPLETED, a_run, a_task, tasks, text_piece

LOCALES = st.sampled_from(["en", "zh-CN"])


@settings(max_examples=300)
@given(tasks(), LOCALES, st.floats(60, 1e6), st.booleans(), st.booleans())
def test_a_response_is_what_its_struct_says(
    task: Task, locale: str, now: float, result: bool, request: bool
) -> None:
    """Whatever state a task is in, the quick way and the plain one agree."""
    plain = response(task, locale, now, result=result, request=request)

    quick = response_json(task, locale, now, result=result, request=request)

    assert quick == msgspec.json.encode(plain)


@given(tasks(), LOCALES, st.sampled_from([b"", b'"id":7,', b'"id":"\\u0001",']))
def test_opened_of_a_new_task_is_what_its_struct_says(
    task: Task, locale: str, id: bytes
) -> None:
    """The template of a task that was just accepted fits, or is not used."""
    task.origin, task.created_at = "new", task.run.created_at

    quick = fresh_json(task, id, locale)

    new = task.run.started_at == 0 and task.head == 0 and task.trace is None
    assert (quick is not None) == new
    if quick is not None:
        answer = msgspec.json.encode(response(task, locale, NOW, result=False))
        assert quick == opened_json(task, "new", 0, id, answer)


@given(tasks(), st.integers(0, 9), LOCALES)
def test_frames_around_a_response_are_what_their_structs_say(
    task: Task, start: int, locale: str
) -> None:
    """`opened` and `result` have their fields in the protocol's order."""
    answer = response_json(task, locale, NOW, result=False)
    opened = msgspec.json.decode(
        opened_json(task, task.origin, start, b'"id":"a",', answer), type=OpenedFrame
    )

    assert opened == OpenedFrame(
        id="a",
        task_id=task.id,
        origin=task.origin,
        after=start,
        attempt=task.attempt,
        head=task.head,
        floor=0,
        response=msgspec.json.decode(answer, type=type(opened.response)),
    )
    result = json.loads(result_json(task, 5, answer))
    assert list(result) == ["type", "task_id", "seq", "response"]
    assert (result["type"], result["seq"]) == ("result", 5)


@given(st.data(), LOCALES, st.floats(0, 1e5))
def test_all_answers_from_the_cache_are_what_their_structs_say(
    data: st.DataObject, locale: str, later: float
) -> None:
    """What answers share is made once, and ids and times are each caller's own."""
    first = data.draw(
        tasks().filter(
            lambda task: (
                task.run.outcome is not None
                and task.run.outcome.status is TaskStatus.COMPLETED
            )
        )
    )
    first.origin = "cached"
    run = first.run
    assert run.outcome
    second = a_task(run, "5ec0", "cached")
    first.end = second.end = run.log.head + 1
    first.created_at = run.outcome.ended_at + later
    second.created_at = first.created_at + 7
    second.trace = None

    answer = CachedAnswer(run, locale, first)
    opened, result = answer.fill(b'"id":1,', second)

    bare = msgspec.json.encode(response(second, locale, NOW, result=False))
    assert opened == opened_json(second, "cached", 0, b'"id":1,', bare)
    whole = msgspec.json.encode(response(second, locale, NOW))
    assert result == result_json(second, second.end, whole)


def test_many_commands_cost_bounded_memory() -> None:
    """Pieces that are kept do not grow without end."""
    for number in range(5000):
        task = a_task(a_run(command=f"command {number}"))
        assert fresh_json(task, b"", "en") is not None

    assert len(rendering._pieces) <= 4096


def test_an_answer_without_a_result_is_null() -> None:
    """A cached run whose command returned nothing answers null."""
    run = a_run()
    run.log.head = run.log.write([text_piece("a")])
    run.outcome = msgspec.structs.replace(COMPLETED, result=b"null")
    task = a_task(run, "5ec0", "cached")
    task.end = 2

    _, result = CachedAnswer(run, "en", task).fill(b"", task)

    assert json.loads(result)["response"]["result"] is None
