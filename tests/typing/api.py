"""The public API as users write it: nothing here runs, mypy reads it.

Where the types of the API get narrower or wider than these programs need, the check of
types fails.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, assert_type

from msgspec import Meta, Struct
from starlette.applications import Starlette

from hub import (
    AsyncHub,
    Chunk,
    ConnectionLost,
    Gap,
    Hub,
    Log,
    Plugin,
    PluginBase,
    Progress,
    Reset,
    Retry,
    TaskCancelled,
    TaskContext,
    TaskError,
    TaskFailed,
    TaskResponse,
    TaskStatus,
    command,
    create_app,
    current_task,
)

logger = logging.getLogger(__name__)


class Report(Struct):
    """What a command returns."""

    city: str
    degrees: float


class Typed(Plugin):
    """Each kind of command, with and without options."""

    version = "1.0"

    class Config(Struct):
        """Settings of the plugin."""

        base_url: str = "https://api.example"

    async def start(self) -> None:
        """Prepare."""
        url: str = self.config.base_url
        logger.info("using %s", url)

    async def stop(self) -> None:
        """Let go."""

    async def healthy(self) -> bool:
        """Say so."""
        return True

    @command
    async def bare(self, ctx: TaskContext) -> None:
        """Take no option."""

    @command()
    async def empty(self, ctx: TaskContext) -> None:
        """Take none either."""

    @command(ttl=300, unit="unit", public=True, localized=True, timeout=10)
    async def current(
        self,
        ctx: TaskContext,
        city: Annotated[str, Meta(min_length=1, description="Where.")],
        unit: Literal["°C", "°F"] = "°C",
        day: date | None = None,
    ) -> Report:
        """Await, report, send and return a struct."""
        ctx.progress(0.1, f"Looking for {city}")
        ctx.progress(step=1, total=4)
        ctx.progress(message="thinking")
        await ctx.chunk({"unit": unit}, channel="out", kind="json")
        await ctx.chunk([day, 1, None, "text"])
        await ctx.write(b"\x89PNG", kind="image/png")
        ctx.log("done", level="debug")
        assert_type(ctx.run_id, str)
        assert_type(ctx.task_id, str)
        assert_type(ctx.attempt, int)
        assert_type(ctx.principal, str | None)
        assert_type(ctx.deadline, float | None)
        assert_type(ctx.cancelled, bool)
        assert_type(ctx.locale, str)
        assert_type(ctx.key, str | None)
        assert_type(ctx.trace, str | None)
        return Report(city=city, degrees=20.5)

    @command(ttl=True, join=True)
    def plain(self, ctx: TaskContext, n: int) -> list[int]:
        """Run in a thread: no await."""
        found = []
        for item in ctx.track(range(n), total=n, message="counting"):
            assert_type(item, int)
            found.append(item)
            if ctx.cancelled:
                break
        ctx.progress(1.0)
        return found

    @command(name="flow", idempotent=True)
    async def stream(self, ctx: TaskContext, n: int = 3) -> AsyncIterator[int]:
        """Stream from the loop."""
        for number in range(n):
            yield number
        ctx.result({"sent": n})

    @command(isolation="thread")
    def lines(self, ctx: TaskContext, path: str) -> Iterator[str]:
        """Stream from a thread."""
        with Path(path).open() as lines:
            yield from lines
        ctx.result(path)

    @command
    async def tracked(self, ctx: TaskContext) -> None:
        """Track an async iterable."""
        async for item in ctx.track(self.source(), 3):
            assert_type(item, str)

    @staticmethod
    async def source() -> AsyncIterator[str]:
        """Yield something."""
        yield "a"

    @command
    async def failing(self, ctx: TaskContext, again: bool) -> None:
        """Fail in each way there is."""
        if again:
            raise Retry("not yet", after=5)
        raise TaskError(
            "API key is invalid", code="bad_key", retry=False, detail={"hint": "renew"}
        )


class Classic(PluginBase):
    """The classic contract, without a word about tasks."""

    name = "classic"

    # Any: the values of JSON objects.
    def initialize(self, config: dict[str, Any]) -> bool:
        """Prepare."""
        return "key" in config

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Run a command; the context is there for who wants it."""
        current_task().progress(0.5)
        return {"success": True, "result": [command, params]}

    def get_info(self) -> dict[str, Any]:
        """Describe it."""
        return {"version": "1", "commands": ["a", {"name": "b", "ttl": 5}]}

    def cleanup(self) -> None:
        """Let go."""

    def is_healthy(self) -> bool:
        """Say so."""
        return True


