"""Marked methods become commands, or are refused with their line."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from hub.errors import PluginRefusedError
from hub.plugin.command import Defaults, command
from hub.plugin.context import Facts, TaskContext
from hub.plugin.direct import run_directly
from hub.plugin.methods import paragraph, read_ahead
from hub.plugin.spec import CommandSpec
from hub.plugin.typed import Plugin, typed_specs


class Base(Plugin):
    """Commands can be inherited."""

    @command
    async def inherited(self, ctx: TaskContext) -> str:
        """Say so."""
        return "base"

    @command
    async def replaced(self, ctx: TaskContext) -> str:
        """Overridden below, without a mark."""
        return "base"


class Sample(Base):
    """One of every kind."""

    name = "sample"
    version = "1.2"

    @command(ttl=True, unit="unit", public=True)
    async def current(self, ctx: TaskContext, city: str, *, unit: str = "C") -> str:
        """Report the weather
        now.

        At length.
        """
        return f"{city} {unit}"

    @command(name="other_name", timeout=5, idempotent=True, localized=True)
    def renamed(self, ctx: TaskContext) -> int:
        return 7

    @command
    async def flow(self, ctx: TaskContext, n: int = 3) -> AsyncIterator[int]:
        """Stream on the loop."""
        for each in range(n):
            yield each
        ctx.result(n)

    @command
    def steps(self, ctx: TaskContext) -> Iterator[int]:
        """Stream in a thread."""
        yield 1
        ctx.result("done")

    @command(isolation="thread")
    def steps_said(self, ctx: TaskContext) -> Iterator[int]:
        """Say where it runs."""
        yield 1

    @command(isolation="process")
    def heavy(self, ctx: TaskContext) -> None:
        """Run apart."""

    @command(keep="tail")
    def endless(self, ctx: TaskContext) -> None:
        """Wait for a later version."""

    async def replaced(self, ctx: TaskContext) -> str:
        """Be no command any more."""
        return "sample"


SPECS = typed_specs(Sample(), Defaults(ttl_s=60.0, timeout_s=30.0))


def test_commands_come_in_the_order_of_their_methods() -> None:
    """Inherited ones first; a method overridden without a mark is none."""
    assert list(SPECS) == [
        "inherited",
        "current",
        "other_name",
        "flow",
        "steps",
        "steps_said",
        "heavy",
        "endless",
    ]


def test_a_spec_says_what_was_declared() -> None:
    """Names, texts and options, with the hub's defaults filled in."""
    spec = SPECS["current"]

    assert (spec.plugin, spec.name, spec.version) == ("sample", "current", "1.2")
    assert spec.description == "Report the weather now."
    assert (spec.ttl, spec.unit, spec.public, spec.join) == (60.0, "unit", True, True)
    assert (spec.isolation, spec.timeout, spec.streaming) == ("async", 30.0, False)
    assert spec.schema["required"] == ["city"]
    assert spec.refused is None

    other = SPECS["other_name"]
    assert (other.isolation, other.timeout, other.description) == ("thread", 5.0, "")
    assert (other.idempotent, other.localized, other.ttl) == (True, True, None)


def test_generators_are_streaming() -> None:
    """Async ones on the loop, plain ones in a thread, declared or not."""
    kinds = {name: (spec.isolation, spec.streaming) for name, spec in SPECS.items()}

    assert kinds["flow"] == ("async", True)
    assert kinds["steps"] == kinds["steps_said"] == ("thread", True)
    assert kinds["inherited"] == ("async", False)


def test_call_is_what_the_isolation_says() -> None:
    """A coroutine, an async generator, a value or a generator."""
    ctx: Any = object()  # Any: these commands do nothing with it at first

    coroutine = SPECS["inherited"].call(ctx, SPECS["inherited"].parse(b"{}").params)
    assert inspect.iscoroutine(coroutine)
    assert asyncio.run(coroutine) == "base"
    assert SPECS["other_name"].call(ctx, SPECS["other_name"].parse(b"{}").params) == 7
    parsed = SPECS["flow"].parse(b'{"n":1}')
    assert inspect.isasyncgen(SPECS["flow"].call(ctx, parsed.params))
    assert inspect.isgenerator(SPECS["steps"].call(ctx, SPECS["steps"].parse(b"{}")))


async def test_commands_run_without_a_hub() -> None:
    """With a context that leads nowhere; a generator's result is `ctx.result`'s."""

    async def result(name: str, raw: bytes) -> object:
        return await run_directly(SPECS[name], SPECS[name].parse(raw).params)

    assert await result("current", b'{"city":"Paris","unit":"F"}') == "Paris F"
    assert await result("other_name", b"{}") == 7
    assert await result("flow", b'{"n":4}') == 4
    assert await result("steps", b"{}") == "done"
    assert await result("steps_said", b"{}") is None


