"""Feeds: transports that say beforehand that they take nothing."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from hub.protocol.frames import Goaway, Pong
from tests.feeds import Reading, talking
from tests.peer import Peer
from tests.stage import Stage, stage, turns


class Full(Peer):
    """A peer that says whether it would take a message."""

    def __init__(self) -> None:
        super().__init__()
        self._room = asyncio.Event()
        self.asked = 0
        self.fault: Exception | None = None

    def blocked(self) -> Coroutine[Any, Any, None] | None:  # type: ignore[override]  # as the transport's
        """Return what to wait for, if anything."""
        self.asked += 1
        return None if self._room.is_set() else self._wait()

    async def _wait(self) -> None:
        await self._room.wait()
        if self.fault is not None:
            raise self.fault

    def make_room(self) -> None:
        """Take messages from now on."""
        self._room.set()


def reading_of(hub: Stage) -> tuple[Reading, Full]:
    """Return a reader whose peer is full."""
    reading, full = Reading(hub), Full()
    reading.peer = reading.feed._transport = full
    return reading, full


async def test_nothing_is_composed_before_there_is_room() -> None:
    """So that what leaves then is the latest, in as few messages as it takes."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading, full = reading_of(hub)
        reading.watch(task)
        for number in range(10):
            talker.chunks(number)
            talker.progress(number / 10)
            hub.clock.advance(1)
            await turns(5)
        assert full.messages == []
        assert hub.metrics.frames_out == 0
        full.make_room()
        await full.until(lambda: len(full.of("chunk")) == 10)

        assert len(full.messages) == 1
        assert [each["progress"] for each in full.of("progress")] in ([0.9], [])
        assert full.of("opened")


async def test_one_wait_is_enough() -> None:
    """Marks that come meanwhile start no other."""
    async with stage() as hub:
        reading, full = reading_of(hub)
        for number in range(50):
            reading.feed.answer(Pong(id=number))
            await turns()
        assert full.asked == 1
        full.make_room()
        await full.until(lambda: len(full.of("pong")) == 50)


async def test_a_peer_that_goes_while_it_is_full_is_let_go_of() -> None:
    """As one that goes while it is sent to."""
    async with stage() as hub:
        talker, task = await talking(hub)
        reading, full = reading_of(hub)
        reading.watch(task)
        await turns()
        full.fault = ConnectionResetError("gone")
        full.make_room()
        await turns(5)

        assert reading.feed.closed
        assert hub.metrics.watches == 0
        talker.end()
        await hub.outcome(task)


async def test_a_feed_is_closed_while_its_peer_is_full() -> None:
    """Nobody waits for room any more."""
    async with stage() as hub:
        reading, full = reading_of(hub)
        reading.feed.answer(Pong(id=1))
        await turns()
        reading.feed.close()
        full.make_room()
        await turns(5)

        assert full.messages == []


async def test_a_goodbye_waits_for_room() -> None:
    """It is sent, and then the close, once there is some."""
    async with stage() as hub:
        reading, full = reading_of(hub)
        goodbye = Goaway(reason="shutdown", drain_ms=0, retry_after_ms=1)
        reading.feed.close_with(4000, "going_away", goodbye)
        await turns(5)
        assert full.closed is None
        full.make_room()

        assert await full.end() == (4000, "going_away")
        assert full.types() == ["goaway"]


async def test_a_reader_that_takes_nothing_collects_no_heartbeats() -> None:
    """What waits for it is sign of life enough; its memory stays flat."""
    async with stage(heartbeat_s=20.0) as hub:
        full_reading, full = reading_of(hub)
        full_reading.feed.answer(Pong(id=1))
        blocked = Reading(hub)
        await blocked.block()
        for _ in range(100):
            hub.tick(21)
            await turns(1)
        full.make_room()
        blocked.peer.release()
        await full.get("pong")
        await turns(10)

        assert len(full.of("ping")) <= 1
        assert len(blocked.peer.of("ping")) <= 1
