"""The routes of tasks: start, read, cancel, the result alone, and the direct call."""

import asyncio
from typing import Any

import pytest

from hub.http import asking
from tests.http.client import Client
from tests.http.conftest import Serve
from tests.stage import PATIENCE_S, soon

TASKS = "/api/v1/tasks"


async def test_a_task_is_started(client: Client) -> None:
    """202 with the task, and where it is."""
    response = await client.start("wait")
    task = response.json()

    assert response.status_code == 202
    assert response.headers["content-type"] == "application/json"
    assert response.headers["location"] == f"{TASKS}/{task['task_id']}"
    assert task["status"] in ("created", "running")
    assert (task["result"], task["error"]) == (None, None)
    assert "request" not in task["metadata"]


@pytest.mark.parametrize("prefer", ["wait=30", "respond-async, wait=30", "Wait = 30"])
async def test_a_caller_may_wait(client: Client, prefer: str) -> None:
    """200 with the final task, where the end comes in time."""
    response = await client.start("add", params={"a": 1}, headers={"prefer": prefer})

    assert response.status_code == 200
    assert (response.json()["status"], response.json()["result"]) == ("completed", 1)


async def test_a_failed_task_is_no_http_error(client: Client) -> None:
    """200 with the task; error for people, failure for programs."""
    response = await client.start("fail", headers={"prefer": "wait=30"})
    task = response.json()

    assert response.status_code == 200
    assert (task["status"], task["error"]) == ("failed", "No such city")
    assert task["metadata"]["failure"] == {
        "code": "plugin_error",
        "retry": True,
        "ran": "yes",
        "detail": {"code": "no_city"},
    }


@pytest.mark.parametrize("prefer", ["wait=0", "return=minimal", "wait=soon", ""])
async def test_who_does_not_wait_is_answered_at_once(
    client: Client, prefer: str
) -> None:
    """202: the end did not come in that time."""
    response = await client.start("wait", headers={"prefer": prefer})

    assert response.status_code == 202


async def test_a_key_in_the_header_names_one_task(client: Client) -> None:
    """Quoted as the standard has it, or bare, or in the body: the same key."""
    quoted = await client.start("wait", headers={"idempotency_key": '"k1"'})
    bare = await client.start("wait", headers={"idempotency_key": "k1"})
    body = await client.start("wait", key="k1", headers={"idempotency_key": "k1"})
    other = await client.start("wait", key="k2")
    ids = [each.json()["task_id"] for each in (quoted, bare, body, other)]

    assert ids[0] == ids[1] == ids[2] != ids[3]


async def test_a_key_belongs_to_its_request(client: Client) -> None:
    """Another request with it is 409; two keys in one request are 422."""
    await client.start("add", params={"a": 1}, key="k")
    conflict = await client.start("add", params={"a": 2}, key="k")
    two = await client.start("wait", key="a", headers={"idempotency_key": "b"})

    assert (conflict.status_code, conflict.json()["code"]) == (409, "key_conflict")
    assert (two.status_code, two.json()["field"]) == (422, "key")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_frame"),
        (b"{", 400, "bad_frame"),
        (b"[]", 400, "bad_frame"),
        (b"null", 400, "bad_frame"),
        (b'"text"', 400, "bad_frame"),
        (b"\xff\xfe", 400, "bad_frame"),
        (b"[" * 100_000, 400, "bad_frame"),
        (b'{"plugin":"lab"}', 400, "bad_frame"),
        (b'{"plugin":"lab","command":5}', 400, "bad_frame"),
        (b'{"plugin":"lab","command":"add","chunks":"no"}', 400, "bad_frame"),
        (b'{"plugin":"no","command":"add"}', 404, "unknown_command"),
        (b'{"plugin":"lab","command":"no"}', 404, "unknown_command"),
        (b'{"plugin":"lab","command":"add"}', 422, "invalid_params"),
        (b'{"plugin":"lab","command":"add","params":[]}', 400, "bad_frame"),
        (b'{"plugin":"lab","command":"add","params":null}', 400, "bad_frame"),
        (b'{"plugin":"lab","command":"wait","credit":1}', 422, "invalid_params"),
        (b'{"plugin":"lab","command":"wait","linger_ms":0}', 422, "invalid_params"),
        (b'{"plugin":"lab","command":"wait","priority":"now"}', 422, "invalid_params"),
        (b'{"plugin":"lab","command":"wait","key":""}', 422, "invalid_params"),
        (b'{"pad":"' + b"x" * 300_000 + b'"}', 413, "frame_too_large"),
    ],
)
async def test_a_bad_body_is_refused(
    client: Client, body: bytes, status: int, code: str
) -> None:
    """With the protocol's error as problem details; nothing runs."""
    response = await client.post(TASKS, body)

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert client.node.metrics.accepted == 0