class Asynchronous(PluginBase):
    """The same, on the loop."""

    # Any: the values of JSON objects.
    async def initialize(self, config: dict[str, Any]) -> bool:
        """Prepare."""
        return True

    async def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Run a command."""
        await current_task().chunk(command)
        return {"success": False, "error": "not today"}

    async def get_info(self) -> dict[str, Any]:
        """Describe it."""
        return {"commands": []}

    async def cleanup(self) -> None:
        """Let go."""

    async def is_healthy(self) -> bool:
        """Say so."""
        return False


async def without_a_hub() -> None:
    """Use a plugin's object by itself."""
    plugin = Typed()
    answer = await plugin.execute("plain", {"n": 1})
    assert_type(answer, dict[str, Any])
    assert_type(plugin.get_info(), dict[str, Any])
    assert_type(plugin.statistics.calls, int)
    # Any: a dict where `execute` is `def`, an awaitable of one where it is `async def`.
    safe: dict[str, Any] = Classic().safe_execute("a", {})
    same: dict[str, Any] = await Asynchronous().safe_execute("a", {})
    assert safe.keys() == same.keys()


def embedded() -> Starlette:
    """Make the application, for any server."""
    return create_app(data="data", environ={"TASKHUB__LOCALE": "zh-CN"})


def event(value: Progress | Chunk | Log | Reset | Gap) -> str | float | None:
    """Look into what a run tells."""
    if isinstance(value, Progress):
        assert_type(value.status, TaskStatus)
        return value.progress
    if isinstance(value, Chunk):
        return value.channel
    if isinstance(value, Log):
        return value.message
    return value.reason if isinstance(value, Reset) else value.why


def ended(response: TaskResponse) -> str:
    """Look into a task."""
    assert_type(response.task_id, str)
    assert_type(response.progress, float | None)
    match response.status:
        case TaskStatus.COMPLETED:
            return str(response.result["city"])
        case TaskStatus.FAILED | TaskStatus.CANCELLED:
            return response.error or "cancelled"
        case TaskStatus.CREATED | TaskStatus.RUNNING:
            return response.message or ""


async def client(url: str) -> None:
    """Run commands from a program with a loop."""
    async with AsyncHub(url, token="secret", codec="json", reconnect_for=5) as hub:
        task = await hub.execute("weather.current", city="Paris")
        async for said in task:
            event(said)
        assert_type(await task, TaskResponse)
        task = await hub.options(key="k", deadline=10, cache="off").execute(
            "weather.current", {"city": "Paris"}
        )
        assert_type(await task.response(), TaskResponse)
        await task.cancel("enough")
        try:
            await hub.attach(task.id)
        except TaskCancelled as error:
            assert_type(error.response, TaskResponse)
        except TaskFailed as error:
            assert_type(error.code, str)
            assert_type(error.retry, bool)
        except ConnectionLost as error:
            assert_type(error.ran, str)
        await hub.cancel(task.id)
        # Any: the hub's JSON.
        assert_type(await hub.command("weather.current"), dict[str, Any])


def client_in_a_thread(url: str) -> TaskResponse:
    """Run commands from a program without one."""
    with Hub(url) as hub:
        task = hub.options(priority="low", linger=0).execute("demo.echo", value=1)
        for said in task:
            event(said)
        assert_type(task.response(), TaskResponse)
        return task.wait(timeout=1)


if __name__ == "__main__":
    asyncio.run(without_a_hub())
