"""A reader on the stage: a feed and the peer that it sends to."""

import asyncio
from typing import Any

from hub.feeds import Feed
from hub.plugin.context import TaskContext
from hub.protocol.frames import Pong
from hub.protocol.writing import JSON, Framing
from hub.runs import Opened, Origin, Task
from tests.peer import Frame, Peer
from tests.stage import Script, Stage, turns


class Reading:
    """A feed, and what came out of it.

    Attributes:
        feed: What is tested.
        peer: The far end.
    """

    def __init__(self, hub: Stage, framing: Framing = JSON, locale: str = "en") -> None:
        self.peer = Peer()
        self.feed = Feed(hub.delivery, framing, self.peer, locale)

    def watch(self, task: Task, **options: Any) -> None:  # of `Feed.open`
        """Watch a task."""
        self.feed.open(Opened(task=task, origin=Origin.WATCH), **options)

    async def block(self) -> None:
        """Let the peer take one message, and no other until it is released."""
        self.peer.block()
        self.feed.answer(Pong(id="blocked"))
        await self.peer.until(lambda: self.peer.of("pong"))
        self.peer.forget()

    async def all(self, task: Task, **options: Any) -> list[Frame]:  # of `Feed.open`
        """Watch a task to its end; return the frames."""
        self.watch(task, **options)
        await self.peer.get("result")
        return self.peer.frames


class Talker:
    """A command that says what it is told to say, when it is told."""

    def __init__(self) -> None:
        self._orders: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    @property
    def script(self) -> Script:
        """The command."""

        async def talk(ctx: TaskContext) -> object:
            while True:
                verb, value = await self._orders.get()
                if verb == "end":
                    return value
                if verb == "raise":
                    raise value
                if verb == "progress":
                    ctx.progress(*value)
                elif verb == "chunks":
                    for each in value:
                        await ctx.chunk(each)

        return talk

    def chunks(self, *values: object) -> None:
        """Send chunks."""
        self._orders.put_nowait(("chunks", values))

    def progress(self, fraction: float, message: Any = None) -> None:  # even no text
        """Say how far it is."""
        self._orders.put_nowait(("progress", (fraction, message)))

    def end(self, value: object = None) -> None:
        """Return."""
        self._orders.put_nowait(("end", value))

    def fail(self, error: Exception) -> None:
        """Raise."""
        self._orders.put_nowait(("raise", error))


async def talking(hub: Stage, command: str = "coroutine") -> tuple[Talker, Task]:
    """Start a command that talks."""
    talker = Talker()
    task = await hub.start(command, talker.script)
    await turns()
    return talker, task
