"""A task as a program holds it: slow readers, large results, several waiters."""

import asyncio
import os
import subprocess
import sys

import anyio
import pytest

from hub import AsyncHub, Chunk, ConnectionLost, Hub, Log, TaskCancelled
from hub.client.errors import NotAHubError
from hub.client.mailbox import LIMIT
from hub.errors import HubError, NotFoundError
from tests.client.conftest import Brisk
from tests.client.scripted import Caller, opened, plain, result, scripted
from tests.served import Served


async def test_a_slow_reader_costs_a_megabyte(hub: AsyncHub) -> None:
    """However much a task says: the end is known at once, the output is read later.

    All of it, in order; at no time more than 1 MiB waits.
    """
    count = 300
    task = await hub.options(chunks=True).execute("lab.flood", n=count, size=20_000)
    first = await anext(task)
    response = await task
    following = task._following
    waiting = following.mailbox.size
    most = waiting
    chunks = [first]
    async for event in task:
        chunks.append(event)
        most = max(most, following.mailbox.size)

    data = [event.data for event in chunks if isinstance(event, Chunk)]
    assert response.result == {"sent": count}
    assert [int(text.partition(" ")[0]) for text in data] == list(range(count))
    assert LIMIT // 2 < most <= LIMIT


async def test_a_large_result_is_fetched(hub: AsyncHub) -> None:
    """One that is too large for a frame is filled in, once."""
    task = await hub.execute("lab.large", size=300_000)

    first, second = await asyncio.gather(task, task.response())

    assert first.result == "é" * 300_000
    assert second.result is first.result
    assert (await hub.get(task.id)).result == first.result


async def test_many_may_wait_and_one_may_read(hub: AsyncHub) -> None:
    """Waiters all get the end; a second reader at the same time is told so."""
    task = await hub.execute("lab.wait", name="many")
    waiting = [asyncio.ensure_future(task.response()) for _ in range(3)]
    assert isinstance(await anext(task), Chunk)
    reading = asyncio.ensure_future(task.events())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="somebody else"):
        await task.events()
    await (await hub.execute("lab.open", name="many"))

    assert await reading == []
    assert {(await each).result for each in waiting} == {"many"}


async def test_reading_goes_on_after_a_break(hub: AsyncHub) -> None:
    """A second loop begins where the first one was left."""
    task = await hub.execute("lab.count", n=5)
    seen = []
    async for event in task:
        if isinstance(event, Chunk):
            seen.append(event.data)
            if event.data == 2:
                break
    seen += [event.data async for event in task if isinstance(event, Chunk)]

    assert seen == [1, 2, 3, 4, 5]


async def test_reading_can_begin_after_the_end(hub: AsyncHub) -> None:
    """A task that was only awaited still tells its output, from the beginning."""
    task = await hub.execute("lab.count", n=3)
    await task

    assert [event.data async for event in task if isinstance(event, Chunk)] == [1, 2, 3]


async def test_bytes_and_logs_have_their_types(hub: AsyncHub) -> None:
    """Binary is bytes in both codecs; a record is a `Log`."""
    task = await hub.execute("lab.picture")

    events = [event async for event in task if not isinstance(event, Chunk)]
    again = hub.attach(task.id)
    assert again is task
    logs = [event for event in events if isinstance(event, Log)]
    assert [(log.level, log.message) for log in logs] == [("warning", "careful")]

    async with Brisk(hub.address.socket, codec="json") as other:
        chunks = [e async for e in other.attach(task.id) if isinstance(e, Chunk)]
    assert (chunks[0].bin, chunks[0].kind) == (b"\x89PNG", "image/png")
    assert (chunks[1].data, chunks[1].channel) == ({"level": 3}, "log2")


async def test_an_unknown_task_is_not_found(hub: AsyncHub) -> None:
    """Waiting for it, reading it, asking for it and cancelling it all say so."""
    task = hub.attach("nowhere")

    with pytest.raises(NotFoundError):
        await task
    with pytest.raises(NotFoundError):
        await anext(task)
    with pytest.raises(NotFoundError):
        await hub.get("nowhere")
    with pytest.raises(NotFoundError):
        await hub.cancel("nowhere")


async def test_a_timeout_leaves_the_task_alone(hub: AsyncHub) -> None:
    """Who stops waiting stops waiting; the task goes on until it is cancelled."""
    task = await hub.execute("lab.wait", name="never")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await task
    with anyio.move_on_after(0.01) as scope:
        async for _ in task:
            pass
    assert scope.cancelled_caught
    await task.cancel()
    with pytest.raises(TaskCancelled):
        await task


