"""Sessions: what a client is answered, frame by frame."""

import asyncio
from typing import Any

import pytest

from hub.auth import SCOPES
from hub.plugin.context import TaskContext
from tests.stage import SCRIPTED, stage, turns
from tests.talk import Talk

BOTH = pytest.mark.parametrize("packed", [False, True], ids=["json", "msgpack"])


async def done(ctx: TaskContext) -> str:
    """Say something and return."""
    await ctx.chunk("said")
    return "done"


async def waiting(ctx: TaskContext) -> None:
    """Say something and wait."""
    await ctx.chunk("said")
    await asyncio.Event().wait()


@BOTH
async def test_a_client_is_welcome_at_once(packed: bool) -> None:
    """Where no token is needed: who it is, what it may do, and the hub's limits."""
    async with stage() as hub:
        talk = Talk(hub.house, packed=packed)
        welcome = await talk.peer.get("welcome")

        assert welcome.pop("now").endswith("Z")
        assert welcome == {
            "type": "welcome",
            "hub": hub.engine.hub,
            "principal": "local",
            "scopes": sorted(SCOPES),
            "protocol": 1,
            "limits": {
                "frame_bytes": 262_144,
                "watches": None,
                "in_flight": None,
                "executes_per_s": None,
            },
            "heartbeat_ms": 20_000,
        }


async def test_hello_is_answered_by_another_welcome() -> None:
    """And says how the client wants to be talked to."""
    async with stage() as hub:
        talk = Talk(hub.house)
        talk.send({"type": "hello", "locale": "zh-TW", "progress_ms": 7, "client": "t"})
        await talk.peer.get("welcome", 2)
        error = await talk.ask("watch", task_id="nothing")

        assert error["message"] == "任务不存在或已过期"
        assert talk.session.progress_ms == 7


async def test_hello_may_say_nothing_and_hardly_anything_wrong() -> None:
    """An unknown language is the hub's own."""
    async with stage() as hub:
        for fields in ({}, {"locale": "tlh", "token": "x", "session": "y"}):
            talk = Talk(hub.house)
            talk.send({"type": "hello", **fields})
            await talk.peer.get("welcome", 2)
            assert (await talk.ask("watch", task_id="n"))["message"].startswith("There")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "hello", "client": "x" * 5_000}, "frame_too_large"),
        ({"type": "hello", "progress_ms": -1}, "invalid_params"),
        ({"type": "hello", "locale": 5}, "bad_frame"),
    ],
)
async def test_a_wrong_hello_is_refused(frame: dict[str, Any], code: str) -> None:
    """The connection stays, and works."""
    async with stage() as hub:
        talk = Talk(hub.house)
        talk.send(frame)

        assert (await talk.peer.get("error"))["code"] == code
        await talk.silence()


async def test_hello_may_only_come_first() -> None:
    """Later it is a bad frame, and changes nothing."""
    async with stage() as hub:
        talk = Talk(hub.house)
        await talk.ask("ping")
        talk.send({"type": "hello", "progress_ms": 7})

        assert (await talk.peer.get("error"))["code"] == "bad_frame"
        assert talk.session.progress_ms == 100


@BOTH
async def test_execute_runs_and_watches(packed: bool) -> None:
    """`opened`, then the log as it grows, then the result."""
    async with stage() as hub:
        talk = Talk(hub.house, packed=packed)
        opened = await talk.execute(hub, done)
        result = await talk.result(opened["task_id"])

        assert (opened["type"], opened["origin"], opened["from"]) == (
            "opened",
            "new",
            0,
        )
        assert (opened["attempt"], opened["floor"]) == (1, 0)
        assert opened["response"]["result"] is None
        assert "request" not in opened["response"]["metadata"]
        assert result["response"]["result"] == "done"
        assert talk.peer.of("chunk")[0]["data"] == "said"
        assert talk.peer.types().index("opened") < talk.peer.types().index("chunk")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"plugin": "none"}, "unknown_command", None),
        ({"command": "none"}, "unknown_command", None),
        ({"params": {}}, "invalid_params", "script"),
        ({"params": {"script": 5}}, "invalid_params", "script"),
        ({"params": {"script": "a", "more": 1}}, "invalid_params", "more"),
        ({"priority": "now"}, "invalid_params", "priority"),
        ({"linger_ms": 0}, "invalid_params", "linger_ms"),
        ({"credit": 5}, "invalid_params", "credit"),
        ({"cache": "never"}, "invalid_params", "cache"),
        ({"deadline_ms": -1}, "invalid_params", "deadline_ms"),
        ({"key": ""}, "invalid_params", "key"),
        ({"key": 5}, "bad_frame", None),
        ({"plugin": None}, "bad_frame", None),
    ],
)
@BOTH
async def test_a_refused_execute_says_why(
    packed: bool, fields: dict[str, Any], code: str, field: str | None
) -> None:
    """With the frame's id and the field; nothing runs, and the connection stays."""
    async with stage() as hub:
        talk = Talk(hub.house, packed=packed)
        wish = {"plugin": SCRIPTED, "command": "coroutine", "params": {"script": "a"}}
        error = await talk.ask("execute", **wish | fields)

        assert (error["type"], error["code"], error["ran"]) == ("error", code, "no")
        assert field is None or error["detail"]["field"] == field
        assert hub.metrics.refused == {code: 1}
        assert hub.metrics.accepted == 0
        await talk.silence()


