"""A node in this process, and clients that need no socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.app import app_of
from hub.node import Node
from hub.settings import load
from tests.http.client import Client

Serve = Callable[..., Any]  # settings by name; an async context manager of a Client


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Return what serves the hub with some settings."""

    @asynccontextmanager
    async def serving(**overrides: Any) -> AsyncIterator[Client]:  # values of settings
        chosen = {
            "store.engine": "memory",
            "plugins.paths": (str(Path(__file__).parent / "plugins"),),
            "plugins.bundled": False,
            "timing.tick_s": 0.01,
            "timing.grace_s": 0.05,
        }
        chosen |= {key.replace("__", "."): value for key, value in overrides.items()}
        node = Node(load(None, {}, chosen), tmp_path / "data")
        async with node, Client(node, app_of(node)) as client:
            yield client

    return serving


@pytest.fixture
async def client(serve: Serve) -> AsyncIterator[Client]:
    """Talk to a hub as it comes out of the box, in memory."""
    async with serve() as client:
        yield client
