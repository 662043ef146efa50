"""The node: parts wired, started, ticked, drained and stopped."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.errors import (
    DataFolderError,
    HubError,
    PluginRefusedError,
    QueueFullError,
    UnknownCommandError,
)
from hub.http import asking
from hub.node import Node
from hub.protocol.frames import Execute
from hub.runs import Opened, Task
from hub.settings import load
from tests.stage import PATIENCE_S
from tests.talk import Talk

PLUGIN = '''
"""A plugin of a test."""

import asyncio

from hub import Plugin, TaskContext, command
from msgspec import Struct


class Lab(Plugin):
    """Commands of a test."""

    class Config(Struct):
        """What can be said about it."""

        word: str = "none"

    @command
    async def wait(self, ctx: TaskContext) -> None:
        """Wait for ever."""
        await ctx.chunk("begun")
        await asyncio.Event().wait()

    @command(pool="far")
    async def distant(self, ctx: TaskContext) -> None:
        """Run on another machine."""

    @command
    async def word(self, ctx: TaskContext, again: int = 1) -> str:
        """Return the configured word."""
        return self.config.word * again

    @command(ttl=True, localized=True)
    async def cached(self, ctx: TaskContext) -> str:
        """Return the language."""
        return ctx.locale

    @command
    async def limits(self, ctx: TaskContext) -> float | None:
        """Return what is left."""
        return ctx.deadline

    @command
    async def large(self, ctx: TaskContext) -> None:
        """Say too much at once."""
        await ctx.chunk(["x" * 3_000])
'''


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder with one plugin."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "lab.py").write_text(PLUGIN, "utf-8")
    return folder


Make = Callable[..., Node]


@pytest.fixture
def make(plugins: Path, tmp_path: Path) -> Make:
    """Return what makes a node with some settings."""

    def make(**overrides: Any) -> Node:  # values of settings
        chosen = {
            "store.engine": "memory",
            "plugins.paths": (str(plugins),),
            "plugins.bundled": False,
            "timing.tick_s": 0.01,
            "timing.grace_s": 0.05,
        }
        chosen |= {key.replace("__", "."): value for key, value in overrides.items()}
        return Node(load(None, {}, chosen), tmp_path / "data")

    return make


async def execute(node: Node, command: str, **fields: Any) -> Opened:
    """Ask for a command of the plugin.

    Raises:
        HubError: It is refused.
    """
    wish = Execute(id=0, plugin="lab", command=command, **fields)
    return await asking.execute(node, wish, "en")


async def result(node: Node, command: str, **fields: Any) -> bytes:
    """Run a command, and return its result."""
    task = (await execute(node, command, **fields)).task
    return await ended(node, task)


async def ended(node: Node, task: Task) -> bytes:
    """Wait for a task's end, and return its result."""
    assert await asking.ended(node, task, PATIENCE_S)
    assert task.outcome
    return task.outcome.result


@pytest.mark.parametrize("engine", ["memory", "sqlite"])
async def test_a_node_runs_commands(make: Make, engine: str) -> None:
    """With either engine, from the first moment until the last."""
    async with make(store__engine=engine) as node:
        assert await result(node, "word") == b'"none"'
        assert node.metrics.completed == 1
        assert (node.principal.name, node.engine.hub) == ("local", node.house.hub)


async def test_settings_reach_the_parts(make: Make) -> None:
    """Limits, times, plugins' tables and the language, each where it counts."""
    async with make(
        limits__async_runs=1,
        limits__queued=0,
        limits__chunk_bytes=2_000,
        timing__timeout_s=9,
        locale="zh-CN",
    ) as node:
        left = float(await result(node, "limits"))
        assert 8 < left <= 9
        failed = (await execute(node, "large")).task
        await ended(node, failed)
        assert failed.outcome
        assert b"chunk_too_large" in failed.outcome.detail
        await execute(node, "wait")
        with pytest.raises(QueueFullError):
            await execute(node, "wait")
        talk = Talk(node.house, locale=node.house.locale)
        error = await talk.ask("watch", task_id="none")
        assert error["message"] == "任务不存在或已过期"


async def test_plugins_get_their_tables(make: Make, plugins: Path) -> None:
    """`[plugin.NAME]` is what a plugin is configured with."""
    del plugins
    async with make(plugin__lab__word="set") as node:
        assert await result(node, "word") == b'"set"'