async def test_a_key_names_one_task() -> None:
    """Sent again: the same task, with its request; for another request: a conflict."""
    async with stage() as hub:
        talk = Talk(hub.house)
        first = await talk.execute(hub, done, key="k")
        await talk.result(first["task_id"])
        wish = {"plugin": SCRIPTED, "command": "coroutine", "key": "k"}
        again = await talk.ask("execute", params={"script": "done0"}, **wish)
        other = await talk.ask("execute", params={"script": "else"}, **wish)

        assert (again["origin"], again["task_id"]) == ("existing", first["task_id"])
        assert again["head"] == 2
        request = again["response"]["metadata"]["request"]
        assert request["params"] == {"script": "done0"}
        assert other["code"] == "key_conflict"


async def test_a_cached_answer_comes_whole() -> None:
    """At once, with the whole log, under an id of its own."""
    async with stage() as hub:
        talk = Talk(hub.house)
        first = await talk.execute(hub, done, command="cached")
        await talk.result(first["task_id"])
        params = {"script": "done0"}
        wish = {"plugin": SCRIPTED, "command": "cached", "params": params}
        cached = await talk.ask("execute", **wish)
        bare = await talk.ask("execute", chunks=False, **wish)

        assert cached["origin"] == bare["origin"] == "cached"
        for opened, kind in ((cached, "chunk"), (bare, "gap")):
            assert opened["task_id"] != first["task_id"]
            await talk.result(opened["task_id"])
            found = [
                each["type"]
                for each in talk.peer.frames
                if each.get("task_id") == opened["task_id"]
            ]
            assert found == ["opened", kind, "result"]
        assert hub.metrics.cached == 2


async def test_watch_reads_from_any_number() -> None:
    """On another connection, from 0 or from what it has, with the request."""
    async with stage() as hub:
        talk, other = Talk(hub.house), Talk(hub.house)
        opened = await talk.execute(hub, done)
        task_id = opened["task_id"]
        await talk.result(task_id)
        whole = await other.ask("watch", task_id=task_id)
        await other.result(task_id)
        other.peer.forget()
        await other.ask("watch", task_id=task_id, **{"from": 1, "attempt": 1})
        await other.result(task_id)

        assert (whole["origin"], whole["head"]) == ("watch", 2)
        assert whole["response"]["status"] == "completed"
        assert "request" in whole["response"]["metadata"]
        assert other.peer.types() == ["opened", "result"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"task_id": "nothing"}, "not_found", None),
        ({"task_id": "nothing", "from": -1}, "invalid_params", "from"),
        ({"task_id": "nothing", "attempt": 0}, "invalid_params", "attempt"),
        ({"task_id": "nothing", "credit": 1}, "invalid_params", "credit"),
        ({}, "bad_frame", None),
        ({"task_id": 5}, "bad_frame", None),
        ({"task_id": "nothing", "from": 1.5}, "bad_frame", None),
    ],
)
async def test_a_refused_watch_says_why(
    fields: dict[str, Any], code: str, field: str | None
) -> None:
    """With the frame's id; of an unknown task also with the task's."""
    async with stage() as hub:
        talk = Talk(hub.house)
        error = await talk.ask("watch", **fields)

        assert (error["type"], error["code"]) == ("error", code)
        assert field is None or error["detail"]["field"] == field
        assert (error.get("task_id") == "nothing") == (code == "not_found")


