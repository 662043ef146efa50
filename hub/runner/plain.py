"""Running plain commands, in the thread that calls."""

from typing import Any

from hub.plugin.context import TaskContext, current
from hub.plugin.spec import CommandSpec


def run_plain(
    spec: CommandSpec,
    ctx: TaskContext,
    params: Any,  # what `spec.parse` returned
) -> object:
    """Run a command to its end.

    Returns:
        What it returned; of a generator, what it set with `ctx.result`.

    Raises:
        BaseException: Whatever the command raises.
    """
    current.set(ctx)
    if not spec.streaming:
        return spec.call(ctx, params)
    items = spec.call(ctx, params)
    try:
        for item in items:
            _ = ctx.chunk(item)  # the call itself waits
            if ctx.cancelled:
                break
    finally:
        items.close()
    return ctx.result_value
