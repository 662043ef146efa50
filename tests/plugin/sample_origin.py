"""A plugin that an entry point may name."""

from hub import Plugin, TaskContext, command


class Sample(Plugin):
    """Is there."""

    @command(isolation="process")
    def far(self, ctx: TaskContext) -> None:
        """Run apart."""