@pytest.mark.parametrize(
    "params", [b'{"a":"\xff"}', b'{"a":123456789012345678901}', b'{"a":1e999}']
)
async def test_params_outside_of_the_value_domain_are_refused(
    client: Client, params: bytes
) -> None:
    """As params or as a body that is no JSON, and never as a fault of the hub."""
    body = b'{"plugin":"lab","command":"add","params":%b}' % params
    response = await client.post(TASKS, body)

    assert response.status_code in (400, 422)


async def test_type_and_id_in_a_body_mean_nothing(client: Client) -> None:
    """It is an execute frame without them; unknown fields are ignored."""
    body = {"type": "cancel", "id": [], "plugin": "lab", "command": "wait", "new": 1}

    assert (await client.post(TASKS, body)).status_code == 202


async def test_a_task_is_read(client: Client) -> None:
    """As it stands, with what was asked for."""
    task_id = await client.done("add", a=1, b=2)
    response = await client.get(f"{TASKS}/{task_id}")
    task = response.json()

    assert response.status_code == 200
    assert (task["status"], task["result"], task["progress"]) == ("completed", 3, 1.0)
    assert task["metadata"]["request"] == {
        "params": {"a": 1, "b": 2},
        "priority": "normal",
        "deadline_ms": None,
        "cache": "use",
    }


@pytest.mark.parametrize("path", ["", "/result"])
async def test_an_unknown_task_is_not_found(client: Client, path: str) -> None:
    """404, and the answer does not repeat the id."""
    response = await client.get(f"{TASKS}/no-such-task{path}")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert "no-such-task" not in response.text


async def test_a_task_is_cancelled(client: Client) -> None:
    """202 when the wish is durable; then it ends `cancelled`; again is no harm."""
    task_id = await client.task("wait")
    await asyncio.sleep(0)
    response = await client.delete(f"{TASKS}/{task_id}")
    assert (response.status_code, response.json()["task_id"]) == (202, task_id)
    again = await client.delete(f"{TASKS}/{task_id}")
    unknown = await client.delete(f"{TASKS}/none")

    assert again.status_code == 202
    node = client.node
    assert await asking.ended(node, await asking.find(node, task_id), PATIENCE_S)
    task = (await client.get(f"{TASKS}/{task_id}")).json()
    assert (task["status"], task["error"]) == ("cancelled", None)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_a_result_is_a_download(client: Client) -> None:
    """The JSON alone, as an attachment that no browser may guess a type of."""
    task_id = await client.done("large", size=200_000)
    response = await client.get(f"{TASKS}/{task_id}/result")

    assert response.json() == "x" * 200_000
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-length"] == str(len(response.content))
    disposition = response.headers["content-disposition"]
    assert disposition == 'attachment; filename="lab.large.json"'


async def test_a_large_result_is_streamed(client: Client) -> None:
    """Over the limit of a frame it is null in the task, which says where it is."""
    task_id = await client.done("large", size=300_000)
    task = (await client.get(f"{TASKS}/{task_id}")).json()
    whole = await client.get(f"/{task['result_url']}")

    assert task["result"] is None
    assert task["result_url"] == f"api/v1/tasks/{task_id}/result"
    assert whole.json() == "x" * 300_000


