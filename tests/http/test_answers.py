"""Tasks as answers: with their result, or with where it is."""

import pytest

from tests.http.client import Client
from tests.http.conftest import Serve

SMALL = {
    "limits__frame_bytes": 10_000,
    "limits__message_bytes": 5_000,
    "limits__chunk_bytes": 5_000,
}


@pytest.mark.parametrize(
    ("size", "fetched"), [(100, False), (9_998, False), (9_999, True)]
)
async def test_a_result_over_the_limit_is_elsewhere(
    serve: Serve, size: int, fetched: bool
) -> None:
    """Null, and `result_url`, relative to the root of the hub; never both or none."""
    async with serve(**SMALL) as client:
        task_id = await client.done("large", size=size)
        task = (await client.get(f"/api/v1/tasks/{task_id}")).json()

        assert (task["result"] is None) is fetched
        assert ("result_url" in task) is fetched


async def test_a_direct_call_gives_the_result_whatever_its_size(serve: Serve) -> None:
    """It has no other place to be fetched from."""
    async with serve(**SMALL) as client:
        response = await client.post("/api/v1/plugins/lab/large", {"size": 50_000})

        assert response.json()["result"] == "x" * 50_000


async def test_only_what_is_elsewhere_has_a_location(client: Client) -> None:
    """202 says where the task is, 200 brings it."""
    started = await client.start("add", params={"a": 1})
    waited = await client.start("add", params={"a": 1}, headers={"prefer": "wait=30"})

    assert started.headers["location"].startswith("/api/v1/tasks/")
    assert "location" not in waited.headers


async def test_times_and_figures_are_plain(client: Client) -> None:
    """RFC 3339 in UTC, milliseconds as numbers, nothing that is not said."""
    task_id = await client.done("add", a=1)
    task = (await client.get(f"/api/v1/tasks/{task_id}")).json()
    metadata = task["metadata"]

    assert task["created_at"] <= task["updated_at"]
    assert task["created_at"].endswith("Z")
    assert (metadata["plugin"], metadata["command"]) == ("lab", "add")
    assert (metadata["origin"], metadata["attempt"], metadata["chunks"]) == (
        "new",
        1,
        0,
    )
    assert metadata["queued_ms"] >= 0
    assert metadata["execution_time_ms"] >= 0
    for absent in ("failure", "cached_at", "trace", "principal"):
        assert absent not in metadata
