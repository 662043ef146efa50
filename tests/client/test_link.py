"""The connection: losses, silence, close codes, and what cannot be reached."""

import asyncio
import random
import socket
from pathlib import Path

import pytest

from hub import AsyncHub, Chunk, ConnectionLost, TaskFailed
from hub.client.errors import (
    NotAHubError,
    UnreachableError,
    UnsupportedVersionError,
)
from hub.errors import ForbiddenError, HubError, UnauthenticatedError
from tests.blackbox.server import HubProcess
from tests.client.conftest import PLUGINS, Brisk
from tests.client.scripted import WELCOME, Caller, opened, plain, result, scripted
from tests.proxy import PREFIX, Proxy
from tests.served import Served

KILLS = 20


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("seed", [random.randrange(2**32)])
async def test_the_client_resumes_through_kills(
    house: Served, codec: str, seed: int
) -> None:
    """The network is cut 20 times at random; every number comes once, in order."""
    chance = random.Random(seed)
    count = 1000
    kills = sorted(chance.sample(range(1, count), KILLS))
    with Proxy(house.port) as proxy:
        url = f"ws://127.0.0.1:{proxy.port}"
        async with Brisk(url, codec=codec, reconnect_for=20) as hub:  # type: ignore[arg-type]  # one of the two
            task = await hub.execute("lab.count", n=count, pace_ms=0.3)
            seen = list[tuple[int, int]]()
            async for event in task:
                if isinstance(event, Chunk):
                    seen.append((event.seq, event.data))
                    while kills and event.seq >= kills[0]:
                        kills.pop(0)
                        await asyncio.to_thread(proxy.drop)
                        await asyncio.sleep(chance.random() * 0.02)
            response = await task

    assert seen == [(n, n) for n in range(1, count + 1)], f"seed {seed}"
    assert response.result == count
    assert kills == []


async def test_a_hub_that_dies_is_found_again(tmp_path: Path) -> None:
    """After kill -9 and a restart on the same data each task has its true end.

    What ran failed as hub_restarted, ran maybe; what had ended is read again; what is
    asked for while the hub is away is run when it is back.
    """
    process = HubProcess(tmp_path / "data", plugins=[PLUGINS]).start()
    with Proxy(process.port) as proxy:
        async with Brisk(f"http://127.0.0.1:{proxy.port}", reconnect_for=30) as hub:
            ended = await hub.execute("lab.count", n=3)
            await ended
            running = await hub.execute("lab.wait", name="never")
            assert isinstance(await anext(running), Chunk)
            await asyncio.to_thread(process.kill)
            late = asyncio.create_task(hub.execute("lab.count", n=2))
            await asyncio.to_thread(process.start)
            proxy.target = process.port

            with pytest.raises(TaskFailed) as caught:
                await running
            again = [event async for event in ended if isinstance(event, Chunk)]
            assert (await (await late)).result == 2
    process.stop()
    assert (caught.value.code, caught.value.ran) == ("hub_restarted", "maybe")
    assert caught.value.retry
    assert [event.data for event in again] == [1, 2, 3]


async def test_requests_of_one_turn_leave_in_one_message() -> None:
    """Fifty executes are one array."""
    callers = list[Caller]()

    async def script(caller: Caller) -> None:
        callers.append(caller)
        for number in range(50):
            asked = await caller.get("execute")
            await caller.say(opened(asked, f"t{number}"), result(f"t{number}"))
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json") as hub:
        asking = [hub.execute("p.c", n=number) for number in range(50)]
        tasks = await asyncio.gather(*asking)
        await asyncio.gather(*tasks)

    assert len({task.id for task in tasks}) == 50
    assert max(map(len, callers[0].messages)) == 50


async def test_waiting_alone_reads_without_output() -> None:
    """`await task` asks for no chunks; iterating does, from the beginning."""
    asked = list[bool]()

    async def script(caller: Caller) -> None:
        execute = await caller.get("execute")
        asked.append(execute.get("chunks", True))
        await caller.say(opened(execute, "t"))
        watch = await caller.get("watch")
        asked.append(watch.get("chunks", True))
        await caller.say(opened(watch, "t"), result("t"))
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json") as hub:
        task = await hub.execute("p.c")
        assert [event async for event in task] == []
        await task

    assert asked == [False, True]


