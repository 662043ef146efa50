"""Plugins' own methods are called without hurting the hub."""

import asyncio
import contextvars
import functools
import threading
from collections.abc import Awaitable, Callable

import pytest

from hub.plugin.calling import PluginCallError, call_method, call_through

WHERE = contextvars.ContextVar("where", default="nowhere")


def _first(make: Callable[[], Awaitable[int]]) -> Awaitable[int]:
    """Hand back what is still to be awaited."""
    return make()


class BadError(BaseException):
    """What no `except Exception` sees."""


async def test_def_runs_in_a_thread_and_async_def_on_the_loop() -> None:
    """Both with their arguments, and with the caller's context."""

    def plain(a: int) -> tuple[int, bool, str]:
        here = threading.current_thread() is threading.main_thread()
        return a, here, WHERE.get()

    async def later(a: int) -> tuple[int, bool, str]:
        return plain(a)

    WHERE.set("here")

    assert await call_method(plain, 1) == (1, False, "here")
    assert await call_method(later, 2) == (2, True, "here")


async def test_a_def_may_return_an_awaitable() -> None:
    """It is awaited on the loop."""

    async def later() -> int:
        return 3

    assert await call_method(functools.partial(_first, later)) == 3


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(2), BadError(), StopIteration(1)]
)
async def test_whatever_a_method_raises_is_contained(error: BaseException) -> None:
    """In a thread as on the loop; the cause is what it was."""

    def plain() -> None:
        raise error

    async def later() -> None:
        raise error

    with pytest.raises(PluginCallError) as caught:
        await call_method(plain)
    assert caught.value.__cause__ is error
    with pytest.raises(PluginCallError) as caught:
        await call_method(later)
    # Python itself turns a StopIteration of a coroutine into a RuntimeError.
    assert caught.value.__cause__ is error or isinstance(error, StopIteration)


async def test_call_through_raises_what_was_raised() -> None:
    """With its own cause left as it was."""
    origin = KeyError("origin")

    def plain() -> None:
        raise ValueError("x") from origin

    with pytest.raises(ValueError, match="x") as caught:
        await call_through(plain)

    assert caught.value.__cause__ is origin


async def test_cancelling_the_caller_is_no_failure_of_the_plugin() -> None:
    """A thread is left alone and its late answer dropped; nobody waits for it."""
    started, finish = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        finish.wait(10)

    calling = asyncio.create_task(call_method(slow))
    await asyncio.to_thread(started.wait, 10)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    finish.set()


async def test_a_plugin_that_cancels_itself_has_failed() -> None:
    """Its CancelledError does not look like the caller's."""

    async def confused() -> None:
        raise asyncio.CancelledError

    with pytest.raises(PluginCallError):
        await call_method(confused)


def test_a_thread_may_outlive_the_loop() -> None:
    """It holds up neither the loop's end nor the process's, and its answer is lost."""
    started, finish = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def slow() -> None:
        threads.append(threading.current_thread())
        started.set()
        finish.wait(10)

    async def give_up() -> None:
        calling = asyncio.create_task(call_method(slow))
        await asyncio.to_thread(started.wait, 10)
        calling.cancel()
        await asyncio.wait({calling})

    asyncio.run(give_up())
    finish.set()
    threads[0].join(10)

    assert threads[0].daemon
    assert not threads[0].is_alive()
