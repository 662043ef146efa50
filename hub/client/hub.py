"""`AsyncHub`: a hub, for programs with a loop."""

import asyncio
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Literal, Self, Unpack
from urllib.parse import quote, urlencode
from weakref import WeakValueDictionary

import msgspec

from hub.client.address import resolve
from hub.client.errors import UnsupportedVersionError
from hub.client.following import Following
from hub.client.http import place
from hub.client.link import Link
from hub.client.pace import Pace
from hub.client.requests import Options, Wishes, request
from hub.client.shapes import (
    CacheAnswer,
    ClearedAnswer,
    PluginAnswer,
    PluginsAnswer,
    TaskAnswer,
)
from hub.client.task import AsyncTask, cancel
from hub.errors import UnknownCommandError
from hub.protocol.frames import Hello
from hub.tasks import TaskResponse
from hub.version import VERSION

PLUGINS = "api/v1/plugins"


class AsyncHub:
    """A hub, and everything that can be asked of it.

    It connects when it is first needed, and comes back by itself after a loss. Use it
    with ``async with``, or end it with `aclose`.

    Args:
        url: Where it is; by default TASKHUB_URL, else this machine, port 8765.
        token: A bearer token; by default TASKHUB_TOKEN.
        codec: msgpack, or json for who reads along.
        reconnect_for: For how many seconds a hub that is gone is looked for.
        locale: The language of its texts.

    Raises:
        ConfigError: The URL is none, or there is no such codec.
    """

    pace: ClassVar[Pace] = Pace()
    """How long things may take."""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        codec: Literal["json", "msgpack"] = "msgpack",
        reconnect_for: float = 60.0,
        locale: str | None = None,
    ) -> None:
        self.address = resolve(url, token, os.environ)
        hello = Hello(locale=locale, client=f"taskhub-python {VERSION}")
        self._link = Link(self.address, codec, hello, reconnect_for, self.pace)
        self._tasks: WeakValueDictionary[str, AsyncTask] = WeakValueDictionary()

    @property
    def is_connected(self) -> bool:
        """Whether a hub is there, right now."""
        return self._link.conversation.welcome is not None

    @property
    def was_connected(self) -> bool:
        """Whether a hub was ever there; if not, nothing has been sent to one."""
        return self._link.conversation.met

    async def __aenter__(self) -> Self:
        """Begin; the connection is made when it is needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the connection."""
        await self.aclose()

    async def aclose(self) -> None:
        """End the connection; tasks go on at the hub."""
        await self._link.aclose()

    # Any: the values of params.
    async def execute(
        self, name: str, params: Mapping[str, Any] | None = None, /, **named: Any
    ) -> AsyncTask:
        """Run a command.

        Args:
            name: ``plugin.command``.
            params: All params as one mapping, or …
            **named: … each by its name.

        Returns:
            The task, as soon as the hub has recorded it.

        Raises:
            HubError: The hub refused it, or cannot be reached.
        """
        return await self._execute(name, params, named, Options())

    def options(self, **wishes: Unpack[Wishes]) -> "AsyncCaller":
        """Say how the next command is to be run; see `Options`."""
        return AsyncCaller(self, Options(**wishes))

    def attach(self, task_id: str) -> AsyncTask:
        """Return any task, by its id: its log from the beginning, then live.

        A task that this object follows already is the same object again.
        """
        task = self._tasks.get(task_id)
        if task is None:
            following = self._link.conversation.find(task_id)
            following = following or Following(task_id=task_id)
            task = self._tasks[task_id] = AsyncTask(self._link, following)
        return task

    async def cancel(self, task_id: str, reason: str | None = None) -> None:
        """Cancel a task, by its id; done when the wish is durable.

        Raises:
            HubError: It was refused.
        """
        await cancel(self._link, task_id, reason)

    async def get(self, task_id: str) -> TaskResponse:
        """Return a task as it stands now, with its result if it has one.

        Raises:
            HubError: It was refused, or the hub cannot be reached.
        """
        path = f"api/v1/tasks/{quote(task_id, safe='')}"
        found = await self._link.fetch(path, kind=TaskAnswer)
        try:
            response = msgspec.convert(found, TaskResponse)
        except msgspec.ValidationError as error:
            raise UnsupportedVersionError(
                f"The hub tells tasks otherwise: {error}."
            ) from None
        if found.get("result_url"):
            response.result = await self._link.fetch(place(found["result_url"]))
        return response

    # Any: JSON objects, as the hub's documentation has them.
    async def plugins(self) -> dict[str, Any]:
        """Return what the hub offers: ``plugins``, and what it ``refused``."""
        found: dict[str, Any] = await self._link.fetch(PLUGINS, kind=PluginsAnswer)
        return found

    async def plugin(self, name: str) -> dict[str, Any]:
        """Return one plugin, its commands with the JSON Schema of their params.

        Raises:
            UnknownCommandError: There is none of that name.
        """
        found: dict[str, Any] = await self._link.fetch(
            f"{PLUGINS}/{quote(name, safe='')}", kind=PluginAnswer
        )
        return found

    async def command(self, name: str) -> dict[str, Any]:
        """Return one command, with the JSON Schema of its params.

        Args:
            name: ``plugin.command``.

        Raises:
            UnknownCommandError: There is none of that name.
        """
        plugin, _, wanted = name.partition(".")
        commands: list[dict[str, Any]] = (await self.plugin(plugin))["commands"]
        for command in commands:
            if command["name"] == wanted:
                return command
        raise UnknownCommandError(f"There is no command {name!r}.")

    async def cache(
        self, plugin: str | None = None, command: str | None = None
    ) -> dict[str, Any]:
        """Return what the hub's cache holds: ``entries``, and its ``statistics``."""
        found: dict[str, Any] = await self._link.fetch(
            _cache(plugin, command), kind=CacheAnswer
        )
        return found

    async def clear_cache(
        self, plugin: str | None = None, command: str | None = None
    ) -> int:
        """Drop what the cache holds, all of it or a plugin's or a command's part.

        Returns:
            How many entries that were.
        """
        found = await self._link.fetch(_cache(plugin, command), "DELETE", ClearedAnswer)
        return int(found["cleared"])

    async def _execute(
        self,
        name: str,
        params: Mapping[str, Any] | None,
        named: Mapping[str, Any],
        options: Options,
    ) -> AsyncTask:
        """Run a command with options."""
        wish = request(self._link.codec, name, params, named, options)
        following = Following(wish)
        task = AsyncTask(self._link, following)
        self._link.begin(following)
        try:
            await task.opened()
        except asyncio.CancelledError:
            self._link.conversation.abandon(following)
            raise
        self._tasks[task.id] = task
        return task


class AsyncCaller:
    """A hub that runs commands in a certain way; made by `AsyncHub.options`."""

    def __init__(self, hub: AsyncHub, options: Options) -> None:
        self._hub = hub
        self._options = options

    # Any: the values of params.
    async def execute(
        self, name: str, params: Mapping[str, Any] | None = None, /, **named: Any
    ) -> AsyncTask:
        """Run a command; see `AsyncHub.execute`."""
        return await self._hub._execute(name, params, named, self._options)  # noqa: SLF001  # its other half


def _cache(plugin: str | None, command: str | None) -> str:
    """Return the path of the cache, or of a part of it."""
    which = {"plugin": plugin, "command": command}
    query = urlencode({key: value for key, value in which.items() if value is not None})
    return f"api/v1/cache?{query}" if query else "api/v1/cache"
