"""The text plugin: statistics of a text or a file, in a process of its own.

Counting words is work for the processor: in a thread it would hold up everything else
in the hub.
"""

from typing import Annotated

from msgspec import Meta

from hub import TaskContext, TaskError, command

from .._roots import Rooted, texts
from .counting import Count, Statistics

DAY_S = 86_400


class Text(Rooted):
    """Counts words, sentences and characters of texts in any language."""

    version = "1.0"

    @command(timeout=DAY_S, idempotent=True, isolation="process")
    def words(
        self,
        ctx: TaskContext,
        text: Annotated[
            str | None,
            Meta(title="Text", description="What to count; or give a path."),
        ] = None,
        path: Annotated[
            str | None,
            Meta(
                title="Path",
                description="A text file: the name of a root and the path in it.",
                examples=["data/book.txt"],
            ),
        ] = None,
        top: Annotated[
            int,
            Meta(
                title="Most frequent",
                description="How many of the most frequent words to list.",
                ge=0,
                le=1000,
            ),
        ] = 20,
    ) -> Statistics:
        """Count words, sentences, lines and characters of a text or a file."""
        count = Count()
        if (text is None) == (path is None):
            raise TaskError("Give either a text or a path", code="one_of_two")
        if text is not None:
            count.add(text)
            return count.finish(top)
        with self._roots.open(self._roots.locate(path or "")) as opened:

            def told(read: int) -> None:
                ctx.progress(message=opened.path, step=read, total=opened.size)

            for piece in texts(opened, lambda: ctx.cancelled, told):
                count.add(piece)
        return count.finish(top)
