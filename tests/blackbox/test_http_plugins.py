"""Plugins, direct calls, the cache and the hub's health over HTTP."""

import httpx
import pytest

from tests.blackbox import shapes
from tests.blackbox.client import Client
from tests.blackbox.test_http_tasks import problem
from tests.blackbox.wire import Frame


def _call(
    http: httpx.Client, plugin: str, command: str, params: object
) -> httpx.Response:
    return http.post(f"/api/v1/plugins/{plugin}/{command}", json=params)


def _find(value: object, name: str) -> Frame:
    """Find the object with this name, wherever the answer keeps it."""
    if isinstance(value, dict):
        if value.get("name") == name:
            return value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            found = _find(item, name)
            if found:
                return found
    return {}


def test_a_direct_call_waits_for_the_answer(http: httpx.Client) -> None:
    """200 and a PluginExecuteResponse, all six fields."""
    answer = _call(http, "basic", "add", {"a": 2, "b": 3})
    assert answer.status_code == 200
    body = answer.json()
    shapes.fields(body, shapes.EXECUTED)
    assert (body["plugin_name"], body["command"]) == ("basic", "add")
    assert (body["success"], body["result"], body["error"]) == (True, {"sum": 5}, None)


def test_a_failed_command_is_still_an_answer(http: httpx.Client) -> None:
    """200, success false, the error in words."""
    body = _call(http, "basic", "boom", {}).json()
    shapes.fields(body, shapes.EXECUTED)
    assert (body["success"], body["result"]) == (False, None)
    assert body["error"] == "ValueError: broken on purpose"
    body = _call(http, "old", "fails", {}).json()
    assert (body["success"], body["error"]) == (False, "no such city")


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("nobody/noop", {}, "unknown_command"),
        ("basic/nothing", {}, "unknown_command"),
        ("basic/add", {}, "invalid_params"),
        ("basic/add", {"a": 1, "zz": 2}, "invalid_params"),
    ],
)
def test_a_refused_call_is_a_problem(
    http: httpx.Client, path: str, params: Frame, code: str
) -> None:
    """What never ran is an HTTP error."""
    status = {"unknown_command": 404, "invalid_params": 422}[code]
    problem(http.post(f"/api/v1/plugins/{path}", json=params), status, code)


def test_the_list_of_plugins(http: httpx.Client) -> None:
    """Each plugin with version, health, statistics and its commands' schemas."""
    answer = http.get("/api/v1/plugins")
    assert answer.status_code == 200
    for name in ("basic", "stream", "gate", "cachy", "old", "old_async", "demanding"):
        assert _find(answer.json(), name), name
    basic = _find(answer.json(), "basic")
    assert basic["version"] == "1.2"
    assert basic["description"] == "Small things."
    assert basic["healthy"] is True


def test_one_plugin_and_its_schemas(http: httpx.Client) -> None:
    """The schema says what a form needs: types, bounds, enum, required, in order."""
    answer = http.get("/api/v1/plugins/basic")
    assert answer.status_code == 200
    command = _find(answer.json()["commands"], "strict")
    assert command["description"].startswith("Take bounded")
    schema = command["schema"]
    assert schema["type"] == "object"
    assert list(schema["properties"]) == ["n", "unit", "point"]
    assert schema["required"] == ["n"]
    count, unit = schema["properties"]["n"], schema["properties"]["unit"]
    assert count["type"] == "integer"
    assert (count["minimum"], count["maximum"]) == (1, 10)
    assert count["description"] == "How many."
    assert unit["enum"] == ["°C", "°F"]
    assert unit["type"] == "string"
    assert unit["default"] == "°C"


def test_refused_commands_are_listed_with_their_reason(http: httpx.Client) -> None:
    """What a command declared and the hub cannot do is said by name."""
    commands = http.get("/api/v1/plugins/demanding").json()["commands"]
    assert not _find(commands, "plain").get("refused")
    for name, word in (
        ("again", "retries"),
        ("again_on", "retry_on"),
        ("endless", "keep"),
    ):
        assert word in _find(commands, name)["refused"], name


def test_limits_and_pools_are_listed(http: httpx.Client) -> None:
    """How many runs a command may have at once, and which workers take them."""
    commands = http.get("/api/v1/plugins/demanding").json()["commands"]
    found = {name: _find(commands, name) for name in ("plain", "lonely", "elsewhere")}

    assert {n: (c["concurrency"], c["pool"]) for n, c in found.items()} == {
        "plain": (None, "default"),
        "lonely": (1, "default"),
        "elsewhere": (None, "gpu"),
    }


def test_statistics_count_the_calls(http: httpx.Client) -> None:
    """Calls, successes and failures are kept for classic and typed plugins."""
    for plugin, good, bad in (("old", "chat", "fails"), ("basic", "noop", "boom")):
        before = _statistics(http, plugin)
        _call(http, plugin, good, {})
        _call(http, plugin, bad, {})
        after = _statistics(http, plugin)
        grown = {key: after[key] - before[key] for key in before if key != "total_ms"}
        assert grown == {"calls": 2, "successes": 1, "failures": 1}, plugin


def _statistics(http: httpx.Client, plugin: str) -> dict[str, float]:
    statistics: dict[str, float] = http.get(f"/api/v1/plugins/{plugin}").json()[
        "statistics"
    ]
    return {k: statistics[k] for k in ("calls", "successes", "failures", "total_ms")}


def test_an_unknown_plugin_is_not_found(http: httpx.Client) -> None:
    """404, whatever the name looks like."""
    for name in ("nobody", "..%2fbasic", "__init__"):
        assert http.get(f"/api/v1/plugins/{name}").status_code == 404


def test_the_cache_can_be_looked_at_and_cleared(
    http: httpx.Client, client: Client, name: str
) -> None:
    """Entries are shown by their readable key, and go by plugin and command."""
    client.run("cachy", "count", {"name": name, "unit": "°F"})
    client.run("cachy", "greet", {"name": name})
    shown = http.get("/api/v1/cache").text
    assert f'cachy.count:{{\\"name\\":\\"{name}\\"' in shown
    assert "cachy.greet:" in shown
    one = http.get("/api/v1/cache", params={"plugin": "cachy", "command": "greet"})
    assert "cachy.count:" not in one.text
    assert name in one.text
    gone = http.delete("/api/v1/cache", params={"plugin": "cachy", "command": "count"})
    assert gone.status_code in (200, 204)
    assert client.run("cachy", "greet", {"name": name}).origin == "cached"
    assert client.run("cachy", "count", {"name": name, "unit": "°F"}).origin == "new"
    assert http.delete("/api/v1/cache").status_code in (200, 204)
    assert client.run("cachy", "greet", {"name": name}).origin == "new"


def test_a_cleared_answer_can_still_be_read(
    http: httpx.Client, client: Client, name: str
) -> None:
    """Clearing forgets the entry, not the tasks that had it."""
    client.run("cachy", "count", {"name": name})
    hit = client.run("cachy", "count", {"name": name})
    http.delete("/api/v1/cache", params={"plugin": "cachy"})
    client.watch(hit.task_id, 0)
    assert len(client.finish(hit).chunks) == 3


def test_health(http: httpx.Client) -> None:
    """A probe needs one short answer."""
    assert http.get("/healthz").status_code == 200
