"""The server: says when it listens, drains before it closes, stops on signals."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hub.app import app_of
from hub.cli.server import Server, loop_factory, server_of
from hub.cli.sockets import SocketProtocol
from hub.node import Node
from hub.settings import load
from tests.peer import Frame, decode
from tests.served import served
from tests.stage import PATIENCE_S

STOPS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def server() -> Server:
    """A server that was not started."""
    settings = load(None, {}, {"limits.frame_bytes": 500_000, "timing.grace_s": 3})
    node = Node(settings, Path("unused"))
    return server_of(node, app_of(node), lambda: None)


def test_the_server_has_the_options_that_the_hub_needs(server: Server) -> None:
    """Small frames, no compression, no pings of its own, nothing told about itself."""
    config = server.config

    assert config.ws is SocketProtocol
    assert config.ws_max_size == 2_000_000
    assert not config.ws_per_message_deflate
    assert (config.ws_ping_interval, config.ws_ping_timeout) == (None, None)
    assert (config.access_log, config.server_header) == (False, False)
    assert config.timeout_graceful_shutdown == 3


def test_the_loop_is_the_fastest_there_is() -> None:
    """uvloop where it is installed, as it is here."""
    factory = loop_factory()

    assert factory
    loop = factory()
    loop.close()
    assert type(loop).__module__.startswith("uvloop")


@pytest.fixture
def _signals() -> Iterator[None]:
    """Give the signals back as they were."""
    before = {each: signal.getsignal(each) for each in STOPS}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("number", STOPS)
def test_a_signal_stops_the_server(server: Server, number: signal.Signals) -> None:
    """Once; it is not raised again behind it, so that the exit code is 0."""
    before = signal.getsignal(number)
    with server.capture_signals():
        signal.raise_signal(number)
        assert (server.should_exit, server.force_exit) == (True, False)

    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("_signals")
def test_a_second_interrupt_does_not_wait(server: Server) -> None:
    """Ctrl-C again stops at once."""
    with server.capture_signals():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    assert server.force_exit


def test_outside_of_the_main_thread_signals_are_left_alone(server: Server) -> None:
    """Only the main thread may have them."""
    found: list[object] = []

    def run() -> None:
        before = signal.getsignal(signal.SIGINT)
        with server.capture_signals():
            found.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert found == [True]


async def test_when_it_says_so_it_can_be_reached() -> None:
    """Not a moment before."""
    async with served() as hub, httpx.AsyncClient() as client:
        response = await client.get(f"{hub.http}/healthz")

        assert response.status_code == 200
        assert "server" not in response.headers


async def test_a_stop_drains_first() -> None:
    """Clients get the ends of their tasks and a goodbye before the socket closes."""
    async with served() as hub:
        socket = await connect(hub.ws)
        await socket.send(
            '{"type":"execute","id":1,"plugin":"lab","command":"wait","key":"k"}'
        )
        found: list[Frame] = []
        async with asyncio.timeout(PATIENCE_S):
            while not any(each["type"] == "chunk" for each in found):
                found += decode(await socket.recv())
            hub.server.should_exit = True
            with suppress(ConnectionClosed):
                while True:
                    found += decode(await socket.recv())

        assert [each["type"] for each in found[-2:]] == ["result", "goaway"]
        assert socket.close_code == 4000
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", hub.port)


async def test_an_open_stream_does_not_hold_up_the_stop() -> None:
    """Its task is ended, and with it the stream, whole."""
    async with served() as hub, httpx.AsyncClient() as client:
        body = {"plugin": "lab", "command": "wait"}
        path = f"{hub.http}/api/v1/execute/stream"
        async with client.stream("POST", path, json=body) as response:
            lines = response.aiter_lines()
            assert '"type":"opened"' in await anext(lines)
            hub.server.should_exit = True
            async with asyncio.timeout(PATIENCE_S):
                rest = [line async for line in lines if line]

        assert '"code":"hub_restarted"' in rest[-2] or '"type":"goaway"' in rest[-2]
        assert rest[-1] == 'data: {"type":"end"}'


async def test_a_client_that_takes_nothing_does_not_hold_up_the_stop() -> None:
    """Nor one that says nothing."""
    async with served() as hub:
        _, silent = await asyncio.open_connection("127.0.0.1", hub.port)
        _, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(b"GET / HTTP/1.1\r\nHost:")
        await writer.drain()
        hub.server.should_exit = True
    for each in (silent, writer):
        each.close()
