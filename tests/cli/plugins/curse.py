"""Commands that try to tell somebody's terminal what to do."""

from typing import Literal

from hub import Plugin, TaskContext, TaskError, command

ORDERS = "\x1b]0;T\x07\x1b[2J\x9b31m\x9d0;T\x9c"


class Curse(Plugin):
    """Say \x1b]0;T\x07\x1b[2J\x9b31m orders."""  # the characters themselves

    @command()
    async def speak(self, ctx: TaskContext) -> None:
        """Fail \x1b]0;T\x07\x1b[2J\x9b31m with them."""  # as above
        ctx.log(f"log {ORDERS}")
        ctx.progress(0.5, f"words {ORDERS}")
        raise TaskError(f"err{ORDERS}\nError: forged", code=f"c{ORDERS}\nd")

    @command()
    async def answer(
        self, ctx: TaskContext, how: Literal["plain", "\x1b[2J\x9b"] = "plain"
    ) -> str:
        """Return \x1b]0;T\x07\x1b[2J\x9b31m them."""  # as above
        return ORDERS
