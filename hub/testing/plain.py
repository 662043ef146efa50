"""A hub without a server, for plain tests: no coroutine, no plugin of pytest's."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar, Unpack

from hub.testing.hubs import AsyncCaller, AsyncTestHub
from hub.testing.loops import VirtualLoop
from hub.testing.tasks import TestTask
from hub.testing.wishes import What, Wishes

T = TypeVar("T")


class TestHub:
    """A hub without a server: `with TestHub(Weather) as hub`.

    It is an `AsyncTestHub` without `await`, and its time is simulated.

    Everything happens while one of its methods runs; between them nothing moves.

    Args:
        plugins: What is tested: classes, files or folders.
        config: The first plugin's table `[plugin.NAME]`.
        settings: Settings by their dotted names.
    """

    # pytest is not to take it for a class of tests.
    __test__ = False

    def __init__(
        self,
        *plugins: What,
        config: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self._hub = AsyncTestHub(*plugins, config=config, settings=settings)
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)

    def __enter__(self) -> Self:
        """Load and start the plugins.

        Raises:
            PluginRefusedError: One was refused; the error has file, line and reason.
        """
        try:
            self.wait_for(self._hub.__aenter__())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        try:
            self.wait_for(self._hub.__aexit__())
        finally:
            self._runner.close()

    def wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:  # ditto
        """Run a coroutine on the hub's loop to its end."""
        return self._runner.run(coroutine)

    def options(self, **wishes: Unpack[Wishes]) -> "Caller":
        """Return what runs commands in a certain way; see `Options`."""
        return Caller(self, self._hub.options(**wishes))

    def run(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # the command's own params
    ) -> TestTask:
        """Run a command to its end, whatever that is.

        Raises:
            HubError: It is refused: unknown_command, invalid_params and such.
        """
        return self.wait_for(self._hub.run(name, params, **named))

    def start(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # ditto
    ) -> TestTask:
        """Ask for a command to be run, and do not wait for its end.

        Raises:
            HubError: It is refused.
        """
        return self.wait_for(self._hub.start(name, params, **named))

    def wait(self, task: TestTask) -> TestTask:
        """Wait for the end of a task."""
        return self.wait_for(self._hub.wait(task))

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds; see `AsyncTestHub.until`."""
        self.wait_for(self._hub.until(holds))

    def cancel(self, task: TestTask) -> TestTask:
        """Cancel a task, and wait for its end."""
        return self.wait_for(self._hub.cancel(task))

    def advance(self, seconds: float) -> None:
        """Let so much time pass, with all that happens meanwhile."""
        self.wait_for(self._hub.advance(seconds))

    def kill(self) -> None:
        """Let the hub die at this moment, and come back; see `AsyncTestHub.kill`."""
        self.wait_for(self._hub.kill())


class Caller:
    """Runs commands of a hub in a certain way.

    Args:
        hub: Which hub.
        caller: In which way.
    """

    def __init__(self, hub: TestHub, caller: AsyncCaller) -> None:
        self._hub = hub
        self._caller = caller

    def run(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # the command's own params
    ) -> TestTask:
        """Run a command to its end; see `TestHub.run`."""
        return self._hub.wait_for(self._caller.run(name, params, **named))

    def start(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        /,
        **named: Any,  # ditto
    ) -> TestTask:
        """Ask for a command to be run; see `TestHub.start`."""
        return self._hub.wait_for(self._caller.start(name, params, **named))
