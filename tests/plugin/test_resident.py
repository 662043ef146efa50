"""One plugin in the hub, by itself."""

import asyncio
from pathlib import Path

import pytest

from hub.errors import PluginRefusedError
from hub.plugin.command import Defaults, command
from hub.plugin.context import TaskContext
from hub.plugin.resident import Resident
from hub.plugin.typed import Plugin


class Sample(Plugin):
    """A sample."""

    answer = True

    async def healthy(self) -> bool:
        """Answer after a turn."""
        await asyncio.sleep(0)
        return self.answer

    @command
    async def noop(self, ctx: TaskContext) -> None:
        """Do nothing."""


def resident() -> Resident:
    """Return the sample, not started yet."""
    return Resident(Sample, name="given", source="folder", within=Path(__file__))


async def test_before_its_start_a_plugin_is_only_known() -> None:
    """Nothing is found, counted or asked; nothing breaks."""
    plugin = resident()

    plugin.tally.record(ok=True, ms=1.0)
    await plugin.check_health(1.0)
    await plugin.stop(1.0)

    assert plugin.find("noop") is None
    assert plugin.report().statistics.calls == 0
    assert plugin.report().commands == []


async def test_the_hub_gives_the_name() -> None:
    """Where the class has none."""
    plugin = resident()
    await plugin.start({}, Defaults())

    spec = plugin.find("noop")

    assert spec is not None
    assert spec.plugin == plugin.report().name == "given"
    await plugin.stop(1.0)


async def test_two_may_ask_for_the_health_at_once() -> None:
    """They share one question."""
    plugin = resident()
    await plugin.start({}, Defaults())

    await asyncio.gather(plugin.check_health(1.0), plugin.check_health(1.0))

    assert plugin.healthy
    await plugin.stop(1.0)


async def test_a_wrong_start_is_refused() -> None:
    """And the plugin is not there."""

    class Broken(Sample):
        """Cannot start."""

        async def start(self) -> None:
            """Fail."""
            raise OSError("no")

    plugin = Resident(Broken, name="broken", source="folder", within=Path(__file__))

    with pytest.raises(PluginRefusedError, match="OSError: no"):
        await plugin.start({}, Defaults())
    await plugin.check_health(1.0)
    assert plugin.report().version == ""
