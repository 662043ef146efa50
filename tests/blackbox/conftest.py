"""Hubs to talk to: one for each engine that all share, and any that a test asks for."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.blackbox.client import Client
from tests.blackbox.server import HubProcess

MakeHub = Callable[..., HubProcess]


@pytest.fixture(scope="session", params=["sqlite", "memory"])
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HubProcess]:
    """Start a hub with the test plugins; Ctrl-C must end it cleanly."""
    folder = tmp_path_factory.mktemp(request.param)
    started = HubProcess(folder / "data", "--engine", request.param).start()
    yield started
    started.stop()


@pytest.fixture
def client(hub: HubProcess) -> Iterator[Client]:
    """Connect to the shared hub, in JSON."""
    with hub.client() as connected:
        yield connected


@pytest.fixture
def http(hub: HubProcess) -> Iterator[httpx.Client]:
    """Make an HTTP client for the shared hub."""
    with hub.http() as made:
        yield made


@pytest.fixture
def make_hub(tmp_path: Path) -> Iterator[MakeHub]:
    """Give a function that makes hubs of a test's own, and stop what still runs."""
    made: list[HubProcess] = []

    def make(
        *arguments: str, data: str = "data", **more: object
    ) -> HubProcess:  # the keywords are the HubProcess's own
        hub = HubProcess(tmp_path / data, *arguments, **more)  # type: ignore[arg-type]  # as they come
        made.append(hub)
        return hub

    yield make
    for hub in made:
        if hub.running:
            hub.stop()


@pytest.fixture
def name() -> str:
    """Give a name that no other test uses."""
    return uuid.uuid4().hex
