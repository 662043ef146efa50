"""The classic contract: a plugin is five methods, each `def` or `async def`.

A plugin may be written without calling `super().__init__()`: what the hub keeps with
an instance is made in `__new__`.
"""

import asyncio
import inspect
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any, Final, Self

from msgspec import Struct

from hub.plugin.errors import TaskError, error_text

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""What names of plugins and commands look like."""

LETTING_THROUGH: Final = (KeyboardInterrupt, GeneratorExit, asyncio.CancelledError)
"""What is no affair of a plugin's and passes through whoever contains its errors."""


class PluginStatistics(Struct, frozen=True, kw_only=True):
    """What a plugin has done so far.

    Attributes:
        calls: Commands that were run to an end.
        successes: Those that succeeded.
        failures: Those that failed.
        total_ms: How long all of them took together, in milliseconds.
    """

    calls: int = 0
    successes: int = 0
    failures: int = 0
    total_ms: float = 0.0


class Tally:
    """Counts calls from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._successes = 0
        self._failures = 0
        self._total_ms = 0.0

    def record(self, *, ok: bool, ms: float) -> None:
        """Count a call that ended."""
        with self._lock:
            self._total_ms += ms
            if ok:
                self._successes += 1
            else:
                self._failures += 1

    def statistics(self) -> PluginStatistics:
        """Return the figures of this moment."""
        with self._lock:
            return PluginStatistics(
                calls=self._successes + self._failures,
                successes=self._successes,
                failures=self._failures,
                total_ms=self._total_ms,
            )


class PluginBase(ABC):
    """The classic plugin: subclass it and write the five methods.

    Each may be `def`, and then runs in a thread, or `async def`.

    Attributes:
        name: What the plugin is called in commands. Set it on the class, or leave it
            to the hub, which then takes the file's or folder's name.
    """

    name: str
    _taskhub_tally: Tally

    def __new__(cls, *_args: object, **_options: object) -> Self:
        """Make what the hub keeps with an instance."""
        self = super().__new__(cls)
        self._taskhub_tally = Tally()
        if getattr(cls, "name", None) is None:
            self.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        return self

    # Any in the five methods: JSON objects, whose values are what plugins make them.

    @abstractmethod
    def initialize(self, config: dict[str, Any]) -> bool | Awaitable[bool]:
        """Prepare; False or an exception keeps the plugin out of the hub."""

    @abstractmethod
    def execute(
        self, command: str, params: dict[str, Any]
    ) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """Run a command.

        Returns:
            `{"success": True, "result": value}`, or
            `{"success": False, "error": text}`.
        """

    @abstractmethod
    def get_info(self) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """Return name, version, description and commands."""

    @abstractmethod
    def cleanup(self) -> Awaitable[None] | None:
        """Let go of what `initialize` took."""

    @abstractmethod
    def is_healthy(self) -> bool | Awaitable[bool]:
        """Say whether commands may be expected to work."""

    @property
    def statistics(self) -> PluginStatistics:
        """The calls so far."""
        return self._taskhub_tally.statistics()

    # Any: a dict where `execute` is `def`, an awaitable of one where it is `async`;
    # a union would make every caller check what they know.
    def safe_execute(self, command: str, params: dict[str, Any]) -> Any:
        """Run a command, count and measure it, and never raise.

        Returns:
            The six fields of a PluginExecuteResponse: plugin_name, command, result,
            success, error, execution_time_ms. An awaitable of them where `execute`
            is `async def`.
        """
        if inspect.iscoroutinefunction(self.execute):
            return self._safe_async(command, params)
        return self._safe_sync(command, params)

    def _safe_sync(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            answer = self.execute(command, params)
            result = result_of(answer, f"{self.name}.{command}")
        except LETTING_THROUGH:
            raise
        except BaseException as error:  # noqa: BLE001 (a plugin may raise SystemExit)
            return self._response(command, began, error=error_text(error))
        return self._response(command, began, result=result)

    async def _safe_async(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            answer = self.execute(command, params)
            if inspect.isawaitable(answer):
                answer = await answer
            result = result_of(answer, f"{self.name}.{command}")
        except LETTING_THROUGH:
            raise
        except BaseException as error:  # noqa: BLE001 (a plugin may raise SystemExit)
            return self._response(command, began, error=error_text(error))
        return self._response(command, began, result=result)

    def _response(
        self,
        command: str,
        began: float,
        *,
        result: object = None,
        error: str | None = None,
    ) -> dict[str, Any]:
        """Count the call and write the six fields."""
        ms = (time.perf_counter() - began) * 1000
        self._taskhub_tally.record(ok=error is None, ms=ms)
        return {
            "plugin_name": self.name,
            "command": command,
            "result": result,
            "success": error is None,
            "error": error,
            "execution_time_ms": ms,
        }


def tally_of(plugin: PluginBase) -> Tally:
    """Return where calls are counted that were not made through `safe_execute`."""
    # Under a name that no plugin takes for itself by accident, and no part of the
    # contract.
    return plugin._taskhub_tally  # noqa: SLF001


def result_of(answer: object, where: str) -> object:
    """Return the result in what `execute` answered.

    Args:
        answer: What `execute` returned, whatever it is.
        where: The command's full name, for the error's text.

    Raises:
        TaskError: It reports a failure, or it is malformed (code
            `malformed_answer`).
    """
    if not isinstance(answer, dict):
        if inspect.iscoroutine(answer):
            answer.close()
        raise _malformed(f"{where} answered {type(answer).__name__}, not a dict")
    success = answer.get("success")
    if not isinstance(success, bool):
        said = "no" if "success" not in answer else f"{type(success).__name__} as"
        raise _malformed(f"{where} answered with {said} 'success'; it must be a bool")
    if success:
        return answer.get("result")
    text = answer.get("error")
    if isinstance(text, str) and text:
        raise TaskError(text)
    if text is None:
        raise TaskError(f"{where} failed without saying why")
    raise _malformed(
        f"{where} answered with {type(text).__name__} as 'error', not text"
    )


def _malformed(text: str) -> TaskError:
    return TaskError(text, code="malformed_answer")
