"""Running a command without a hub: for tests, and for who holds a plugin's object."""

from collections.abc import Awaitable

from hub.codec import from_json, to_json
from hub.plugin.calling import call_through
from hub.plugin.context import READY, Facts, TaskContext, current
from hub.plugin.spec import CommandSpec


class _Nowhere:
    """A sink that drops what it is given."""

    cancelled = False
    deadline = None

    def progress(self, *_said: object) -> None:
        """Drop it."""

    def log(self, *_said: object) -> None:
        """Drop it."""

    def chunk(self, *_said: object) -> Awaitable[None]:
        """Drop it."""
        return READY

    def text(self, *_said: object) -> Awaitable[None]:
        """Drop it."""
        return READY

    def write(self, *_said: object) -> Awaitable[None]:
        """Drop it."""
        return READY


async def run_directly(spec: CommandSpec, params: object) -> object:
    """Run a command with a context that leads nowhere.

    Chunks and progress are dropped; timeouts, caches and limits are the hub's and
    do not apply.

    Args:
        spec: The command.
        params: As its `parse` returned them.

    Returns:
        The result as a JSON value.

    Raises:
        ValueDomainError: The result is no JSON value.
        Exception: Whatever the command raises.
    """
    ctx = TaskContext(Facts(run_id="direct", task_id="direct"), _Nowhere())
    token = current.set(ctx)
    try:
        if spec.awaits:
            value = await _run_async(spec, ctx, params)
        else:
            value = await call_through(_run, spec, ctx, params)
    finally:
        current.reset(token)
    return from_json(to_json(value))


async def _run_async(spec: CommandSpec, ctx: TaskContext, params: object) -> object:
    if not spec.streaming:
        value: object = await spec.call(ctx, params)
        return value
    async for item in spec.call(ctx, params):
        await ctx.chunk(item)
    return ctx.result_value


def _run(spec: CommandSpec, ctx: TaskContext, params: object) -> object:
    if not spec.streaming:
        value: object = spec.call(ctx, params)
        return value
    for item in spec.call(ctx, params):
        ctx.chunk(item)  # type: ignore[unused-awaitable]  # in a thread the call waits
    return ctx.result_value
