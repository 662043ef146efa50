"""Commands that send chunks: counting, binary, large, and of every kind."""

from collections.abc import AsyncIterator, Iterator

from hub import Plugin, TaskContext, command


class Stream(Plugin):
    """Output, piece by piece."""

    @command()
    async def count(self, ctx: TaskContext, n: int) -> AsyncIterator[int]:
        """Yield numbers; the result is how many."""
        for i in range(n):
            yield i
        ctx.result(n)

    @command()
    def count_in_thread(self, ctx: TaskContext, n: int) -> Iterator[int]:
        """Yield numbers from a thread; the result is how many."""
        yield from range(n)
        ctx.result(n)

    @command()
    async def no_result(self, ctx: TaskContext) -> AsyncIterator[str]:
        """Yield, and name no result."""
        yield "only"

    @command()
    async def kinds(self, ctx: TaskContext) -> None:
        """Send chunks on channels of its own and of several kinds."""
        await ctx.chunk("plain")
        await ctx.chunk("\x1b[1mbold", kind="ansi")
        await ctx.chunk({"a": [1, None, True]}, kind="json", channel="table")
        await ctx.write(b"\x89PNG\x00", kind="image/png")

    @command()
    def kinds_in_thread(self, ctx: TaskContext) -> None:
        """Send chunks from a thread: the same calls, without await."""
        # The same methods; in a thread nothing is awaited.
        ctx.chunk("plain")  # type: ignore[unused-awaitable]  # see above
        ctx.write(b"\x00\x01")  # type: ignore[unused-awaitable]  # see above

    @command()
    async def large_text(self, ctx: TaskContext, size: int) -> None:
        """Send one long text."""
        await ctx.chunk("é" * size)

    @command()
    async def large_bytes(self, ctx: TaskContext, size: int) -> None:
        """Send many bytes at once."""
        await ctx.write(bytes(i % 251 for i in range(size)))

    @command()
    async def large_list(self, ctx: TaskContext, size: int) -> None:
        """Send a value that cannot be cut."""
        await ctx.chunk(["x" * size])

    @command()
    async def flood(self, ctx: TaskContext, n: int, size: int) -> int:
        """Send many chunks of one size, numbered."""
        for i in range(n):
            await ctx.chunk({"n": i, "pad": "p" * size})
        return n
