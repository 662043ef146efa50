"""Commands with params and output of every shape."""

import asyncio
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hub import Plugin, TaskContext, command


class Place(Struct):
    """A place on a map."""

    city: str
    zip: int | None = None


class Shapes(Plugin):
    """Takes and says everything there is."""

    @command()
    async def take(  # noqa: PLR0913, PLR0917  # every shape of params
        self,
        ctx: TaskContext,
        name: str,
        size: Literal["small", "large"] = "small",
        count: Annotated[int, Meta(ge=1, lt=10, description="How many.")] = 1,
        share: float | None = None,
        tags: list[str] = [],  # noqa: B006  # the hub copies it
        sums: list[int] | None = None,
        place: Place | None = None,
        *,
        dry_run: bool = False,
        either: int | str = 0,
        # Any: whatever JSON the test sends comes back.
        anything: Any = None,
    ) -> dict[str, Any]:
        """Give back what was taken."""
        return {
            "name": name,
            "size": size,
            "count": count,
            "share": share,
            "tags": tags,
            "sums": sums,
            "place": place,
            "dry_run": dry_run,
            "either": either,
            "anything": anything,
        }

    @command()
    async def fetch(self, ctx: TaskContext, url: str, output: str = "x") -> list[str]:
        """Have params that are called as options of the terminal are."""
        return [url, output]

    @command()
    async def say(self, ctx: TaskContext) -> str:
        """Say something in every way."""
        ctx.log("careful", level="warning")
        await ctx.chunk("two\nlines", kind="text")
        await ctx.chunk("\x1b[31mred\x1b[0m\x1b[2Jcleared", kind="ansi")
        await ctx.chunk({"n": 1, "word": "one"}, kind="row")
        await ctx.chunk({"n": 2, "word": "two"}, kind="row")
        await ctx.chunk([1, {"deep": True}])
        await ctx.write(b"\x00\x01", kind="image/png")
        await ctx.chunk("beside", channel="notes")
        return "said\x1b[2J"

    @command()
    async def wait(self, ctx: TaskContext, seconds: float = 30.0) -> None:
        """Wait, and say so once a moment has passed."""
        ctx.progress(0.25, "waiting for the bus")
        ctx.log("waiting")
        await asyncio.sleep(seconds)

    @command()
    async def large(self, ctx: TaskContext, length: int = 400_000) -> str:
        """Return more than fits a frame."""
        return "x" * length

    @command(ttl=60)
    async def kept(self, ctx: TaskContext, n: int = 0) -> int:
        """Return something that may be kept."""
        return n