def test_the_readable_key_is_for_people() -> None:
    """Plugin, command, canonical params and the unit, where there is one."""
    spec = SPECS["current"]
    canonical = spec.parse('{"city":"北京","unit":"°C"}'.encode()).canonical

    assert spec.readable_key(canonical) == (
        'sample.current:{"city":"北京","unit":"°C"}:°C'
    )
    assert SPECS["steps"].readable_key(b"{}") == "sample.steps:{}"


def test_the_readable_key_shows_units_that_are_no_text() -> None:
    """As JSON."""

    class Counting(Plugin):
        """A number as unit."""

        @command(unit="per")
        async def count(self, ctx: TaskContext, per: int = 10) -> None: ...

    spec = typed_specs(Counting(), Defaults())["count"]

    assert (
        spec.readable_key(spec.parse(b"{}").canonical) == 'counting.count:{"per":10}:10'
    )


def test_specs_are_told_apart_by_identity() -> None:
    """They can be keys, whatever their schema holds."""
    again = typed_specs(Sample(), Defaults())

    assert len({SPECS["flow"], again["flow"], SPECS["flow"]}) == 2


def test_a_command_that_is_not_served_keeps_its_place() -> None:
    """It says why; the others are not touched."""
    assert SPECS["heavy"].refused is None
    assert SPECS["endless"].refused == (
        'this version of the hub does not serve keep="tail"'
    )


def test_params_are_read_alike_in_every_instance() -> None:
    """How they are read is worked out once, ahead of the first instance."""
    read_ahead(Sample)
    one, another = (typed_specs(Sample(), Defaults()) for _ in range(2))

    assert one["flow"].parse is another["flow"].parse


def refusal(**methods: Callable[..., object]) -> str:
    """Return why a plugin with such methods is refused; the line is a method's."""
    owner = type("Owner", (Plugin,), {"__module__": __name__, **methods})
    with pytest.raises(PluginRefusedError) as caught:
        typed_specs(owner(), Defaults())
    assert caught.value.file == __file__
    return caught.value.reason


def test_isolation_must_fit() -> None:
    """`async def` in a thread and `def` on the loop are refused at load."""

    @command(isolation="thread")
    async def on_loop(self: Any, ctx: TaskContext) -> None: ...

    @command(isolation="async")
    def in_thread(self: Any, ctx: TaskContext) -> None: ...

    assert refusal(a=on_loop) == (
        "on_loop: isolation='thread' does not fit a `async def`"
    )
    assert refusal(a=in_thread) == "in_thread: isolation='async' does not fit a `def`"


def test_commands_have_names_of_their_own() -> None:
    """Two of one name, a bad name, and a name of the plugin's life are refused."""

    @command(name="same")
    async def one(self: Any, ctx: TaskContext) -> None: ...

    @command(name="same")
    async def two(self: Any, ctx: TaskContext) -> None: ...

    @command
    async def getWeather(self: Any, ctx: TaskContext) -> None: ...  # noqa: N802 (that is the point)

    @command
    async def stop(self: Any, ctx: TaskContext) -> None: ...

    assert refusal(a=one, b=two) == "there are two commands named 'same'"
    assert "'getWeather' does not match" in refusal(a=getWeather)
    assert "stop is part of the plugin's life" in refusal(stop=stop)


def test_the_unit_names_a_parameter() -> None:
    """A misspelt one is refused."""

    @command(unit="untis")
    async def current(self: Any, ctx: TaskContext, units: str) -> None: ...

    assert refusal(a=current) == "current: unit names no parameter: 'untis'"


def test_types_need_a_schema() -> None:
    """A class that no JSON can become is refused by its name."""

    class Opaque:
        """Nothing to convert."""

    @command
    async def current(self: Any, ctx: TaskContext, thing: Opaque) -> None: ...

    assert "Opaque" in refusal(a=current)


def test_a_command_is_a_plain_method() -> None:
    """Not a static one."""

    @command
    async def current(ctx: TaskContext) -> None: ...

    owner = type("Owner", (Plugin,), {"current": staticmethod(current)})
    with pytest.raises(
        PluginRefusedError, match="current: a command is a plain method"
    ):
        typed_specs(owner(), Defaults())


def test_descriptions_are_the_first_paragraph() -> None:
    """On one line."""
    assert paragraph("  One\n    two.\n\n    Three.") == "One two."
    assert paragraph(None) == ""


def test_streaming_and_parsing_are_ready_made() -> None:
    """A spec holds no work for the first request."""
    assert isinstance(SPECS["flow"], CommandSpec)
    assert SPECS["flow"].parse(b"{}") == SPECS["flow"].parse(b'{"n": 3}')
    assert isinstance(TaskContext(Facts(run_id="r", task_id="t"), None), TaskContext)  # type: ignore[arg-type]  # nothing is said through it
