"""A plugin whose every output looks like markup, and one that counts its runs."""

import time
from pathlib import Path
from typing import Any

from hub import Plugin, TaskContext, TaskError, command

MARKUP = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'
"""What must stay text wherever it is shown."""


class Nasty(Plugin):
    """<b>bold</b>, unless the page is careful."""

    @command()
    async def speak(self, ctx: TaskContext) -> dict[str, Any]:  # markup in each place
        """Say <i>markup</i> in every way there is."""
        ctx.progress(0.5, MARKUP)
        ctx.log(MARKUP)
        await ctx.chunk(MARKUP, kind="text")
        await ctx.chunk({MARKUP: MARKUP}, kind="row")
        await ctx.chunk([MARKUP], channel=MARKUP, kind="json")
        return {MARKUP: MARKUP, "__proto__": MARKUP, "exact": 9007199254740993}

    @command()
    async def fail(self, ctx: TaskContext) -> None:
        """Fail with markup."""
        raise TaskError(MARKUP)

    @command()
    def count(self, ctx: TaskContext, file: str) -> str:
        """Add a line to a file, and take a moment."""
        with Path(file).open("a") as counted:
            counted.write("run\n")
        time.sleep(0.2)
        return "counted"
