"""What ``taskhub new plugin`` writes: a plugin in either style, and its test."""

from string import Template
from typing import Final

TYPED: Final = Template('''\
"""The plugin $name."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from hub import Plugin, TaskContext, command
from msgspec import Meta


class $class_(Plugin):
    """Say here what the plugin is for: people read it."""

    version = "0.1"

    @command
    async def hello(self, ctx: TaskContext, name: str = "world") -> str:
        """Greet somebody."""
        ctx.progress(0.5, "looking for words")
        return f"Hello, {name}!"

    @command
    async def count(
        self, ctx: TaskContext, to: Annotated[int, Meta(ge=1, le=3600)] = 3
    ) -> AsyncIterator[int]:
        """Count, a number a second; each is sent as it comes."""
        for number in range(1, to + 1):
            await asyncio.sleep(1)
            ctx.progress(step=number, total=to)
            yield number
''')

TYPED_TEST: Final = Template('''\
"""Tests of the plugin $name: they need no server, and time passes by itself."""

from pathlib import Path

import pytest

from hub.testing import HubError, TestHub, after_chunk

PLUGIN = Path(__file__).parents[1] / "$name.py"


def test_hello_greets() -> None:
    """By name, or the whole world."""
    with TestHub(PLUGIN) as hub:
        assert hub.run("$name.hello").result == "Hello, world!"
        task = hub.run("$name.hello", name="Ada")

    assert task.result == "Hello, Ada!"
    assert [each.message for each in task.progress] == ["looking for words"]


def test_count_streams_its_numbers() -> None:
    """An hour of it takes no time."""
    with TestHub(PLUGIN) as hub:
        task = hub.options(cancel_at=after_chunk(2)).run("$name.count", to=3600)

    assert (task.status.text, task.output) == ("cancelled", [1, 2])


def test_count_needs_a_number() -> None:
    """Params are checked before anything runs."""
    with TestHub(PLUGIN) as hub, pytest.raises(HubError) as refused:
        hub.run("$name.count", to=0)

    assert refused.value.code == "invalid_params"
''')

CLASSIC: Final = Template('''\
"""The plugin $name."""

from typing import Any

from hub import PluginBase, current_task


class $class_(PluginBase):
    """Say here what the plugin is for: people read it."""

    def initialize(self, config: dict[str, Any]) -> bool:
        """Take the table [plugin.$name]; return False to stay out."""
        self.greeting = config.get("greeting", "Hello")
        return True

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Run a command, in a thread."""
        current_task().progress(0.5, "looking for words")
        name = params["name"]
        if not name:
            return {"success": False, "error": "nobody to greet"}
        return {"success": True, "result": f"{self.greeting}, {name}!"}

    def get_info(self) -> dict[str, Any]:
        """Introduce the plugin."""
        text = {"type": "string", "default": "world"}
        return {
            "name": "$name",
            "version": "0.1",
            "description": "Say here what the plugin is for: people read it.",
            "commands": [
                {
                    "name": "hello",
                    "description": "Greet somebody",
                    "params": {"type": "object", "properties": {"name": text}},
                }
            ],
        }

    def cleanup(self) -> None:
        """Let go of what initialize took."""

    def is_healthy(self) -> bool:
        """Say whether commands may be expected to work."""
        return True
''')

CLASSIC_TEST: Final = Template('''\
"""Tests of the plugin $name: they need no server."""

from pathlib import Path

import pytest

from hub.testing import HubError, TestHub

PLUGIN = Path(__file__).parents[1] / "$name.py"


def test_hello_greets() -> None:
    """By name, with the words of the configuration."""
    with TestHub(PLUGIN, config={"greeting": "Hi"}) as hub:
        assert hub.run("$name.hello").result == "Hi, world!"
        task = hub.run("$name.hello", name="Ada")

    assert task.result == "Hi, Ada!"
    assert [each.message for each in task.progress] == ["looking for words"]


def test_hello_needs_somebody() -> None:
    """What fails says why."""
    with TestHub(PLUGIN) as hub:
        task = hub.run("$name.hello", name="")

    assert (task.status.text, task.error) == ("failed", "nobody to greet")


def test_hello_needs_a_text() -> None:
    """Params are checked before anything runs."""
    with TestHub(PLUGIN) as hub, pytest.raises(HubError) as refused:
        hub.run("$name.hello", name=5)

    assert refused.value.code == "invalid_params"
''')
