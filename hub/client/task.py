"""A task, as a program holds it."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any, TextIO

import msgspec

from hub.client.conversation import Cancelling
from hub.client.cursor import Event
from hub.client.errors import ended_badly
from hub.client.following import Following
from hub.client.http import place
from hub.client.link import Link
from hub.client.show import screen_for
from hub.errors import HubError
from hub.events import Progress
from hub.tasks import TaskResponse, TaskStatus

MOST_AT_ONCE = 256
"""How many events are handed over together, at the most."""


class AsyncTask:
    """One task of a hub.

    ``await task`` gives its final `TaskResponse`, or raises `TaskFailed` or
    `TaskCancelled`. ``async for event in task`` reads what it says, from the
    beginning into the present, up to its end; after a ``break`` a second loop goes
    on where the first one stopped.

    Args:
        link: The way to the hub.
        following: What is known of it.
    """

    def __init__(self, link: Link, following: Following) -> None:
        self._link = link
        self._following = following
        self._bell = asyncio.Event()
        self._is_read = False
        self._filling = asyncio.Lock()
        following.wake = self._bell.set

    @property
    def id(self) -> str:
        """The task's id; it is never reused."""
        return self._following.task_id or ""

    @property
    def name(self) -> str:
        """``plugin.command``, as far as it is known."""
        return self._following.name

    @property
    def status(self) -> TaskStatus | None:
        """Where it stands, as far as it is known here."""
        return self._following.status

    @property
    def origin(self) -> str | None:
        """How it came to its run: new, existing, joined, cached, or only watched."""
        return self._following.origin

    @property
    def progress(self) -> Progress | None:
        """What it said last of its progress."""
        return self._following.progress

    @property
    def snapshot(self) -> TaskResponse | None:
        """The latest `TaskResponse`, without result until the end is known."""
        return self._following.response

    @property
    def is_caught_up(self) -> bool:
        """Whether all was read that there was when it began to be followed."""
        return self._following.is_caught_up

    def __repr__(self) -> str:
        status = self.status
        return f"<AsyncTask {self.name} {self.id} {status.text if status else 'new'}>"

    def __await__(self) -> Generator[Any, None, TaskResponse]:  # Any: asyncio's own
        """Wait for the end; return it if it is a good one.

        Raises:
            TaskFailed: It failed, or was cancelled (`TaskCancelled`).
            HubError: Its end cannot be known.
        """
        return self.completed().__await__()

    async def completed(self) -> TaskResponse:
        """Do what ``await task`` does."""
        response = await self.response()
        bad = ended_badly(response)
        if bad is not None:
            raise bad
        return response

    async def response(self) -> TaskResponse:
        """Wait for the end, and return it, whatever it is.

        Raises:
            HubError: It cannot be known.
        """
        following = self._following
        self._follow()
        while not following.is_ended:
            if following.error is not None:
                raise following.error
            await self._rung()
        if following.result_url is not None:
            await self._fill()
        assert following.response is not None  # noqa: S101  # an end has one
        return following.response

    def __aiter__(self) -> AsyncIterator[Event]:
        """Read what the task says."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises:
            StopAsyncIteration: The task has ended.
            HubError: What it says cannot be read any more.
        """
        following = self._following
        # What waits already is taken without further ado: there may be much of it.
        if not self._is_read and (event := following.mailbox.pop()) is not None:
            if following.took():
                self._link.read(following)
            return event
        for event in await self._events(1):
            return event
        raise StopAsyncIteration

    async def events(self) -> list[Event]:
        """Return what can be read now, at least one event; nothing after the end.

        Raises:
            HubError: What the task says cannot be read any more.
        """
        return await self._events(MOST_AT_ONCE)

    async def cancel(self, reason: str | None = None) -> None:
        """Cancel the task; done when the wish is durable. An ended one stays as it is.

        Args:
            reason: For the hub's log.

        Raises:
            HubError: It was refused.
        """
        await cancel(self._link, self.id, reason)

    async def show(self, stream: TextIO | None = None) -> TaskResponse:
        """Show what the task says while it happens, and return its end, whatever it is.

        On a terminal with a bar, in a notebook in its cell, elsewhere as lines.

        Args:
            stream: Where to write; by default standard output, or the notebook's cell.

        Raises:
            HubError: Its end cannot be known.
        """
        screen = screen_for(self.name, stream)
        try:
            while events := await self.events():
                for event in events:
                    screen.take(event)
            response = await self.response()
            screen.end(response)
        finally:
            screen.close()
        return response

    def _follow(self) -> None:
        """Have the hub's word on this task."""
        following = self._following
        if not following.is_ended and following.error is None:
            self._link.follow(following)

    async def _events(self, most: int) -> list[Event]:
        """Return up to so many events, at least one; nothing after the end."""
        if self._is_read:
            raise RuntimeError("this task is being read by somebody else already")
        self._is_read = True
        try:
            return await self._take(most)
        finally:
            self._is_read = False

    async def _take(self, most: int) -> list[Event]:
        """Wait for events, and take them."""
        following = self._following
        self._link.read(following)
        taken: list[Event] = []
        while True:
            while len(taken) < most:
                event = following.mailbox.pop()
                if event is None:
                    break
                taken.append(event)
            if taken:
                if following.took():
                    self._link.read(following)
                return taken
            if following.is_read:
                if following.error is not None:
                    raise following.error
                return taken
            await self._rung()

    async def _rung(self) -> None:
        """Wait for news."""
        self._bell.clear()
        await self._bell.wait()

    async def opened(self) -> None:
        """Wait until the hub has accepted the task.

        Raises:
            HubError: It was refused, or the hub cannot be reached.
        """
        following = self._following
        while following.task_id is None:
            if following.error is not None:
                raise following.error
            await self._rung()

    async def _fill(self) -> None:
        """Fetch a result that was too large for a frame."""
        following = self._following
        async with self._filling:
            url, response = following.result_url, following.response
            if url is None or response is None:
                return
            value = await self._link.fetch_patiently(place(url))
            following.response = msgspec.structs.replace(response, result=value)
            following.result_url = None


async def cancel(link: Link, task_id: str, reason: str | None) -> None:
    """Cancel a task.

    Raises:
        HubError: It was refused.
    """
    answered = asyncio.Event()
    cancelling = Cancelling(task_id, reason)
    cancelling.wake = answered.set
    link.cancel(cancelling)
    await answered.wait()
    error: HubError | None = cancelling.error
    if error is not None:
        raise error
