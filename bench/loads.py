"""Loads on one or many connections: so many requests in flight, for so long.

A speaker knows what a server is asked and what an answer is; a lane keeps its requests
in flight on one connection; `measure` watches all lanes through a window of time. Every
answer is decoded, the echo's as well. Requests that become free in one read leave
together, with `array` in one message.
"""

import asyncio
import gc
import itertools
import secrets
import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

import msgspec

from bench.scale import Figures
from bench.servers import Server, busy
from bench.wire import Socket, connect

JSON = "taskhub.v1.json"
DRAIN_S = 30.0
LEAST = 4

Frame = dict[str, object]


class RefusedError(Exception):
    """The hub answered with an error, or a task did not end as it should."""


class Speaker(ABC):
    """What is asked, and how answers are counted."""

    subprotocol: str | None = None

    @abstractmethod
    def requests(self, count: int) -> list[bytes]:
        """Return the messages of so many requests."""

    @abstractmethod
    def answers(self, messages: list[bytes]) -> tuple[int, int]:
        """Decode messages; return units done and requests that have ended."""


class Echo(Speaker):
    """Texts of 120 bytes, JSON like everything else here."""

    TEXT = msgspec.json.encode({"text": "x" * 109})

    def requests(self, count: int) -> list[bytes]:
        """Return the text so many times."""
        return [self.TEXT] * count

    def answers(self, messages: list[bytes]) -> tuple[int, int]:
        """Count the texts that came back."""
        for message in messages:
            msgspec.json.decode(message)
        return len(messages), len(messages)


class Tasks(Speaker):
    """Executes of one command of the bench's plugin.

    A unit is a task, or a chunk where the command sends `chunks` of them.
    """

    subprotocol = JSON

    def __init__(
        self,
        command: str,
        params: Mapping[str, object] | None = None,
        *,
        key: bool = False,
        array: bool = False,
    ) -> None:
        self._array = array
        request = {"type": "execute", "plugin": "load", "command": command}
        head = msgspec.json.encode({**request, "params": params or {}})[:-1].decode()
        self._head = head + ',"id":'
        self._key = f',"key":"{secrets.token_hex(8)}' if key else ""
        self._ids = itertools.count(1)
        chunks = (params or {}).get("count", 0)
        assert isinstance(chunks, int)
        self._chunks = chunks

    def requests(self, count: int) -> list[bytes]:
        """Return so many executes, each with an id and, if wanted, a key of its own."""
        head, key = self._head, self._key
        if key:
            numbers = itertools.islice(self._ids, count)
            frames = [f'{head}{n}{key}{n:016x}"}}'.encode() for n in numbers]
        else:
            numbers = itertools.islice(self._ids, count)
            frames = [f"{head}{n}}}".encode() for n in numbers]
        if self._array and count > 1:
            return [b"[" + b",".join(frames) + b"]"]
        return frames

    def answers(self, messages: list[bytes]) -> tuple[int, int]:
        """Count results, or chunks.

        Raises:
            RefusedError: an error came, a task failed, or chunks are missing.
        """
        results = chunks = 0
        for message in messages:
            for frame in decode(message):
                kind = frame["type"]
                if kind == "chunk":
                    chunks += 1
                elif kind == "result":
                    results += 1
                    self._check(frame)
                elif kind in ("error", "gap"):
                    raise RefusedError(str(frame))
        return (chunks if self._chunks else results), results

    def _check(self, frame: Frame) -> None:
        response = frame["response"]
        assert isinstance(response, dict)
        if response["status"] != "completed":
            raise RefusedError(str(response))
        if self._chunks and frame["seq"] != self._chunks + 1:
            raise RefusedError(
                f"expected {self._chunks} chunks, then the result: {frame}"
            )


def decode(message: bytes) -> list[Frame]:
    """Return the frames of a message, one or an array."""
    frames = msgspec.json.decode(message)
    return frames if isinstance(frames, list) else [frames]


class Lane:
    """One connection with `depth` requests in flight."""

    def __init__(self, socket: Socket, speaker: Speaker, depth: int) -> None:
        self.units: int = 0
        self.latencies: list[int] = []
        self.socket: Socket = socket
        self.drained: asyncio.Event = asyncio.Event()
        self._speaker = speaker
        self._depth = depth
        self._in_flight = 0
        self._sent = 0
        self._going = True
        socket.on_read = self._on_read
        socket.closed.add_done_callback(lambda _: self.drained.set())

    def begin(self) -> None:
        """Send the first requests."""
        self._send(self._depth)

    def end(self) -> None:
        """Send no more; `drained` is set once all answers are there."""
        self._going = False
        if not self._in_flight:
            self.drained.set()

    def _send(self, count: int) -> None:
        self._in_flight += count
        self._sent = time.perf_counter_ns()
        self.socket.write(self._speaker.requests(count))

    def _on_read(self, messages: list[bytes]) -> None:
        units, ended = self._speaker.answers(messages)
        self.units += units
        if not ended:
            return
        self.latencies.append(time.perf_counter_ns() - self._sent)
        self._in_flight -= ended
        if self._going:
            self._send(ended)
        elif not self._in_flight:
            self.drained.set()


