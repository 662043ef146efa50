"""What a hub's answers have to hold: this hub's do, and another's are told apart."""

import json
from typing import Any

import pytest

from hub.client.errors import NotAHubError, UnsupportedVersionError
from hub.client.http import check
from hub.client.shapes import (
    CacheAnswer,
    ClearedAnswer,
    PluginAnswer,
    PluginsAnswer,
    Shape,
    TaskAnswer,
)
from tests.client.conftest import Brisk
from tests.client.scripted import plain, response
from tests.served import Served

# Any: answers are JSON.


async def test_what_this_hub_says_fits(house: Served) -> None:
    """Each answer over HTTP; a field that a newer hub adds does no harm."""
    async with Brisk(house.http) as hub:
        task = await hub.execute("demo.echo", value=1)
        await task
        fetch = hub._link.fetch
        answers: list[tuple[type[Shape], Any]] = [
            (PluginsAnswer, await fetch("api/v1/plugins")),
            (PluginAnswer, await fetch("api/v1/plugins/demo")),
            (TaskAnswer, await fetch(f"api/v1/tasks/{task.id}")),
            (CacheAnswer, await fetch("api/v1/cache")),
            (ClearedAnswer, await fetch("api/v1/cache", "DELETE")),
        ]

    for kind, answer in answers:
        check({**answer, "new": 1}, kind, "here")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([], NotAHubError),
        ({}, NotAHubError),
        ({"cleared": "many"}, UnsupportedVersionError),
    ],
)
def test_what_does_not_fit_is_said(answer: object, error: type[Exception]) -> None:
    """Another server is no hub, and a hub of another version is one."""
    with pytest.raises(error) as caught:
        check(answer, ClearedAnswer, "here")

    assert type(caught.value) is error


async def test_a_task_that_is_told_otherwise_is_said() -> None:
    """An error of the client's own tree, not of the decoder."""
    task = {**response("t", "completed"), "created_at": 5}
    body = json.dumps(task)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
    async with (
        plain((head + body).encode()) as port,
        Brisk(f"http://127.0.0.1:{port}") as hub,
    ):
        with pytest.raises(UnsupportedVersionError, match="created_at"):
            await hub.get("t")
