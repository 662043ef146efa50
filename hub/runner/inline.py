"""Running async commands, on the loop."""

from contextlib import aclosing
from typing import Any

from hub.plugin.context import TaskContext, current
from hub.plugin.spec import CommandSpec


async def run_inline(
    spec: CommandSpec,
    ctx: TaskContext,
    params: Any,  # what `spec.parse` returned
) -> object:
    """Run a command to its end.

    Returns:
        What it returned; of an async generator, what it set with `ctx.result`.

    Raises:
        BaseException: Whatever the command raises.
    """
    current.set(ctx)
    if not spec.streaming:
        return await spec.call(ctx, params)
    async with aclosing(spec.call(ctx, params)) as items:
        async for item in items:
            await ctx.chunk(item)
    return ctx.result_value