async def test_pools_that_are_not_served_are_said(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """At the start, by command; its runs wait, and those of served pools do not."""
    async with make(plugins__pools=["default"]) as node:
        task = (await execute(node, "distant")).task
        assert await result(node, "word") == b'"none"'
        assert task.run.unserved
        assert not task.run.started_at
    warnings = [each.getMessage() for each in caplog.records]
    assert warnings == ["no worker serves the pool far: runs of lab.distant will wait"]
    caplog.clear()

    async with make() as node:
        assert await result(node, "distant") == b"null"
    assert caplog.records == []


async def test_the_cache_can_be_turned_off(make: Make) -> None:
    """With no entries nothing is answered from it."""
    for entries, origin in ((100, "cached"), (0, "new")):
        async with make(cache__entries=entries) as node:
            await result(node, "cached")
            again = await execute(node, "cached")
            assert again.origin == origin
            await ended(node, again.task)


async def test_what_is_due_is_acted_on(make: Make) -> None:
    """A deadline passes without anybody asking."""
    async with make() as node:
        task = (await execute(node, "wait", deadline_ms=20)).task
        await ended(node, task)

        assert task.outcome
        assert task.outcome.code == "deadline_exceeded"


async def test_a_part_that_fails_does_not_stop_the_others(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Its fault is logged, and the next tick comes."""
    async with make() as node:

        def fail() -> None:
            raise ValueError("a fault of ours")

        node.delivery.tick = fail  # type: ignore[method-assign]  # the fault
        task = (await execute(node, "wait", deadline_ms=50)).task
        await ended(node, task)

    assert "could not act on what is due" in caplog.text
    assert "a fault of ours" in caplog.text


async def test_bundled_plugins_are_there_unless_turned_off(make: Make) -> None:
    """As the setting says."""
    async with make() as node:
        with pytest.raises(UnknownCommandError):
            node.registry.lookup("demo", "countdown")
    async with make(plugins__bundled=True) as node:
        assert node.registry.lookup("demo", "countdown").plugin == "demo"


async def test_a_strict_node_does_not_start_with_a_broken_plugin(
    make: Make, plugins: Path
) -> None:
    """The error names file and reason; the store is free again."""
    (plugins / "broken.py").write_text("import nothing_like_it\n", "utf-8")
    with pytest.raises(PluginRefusedError, match=r"broken\.py:1: .*nothing_like_it"):
        async with make(plugins__strict=True, store__engine="sqlite"):
            pass
    async with make(store__engine="sqlite") as node:
        assert [each.name for each in node.registry.refused()] == ["broken"]
        assert await result(node, "word")


async def test_a_data_folder_has_one_hub(make: Make) -> None:
    """The second is refused, and names the first one's process."""
    async with make(store__engine="sqlite"):
        with pytest.raises(DataFolderError, match="in use by the hub with pid"):
            async with make(store__engine="sqlite"):
                pass
    async with make(store__engine="sqlite") as node:
        assert await result(node, "word")


async def test_what_waits_outlives_a_node_with_a_file(make: Make) -> None:
    """And is run by the next one; what ran has ended, and says how."""
    async with make(store__engine="sqlite", limits__async_runs=1) as node:
        running = (await execute(node, "wait")).task
        waiting = (await execute(node, "word")).task
        hub = node.engine.hub
        await asyncio.sleep(0)
    assert running.outcome
    assert running.outcome.code == "hub_restarted"
    assert waiting.end == 0
    async with make(store__engine="sqlite") as node:
        found = await asking.find(node, waiting.id)
        assert await ended(node, found) == b'"none"'
        interrupted = await asking.find(node, running.id)
        assert interrupted.outcome
        assert interrupted.outcome.code == "hub_restarted"
        assert node.engine.hub == hub


async def test_a_drain_takes_no_new_work(make: Make) -> None:
    """`draining`, and what ran has ended when it is over."""
    async with make() as node:
        task = (await execute(node, "wait")).task
        await asyncio.sleep(0)
        await node.drain()

        assert task.outcome
        assert task.outcome.code == "hub_restarted"
        with pytest.raises(HubError) as refused:
            await execute(node, "word")
        assert refused.value.code == "draining"


async def test_a_drain_says_goodbye(make: Make) -> None:
    """To every client: the ends of its tasks, `goaway`, then 4000."""
    async with make() as node:
        talk, idle = Talk(node.house), Talk(node.house)
        opened = await talk.ask("execute", plugin="lab", command="wait")
        await talk.peer.get("chunk")
        await node.drain()

        assert await talk.peer.end() == await idle.peer.end() == (4000, "going_away")
        result = talk.peer.of("result")[0]
        assert result["task_id"] == opened["task_id"]
        assert result["response"]["metadata"]["failure"]["code"] == "hub_restarted"
        assert talk.peer.types()[-1] == idle.peer.types()[-1] == "goaway"
        assert talk.peer.types().index("result") < talk.peer.types().index("goaway")


async def test_clients_come_back_at_different_times(make: Make) -> None:
    """Each is told its own `retry_after_ms`, so that they do not come all at once."""
    async with make(timing__reconnect_spread_s=10) as node:
        talks = [Talk(node.house) for _ in range(20)]
        await node.drain()

        waits = {talk.peer.of("goaway")[0]["retry_after_ms"] for talk in talks}
        assert len(waits) > 10
        assert all(0 <= each <= 10_000 for each in waits)


async def test_a_drain_waits_for_nobody_for_ever(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that takes nothing does not hold the stop up beyond the grace."""
    async with make() as node:
        talk = Talk(node.house)
        talk.peer.block()
        await talk.peer.get("welcome")
        async with asyncio.timeout(PATIENCE_S):
            await node.drain()

        assert talk.peer.closed is None
        assert "did not take their goodbye" in caplog.text


async def test_a_node_leaves_nothing_behind(make: Make) -> None:
    """No task of the loop is left when it has stopped."""
    before = asyncio.all_tasks()
    async with make(store__engine="sqlite") as node:
        await execute(node, "wait")
        await result(node, "word")
        await node.drain()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == before
