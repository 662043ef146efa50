"""Asking the orchestrator, from coroutines: its callbacks as something to await."""

import asyncio
from typing import TypeVar

from hub.errors import HubError
from hub.node import Node
from hub.protocol.frames import Execute
from hub.runs import Opened, Task

Answer = TypeVar("Answer")


class _Waiter:
    """Follows a task until it ends."""

    progress_ms = 3_600_000

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ended = asyncio.Event()
        self.moved()

    def moved(self) -> None:
        """Look whether the task has ended."""
        if self.task.end:
            self.ended.set()

    def progressed(self) -> None:
        """Care about nothing else."""

    def vanished(self) -> None:
        """Stop waiting: what is gone has ended."""
        self.ended.set()


async def execute(node: Node, wish: Execute, locale: str) -> Opened:
    """Ask for a command to be run.

    Raises:
        HubError: It is refused.
    """
    answered: asyncio.Future[Opened | HubError] = asyncio.Future()
    node.orchestrator.execute(
        node.principal, wish, lambda answer: _settle(answered, answer), locale=locale
    )
    outcome = await answered
    if isinstance(outcome, HubError):
        raise outcome
    return outcome


async def find(node: Node, task_id: str) -> Task:
    """Look up a task that the caller wants to read.

    Raises:
        NotFoundError: There is none.
        ForbiddenError: They may see it, but not read it.
    """
    found: asyncio.Future[Task | HubError] = asyncio.Future()
    node.orchestrator.find(
        node.principal, task_id, lambda answer: _settle(found, answer)
    )
    outcome = await found
    if isinstance(outcome, HubError):
        raise outcome
    return outcome


async def cancel(node: Node, task_id: str) -> None:
    """Drop a task's interest in its run; returns when the wish is durable.

    Raises:
        HubError: It is refused.
    """
    done: asyncio.Future[HubError | None] = asyncio.Future()
    node.orchestrator.cancel(
        node.principal, task_id, lambda answer: _settle(done, answer)
    )
    error = await done
    if error is not None:
        raise error


async def ended(node: Node, task: Task, seconds: float | None) -> bool:
    """Wait until a task has ended.

    Args:
        node: Where it is.
        task: Which one.
        seconds: How long to wait; None for as long as it takes.

    Returns:
        Whether it has.
    """
    waiter = _Waiter(task)
    node.engine.follow(waiter)
    try:
        async with asyncio.timeout(seconds):
            await waiter.ended.wait()
    except TimeoutError:
        return False
    finally:
        node.engine.unfollow(waiter)
    return True


def _settle(future: asyncio.Future[Answer], answer: Answer) -> None:
    """Give an answer to whoever still waits for it."""
    if not future.done():
        future.set_result(answer)
