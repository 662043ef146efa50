"""Tasks over HTTP: the same objects, the same codes, without a socket kept open."""

import httpx
import pytest

from tests.blackbox import shapes
from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import Frame

TASKS = "/api/v1/tasks"


def _task(plugin: str, command: str, **more: object) -> Frame:
    return {"plugin": plugin, "command": command, **more}


def problem(answer: httpx.Response, status: int, code: str) -> Frame:
    """Check a refusal: RFC 9457, with the fields of the protocol."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: Frame = answer.json()
    assert body["code"] == code, body
    retry, ran = shapes.ERRORS[code]
    assert retry is None or body["retry"] is retry, body
    assert ran is None or body["ran"] == ran, body
    assert body.get("status", status) == status
    assert isinstance(body.get("title", ""), str)
    if body["retry"]:
        assert "retry-after" in answer.headers
    return body


def _wait(http: httpx.Client, task_id: str) -> Frame:
    """Read a task until it has ended."""
    for _ in range(3000):
        body: Frame = http.get(f"{TASKS}/{task_id}").json()
        if body["status"] in shapes.ENDED:
            return body
    raise AssertionError("it does not end")


def test_post_accepts_and_says_where(http: httpx.Client) -> None:
    """202, the TaskResponse, and a Location that can be read."""
    answer = http.post(TASKS, json=_task("basic", "add", params={"a": 1}))
    assert answer.status_code == 202
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    shapes.response(body)
    where = answer.headers["location"]
    assert where.endswith(f"/api/v1/tasks/{body['task_id']}")
    read = _wait(http, body["task_id"])
    shapes.response(read)
    assert read["result"] == {"sum": 1}
    assert httpx.URL(http.base_url).join(where).path.endswith(body["task_id"])
    assert http.get(where).json() == read


def test_get_tells_what_was_asked_for(http: httpx.Client) -> None:
    """`metadata.request` is there for who may read the result."""
    body = http.post(
        TASKS,
        json=_task("basic", "add", params={"a": 1}, deadline_ms=50_000, cache="off"),
        headers={"Prefer": "wait=10"},
    ).json()
    request = http.get(f"{TASKS}/{body['task_id']}").json()["metadata"]["request"]
    assert request["params"]["a"] == 1
    assert request["priority"] == "normal"
    assert request["deadline_ms"] == 50_000
    assert request["cache"] == "off"


def test_prefer_wait_answers_with_the_end(http: httpx.Client) -> None:
    """200 and the final TaskResponse, however it ended: a failure is no HTTP error."""
    for command, status in (("noop", "completed"), ("boom", "failed")):
        answer = http.post(
            TASKS, json=_task("basic", command), headers={"Prefer": "wait=10"}
        )
        assert answer.status_code == 200
        shapes.response(answer.json())
        assert answer.json()["status"] == status


def test_prefer_wait_gives_up_in_time(http: httpx.Client, name: str) -> None:
    """Not ended in N seconds: 202 as if one had not waited; the task goes on."""
    answer = http.post(
        TASKS,
        json=_task("gate", "hold", params={"name": name}),
        headers={"Prefer": "wait=1"},
    )
    assert answer.status_code == 202
    assert answer.json()["status"] == "running"
    task_id = answer.json()["task_id"]
    http.post("/api/v1/plugins/gate/step", json={"name": name})
    assert _wait(http, task_id)["result"] == name


def test_idempotency_key_is_the_key(
    http: httpx.Client, client: Client, name: str
) -> None:
    """The header finds the same task, also the one started over WebSocket."""
    headers = {"Idempotency-Key": name, "Prefer": "wait=10"}
    body = _task("cachy", "uncached", params={"name": name})
    first = http.post(TASKS, json=body, headers=headers).json()
    again = http.post(TASKS, json={**body, "key": name}, headers=headers).json()
    assert first["task_id"] == again["task_id"]
    assert first["result"] == again["result"] == 1
    there = client.run("cachy", "uncached", {"name": name}, key=name)
    assert (there.origin, there.task_id) == ("existing", first["task_id"])


def test_two_different_keys_are_refused(http: httpx.Client, name: str) -> None:
    """The header's and the body's must not differ: 422."""
    answer = http.post(
        TASKS,
        json=_task("basic", "noop", key=name),
        headers={"Idempotency-Key": f"{name}-2"},
    )
    problem(answer, 422, "invalid_params")


def test_a_key_for_another_request_is_a_conflict(http: httpx.Client, name: str) -> None:
    """409, as on the socket."""
    http.post(TASKS, json=_task("basic", "add", params={"a": 1}, key=name))
    answer = http.post(TASKS, json=_task("basic", "add", params={"a": 2}, key=name))
    problem(answer, 409, "key_conflict")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (_task("nobody", "noop"), 404, "unknown_command", ""),
        (_task("basic", "nothing"), 404, "unknown_command", ""),
        (_task("basic", "add"), 422, "invalid_params", "a"),
        (_task("basic", "add", params={"a": "1"}), 422, "invalid_params", "a"),
        (_task("basic", "noop", params={"zz": 1}), 422, "invalid_params", "zz"),
        (_task("basic", "noop", priority="urgent"), 422, "invalid_params", "priority"),
        (_task("basic", "noop", linger_ms=0), 422, "invalid_params", "linger_ms"),
        ({"plugin": "basic"}, 400, "bad_frame", ""),
        (_task("basic", "noop", params=[]), 400, "bad_frame", ""),
        ([], 400, "bad_frame", ""),
        ("execute", 400, "bad_frame", ""),
    ],
)
def test_bad_requests_are_problems(
    http: httpx.Client, body: object, status: int, code: str, field: str
) -> None:
    """The socket's codes with their HTTP status, the field named."""
    told = problem(http.post(TASKS, json=body), status, code)
    assert field in str(told)


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"plugin":"basic"'])
def test_undecodable_bodies_are_problems(http: httpx.Client, body: bytes) -> None:
    """No JSON, no task: 400."""
    headers = {"Content-Type": "application/json"}
    problem(http.post(TASKS, content=body, headers=headers), 400, "bad_frame")


