"""The classic contract by itself, without a hub."""

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from hub.plugin.contract import PluginBase, Tally, tally_of
from hub.plugin.errors import TaskError

Execute = Callable[[str, dict[str, Any]], Any]

FIELDS = {
    "plugin_name",
    "command",
    "result",
    "success",
    "error",
    "execution_time_ms",
}


class Classic(PluginBase):
    """A plugin whose `execute` is handed in; it does not call `super().__init__`."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute

    def initialize(self, config: dict[str, Any]) -> bool:
        """Accept anything."""
        return True

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Do what the test says."""
        answer: dict[str, Any] = self._execute(command, params)
        return answer

    def get_info(self) -> dict[str, Any]:
        """Say little."""
        return {}

    def cleanup(self) -> None:
        """Do nothing."""

    def is_healthy(self) -> bool:
        """Say yes."""
        return True


class AsyncClassic(Classic):
    """The same with an `async def execute`."""

    async def execute(  # type: ignore[override]  # each of the five may be either
        self, command: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Do what the test says, a turn later."""
        await asyncio.sleep(0)
        answer: dict[str, Any] = self._execute(command, params)
        return answer


def raising(error: BaseException) -> Execute:
    """Return an `execute` that raises."""

    def execute(command: str, params: dict[str, Any]) -> Any:
        raise error

    return execute


def answering(answer: object) -> Execute:
    """Return an `execute` that answers."""
    return lambda command, params: answer


def test_all_five_methods_are_needed() -> None:
    """A class without one of them cannot be instantiated."""
    names = {"initialize", "execute", "get_info", "cleanup", "is_healthy"}

    assert names == PluginBase.__abstractmethods__


def test_safe_execute_gives_the_six_fields() -> None:
    """A success carries the result, the names and the time."""
    plugin = Classic(lambda command, params: {"success": True, "result": params})

    response = plugin.safe_execute("echo", {"a": 1})

    assert response.keys() == FIELDS
    assert response.pop("execution_time_ms") >= 0
    assert response == {
        "plugin_name": "classic",
        "command": "echo",
        "result": {"a": 1},
        "success": True,
        "error": None,
    }


async def test_safe_execute_of_async_is_awaited() -> None:
    """Where `execute` is `async def`, so is what `safe_execute` returns."""
    plugin = AsyncClassic(answering({"success": True, "result": 7}))

    response = await plugin.safe_execute("seven", {})

    assert response["result"] == 7
    assert response["success"] is True


@pytest.mark.parametrize("kind", [Classic, AsyncClassic])
@pytest.mark.parametrize(
    ("execute", "error"),
    [
        (raising(ValueError("bad")), "ValueError: bad"),
        (raising(TaskError("No such city")), "No such city"),
        (raising(SystemExit(3)), "SystemExit: 3"),
        (raising(KeyError("x")), "KeyError: 'x'"),
        (answering({"success": False, "error": "nope"}), "nope"),
        (answering({"success": False}), "{}.do failed without saying why"),
        (
            answering({"success": False, "error": 3}),
            "{}.do answered with int as 'error'",
        ),
        (answering(None), "{}.do answered NoneType, not a dict"),
        (answering([1]), "{}.do answered list, not a dict"),
        (answering({"result": 1}), "{}.do answered with no 'success'"),
        (answering({"success": "yes"}), "{}.do answered with str as 'success'"),
    ],
)
async def test_safe_execute_never_raises(
    kind: type[Classic], execute: Execute, error: str
) -> None:
    """An exception or a malformed answer is a failure with a clear text."""
    plugin = kind(execute)

    response = plugin.safe_execute("do", {})
    if kind is AsyncClassic:
        response = await response

    assert response.keys() == FIELDS
    assert response["success"] is False
    assert response["result"] is None
    assert response["error"].startswith(error.format(plugin.name))


def test_a_coroutine_is_no_answer_of_a_plain_execute() -> None:
    """It is told apart, closed and named, and never left unawaited."""

    async def later() -> None: ...

    response = Classic(lambda command, params: later()).safe_execute("do", {})

    assert response["error"] == "classic.do answered coroutine, not a dict"


async def test_cancellation_passes_through() -> None:
    """Who cancels a call is not told that the plugin failed, and nothing is counted."""
    plugin = AsyncClassic(raising(asyncio.CancelledError()))

    with pytest.raises(asyncio.CancelledError):
        await plugin.safe_execute("do", {})

    assert plugin.statistics.calls == 0


def test_statistics_count_and_measure() -> None:
    """Calls, successes, failures and their time add up."""
    plugin = Classic(lambda command, params: {"success": command == "good"})

    times = [
        plugin.safe_execute(command, {})["execution_time_ms"]
        for command in ("good", "bad", "good")
    ]
    tally_of(plugin).record(ok=False, ms=5.0)

    figures = plugin.statistics
    assert (figures.calls, figures.successes, figures.failures) == (4, 2, 2)
    assert figures.total_ms == pytest.approx(sum(times) + 5.0)


def test_no_call_is_lost_between_threads() -> None:
    """Threads that count at once are all counted."""
    tally = Tally()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def count() -> None:
        for _ in range(2000):
            tally.record(ok=True, ms=1.0)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)

    assert tally.statistics().successes == 8000
    assert tally.statistics().total_ms == 8000.0


def test_a_name_on_the_class_is_kept() -> None:
    """Without one an instance is called after its class."""

    class HTTPWeather(Classic):
        """No name."""

    class Named(Classic):
        """A name."""

        name = "weather"

    assert HTTPWeather(answering({})).name == "httpweather"
    assert AsyncClassic(answering({})).name == "async_classic"
    assert Named(answering({})).name == "weather"