async def test_a_leaving_hub_is_left_alone_for_as_long_as_it_says() -> None:
    """After `goaway` and 4000 the client comes back when it was told to."""
    loop = asyncio.get_running_loop()
    times = list[float]()

    async def script(caller: Caller) -> None:
        times.append(loop.time())
        if caller.number == 1:
            await caller.say(opened(await caller.get("execute"), "t"))
            goaway = {"type": "goaway", "reason": "x", "drain_ms": 0}
            await caller.say({**goaway, "retry_after_ms": 300})
            await caller.socket.close(4000, "going_away")
            times.append(loop.time())
            return
        await caller.say(opened(await caller.get("watch"), "t"), result("t"))
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json") as hub:
        await (await hub.execute("p.c"))

    assert times[2] - times[1] >= 0.29


async def test_a_leaving_hub_is_left_when_nothing_is_open() -> None:
    """The client closes by itself, and the next request goes to the next connection."""

    async def script(caller: Caller) -> None:
        asked = await caller.get("execute")
        await caller.say(opened(asked, f"t{caller.number}"))
        if caller.number == 1:
            goaway = {"type": "goaway", "reason": "x", "drain_ms": 9000}
            await caller.say({**goaway, "retry_after_ms": 10})
        await caller.say(result(f"t{caller.number}"))
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json") as hub:
        await (await hub.execute("p.c"))
        second = await hub.execute("p.c")
        await second

    assert second.id == "t2"


async def test_silence_is_a_loss() -> None:
    """A connection that says nothing for 2.5 heartbeats is given up, and resumed."""

    async def script(caller: Caller) -> None:
        await caller.say({**WELCOME, "heartbeat_ms": 40})
        if caller.number == 1:
            await caller.say(opened(await caller.get("execute"), "t"))
        else:
            await caller.say(opened(await caller.get("watch"), "t"), result("t"))
        await caller.socket.wait_closed()

    async with (
        scripted(script, welcome=False) as url,
        Brisk(url, codec="json", reconnect_for=5) as hub,
    ):
        await (await hub.execute("p.c"))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (4500, UnauthenticatedError),
        (4502, UnsupportedVersionError),
        (4503, ForbiddenError),
        (1008, UnreachableError),
    ],
)
async def test_some_ends_are_final(code: int, kind: type[HubError]) -> None:
    """Close codes from 4500 on, and 1008, stop the client at once, with their error."""

    async def script(caller: Caller) -> None:
        await caller.socket.close(code, "because")

    async with (
        scripted(script, welcome=False) as url,
        Brisk(url, codec="json", reconnect_for=60) as hub,
    ):
        with pytest.raises(kind):
            await (await hub.execute("p.c"))


async def test_a_lost_hub_is_connection_lost() -> None:
    """Reached once, gone for longer than was wished: ran maybe, and it says so."""
    enough = asyncio.Event()

    async def script(caller: Caller) -> None:
        await caller.say(opened(await caller.get("execute"), "t"))
        await enough.wait()

    async with scripted(script) as url:
        hub = Brisk(url, codec="json", reconnect_for=0.2)
        task = await hub.execute("p.c")
        enough.set()
        waiting = asyncio.ensure_future(task.response())
    async with hub:
        with pytest.raises(ConnectionLost, match="goes on there") as caught:
            await waiting
    assert (caught.value.ran, caught.value.retry) == ("maybe", True)


async def test_no_hub_is_said_clearly() -> None:
    """Refused for as long as was wished, then: where, why, ran no."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Brisk(f"ws://127.0.0.1:{port}", reconnect_for=0.1) as hub:
        with pytest.raises(UnreachableError, match="connection refused") as caught:
            await (await hub.execute("p.c"))
        with pytest.raises(UnreachableError, match=str(port)):
            await hub.plugins()
    assert caught.value.ran == "no"
    assert not isinstance(caught.value, ConnectionLost)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP 404"),
        (b"SSH-2.0-OpenSSH_9\r\n", "no hub"),
    ],
)
async def test_something_else_is_no_hub(answer: bytes, words: str) -> None:
    """A web server, or no web server at all, is named as what it is, at once."""
    async with (
        plain(answer) as port,
        Brisk(f"ws://127.0.0.1:{port}", reconnect_for=60) as hub,
    ):
        with pytest.raises(NotAHubError, match=words):
            await (await hub.execute("p.c"))
        with pytest.raises(NotAHubError, match="no hub"):
            await hub.plugins()


@pytest.mark.parametrize("place", ["http://elsewhere/ws", "ws://elsewhere/ws", "/x"])
async def test_a_redirect_is_no_hub(place: str) -> None:
    """It is not followed: a token goes to the hub that was named, and nowhere else."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
    async with plain(head.encode()) as port, Brisk(f"ws://127.0.0.1:{port}") as hub:
        with pytest.raises(NotAHubError, match="HTTP 302"):
            await (await hub.execute("p.c"))


