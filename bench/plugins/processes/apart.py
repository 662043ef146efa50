"""A command in a process, apart from the others: its hub has a nursery."""

from hub import Plugin, TaskContext, command


class Apart(Plugin):
    """Runs apart."""

    version = "1.0"

    @command(isolation="process")
    def noop(self, ctx: TaskContext) -> None:
        """Do nothing."""
