"""Errors over HTTP: RFC 9457, with the hub's code and verdict."""

import msgspec
import pytest

from hub.errors import (
    CODES,
    HubError,
    InternalError,
    InvalidParamsError,
    QueueFullError,
    RequestError,
)
from hub.http.problems import MEDIA_TYPE, on_error, problem
from tests.http.client import Client

REFUSALS = [
    kind
    for kind in CODES.values()
    if issubclass(kind, RequestError | InternalError)
    and kind.__module__ == "hub.errors"
]


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.code)
def test_every_refusal_is_a_problem(kind: type[HubError]) -> None:
    """With the status, code and verdict of the protocol's table."""
    response = problem(kind(), "en")
    body = msgspec.json.decode(response.body)

    assert response.media_type == MEDIA_TYPE
    assert response.status_code == body["status"] == kind.status
    assert (body["code"], body["retry"], body["ran"]) == (
        kind.code,
        kind.retry,
        kind.ran,
    )
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]


def test_what_an_error_knows_stands_beside_it() -> None:
    """But never in the place of the standard's own members."""
    detail: dict[str, object] = {"field": "city", "status": 200, "code": "mine"}
    body = msgspec.json.decode(problem(InvalidParamsError(detail=detail), "en").body)

    assert body["field"] == "city"
    assert (body["status"], body["code"]) == (422, "invalid_params")


@pytest.mark.parametrize(("ms", "seconds"), [(1, "1"), (1_000, "1"), (1_001, "2")])
def test_when_to_come_back_is_said_twice(ms: int, seconds: str) -> None:
    """In milliseconds, and rounded up for the header."""
    response = problem(QueueFullError(retry_after_ms=ms), "en")

    assert response.headers["retry-after"] == seconds
    assert msgspec.json.decode(response.body)["retry_after_ms"] == ms


def test_texts_are_in_the_callers_language() -> None:
    """Those that were made for the occasion in English only for who reads English."""
    error = InvalidParamsError("city: too short", detail={"field": "city"})

    english = msgspec.json.decode(problem(error, "en").body)["detail"]
    chinese = msgspec.json.decode(problem(error, "zh-CN").body)["detail"]
    assert (english, chinese) == ("city: too short", "参数 city 无效")


async def test_only_the_hubs_own_errors_are_problems(client: Client) -> None:
    """Any other is a fault, and is raised on to the server."""
    with pytest.raises(KeyError):
        await on_error(None, KeyError("x"))  # type: ignore[arg-type]  # never looked at


@pytest.mark.parametrize(
    ("wanted", "chinese"),
    [("zh-CN", True), ("de, zh;q=0.8", True), ("en, zh;q=0.8", False), ("xx", False)],
)
async def test_the_language_is_asked_for_in_a_header(
    client: Client, wanted: str, chinese: bool
) -> None:
    """`Accept-Language`; the hub's own where it names none of the hub's."""
    found = await client.get("/api/v1/tasks/none", accept_language=wanted)

    assert (found.json()["detail"] == "任务不存在或已过期") is chinese
