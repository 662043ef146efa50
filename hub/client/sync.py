"""`Hub`: the same hub, for programs without a loop, from any thread.

A background thread has the loop; each call hands a coroutine over and waits for it.
"""

import asyncio
import os
import threading
import weakref
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, Self, TextIO, TypeVar, Unpack

from hub.client.cursor import Event
from hub.client.hub import AsyncCaller, AsyncHub
from hub.client.requests import Wishes
from hub.client.show import screen_for
from hub.client.task import AsyncTask
from hub.events import Progress
from hub.tasks import TaskResponse, TaskStatus

T = TypeVar("T")
_JOIN_S = 5.0


class _Thread:
    """A thread that runs a loop."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(
            target=self._work, name="taskhub client", daemon=True
        )
        self._thread.start()
        self._started.wait()

    # Any: what asyncio itself sends and gets.
    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the loop, and wait for it; an interrupt cancels it.

        Raises:
            RuntimeError: The loop has ended, or is another process's.
        """
        if os.getpid() != self._process:
            work.close()
            raise RuntimeError(
                "this client belongs to the process that this one was forked from; "
                "make a new one here"
            )
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()
            raise RuntimeError("this client is closed") from None
        try:
            return future.result()
        finally:
            future.cancel()

    def stop(self) -> None:
        """End the loop and the thread; a forked process has neither."""
        if os.getpid() != self._process:
            return
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_JOIN_S)

    def _work(self) -> None:
        """Run the loop, then whatever is left on it to its end."""
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._started.set()
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        """Wait for the end."""
        await self._stopping.wait()


