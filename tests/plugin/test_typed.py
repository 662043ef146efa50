"""A typed plugin keeps the classic contract, without a hub."""

import threading
from typing import Any, Literal

import pytest
from msgspec import Struct

from hub.errors import PluginRefusedError
from hub.plugin.command import Defaults, command
from hub.plugin.context import TaskContext, current_task
from hub.plugin.errors import TaskError
from hub.plugin.typed import Plugin, typed_specs


class Report(Struct):
    """A result."""

    city: str
    base: str


class Weather(Plugin):
    """The weather.

    Not shown.
    """

    name = "weather"
    version = "1.0"

    class Config(Struct):
        """What can be configured."""

        base_url: str = "https://example.org"
        retries: int = 2

    def __init__(self) -> None:
        self.life: list[str] = []

    async def start(self) -> None:
        """Note it."""
        self.life.append("start")

    def stop(self) -> None:  # type: ignore[override]  # `def` is allowed, too
        """Note it and the thread."""
        self.life.append(f"stop {threading.current_thread().name}")

    async def healthy(self) -> bool:
        """Depend on the life so far."""
        return self.life[-1] == "start"

    @command(ttl=300)
    async def current(
        self, ctx: TaskContext, city: str, unit: Literal["C", "F"] = "C"
    ) -> Report:
        """Report."""
        assert current_task() is ctx
        ctx.progress(0.5, "half")
        ctx.log("asking")
        await ctx.chunk({"any": 1})
        await ctx.chunk("text")
        await ctx.write(b"bytes")
        if city == "Nowhere":
            raise TaskError("No such city", code="no_city")
        return Report(city, self.config.base_url)

    @command
    def blocking(self, ctx: TaskContext) -> str:
        """Run in a thread."""
        assert current_task() is ctx
        ctx.chunk(1)  # type: ignore[unused-awaitable]  # in a thread the call waits
        return threading.current_thread().name

    @command
    async def broken(self, ctx: TaskContext) -> None:
        """Fail."""
        raise ValueError("bug")

    @command
    async def endless(self, ctx: TaskContext) -> object:
        """Return what is no JSON."""
        return 2**64


async def test_execute_runs_a_command() -> None:
    """The result is JSON; defaults of the Config are there without a hub."""
    assert await Weather().execute("current", {"city": "Paris"}) == {
        "success": True,
        "result": {"city": "Paris", "base": "https://example.org"},
    }


async def test_threaded_commands_run_in_a_thread() -> None:
    """With the same context."""
    answer = await Weather().execute("blocking", {})

    assert answer["result"] != threading.current_thread().name


@pytest.mark.parametrize(
    ("name", "params", "error"),
    [
        ("current", {}, "city: required, but missing"),
        ("current", {"city": "x", "unit": "K"}, "unit: must be one of: C, F"),
        ("current", {"city": "Nowhere"}, "No such city"),
        ("current", {"city": 2**70}, "an integer beyond 64 bit"),
        ("endless", {}, "an integer beyond 64 bit"),
        ("none", {}, "weather has no command 'none'"),
    ],
)
async def test_foreseen_failures_are_answers(
    name: str, params: dict[str, Any], error: str
) -> None:
    """Invalid params, a TaskError and an unknown command."""
    answer = await Weather().execute(name, params)

    assert answer["success"] is False
    assert answer["result"] is None
    assert error in answer["error"]


async def test_bugs_raise_but_not_from_safe_execute() -> None:
    """`safe_execute` turns them into failures and counts."""
    plugin = Weather()
    with pytest.raises(ValueError, match="bug"):
        await plugin.execute("broken", {})

    response = await plugin.safe_execute("broken", {})
    await plugin.safe_execute("current", {"city": "Paris"})

    assert response["error"] == "ValueError: bug"
    assert (plugin.statistics.successes, plugin.statistics.failures) == (1, 1)


def test_outside_of_a_task_there_is_no_context() -> None:
    """`current_task` says so."""
    with pytest.raises(RuntimeError, match="inside of a command"):
        current_task()


