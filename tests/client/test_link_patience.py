"""The connection to what only claims to be a hub: it keeps nobody waiting for ever."""

import asyncio
from typing import ClassVar

import pytest

from hub.client.errors import UnreachableError, UnsupportedVersionError
from hub.client.pace import Pace
from tests.client.conftest import Brisk
from tests.client.scripted import WELCOME, Caller, opened, plain, result, scripted
from tests.stage import PATIENCE_S


class Hasty(Brisk):
    """A client that gives a connection no more time than is left for looking."""

    pace: ClassVar[Pace] = Pace(first_s=0.02, most_s=0.1, open_s=600, least_s=0.02)


class Leaving(Brisk):
    """A client for which no connection has lived: this machine may be slow."""

    pace: ClassVar[Pace] = Pace(first_s=600, most_s=0.01)


async def test_a_leaving_hub_is_left_alone_no_longer_than_others() -> None:
    """It may say what it likes: after `reconnect_for` it is looked for again."""

    async def script(caller: Caller) -> None:
        if caller.number == 1:
            await caller.say(opened(await caller.get("execute"), "t"))
            goaway = {"type": "goaway", "reason": "x", "drain_ms": 0}
            await caller.say({**goaway, "retry_after_ms": 10**12})
            await caller.socket.close(4000, "going_away")
            return
        await caller.say(opened(await caller.get("watch"), "t"), result("t"))
        await caller.socket.wait_closed()

    async with (
        scripted(script) as url,
        Brisk(url, codec="json", reconnect_for=0.2) as hub,
        asyncio.timeout(PATIENCE_S),
    ):
        await (await hub.execute("p.c"))


async def test_a_hub_that_leaves_again_and_again_is_lost() -> None:
    """Each time it comes back it goes at once: that is no hub that is back."""

    async def script(caller: Caller) -> None:
        goaway = {"type": "goaway", "reason": "x", "drain_ms": 0}
        await caller.say({**goaway, "retry_after_ms": 5})
        await caller.socket.close(4000, "going_away")

    async with (
        scripted(script) as url,
        Leaving(url, codec="json", reconnect_for=0.3) as hub,
        asyncio.timeout(PATIENCE_S),
    ):
        with pytest.raises(UnreachableError):
            await (await hub.execute("p.c"))


@pytest.mark.parametrize("upgrades", [True, False])
async def test_a_silent_server_is_given_up(upgrades: bool) -> None:
    """Within the time that a hub is looked for, before or behind the upgrade."""

    async def script(caller: Caller) -> None:
        await caller.socket.wait_closed()

    async with (
        scripted(script, welcome=False) as url,
        plain(b"", closes=False) as port,
        Hasty(
            url if upgrades else f"ws://127.0.0.1:{port}",
            codec="json",
            reconnect_for=0.3,
        ) as hub,
        asyncio.timeout(PATIENCE_S),
    ):
        with pytest.raises(UnreachableError):
            await (await hub.execute("p.c"))
        assert not hub.was_connected


async def test_another_version_is_said() -> None:
    """A `welcome` with another number: nothing is sent, and nobody tries again."""
    asked = list[object]()

    async def script(caller: Caller) -> None:
        await caller.say({**WELCOME, "protocol": 99})
        asked.append(await caller.get("execute"))

    async with (
        scripted(script, welcome=False) as url,
        Brisk(url, codec="json", reconnect_for=PATIENCE_S) as hub,
    ):
        with pytest.raises(UnsupportedVersionError, match="another version"):
            await (await hub.execute("p.c"))
        assert not hub.was_connected
    assert asked == []