def test_it_runs_under_anyio() -> None:
    """With `anyio.run` and its task groups, on asyncio; a cancelled scope ends all."""

    async def script(caller: Caller) -> None:
        await caller.say(opened(await caller.get("execute"), "t"))
        await caller.socket.wait_closed()

    async def main() -> None:
        async with scripted(script) as url:
            with anyio.move_on_after(0.2) as scope:
                async with (
                    AsyncHub(url, codec="json") as hub,
                    anyio.create_task_group(),
                ):
                    await (await hub.execute("p.c"))
            assert scope.cancelled_caught
        assert [t for t in asyncio.all_tasks() if "Link." in repr(t.get_coro())] == []

    anyio.run(main)


async def test_a_watch_that_is_refused_for_now_is_tried_again() -> None:
    """After as long as the hub says; an attached task is not lost for it."""

    async def script(caller: Caller) -> None:
        watch = await caller.get("watch")
        busy = {"type": "error", "id": watch["id"], "code": "unavailable", "ran": "no"}
        await caller.say({**busy, "message": "", "retry": True, "retry_after_ms": 10})
        await caller.say(opened(await caller.get("watch"), "t"), result("t", 1, 7))
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json") as hub:
        assert (await hub.attach("t")).result == 7


async def test_a_request_over_the_limit_is_refused_here(house: Served) -> None:
    """It is not sent: the hub would refuse it, or close."""
    async with Brisk(house.ws) as hub:
        with pytest.raises(HubError, match="too large") as caught:
            await (await hub.execute("demo.echo", value="x" * 300_000))
        assert caught.value.code == "frame_too_large"
        assert (await (await hub.execute("demo.echo", value=1))).result == 1


async def test_a_result_that_cannot_be_fetched_is_said() -> None:
    """The end is known, its result is not: an error, and another try is possible."""
    async with plain(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n") as port:

        async def script(caller: Caller) -> None:
            end = {**result("t"), "result_url": "api/v1/tasks/t/result"}
            await caller.say(opened(await caller.get("execute"), "t"), end)
            await caller.socket.wait_closed()

        async with (
            scripted(script) as url,
            Brisk(url, codec="json", reconnect_for=0.2) as hub,
        ):
            task = await hub.execute("p.c")
            root = f"http://127.0.0.1:{port}/"
            hub._link.address = type(hub.address)(socket=url, root=root, shown=url)
            with pytest.raises(HubError, match="HTTP 503"):
                await task


@pytest.mark.parametrize(
    "place",
    [
        "../../../x\r\nA: b",
        "http://127.0.0.1:1/evil",
        "/api/v1/x",
        "//evil/x",
        "..",
        "api/../x",
        "api/%2E%2e/x",
        "api/./x",
        "api//x",
        "api/x?y",
        "api\\x",
        "",
    ],
)
async def test_a_result_is_fetched_below_the_hub_only(place: str) -> None:
    """What a hub names as its place is a plain path there, or an error."""

    async def script(caller: Caller) -> None:
        end = {**result("t"), "result_url": place}
        await caller.say(opened(await caller.get("execute"), "t"), end)
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json") as hub:
        task = await hub.execute("p.c")
        with pytest.raises(NotAHubError, match="place"):
            await task


async def test_a_large_result_is_asked_for_until_the_hub_is_back() -> None:
    """A hub that is away for a moment costs a moment."""
    answers = [
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]",
    ]

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(1000)
        writer.write(answers.pop(0))
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Brisk(url, reconnect_for=5) as hub:
            assert await hub._link.fetch_patiently("api") == [1]
            answers.append(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
            with pytest.raises(HubError, match="HTTP 404"):
                await hub._link.fetch_patiently("api")


async def test_a_mistake_of_the_client_lets_nobody_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever breaks in the background is raised where somebody waits."""

    async def script(caller: Caller) -> None:
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json") as hub:

        def broken(*_: object) -> None:
            raise ValueError("on purpose")

        monkeypatch.setattr(hub._link.conversation, "receive", broken)
        with pytest.raises(ConnectionLost, match="on purpose"):
            await (await hub.execute("p.c"))
    assert "the client has failed" in caplog.text


def test_importing_the_client_starts_nothing_of_the_server() -> None:
    """Neither Starlette nor uvicorn nor the store nor a library for screens."""
    code = (
        "import sys, hub.client; from hub import AsyncHub, Hub, TaskFailed; "
        "print(*sorted(sys.modules))"
    )
    environ = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environ,
    )
    modules = set(found.stdout.split())

    heavy = {"starlette", "uvicorn", "sqlite3", "click", "rich", "httpx", "anyio"}
    assert modules & heavy == set()
    ours = {name.split(".")[1] for name in modules if name.startswith("hub.")}
    assert ours == {
        *("client", "codec", "errors", "events", "protocol", "tasks", "version")
    }
    assert Hub.__module__ == "hub.client.sync"
