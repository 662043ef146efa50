"""Plain commands, in the thread that calls."""

from collections.abc import Iterator
from contextvars import copy_context

import pytest

from hub.plugin.command import Defaults, command
from hub.plugin.context import Facts, TaskContext, current_task
from hub.plugin.typed import Plugin, typed_specs
from hub.runner.caps import Caps
from hub.runner.plain import run_plain
from hub.runner.voice import Voice
from tests.runner.far_end import Hub

closed: list[int] = []


class Sample(Plugin):
    """Has plain commands."""

    @command
    def value(self, ctx: TaskContext) -> bool:
        """Return whether it knows its context."""
        return current_task() is ctx

    @command
    def stream(self, ctx: TaskContext) -> Iterator[int]:
        """Stream for ever."""
        try:
            for number in range(1_000_000):
                yield number
                ctx.result(number)
        finally:
            closed.append(1)

    @command
    def bad(self, ctx: TaskContext) -> None:
        """Raise."""
        raise ValueError("on purpose")


SPECS = typed_specs(Sample(), Defaults())


def run(hub: Hub, name: str) -> object:
    """Run a command here."""
    ctx = TaskContext(Facts(run_id="r", task_id="r"), Voice(hub.line, Caps()))
    params = SPECS[name].parse(b"{}").params
    return copy_context().run(run_plain, SPECS[name], ctx, params)


def test_what_it_returns_is_returned(hub: Hub) -> None:
    """And its context is known to whatever it calls."""
    assert run(hub, "value") is True


def test_a_generator_that_is_to_stop_is_closed(hub: Hub) -> None:
    """At its `yield`; what it had set by then is the result."""
    hub.line.stop()
    closed.clear()

    assert run(hub, "stream") is None
    assert closed == [1]


def test_what_it_raises_is_raised(hub: Hub) -> None:
    """Whoever calls makes an outcome of it."""
    with pytest.raises(ValueError, match="on purpose"):
        run(hub, "bad")
