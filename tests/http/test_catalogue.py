"""Plugins, the cache and the sign of life."""

from pathlib import Path
from typing import Any

import pytest

from tests.http.client import Client
from tests.http.conftest import Serve

CACHE = "/api/v1/cache"


async def test_plugins_are_listed(client: Client) -> None:
    """With version, health, statistics, and their commands' schemas."""
    await client.done("add", a=1)
    await client.done("fail")
    body = (await client.get("/api/v1/plugins")).json()
    lab = body["plugins"][0]
    statistics = lab["statistics"]

    assert body["refused"] == []
    assert (lab["name"], lab["version"], lab["healthy"]) == ("lab", "1.5", True)
    assert (statistics["calls"], statistics["failures"]) == (2, 1)
    commands = {each["name"]: each for each in lab["commands"]}
    assert list(commands["add"]["schema"]["properties"]) == ["a", "b"]
    assert commands["add"]["schema"]["required"] == ["a"]
    assert commands["cached"]["ttl"] == 60


async def test_refused_plugins_are_listed(serve: Serve, tmp_path: Path) -> None:
    """With file, line and reason, for their author to see."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "broken.py").write_text("\nimport nothing_like_it\n", "utf-8")
    async with serve(plugins__paths=(str(folder),)) as client:
        body = (await client.get("/api/v1/plugins")).json()

    assert body["plugins"] == []
    refusal = body["refused"][0]
    assert (refusal["name"], refusal["line"]) == ("broken", 2)
    assert refusal["file"].endswith("broken.py")
    assert "nothing_like_it" in refusal["reason"]


async def test_one_plugin_is_shown(client: Client) -> None:
    """The same as in the list; an unknown one is 404."""
    listed = (await client.get("/api/v1/plugins")).json()["plugins"][0]
    shown = await client.get("/api/v1/plugins/lab")
    unknown = await client.get("/api/v1/plugins/none")

    assert shown.json() == listed
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_command")


async def keys(client: Client, query: str = "") -> list[Any]:
    """Return the readable keys of what is cached."""
    entries = (await client.get(f"{CACHE}{query}")).json()["entries"]
    return [each["key"] for each in entries]


async def test_the_cache_is_shown(client: Client) -> None:
    """Each entry with its readable key, size and times; and the counters."""
    await client.done("cached", unit="K")
    await client.done("cached", unit="C")
    await client.done("cached", unit="K")
    body = (await client.get(CACHE)).json()
    first = body["entries"][0]
    statistics = body["statistics"]

    assert sorted(await keys(client)) == [
        'lab.cached:{"unit":"C"}:C',
        'lab.cached:{"unit":"K"}:K',
    ]
    assert (first["plugin"], first["command"]) == ("lab", "cached")
    assert first["bytes"] > 0
    assert first["cached_at"] < first["expires_at"]
    assert (statistics["entries"], statistics["hits"]) == (2, 1)


@pytest.mark.parametrize(
    ("query", "cleared"),
    [
        ("", 2),
        ("?plugin=lab", 2),
        ("?plugin=lab&command=cached", 2),
        ("?plugin=lab&command=add", 0),
        ("?plugin=other", 0),
        ("?command=cached", 2),
    ],
)
async def test_the_cache_is_cleared(client: Client, query: str, cleared: int) -> None:
    """All of it, a plugin's or a command's part; the answer says how much."""
    for unit in "KC":
        await client.done("cached", unit=unit)
    response = await client.delete(f"{CACHE}{query}")

    assert (response.status_code, response.json()) == (200, {"cleared": cleared})
    assert len(await keys(client)) == 2 - cleared
    again = await client.start("cached", params={"unit": "K"})
    origin = again.json()["metadata"]["origin"]
    assert origin == ("new" if cleared else "cached")


async def test_a_part_of_the_cache_is_shown(client: Client) -> None:
    """A plugin's or a command's."""
    await client.done("cached", unit="K")

    assert len(await keys(client, "?plugin=lab&command=cached")) == 1
    assert await keys(client, "?plugin=other") == []


async def test_the_hub_gives_a_sign_of_life(client: Client) -> None:
    """200, for whoever watches the process."""
    response = await client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
