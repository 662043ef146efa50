"""Commands whose answers may be kept: counted, so that a test sees what really ran."""

from collections import Counter
from typing import Literal

from hub import Plugin, TaskContext, command


class Cachy(Plugin):
    """Answers with an age."""

    async def start(self) -> None:
        """Begin with no runs."""
        self.runs: Counter[str] = Counter()

    @command(ttl=True, unit="unit")
    async def count(
        self, ctx: TaskContext, name: str, unit: Literal["°C", "°F"] = "°C"
    ) -> dict[str, object]:
        """Tell how often this ran, after three chunks."""
        self.runs[name] += 1
        ctx.progress(0.5, "half")
        for i in range(3):
            await ctx.chunk({"i": i, "run": self.runs[name]})
        return {"run": self.runs[name], "unit": unit}

    @command(ttl=0.3)
    async def brief(self, ctx: TaskContext, name: str) -> int:
        """Tell how often this ran; good for a moment."""
        self.runs[name] += 1
        return self.runs[name]

    @command(ttl=60)
    async def failing(self, ctx: TaskContext, name: str) -> int:
        """Fail at first, then tell how often this ran."""
        self.runs[name] += 1
        if self.runs[name] == 1:
            raise ValueError("at first, on purpose")
        return self.runs[name]

    @command()
    async def uncached(self, ctx: TaskContext, name: str) -> int:
        """Tell how often this ran; never kept."""
        self.runs[name] += 1
        return self.runs[name]

    @command(ttl=60, localized=True)
    async def greet(self, ctx: TaskContext, name: str) -> dict[str, object]:
        """Greet in the caller's language."""
        self.runs[name] += 1
        return {"locale": ctx.locale, "run": self.runs[name]}

    @command(ttl=60)
    async def deaf(self, ctx: TaskContext, name: str) -> dict[str, object]:
        """Answer the same in every language."""
        self.runs[name] += 1
        return {"locale": ctx.locale, "run": self.runs[name]}

    @command(ttl=60, public=True)
    async def open_to_all(self, ctx: TaskContext, name: str) -> dict[str, object]:
        """Answer everybody alike."""
        self.runs[name] += 1
        return {"principal": ctx.principal, "run": self.runs[name]}

    @command(ttl=60)
    async def big(self, ctx: TaskContext, name: str) -> str:
        """Answer with chunks that do not fit in one message."""
        for _ in range(4):
            await ctx.chunk("c" * 100_000)
        return name