async def test_what_has_no_result_has_none_to_download(client: Client) -> None:
    """A task that runs, or has failed, is 404 there."""
    running = await client.task("wait")
    failed = await client.done("fail")

    for task_id in (running, failed):
        response = await client.get(f"{TASKS}/{task_id}/result")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def call(client: Client, command: str, body: object = b"") -> tuple[int, Any]:
    """Call a command directly; return status and answer."""
    response = await client.post(f"/api/v1/plugins/lab/{command}", body)
    return response.status_code, response.json()


async def test_a_command_is_called_directly(client: Client) -> None:
    """The body is the params; the answer has the six fields."""
    status, answer = await call(client, "add", {"a": 1, "b": 4})

    assert status == 200
    assert answer.pop("execution_time_ms") >= 0
    assert answer == {
        "plugin_name": "lab",
        "command": "add",
        "result": 5,
        "success": True,
        "error": None,
    }


async def test_a_command_that_fails_is_no_http_error(client: Client) -> None:
    """200, `success` false, and the error for people."""
    status, answer = await call(client, "fail")

    assert (status, answer["success"], answer["result"]) == (200, False, None)
    assert answer["error"] == "No such city"


@pytest.mark.parametrize(
    ("command", "body", "status", "code"),
    [
        ("none", b"{}", 404, "unknown_command"),
        ("add", b"{}", 422, "invalid_params"),
        ("add", b'{"a":1,"c":2}', 422, "invalid_params"),
        ("add", b"[1]", 400, "bad_frame"),
        ("add", b'{"a":"' + b"x" * 300_000 + b'"}', 413, "frame_too_large"),
    ],
)
async def test_a_call_may_be_refused(
    client: Client, command: str, body: bytes, status: int, code: str
) -> None:
    """With the protocol's error, before anything ran."""
    found, problem = await call(client, command, body)

    assert (found, problem["code"], problem["ran"]) == (status, code, "no")


@pytest.mark.parametrize("body", [b"{", b"nothing", b"\xff"])
async def test_a_call_with_no_json_is_refused(client: Client, body: bytes) -> None:
    """As what it is: a body that cannot be decoded."""
    found, problem = await call(client, "add", body)

    assert (found, problem["code"]) == (400, "bad_frame")


async def test_a_call_of_a_cancelled_task_says_so(client: Client) -> None:
    """`success` false, with a text although a cancelled task has no error."""
    calling = asyncio.create_task(call(client, "wait"))
    await soon(lambda: client.node.metrics.started)
    task_id = next(iter(client.node.engine._shelf.tasks))  # type: ignore[attr-defined]  # of the ledger
    await client.delete(f"{TASKS}/{task_id}")
    status, answer = await calling

    assert (status, answer["success"]) == (200, False)
    assert answer["error"] == "Task cancelled"


async def test_refusals_say_when_to_come_back(serve: Serve) -> None:
    """503 with `Retry-After`, when the queue is full and when the hub is going."""
    async with serve(limits__async_runs=1, limits__queued=0) as client:
        await client.start("wait")
        full = await client.start("wait")
        client.node.orchestrator.draining = True
        going = await client.start("wait")

        assert (full.status_code, full.json()["code"]) == (503, "queue_full")
        assert (going.status_code, going.json()["code"]) == (503, "draining")
        for each in (full, going):
            assert each.headers["retry-after"] == "1"
            assert each.json()["retry_after_ms"] == 1_000
            assert each.json()["retry"] is True


async def test_the_language_is_the_callers(client: Client) -> None:
    """In tasks as in problems, by `Accept-Language`."""
    headers = {"accept_language": "fr;q=0.5, zh-Hans-CN;q=0.9", "prefer": "wait=30"}
    task = await client.start("add", params={"a": 1}, headers=headers)
    problem = await client.get(f"{TASKS}/none", accept_language="zh")

    assert task.json()["message"] == "任务执行成功"
    assert problem.json()["detail"] == "任务不存在或已过期"
