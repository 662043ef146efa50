"""A plugin that declares what the hub cannot do yet, beside one plain command."""

from hub import Plugin, TaskContext, command


class Demanding(Plugin):
    """Wants more than there is."""

    @command()
    async def plain(self, ctx: TaskContext) -> str:
        """Work all the same."""
        return "plain"

    @command(retries=3)
    async def again(self, ctx: TaskContext) -> None:
        """Want further attempts."""

    @command(retry_on=(OSError,))
    async def again_on(self, ctx: TaskContext) -> None:
        """Want further attempts after some errors."""

    @command(concurrency=1)
    async def lonely(self, ctx: TaskContext) -> None:
        """Be alone, which the hub can do."""

    @command(keep="tail")
    async def endless(self, ctx: TaskContext) -> None:
        """Want a log that forgets."""

    @command(pool="gpu")
    async def elsewhere(self, ctx: TaskContext) -> None:
        """Name a pool, which the hub can do."""
