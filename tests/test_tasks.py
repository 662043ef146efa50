"""Tasks as their callers see them: states, moves and the shape of the answer."""

import json
from itertools import pairwise, product
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.tasks import (
    MOVES,
    NULL,
    Failure,
    PluginExecuteResponse,
    RequestInfo,
    TaskStatus,
)
from tests.samples import a_response

ORDER: Final = [TaskStatus.CREATED, TaskStatus.RUNNING]
ENDS: Final = {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED}

ALWAYS: Final = [
    "task_id",
    "status",
    "progress",
    "result",
    "error",
    "created_at",
    "updated_at",
    "message",
    "metadata",
]
FACTS: Final = [
    "plugin",
    "command",
    "origin",
    "attempt",
    "queued_ms",
    "execution_time_ms",
    "chunks",
]


def test_the_statuses_are_the_protocols() -> None:
    """Clients meet five words and no other."""
    words = ["created", "running", "completed", "failed", "cancelled"]

    assert [status.value for status in TaskStatus] == words
    assert [status.text for status in TaskStatus] == words
    assert set(MOVES) == set(TaskStatus)


@given(st.data())
def test_a_task_never_goes_back(data: st.DataObject) -> None:
    """However a task moves, it ends, and it passes no state twice."""
    path = [TaskStatus.CREATED]
    while not path[-1].ended:
        path.append(
            data.draw(st.sampled_from(sorted(MOVES[path[-1]], key=lambda s: s.value)))
        )

    assert len(path) == len(set(path)) <= 3
    assert path[-1] in ENDS
    assert all(
        after not in ORDER[: ORDER.index(before)] for before, after in pairwise(path)
    )


@pytest.mark.parametrize(("end", "other"), list(product(ENDS, TaskStatus)))
def test_nothing_follows_an_end(end: TaskStatus, other: TaskStatus) -> None:
    """A task that ended stays as it is."""
    assert end.ended
    assert other not in MOVES[end]


@pytest.mark.parametrize("status", ORDER)
def test_any_end_can_follow_what_is_no_end(status: TaskStatus) -> None:
    """A task can complete, fail and be cancelled at any time before its end."""
    assert not status.ended
    assert MOVES[status] >= ENDS


def test_a_response_has_all_its_fields() -> None:
    """A field that is always there is null where there is nothing; others are away."""
    response = json.loads(msgspec.json.encode(a_response()))

    assert list(response) == ALWAYS
    assert response["result"] is None
    assert response["error"] is None
    assert list(response["metadata"]) == FACTS


def test_a_result_stands_in_the_response_as_it_was_encoded() -> None:
    """The result of a command is not encoded again: its bytes are the answer's."""
    response = msgspec.json.encode(a_response(msgspec.Raw(b'{"a":[1.0,"\\u00e9"]}')))

    assert b'"result":{"a":[1.0,"\\u00e9"]},' in response


@pytest.mark.parametrize("detail", [None, {"code": "mine"}])
def test_a_failure_says_its_verdict(detail: dict[str, object] | None) -> None:
    """Code, retry and ran are always said; detail only where there is some."""
    failure = Failure(code="plugin_error", retry=False, ran="yes", detail=detail)
    said = {"code": "plugin_error", "retry": False, "ran": "yes"}

    assert msgspec.to_builtins(failure) == said | ({"detail": detail} if detail else {})


def test_a_request_is_repeated_with_what_was_not_said() -> None:
    """`request` has all four fields, defaults included."""
    info = msgspec.json.decode(msgspec.json.encode(RequestInfo(params=NULL)))

    assert info == {
        "params": None,
        "priority": "normal",
        "deadline_ms": None,
        "cache": "use",
    }


def test_a_direct_answer_has_its_six_fields() -> None:
    """PluginExecuteResponse is what the protocol says it is."""
    answer = PluginExecuteResponse(
        plugin_name="demo",
        command="count",
        result=msgspec.Raw(b"[1]"),
        success=True,
        error=None,
        execution_time_ms=1.5,
    )

    assert json.loads(msgspec.json.encode(answer)) == {
        "plugin_name": "demo",
        "command": "count",
        "result": [1],
        "success": True,
        "error": None,
        "execution_time_ms": 1.5,
    }