async def session(port: int) -> Socket:
    """Open a connection to a hub and wait for its `welcome`."""
    welcomed = asyncio.Event()

    def on_read(messages: list[bytes]) -> None:
        if any(frame["type"] == "welcome" for m in messages for frame in decode(m)):
            welcomed.set()

    socket = await connect(port, on_read, subprotocol=JSON)
    async with asyncio.timeout(DRAIN_S):
        await welcomed.wait()
    return socket


async def _lane(server: Server, speaker: Speaker, depth: int) -> Lane:
    if speaker.subprotocol is None:
        return Lane(await connect(server.port), speaker, depth)
    return Lane(await session(server.port), speaker, depth)


async def measure(
    server: Server,
    speaker: Speaker,
    shape: tuple[int, int],
    window: tuple[float, float],
) -> Figures:
    """Put a load on a server and return its figures.

    Args:
        server: what is measured.
        speaker: what is asked.
        shape: connections, and requests in flight on each.
        window: seconds to warm up, and seconds to measure.

    Returns:
        `rate` units a second, `cpu` units per CPU second of the server, `p50` and `p95`
        in milliseconds (of a read's requests; meaningful for one in flight), `client`
        the share of the window that this process was busy (near 1 it is the limit),
        `others` the cores that other programs took meanwhile, and `grouped` units per
        transaction of the database, where there were any.
    """
    lanes = [await _lane(server, speaker, shape[1]) for _ in range(shape[0])]
    gc.collect()
    gc.disable()  # the client's collections are not the server's latency
    try:
        for lane in lanes:
            lane.begin()
        await _answered(lanes, 1, window[0])
        for lane in lanes:
            lane.latencies.clear()
        before = Reading(server, lanes)
        await _answered(lanes, LEAST, window[1])
        after = Reading(server, lanes)
        latencies = [ns / 1e6 for lane in lanes for ns in lane.latencies]
        await _drain(lanes)
    finally:
        gc.enable()
        for lane in lanes:
            await lane.socket.close()
    cuts = statistics.quantiles(latencies, n=20, method="inclusive")
    return {"p50": cuts[9], "p95": cuts[18], **after.since(before)}


async def _answered(lanes: list[Lane], least: int, seconds: float) -> None:
    """Let the time pass; stay longer where a slow server has answered too little."""
    async with asyncio.timeout(seconds + DRAIN_S):
        await asyncio.sleep(seconds)
        while sum(len(lane.latencies) for lane in lanes) < least:
            await asyncio.sleep(0.01)
            for lane in lanes:
                if lane.socket.failure is not None:
                    raise lane.socket.failure


class Reading:
    """The meters at one moment."""

    def __init__(self, server: Server, lanes: Iterable[Lane] = ()) -> None:
        self.at = time.perf_counter()
        self.units = sum(lane.units for lane in lanes)
        self.server = server.cpu()
        self.client = time.process_time()
        self.all = busy()
        self.commits = server.transactions()

    def others(self, before: "Reading") -> float:
        """Return how many cores all other programs took between two readings."""
        ours = self.server - before.server + self.client - before.client
        return max(0.0, self.all - before.all - ours) / (self.at - before.at)

    def since(self, before: "Reading") -> Figures:
        """Return the rates of the time between two readings."""
        seconds, units = self.at - before.at, self.units - before.units
        commits = self.commits - before.commits
        grouped = {"grouped": units / commits} if commits > 0 else {}
        return {
            **grouped,
            "rate": units / seconds,
            "cpu": units / max(self.server - before.server, 0.01),
            "client": (self.client - before.client) / seconds,
            "others": self.others(before),
        }


async def _drain(lanes: list[Lane]) -> None:
    """Let the requests in flight end, or say why they cannot."""
    for lane in lanes:
        lane.end()
    for lane in lanes:
        async with asyncio.timeout(DRAIN_S):
            await lane.drained.wait()
        if lane.socket.failure is not None:
            raise lane.socket.failure