async def test_unwatch_and_more_are_never_answered() -> None:
    """Nor do unknown tasks in them matter."""
    async with stage() as hub:
        talk = Talk(hub.house)
        opened = await talk.execute(hub, waiting)
        await talk.peer.get("chunk")
        talk.send({"type": "unwatch", "task_id": "unknown"})
        talk.send({"type": "more", "task_id": "unknown", "n": 1})
        talk.send({"type": "more", "task_id": opened["task_id"], "n": 1})
        talk.send({"type": "unwatch", "task_id": opened["task_id"]})
        await talk.silence()

        assert hub.metrics.watches == 0
        assert hub.worker.running == 1


async def test_cancel_is_answered_when_it_is_durable() -> None:
    """`ok`, then the result; an ended task: `ok`, and nothing happens."""
    async with stage() as hub:
        talk = Talk(hub.house)
        opened = await talk.execute(hub, waiting)
        task_id = opened["task_id"]
        ok = await talk.ask("cancel", task_id=task_id, reason="changed my mind")
        response = (await talk.result(task_id))["response"]
        again = await talk.ask("cancel", task_id=task_id)

        assert ok["type"] == again["type"] == "ok"
        assert (response["status"], response["error"]) == ("cancelled", None)
        assert response["metadata"]["failure"]["code"] == "cancelled"
        await talk.silence()


async def test_an_unknown_task_cannot_be_cancelled() -> None:
    """`not_found`, with the frame's id."""
    async with stage() as hub:
        error = await Talk(hub.house).ask("cancel", task_id="nothing")

        assert (error["code"], error["ran"]) == ("not_found", "maybe")


@BOTH
async def test_ping_is_answered(packed: bool) -> None:
    """By `pong` with the same id, text or number."""
    async with stage() as hub:
        talk = Talk(hub.house, packed=packed)
        for id in ("a", 0, -5, 2**53, "é" * 100):
            talk.send({"type": "ping", "id": id})
            assert await talk.answer(id) == {"type": "pong", "id": id}


async def test_a_hub_that_is_going_refuses_work() -> None:
    """`draining`, to be tried again; watching goes on."""
    async with stage() as hub:
        talk = Talk(hub.house)
        opened = await talk.execute(hub, done)
        hub.orchestrator.draining = True
        error = await talk.execute(hub, done)

        assert (error["code"], error["retry"], error["ran"]) == ("draining", True, "no")
        assert error["retry_after_ms"] > 0
        assert (await talk.ask("watch", task_id=opened["task_id"]))["type"] == "opened"


async def test_a_closed_session_leaves_its_tasks() -> None:
    """They go on; another connection finds them."""
    async with stage() as hub:
        go = asyncio.Event()

        async def script(_: TaskContext) -> str:
            await go.wait()
            return "done"

        talk, other = Talk(hub.house), Talk(hub.house)
        opened = await talk.execute(hub, script)
        assert hub.metrics.sessions == 2
        talk.session.close()
        talk.session.close()
        assert (hub.metrics.sessions, hub.metrics.watches) == (1, 0)
        await other.ask("watch", task_id=opened["task_id"])
        go.set()

        result = await other.result(opened["task_id"])
        assert result["response"]["status"] == "completed"


@pytest.mark.parametrize("how", ["close", "close_with"])
async def test_what_comes_after_the_close_is_not_acted_on(how: str) -> None:
    """Frames that were on their way start nothing."""
    async with stage() as hub:
        talk = Talk(hub.house)
        await talk.peer.get("welcome")
        if how == "close":
            talk.session.close()
        else:
            talk.session.close_with(4503, "kicked")
        wish = {"plugin": SCRIPTED, "command": "coroutine", "params": {"script": "a"}}
        talk.send({"type": "execute", "id": 1, **wish})
        await turns(5)

        assert hub.metrics.accepted == 0


async def test_what_comes_behind_the_last_bad_frame_is_not_acted_on() -> None:
    """The connection ends with the fifth, whatever else is in the pipe."""
    async with stage() as hub:
        talk = Talk(hub.house)
        for _ in range(5):
            talk.raw("{")
        wish = {"plugin": SCRIPTED, "command": "coroutine", "params": {"script": "a"}}
        talk.send({"type": "execute", "id": 1, **wish})

        assert (await talk.peer.end())[0] == 4501
        assert hub.metrics.accepted == 0


async def test_what_comes_after_the_close_is_dropped() -> None:
    """Answers of a store that come too late."""
    async with stage() as hub:
        talk = Talk(hub.house)
        await talk.peer.get("welcome")
        talk.session.close()
        talk.send({"type": "ping", "id": 1})
        await turns(5)

        assert talk.peer.of("pong") == []
