"""Every test of the contract runs over every engine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from hub.engines.base import Bounds
from tests.engines.lab import KINDS, Kind, Lab

MakeLab = Callable[..., Awaitable[Lab]]


@pytest.fixture
def anyio_backend() -> str:
    """Engines run on asyncio."""
    return "asyncio"


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Every sort of engine."""
    return KINDS[str(request.param)]


@pytest.fixture
async def make_lab(kind: Kind, tmp_path: Path) -> AsyncIterator[MakeLab]:
    """Return a function that puts an engine on the bench, with bounds as given."""
    labs: list[Lab] = []

    async def make(slots: int = 0, bounds: Bounds | None = None) -> Lab:
        lab = Lab(kind, tmp_path / str(len(labs)), bounds or Bounds())
        await lab.start(slots)
        labs.append(lab)
        return lab

    yield make
    for lab in labs:
        await lab.engine.close()


@pytest.fixture
async def lab(make_lab: MakeLab) -> Lab:
    """An engine with the usual bounds and no free slot."""
    return await make_lab()