def test_a_body_over_the_limit_is_a_problem(http: httpx.Client) -> None:
    """413, not a stall."""
    body = _task("basic", "echo", params={"value": "x" * 2_000_000})
    problem(http.post(TASKS, json=body), 413, "frame_too_large")


def test_an_unknown_task_is_not_found(http: httpx.Client) -> None:
    """404, and the answer does not repeat the id."""
    for task_id in ("nobody", "0" * 22):
        for answer in (
            http.get(f"{TASKS}/{task_id}"),
            http.get(f"{TASKS}/{task_id}/result"),
            http.delete(f"{TASKS}/{task_id}"),
        ):
            problem(answer, 404, "not_found")
            assert task_id not in answer.text


def test_delete_cancels(http: httpx.Client, client: Client, name: str) -> None:
    """202: the wish is taken, the end follows."""
    reader = client.start("gate", "hold", {"name": name})
    client.chunks(reader, 1)
    assert http.delete(f"{TASKS}/{reader.task_id}").status_code == 202
    assert client.finish(reader).response["status"] == "cancelled"
    read = http.get(f"{TASKS}/{reader.task_id}").json()
    assert read["status"] == "cancelled"
    assert read["metadata"]["failure"]["code"] == "cancelled"
    # An ended task: nothing happens.
    assert http.delete(f"{TASKS}/{reader.task_id}").status_code == 202
    assert http.get(f"{TASKS}/{reader.task_id}").json() == read


def test_both_doors_tell_the_same(http: httpx.Client, client: Client) -> None:
    """GET and the socket's `result` show one TaskResponse."""
    reader = client.run("basic", "strict", {"n": 2})
    read = http.get(f"{TASKS}/{reader.task_id}").json()
    read["metadata"].pop("request")
    assert read == reader.response


def test_the_result_alone_is_an_attachment(http: httpx.Client, client: Client) -> None:
    """`/result`: the bare value, never shown as a page."""
    reader = client.run("basic", "add", {"a": 40, "b": 2})
    answer = http.get(f"{TASKS}/{reader.task_id}/result")
    assert answer.status_code == 200
    assert answer.json() == {"sum": 42}
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_result_of_what_has_none_is_a_problem(
    http: httpx.Client, client: Client, name: str
) -> None:
    """While it runs, or when it failed, there is nothing to download."""
    running = client.start("gate", "hold", {"name": name})
    failed = client.run("basic", "boom")
    for reader in (running, failed):
        answer = http.get(f"{TASKS}/{reader.task_id}/result")
        assert 400 <= answer.status_code < 500, answer.text
        assert "code" in answer.json()
    client.run("gate", "step", {"name": name})
    client.finish(running)


def test_texts_follow_accept_language(http: httpx.Client) -> None:
    """On HTTP the language is asked for the web's way."""
    for header, message in (
        ("zh-CN,zh;q=0.9,en;q=0.5", "任务执行成功"),
        ("en;q=0.3, zh;q=0.8", "任务执行成功"),
        ("en-US,en", "Task completed"),
        ("tlh", "Task completed"),
    ):
        answer = http.post(
            TASKS,
            json=_task("basic", "noop"),
            headers={"Prefer": "wait=10", "Accept-Language": header},
        )
        assert answer.json()["message"] == message, header


def test_a_foreign_page_cannot_start_work(hub: HubProcess) -> None:
    """A form on another site can post text; its Origin gives it away: 403."""
    with hub.http(Origin="https://evil.example") as http:
        for path in (TASKS, "/api/v1/execute/stream", "/api/v1/plugins/basic/noop"):
            answer = http.post(
                path,
                content=b'{"plugin":"basic","command":"noop"}',
                headers={"Content-Type": "text/plain"},
            )
            assert answer.status_code == 403, path
        assert http.delete("/api/v1/cache").status_code == 403


def test_other_methods_are_refused(http: httpx.Client) -> None:
    """Routes take the methods that they are for."""
    answer = http.put(TASKS, json={})
    assert answer.status_code == 405
    assert answer.json().get("status", 405) == 405
    assert http.post("/healthz").status_code == 405
    assert http.get("/api/v1/nothing").status_code == 404
