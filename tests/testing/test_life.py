"""One life of a hub under test: begun and ended by whoever, and never half there."""

import asyncio
import time

import pytest

from hub.errors import PluginRefusedError
from hub.ids import TaskIds
from hub.node import Parts, bounds_of
from hub.plugin.contract import PluginBase
from hub.plugin.typed import Plugin
from hub.settings import load
from hub.testing.life import Life, clock_of
from hub.testing.loops import BEGIN_S, simulated
from hub.testing.store import OutlivingEngine
from hub.testing.wishes import Given
from tests.testing.lab import DAY_S, Lab

SETTINGS = load(None, {}, {"store.engine": "memory", "plugins.bundled": False})


class Idle(Plugin):
    """A plugin without a command."""


def life(plugin: type[PluginBase] = Lab) -> Life:
    """Return a life on the running loop."""
    clock = clock_of(asyncio.get_running_loop())
    engine = OutlivingEngine(bounds_of(SETTINGS), clock, TaskIds())
    return Life(SETTINGS, Given((plugin,)), Parts(clock=clock, engine=engine))


async def test_it_is_begun_and_ended_in_any_task() -> None:
    """As tests are, whose fixtures run apart."""
    made = await asyncio.create_task(life().begin())
    assert [each.name for each in made.node.registry.plugins()] == ["lab"]
    made.stir()
    made.due_in(1)  # a real hub ticks by itself
    await asyncio.create_task(made.end())
    assert made.node.registry.plugins() == []


async def test_a_plugin_that_is_refused_ends_it() -> None:
    """With the reason, and nothing goes on."""
    before = asyncio.all_tasks()
    with pytest.raises(PluginRefusedError, match="no method marked"):
        await life(Idle).begin()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@simulated
async def test_the_wall_moves_with_simulated_time() -> None:
    """From now on."""
    clock = clock_of(asyncio.get_running_loop())
    assert clock.now() == BEGIN_S
    assert clock.wall() == pytest.approx(time.time(), abs=5)
    await asyncio.sleep(DAY_S)
    assert clock.wall() - time.time() == pytest.approx(DAY_S, abs=5)