class Task:
    """One task of a hub; see `AsyncTask`. ``for event in task`` reads what it says."""

    def __init__(self, hub: "Hub", thread: _Thread, task: AsyncTask) -> None:
        self._hub = hub  # the thread ends with the last who needs it
        self._thread = thread
        self._task = task
        self._ahead: deque[Event] = deque()

    @property
    def id(self) -> str:
        """The task's id; it is never reused."""
        return self._task.id

    @property
    def name(self) -> str:
        """``plugin.command``, as far as it is known."""
        return self._task.name

    @property
    def status(self) -> TaskStatus | None:
        """Where it stands, as far as it is known here."""
        return self._task.status

    @property
    def origin(self) -> str | None:
        """How it came to its run: new, existing, joined, cached, or only watched."""
        return self._task.origin

    @property
    def progress(self) -> Progress | None:
        """What it said last of its progress."""
        return self._task.progress

    @property
    def snapshot(self) -> TaskResponse | None:
        """The latest `TaskResponse`, without result until the end is known."""
        return self._task.snapshot

    @property
    def is_caught_up(self) -> bool:
        """Whether all was read that there was when it began to be followed."""
        return self._task.is_caught_up

    def __repr__(self) -> str:
        return repr(self._task).replace("AsyncTask", "Task", 1)

    def wait(self, timeout: float | None = None) -> TaskResponse:
        """Wait for the end; return it if it is a good one.

        Args:
            timeout: Seconds to wait; the task goes on where they pass.

        Raises:
            TaskFailed: It failed, or was cancelled (`TaskCancelled`).
            TimeoutError: It has not ended yet.
            HubError: Its end cannot be known.
        """
        return self._thread.run(_within(self._task.completed(), timeout))

    def response(self, timeout: float | None = None) -> TaskResponse:
        """Wait for the end, and return it, whatever it is.

        Args:
            timeout: Seconds to wait; the task goes on where they pass.

        Raises:
            TimeoutError: It has not ended yet.
            HubError: Its end cannot be known.
        """
        return self._thread.run(_within(self._task.response(), timeout))

    def __iter__(self) -> Iterator[Event]:
        """Read what the task says, up to its end; a second loop goes on.

        Raises:
            HubError: What it says cannot be read any more.
        """
        while True:
            while self._ahead:
                yield self._ahead.popleft()
            self._ahead.extend(self._thread.run(self._task.events()))
            if not self._ahead:
                return

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the task; done when the wish is durable.

        Args:
            reason: For the hub's log.

        Raises:
            HubError: It was refused.
        """
        self._thread.run(self._task.cancel(reason))

    def show(self, stream: TextIO | None = None) -> TaskResponse:
        """Show what the task says while it happens; see `AsyncTask.show`.

        Raises:
            HubError: Its end cannot be known.
        """
        screen = screen_for(self.name, stream)
        try:
            for event in self:
                screen.take(event)
            response = self.response()
            screen.end(response)
        finally:
            screen.close()
        return response


class Hub:
    """A hub, for programs without a loop; see `AsyncHub` for the arguments.

    Any thread may use it. End it with ``with``, or with `close`.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        codec: Literal["json", "msgpack"] = "msgpack",
        reconnect_for: float = 60.0,
        locale: str | None = None,
    ) -> None:
        self._hub = AsyncHub(
            url, token=token, codec=codec, reconnect_for=reconnect_for, locale=locale
        )
        self.address = self._hub.address
        self._thread = _Thread()
        self._stop = weakref.finalize(self, self._thread.stop)

    @property
    def is_connected(self) -> bool:
        """Whether a hub is there, right now."""
        return self._hub.is_connected

    @property
    def was_connected(self) -> bool:
        """Whether a hub was ever there; if not, nothing has been sent to one."""
        return self._hub.was_connected

    def __enter__(self) -> Self:
        """Begin; the connection is made when it is needed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the connection."""
        self.close()

    def close(self) -> None:
        """End the connection; tasks go on at the hub."""
        if self._stop.alive:
            try:
                self._thread.run(self._hub.aclose())
            finally:
                self._stop()

    # Any: the values of params.
    def execute(
        self, name: str, params: Mapping[str, Any] | None = None, /, **named: Any
    ) -> Task:
        """Run a command; see `AsyncHub.execute`."""
        return self._task(self._hub.execute(name, params, **named))

    def options(self, **wishes: Unpack[Wishes]) -> "Caller":
        """Say how the next command is to be run; see `Options`."""
        return Caller(self, self._hub.options(**wishes))

    def attach(self, task_id: str) -> Task:
        """Return any task, by its id: its log from the beginning, then live."""

        async def attached() -> AsyncTask:
            return self._hub.attach(task_id)

        return self._task(attached())

    def cancel(self, task_id: str, reason: str | None = None) -> None:
        """Cancel a task, by its id; see `AsyncHub.cancel`."""
        self._thread.run(self._hub.cancel(task_id, reason))

    def get(self, task_id: str) -> TaskResponse:
        """Return a task as it stands now; see `AsyncHub.get`."""
        return self._thread.run(self._hub.get(task_id))

    # Any: JSON objects, as the hub's documentation has them.
    def plugins(self) -> dict[str, Any]:
        """Return what the hub offers; see `AsyncHub.plugins`."""
        return self._thread.run(self._hub.plugins())

    def plugin(self, name: str) -> dict[str, Any]:
        """Return one plugin; see `AsyncHub.plugin`."""
        return self._thread.run(self._hub.plugin(name))

    def command(self, name: str) -> dict[str, Any]:
        """Return one command; see `AsyncHub.command`."""
        return self._thread.run(self._hub.command(name))

    def cache(
        self, plugin: str | None = None, command: str | None = None
    ) -> dict[str, Any]:
        """Return what the hub's cache holds; see `AsyncHub.cache`."""
        return self._thread.run(self._hub.cache(plugin, command))

    def clear_cache(self, plugin: str | None = None, command: str | None = None) -> int:
        """Drop what the cache holds; see `AsyncHub.clear_cache`."""
        return self._thread.run(self._hub.clear_cache(plugin, command))

    def _task(self, work: Coroutine[Any, Any, AsyncTask]) -> Task:
        """Return what becomes of a request."""
        return Task(self, self._thread, self._thread.run(work))


class Caller:
    """A hub that runs commands in a certain way; made by `Hub.options`."""

    def __init__(self, hub: Hub, caller: AsyncCaller) -> None:
        self._hub = hub
        self._caller = caller

    # Any: the values of params.
    def execute(
        self, name: str, params: Mapping[str, Any] | None = None, /, **named: Any
    ) -> Task:
        """Run a command; see `AsyncHub.execute`."""
        return self._hub._task(self._caller.execute(name, params, **named))  # noqa: SLF001  # its other half


# Any: what asyncio itself sends and gets.
async def _within(work: Coroutine[Any, Any, T], timeout: float | None) -> T:  # noqa: ASYNC109  # the caller has no scope of its own
    """Do something, for so many seconds at the most."""
    async with asyncio.timeout(timeout):
        return await work