def test_get_info_is_a_classic_plugins() -> None:
    """Name, version, description, and commands with their schema and options."""
    info = Weather().get_info()

    assert (info["name"], info["version"]) == ("weather", "1.0")
    assert info["description"] == "The weather."
    names = [each["name"] for each in info["commands"]]
    assert names == ["current", "blocking", "broken", "endless"]
    assert info["commands"][0]["ttl"] == 300
    assert info["commands"][0]["params"]["required"] == ["city"]


async def test_initialize_checks_the_configuration_and_starts() -> None:
    """`self.config` is the plugin's own type; then come start, healthy and stop."""
    plugin = Weather()

    assert await plugin.initialize({"base_url": "x", "retries": "3"}) is True
    assert (plugin.config.base_url, plugin.config.retries) == ("x", 3)
    assert await plugin.is_healthy() is True
    await plugin.cleanup()
    assert plugin.life[0] == "start"
    assert plugin.life[1] != f"stop {threading.main_thread().name}"
    assert await plugin.is_healthy() is False


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (
            {"base_ulr": "x"},
            "[plugin.weather] has no key 'base_ulr'; the keys are: base",
        ),
        ({"retries": "x"}, "[plugin.weather] retries: Expected `int`, got `str`"),
    ],
)
async def test_a_wrong_configuration_names_its_key(
    config: dict[str, Any], reason: str
) -> None:
    """Unknown keys and wrong values."""
    with pytest.raises(PluginRefusedError) as caught:
        await Weather().initialize(config)

    assert caught.value.reason.startswith(reason)
    assert caught.value.file == __file__
    assert caught.value.line is not None


class Bare(Plugin):
    """Nothing but a command."""

    @command
    async def noop(self, ctx: TaskContext) -> None:
        """Do nothing."""


async def test_without_a_config_there_is_the_table() -> None:
    """A plugin without `Config` gets what the file says, or nothing."""
    plugin = Bare()
    assert plugin.config == {}

    await plugin.initialize({"a": 1})

    assert plugin.config == {"a": 1}
    assert await plugin.is_healthy() is True
    await plugin.cleanup()


def test_a_required_setting_is_asked_for_at_load() -> None:
    """An instance can be made without it."""

    class Keyed(Bare):
        """Needs a key."""

        class Config(Struct):
            """One required key."""

            key: str

    with pytest.raises(AttributeError):
        Keyed().config  # noqa: B018 (looking is the point)


def test_a_typed_plugin_has_commands_and_a_version() -> None:
    """One that forgot `@command`, or whose version is no text, is refused."""

    class Empty(Plugin):
        """No command."""

        async def current(self, ctx: TaskContext) -> None:
            """Lack the mark."""

    class Numbered(Bare):
        """A number as version."""

        version = 1.0  # type: ignore[assignment]  # that is the point

    with pytest.raises(PluginRefusedError, match="no method marked with @command"):
        typed_specs(Empty(), Defaults())
    with pytest.raises(PluginRefusedError, match=r"version 1\.0 is not text"):
        typed_specs(Numbered(), Defaults())


def test_a_config_is_a_struct() -> None:
    """Anything else is refused."""

    class Odd(Bare):
        """A dict as Config."""

        Config = {"a": 1}  # type: ignore[assignment]  # noqa: RUF012 (that is the point)

    plugin = Odd()

    with pytest.raises(PluginRefusedError, match=r"Config is no msgspec\.Struct"):
        plugin.initialize({}).send(None)


class Apart(Plugin):
    """Has commands in processes."""

    @command(isolation="process")
    async def awaited(self, ctx: TaskContext, word: str = "a") -> str:
        """Run on a loop there."""
        return word

    @command(isolation="process")
    def plain(self, ctx: TaskContext, word: str = "b") -> str:
        """Run by itself there."""
        return word


@pytest.mark.parametrize(("name", "result"), [("awaited", "a"), ("plain", "b")])
async def test_commands_in_processes_run_here_without_a_hub(
    name: str, result: str
) -> None:
    """Whoever holds the plugin's object can try them."""
    answer = await Apart().execute(name, {})

    assert answer == {"success": True, "result": result}
