"""Following tasks to their end, whatever happens to connection, terminal and pipe."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Final, TypeVar

from hub.cli.bars import Bars
from hub.cli.endings import EXITS, report, trouble, why
from hub.cli.exits import CommandError, Exit, say
from hub.cli.interrupts import Interrupts
from hub.cli.invocation import Wish
from hub.cli.output import Format, is_terminal, put_json, put_line
from hub.cli.target import Target
from hub.cli.views import Plain, Reader, Records, View, outcome
from hub.client import AsyncHub
from hub.client.task import AsyncTask
from hub.errors import HubError
from hub.tasks import TaskResponse

PATIENCE_S: Final = 5.0
"""How long the answer to a request is waited for that Ctrl-C has taken back."""
TICK_S: Final = 0.1
"""How often bars are drawn."""

_WORSE: Final = (
    Exit.OK,
    Exit.CANCELLED,
    Exit.FAILED,
    Exit.USAGE,
    Exit.AUTH,
    Exit.UNREACHABLE,
    Exit.INTERRUPTED,
)
"""How the looking on at a task can end, from the best to the worst."""

Answer = TypeVar("Answer")


class _Notes(logging.Handler):
    """Shows what the client says about its way to the hub."""

    def __init__(self, view: View) -> None:
        super().__init__(logging.WARNING)
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Show it."""
        self._view.note(record.getMessage())


