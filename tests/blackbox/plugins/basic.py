"""Commands that end at once: values in, values out, and each way to fail."""

import logging
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hub import Plugin, TaskContext, TaskError, command


class Point(Struct):
    """A place on a plane."""

    x: float
    y: float = 0.0


class Basic(Plugin):
    """Small things."""

    version = "1.2"

    @command()
    async def noop(self, ctx: TaskContext) -> None:
        """Do nothing."""

    @command()
    async def add(self, ctx: TaskContext, a: int, b: int = 0) -> dict[str, int]:
        """Add two numbers."""
        return {"sum": a + b}

    @command()
    def add_in_thread(self, ctx: TaskContext, a: int, b: int = 0) -> dict[str, int]:
        """Add two numbers, in a thread."""
        return {"sum": a + b}

    # Any: whatever JSON the test sends comes back.
    @command()
    async def echo(self, ctx: TaskContext, value: Any = None) -> Any:
        """Give back what came."""
        return value

    @command()
    async def strict(
        self,
        ctx: TaskContext,
        n: Annotated[int, Meta(ge=1, le=10, description="How many.")],
        unit: Literal["°C", "°F"] = "°C",
        point: Point | None = None,
    ) -> dict[str, object]:
        """Take bounded, enumerated and nested parameters."""
        return {"n": n, "unit": unit, "point": point}

    @command()
    async def who(self, ctx: TaskContext) -> dict[str, object]:
        """Tell what the context holds."""
        return {
            "run_id": ctx.run_id,
            "task_id": ctx.task_id,
            "attempt": ctx.attempt,
            "principal": ctx.principal,
            "deadline": ctx.deadline,
            "cancelled": ctx.cancelled,
            "locale": ctx.locale,
            "key": ctx.key,
            "trace": ctx.trace,
        }

    @command(public=True)
    async def who_public(self, ctx: TaskContext) -> dict[str, object]:
        """Tell what the context of a public command holds."""
        return {"principal": ctx.principal, "key": ctx.key, "trace": ctx.trace}

    @command()
    async def values(self, ctx: TaskContext, which: str) -> object:
        """Return one of the values that are turned into JSON's."""
        return VALUES[which]

    @command()
    async def chunk_values(self, ctx: TaskContext, which: str) -> None:
        """Send one of the values as a chunk."""
        await ctx.chunk(VALUES[which])

    @command()
    async def deep(self, ctx: TaskContext, depth: int) -> object:
        """Return lists in lists."""
        value: object = 1
        for _ in range(depth):
            value = [value]
        return value

    @command()
    async def big(self, ctx: TaskContext, size: int) -> str:
        """Return a long text."""
        return "x" * size

    @command()
    async def talk(self, ctx: TaskContext) -> str:
        """Report progress and write log records."""
        ctx.progress(0.25, "a quarter", step=1, total=4)
        ctx.log("by hand", level="warning")
        logging.getLogger("somewhere").warning("by logging")
        await ctx.chunk("said")
        return "done"

    @command()
    async def hurry(self, ctx: TaskContext, n: int) -> None:
        """Report progress far too often."""
        for step in range(n):
            ctx.progress(step / n, "busy")
            if step % 1000 == 0:
                await ctx.chunk(step)

    @command()
    async def refuse(self, ctx: TaskContext) -> None:
        """Fail, for people."""
        raise TaskError(
            "API key is invalid or expired",
            code="bad_key",
            retry=True,
            detail={"hint": "renew it"},
        )

    @command()
    async def rant(self, ctx: TaskContext, size: int) -> None:
        """Fail with far too many words."""
        ctx.progress(0.5, "é" * size)
        await ctx.chunk("said")
        raise TaskError("é" * size, detail={"pad": "d" * size})

    @command()
    async def log_much(self, ctx: TaskContext, n: int, size: int) -> str:
        """Write log records, and never fail for it."""
        for _ in range(n):
            ctx.log("l" * size)
        return "done"

    @command()
    async def boom(self, ctx: TaskContext) -> None:
        """Raise."""
        raise ValueError("broken on purpose")

    @command()
    def boom_in_thread(self, ctx: TaskContext) -> None:
        """Raise, in a thread."""
        raise ValueError("broken on purpose")

    @command()
    async def boom_late(self, ctx: TaskContext) -> None:
        """Raise after a chunk."""
        await ctx.chunk("before")
        raise RuntimeError("late on purpose")


class Stranger:
    """Nothing that JSON knows."""


VALUES: dict[str, object] = {
    "bytes": b"\x00\xff",
    "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "nan": [float("nan"), float("inf"), float("-inf")],
    "tuple": (1, 2),
    "struct": Point(x=1.5),
    "int_keys": {1: "one"},
    "int64": [2**63 - 1, -(2**63)],
    "huge": 2**70,
    "surrogate": "\ud800",
    "stranger": Stranger(),
}
