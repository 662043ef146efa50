"""Calling a plugin's own methods, apart from commands, without being hurt by them.

`async def` methods are awaited on the loop; `def` methods run in a daemon thread of
their own, so that one that never returns holds up neither the loop's end nor the
process's (the threads of a pool would).
"""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from typing import Any


class PluginCallError(Exception):
    """A plugin's method failed; `__cause__` is what it raised."""


async def call_method(  # Any: methods of all kinds and what they return
    method: Callable[..., Any], *args: object
) -> Any:
    """Call a method of a plugin and return its answer.

    Raises:
        PluginCallError: It raised, whatever it was (SystemExit, too).
        asyncio.CancelledError: The caller was cancelled.
    """
    try:
        if inspect.iscoroutinefunction(method):
            return await method(*args)
        answer, failure = await _in_thread(method, args)
        if failure is None and inspect.isawaitable(answer):
            answer = await answer
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise PluginCallError from error
    except BaseException as error:
        raise PluginCallError from error
    if failure is not None:
        raise PluginCallError from failure
    return answer


async def call_through(method: Callable[..., object], *args: object) -> object:
    """Do as `call_method` does, and raise what the method raised."""
    try:
        return await call_method(method, *args)
    except PluginCallError as error:
        failed = error
    raise failed.__cause__ or failed


async def _in_thread(
    method: Callable[..., object], args: tuple[object, ...]
) -> tuple[object, BaseException | None]:
    """Run in a daemon thread; return its answer and what it raised.

    The exception is a value here, because a future takes no StopIteration. A caller
    that is cancelled leaves the thread alone.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def settle(answer: object, failure: BaseException | None) -> None:
        if not done.done():
            done.set_result((answer, failure))

    def run() -> None:
        answer, failure = None, None
        try:
            answer = context.run(method, *args)
        except BaseException as error:  # noqa: BLE001 (told to who waits)
            failure = error
        try:
            loop.call_soon_threadsafe(settle, answer, failure)
        except RuntimeError:
            return  # the loop is closed: nobody waits

    threading.Thread(target=run, name="plugin", daemon=True).start()
    return await done