class Follower:
    """Follows tasks of one hub for one view.

    Args:
        hub: Where they are.
        view: Who looks on.
        interrupts: Ctrl-C.
        patience_s: How long the hub's answer is waited for after it.
    """

    def __init__(
        self,
        hub: AsyncHub,
        view: View,
        interrupts: Interrupts,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._hub = hub
        self._view = view
        self._interrupts = interrupts
        self._patience_s = patience_s

    @property
    def may_have_sent(self) -> bool:
        """Whether a request may have reached the hub."""
        return self._hub.was_connected

    async def start(self, wish: Wish) -> AsyncTask | None:
        """Have a command run.

        Returns:
            The task; None where Ctrl-C came before the hub had accepted it, and nobody
            wanted to wait for that, or has waited long enough.

        Raises:
            HubError: The hub has refused it, or is gone.
        """
        options = self._hub.options(
            key=wish.key,
            deadline=wish.deadline,
            priority=wish.priority,
            cache=wish.cache,
            chunks=self._view.reads,
        )
        starting = asyncio.ensure_future(options.execute(wish.name, wish.params))
        return await self._unless(starting, self._hopeless())

    async def to_end(
        self, task: AsyncTask, name: str, *, cancels: bool
    ) -> TaskResponse | None:
        """Follow a task.

        Args:
            task: Which one.
            name: What its command is called.
            cancels: Whether Ctrl-C cancels it; else it only ends the looking on.

        Returns:
            How it ended; None where somebody did not want to wait for that.

        Raises:
            HubError: It cannot be followed any more.
            CommandError: What it says cannot be written.
        """
        if not cancels:
            return await self.unless_interrupted(self._follow(task, name))
        following = asyncio.ensure_future(self._follow(task, name))
        cancelling = asyncio.ensure_future(self._cancel_on_wish(task))
        try:
            return await self._unless(following, self._interrupts.second.wait())
        finally:
            await _stop(cancelling)

    def attach(self, task_id: str) -> AsyncTask:
        """Return a task that is there already."""
        return self._hub.attach(task_id)

    async def _follow(self, task: AsyncTask, name: str) -> TaskResponse:
        """Show what a task says, up to its end."""
        view = self._view
        view.begin(task.id, name, task.origin)
        if view.reads:
            await self.told(task)
        response = await task.response()
        view.end(response)
        return response

    async def told(self, task: AsyncTask) -> bool:
        """Show all that a task says; return true."""
        while events := await task.events():
            self._view.tell(task.id, events)
            await asyncio.sleep(0)  # Ctrl-C and the bars have their turn, too
        return True

    async def read_out(self, task: AsyncTask) -> TaskResponse:
        """Show all that a task says; return how it ended."""
        await self.told(task)
        return await task.response()

    async def told_so_far(self, task: AsyncTask) -> bool:
        """Show what a task has said so far; return true."""
        while not task.is_caught_up and (events := await task.events()):
            self._view.tell(task.id, events)
        return True

    async def _cancel_on_wish(self, task: AsyncTask) -> None:
        """Cancel a task at the first Ctrl-C."""
        await self._interrupts.first.wait()
        self._view.note("cancelling; Ctrl-C once more does not wait for its end")
        try:
            await task.cancel("Ctrl-C")
        except HubError as error:
            self._view.note(f"not cancelled: {error.message}")

    async def unless_interrupted(
        self, wanted: Coroutine[Any, Any, Answer]
    ) -> Answer | None:
        """Do something, up to the first Ctrl-C."""
        doing = asyncio.ensure_future(wanted)
        return await self._unless(doing, self._interrupts.first.wait())

    async def _hopeless(self) -> None:
        """Wait until nobody wants to wait for a task to be accepted.

        What was sent may be under way, so its task has to be known to be cancelled.
        """
        await self._interrupts.first.wait()
        if not self._hub.is_connected:
            return
        self._view.note(
            "cancelling, once the hub has said whether it was started; "
            "Ctrl-C once more does not wait"
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._interrupts.second.wait()

    async def _unless(
        self, wanted: asyncio.Future[Answer], event: Coroutine[Any, Any, object]
    ) -> Answer | None:
        """Wait for something, unless something else happens first."""
        other = asyncio.ensure_future(event)
        either: list[asyncio.Future[Any]] = [wanted, other]  # Any: two kinds of answers
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return wanted.result() if wanted.done() else None
        finally:
            await _stop(other)
            await _stop(wanted)


async def _stop(future: asyncio.Future[Answer]) -> None:
    """Cancel what has not ended, and see its end."""
    if not future.done():
        future.cancel()
        await asyncio.wait([future])


@contextlib.asynccontextmanager
async def looking(target: Target, view: View) -> AsyncIterator[Follower]:
    """Enter a hub, with somebody who looks on."""
    notes = _Notes(view)
    log = logging.getLogger("hub.client")
    log.addHandler(notes)
    log.propagate = False
    where, who = target.address.shown, target.address.token
    hub = AsyncHub(where, token=who, reconnect_for=target.reconnect_for)
    try:
        async with hub:
            ticking = asyncio.ensure_future(_tick(hub, view))
            try:
                with Interrupts() as interrupts:
                    yield Follower(hub, view, interrupts)
            finally:
                await _stop(ticking)
                view.close()
    finally:
        log.removeHandler(notes)


async def _tick(hub: AsyncHub, view: View) -> None:
    """Let the view move."""
    while True:
        await asyncio.sleep(TICK_S)
        view.tick(connected=hub.is_connected)


def view_of(output: Format, *, quiet: bool = False, several: bool = False) -> View:
    """Return who looks on."""
    if output == "ndjson":
        return Records()
    if quiet:
        return View()
    return Bars(several=several) if is_terminal(sys.stderr) else Plain(several=several)


def run(wish: Wish, target: Target) -> Exit:
    """Run a command to its end, and print its result.

    Raises:
        CommandError: The hub has refused it or is gone, or nothing can be written.
    """
    return asyncio.run(_run(wish, target))


async def _run(wish: Wish, target: Target) -> Exit:
    task: AsyncTask | None = None
    sent = False
    view = View() if wish.detach else view_of(wish.output, quiet=wish.quiet)
    try:
        async with looking(target, view) as follower:
            task = await follower.start(wish)
            sent = follower.may_have_sent
            if task is not None and wish.detach:
                return _left(task, wish.output)
            if task is not None:
                response = await follower.to_end(task, wish.name, cancels=True)
                if response is not None:
                    return report(response, wish.name, wish.output)
    except HubError as error:
        raise trouble(error, task.id if task else None, wish.key) from None
    except CommandError as error:
        raise _found_again(error, task) from None
    if task is None and not sent:
        say("interrupted; nothing was sent to the hub")
    elif task is None:
        say(f"interrupted; if it was started, the same with --key {wish.key} finds it")
    else:
        say(f"not waiting for its end: taskhub watch {task.id}")
    return Exit.INTERRUPTED


def _left(task: AsyncTask, output: Format) -> Exit:
    """Print which task it is that is left alone."""
    if output == "text":
        put_line(task.id)
    else:
        put_json(task.snapshot, line=output == "ndjson")
    return Exit.OK


def _found_again(error: CommandError, task: AsyncTask | None) -> CommandError:
    """Add to an error of writing where the rest is to be found."""
    if task is None or error.exit_code == Exit.PIPE:
        return error
    status = task.status
    state = "has ended" if status is not None and status.ended else "goes on"
    return CommandError(
        f"{error.message}; the task {state}: taskhub watch {task.id}", Exit.FAILED
    )


def watch(
    tasks: Mapping[str, str], target: Target, output: Format, *, quiet: bool
) -> Exit:
    """Follow tasks to their ends, and print their results.

    Args:
        tasks: Their ids, and what their commands are called.
        target: Where they are.
        output: In which form to print results.
        quiet: Whether to say nothing beside results and errors.

    Returns:
        The exit code of the worst end.

    Raises:
        CommandError: Nothing can be written.
    """
    return asyncio.run(_watch(tasks, target, output, quiet=quiet))


async def _watch(
    tasks: Mapping[str, str], target: Target, output: Format, *, quiet: bool
) -> Exit:
    several = len(tasks) > 1
    codes: list[Exit] = []

    async def one(follower: Follower, task_id: str, name: str) -> None:
        task = follower.attach(task_id)
        try:
            response = await follower.to_end(task, name, cancels=False)
        except HubError as error:
            ended = trouble(error, task_id, None)
            ended.show()
            codes.append(Exit(ended.exit_code))
            return
        if response is None:
            codes.append(Exit.INTERRUPTED)
        else:
            with view.hidden():
                codes.append(report(response, name, output, several=several))

    view = view_of(output, quiet=quiet, several=several)
    async with looking(target, view) as follower:
        await asyncio.gather(*(one(follower, *task) for task in tasks.items()))
    if Exit.INTERRUPTED in codes:
        say(f"looking on no longer: taskhub watch {' '.join(tasks)}")
    return max(codes, key=_WORSE.index)


def read(task_id: str, name: str, target: Target, view: View, *, follow: bool) -> Exit:
    """Show what a task has logged and put out, on standard output.

    Args:
        task_id: Which task.
        name: What its command is called.
        target: Where it is.
        view: Who looks on.
        follow: Whether to go on until the end; else it is over with what there is.

    Returns:
        With `follow` that of the task's end.

    Raises:
        CommandError: The hub is gone, or nothing can be written.
    """
    return asyncio.run(_read(task_id, name, target, view, follow=follow))


async def _read(
    task_id: str, name: str, target: Target, view: View, *, follow: bool
) -> Exit:
    async with looking(target, view) as follower:
        task = follower.attach(task_id)
        try:
            if not follow:
                whole = await follower.unless_interrupted(follower.told_so_far(task))
                return Exit.OK if whole else Exit.INTERRUPTED
            response = await follower.unless_interrupted(follower.read_out(task))
        except HubError as error:
            raise trouble(error, task_id, None) from None
    if response is None:
        return Exit.INTERRUPTED
    code = EXITS[response.status]
    if code is not Exit.OK:
        say(f"Error: {why(response, name)}")
    elif isinstance(view, Reader):
        say(f"{name}: {outcome(response)}")
    return code
