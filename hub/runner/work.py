"""A command that is to be run in a process of its own."""

from collections.abc import Callable
from typing import Protocol

from hub.runner.letters import Order
from hub.runner.output import ProcessOutput
from hub.runs import Outcome


class Process(Protocol):
    """Where a command runs."""

    def kill(self) -> bool:
        """End it; return whether that is news."""


class Work:
    """A command that is to be run, and who hears of it.

    Args:
        plugin: The name of its plugin.
        order: The command.
        output: Takes what it says.
        ended: Is told how it ended, once.
        gone: Is told that its process is gone, after that.

    Attributes:
        process: Where it is run.
        tries: How many processes have had it; all but the last were lost before it
            began.
    """

    def __init__(
        self,
        plugin: str,
        order: Order,
        output: ProcessOutput,
        ended: Callable[[Outcome], None],
        gone: Callable[[], None],
    ) -> None:
        self.plugin = plugin
        self.order = order
        self.output = output
        self.ended = ended
        self.gone = gone
        self.process: Process | None = None
        self.tries = 0

    def kill(self) -> bool:
        """End its process; return whether that is news."""
        return self.process is not None and self.process.kill()
