"""A hub with the lab's plugin, and clients that do not wait long."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from hub import AsyncHub
from hub.client.pace import Pace
from tests.served import Served, served

PLUGINS = Path(__file__).parent / "plugins"


class Brisk(AsyncHub):
    """A client whose waits are short."""

    pace: ClassVar[Pace] = Pace(first_s=0.02, most_s=0.1, open_s=5.0, close_s=0.5)


@pytest.fixture
async def house() -> AsyncIterator[Served]:
    """Serve a hub with the bundled plugins and the lab's."""
    async with served(plugins__bundled=True, plugins__paths=(str(PLUGINS),)) as found:
        yield found


@pytest.fixture(params=["msgpack", "json"])
async def hub(request: pytest.FixtureRequest, house: Served) -> AsyncIterator[AsyncHub]:
    """Give a client, in either codec."""
    async with Brisk(house.http, codec=request.param, reconnect_for=5) as found:
        yield found