async def test_a_websocket_without_our_subprotocol_is_no_hub() -> None:
    """An echo server is no hub."""

    async def script(caller: Caller) -> None:
        await caller.socket.wait_closed()

    async with scripted(script, subprotocols=()) as url, Brisk(url) as hub:
        with pytest.raises(NotAHubError, match="subprotocol"):
            await (await hub.execute("p.c"))


async def test_a_name_that_is_none_is_said() -> None:
    """Which one it is, and that it has no address."""
    async with Brisk("ws://hub.invalid", reconnect_for=2) as hub:
        with pytest.raises(UnreachableError, match=r"ws://hub\.invalid cannot be"):
            await (await hub.execute("p.c"))


async def test_no_tls_is_said(house: Served) -> None:
    """`wss` where none is spoken, over both transports."""
    async with Brisk(f"wss://127.0.0.1:{house.port}", reconnect_for=60) as hub:
        with pytest.raises(UnreachableError, match="No TLS"):
            await (await hub.execute("p.c"))
        with pytest.raises(UnreachableError, match="No TLS"):
            await hub.plugins()


async def test_what_cannot_be_understood_is_said() -> None:
    """A server that speaks our subprotocol and no frames is given up in the end."""

    async def script(caller: Caller) -> None:
        await caller.socket.send("not JSON")
        await caller.socket.wait_closed()

    async with (
        scripted(script) as url,
        Brisk(url, codec="json", reconnect_for=0.2) as hub,
    ):
        with pytest.raises(UnreachableError, match="cannot be understood"):
            await (await hub.execute("p.c"))


async def test_a_token_is_carried_in_the_upgrade() -> None:
    """As a bearer token, never in the address."""
    seen = list[str]()

    async def script(caller: Caller) -> None:
        assert caller.socket.request is not None
        seen.append(caller.socket.request.headers["Authorization"])
        await caller.say(opened(await caller.get("execute"), "t"), result("t"))
        await caller.socket.wait_closed()

    async with scripted(script) as url, Brisk(url, codec="json", token="s3") as hub:
        await (await hub.execute("p.c"))

    assert seen == ["Bearer s3"]


def ours() -> list[str]:
    """Return what runs on the loop for the client."""
    found = [repr(task.get_coro()) for task in asyncio.all_tasks()]
    return [each for each in found if "Link." in each or "AsyncTask." in each]


async def test_leaving_leaves_nothing_running(house: Served) -> None:
    """After `async with` no task of the client is left, whatever was under way."""
    async with Brisk(house.ws) as hub:
        task = await hub.execute("lab.wait", name="never")
        waiting = asyncio.ensure_future(task.response())
        await anext(task)
        assert len(ours()) > 1
    with pytest.raises(ConnectionLost, match="closed"):
        await waiting

    assert ours() == []
    with pytest.raises(RuntimeError, match="closed"):
        await (await hub.execute("lab.count", n=1))


async def test_a_cancelled_request_leaves_no_work_behind(house: Served) -> None:
    """A request that is cancelled on its way is cancelled at the hub, too."""
    asked = asyncio.Event()
    cancelled = asyncio.Event()

    async def script(caller: Caller) -> None:
        execute = await caller.get("execute")
        asked.set()
        await asyncio.sleep(0.05)
        await caller.say(opened(execute, "t"))
        cancel = await caller.get("cancel")
        cancelled.set()
        await caller.say({"type": "ok", "id": cancel["id"]})
        await caller.socket.wait_closed()

    async with scripted(script) as url:
        async with Brisk(url, codec="json") as hub:
            asking = asyncio.ensure_future(hub.execute("p.c"))
            await asked.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await (await asking)
        assert cancelled.is_set()


async def test_a_hub_may_be_on_a_sub_path(house: Served) -> None:
    """Behind a proxy that takes a part of the path away: both transports find it."""
    with Proxy(house.port) as proxy:
        url = f"http://127.0.0.1:{proxy.port}{PREFIX.decode()}"
        async with Brisk(url, reconnect_for=5) as hub:
            task = await hub.execute("lab.large", size=300_000)
            assert len((await task).result) == 300_000
            assert (await hub.plugin("lab"))["name"] == "lab"


async def test_a_client_comes_back_for_a_new_request(house: Served) -> None:
    """A connection that is lost while nothing is under way is made anew when needed."""
    with Proxy(house.port) as proxy:
        async with Brisk(f"ws://127.0.0.1:{proxy.port}", reconnect_for=5) as hub:
            assert isinstance(hub, AsyncHub)
            await (await hub.execute("lab.count", n=1))
            await asyncio.to_thread(proxy.drop)
            assert (await (await hub.execute("lab.count", n=2))).result == 2
