"""The connection to a hub: the one part that knows asyncio and sockets.

One background task connects while something is under way, reads, writes, and comes
back after a loss. What is said stands in `hub.client.conversation`; this only carries
it, and watches the clock.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hub.client import troubles
from hub.client.address import Address
from hub.client.conversation import Cancelling, Conversation
from hub.client.errors import ConnectionLost, NotAHubError, UnreachableError
from hub.client.exchange import Direct, proxy_for
from hub.client.following import Following
from hub.client.http import check, fetch
from hub.client.pace import Pace, may_return
from hub.client.shapes import Shape
from hub.client.troubles import Trouble
from hub.client.wire import Codec, UndecodableError
from hub.errors import BadFrameError, ForbiddenError, HubError, UnauthenticatedError
from hub.protocol.frames import Hello

logger = logging.getLogger("hub.client")

_NORMAL: Final = 1000
_UNSUPPORTED: Final = 4502
_VERDICTS: Final[dict[int, type[HubError]]] = {
    4500: UnauthenticatedError,
    4501: BadFrameError,
    4503: ForbiddenError,
}
_MOST_MESSAGE: Final = 64 * 1024 * 1024
"""Far above what a hub may send: only against what is none."""


class Link:
    """Keeps a conversation connected while something is under way.

    Args:
        address: Where the hub is.
        codec: json or msgpack.
        hello: How every connection begins.
        reconnect_for: For how many seconds a hub that is gone is looked for.
        pace: How long things may take.

    Attributes:
        address: Where the hub is.
        conversation: What is said.
        pace: How long things may take.
    """

    def __init__(
        self,
        address: Address,
        codec: str,
        hello: Hello,
        reconnect_for: float,
        pace: Pace,
    ) -> None:
        self.address = address
        self.pace = pace
        self.codec = Codec(codec)
        self.conversation = Conversation(self.codec, hello)
        self.conversation.wake = self._wake
        self._locale = hello.locale
        self._reconnect_for = reconnect_for
        self._news = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._until = 0.0
        self._closed = False

    # What tasks ask for.

    def begin(self, following: Following) -> None:
        """Follow a task, and connect for it."""
        self._start()
        self.conversation.begin(following)

    def follow(self, following: Following) -> None:
        """Follow a task, unless it is followed already."""
        self._start()
        self.conversation.follow(following)

    def read(self, following: Following) -> None:
        """Read a task's output."""
        self._start()
        self.conversation.read(following)

    def cancel(self, cancelling: Cancelling) -> None:
        """Cancel a task."""
        self._start()
        self.conversation.cancel(cancelling)

    async def fetch(
        self, path: str, method: str = "GET", kind: type[Shape] | None = None
    ) -> Any:  # any JSON value
        """Ask the hub something over HTTP.

        Raises:
            HubError: It was refused, or could not be asked.
        """
        locale, pace = self._locale, self.pace
        value = await fetch(self.address, path, method=method, locale=locale, pace=pace)
        if kind is not None:
            check(value, kind, self.address.root)
        return value

    async def fetch_patiently(self, path: str) -> Any:  # any JSON value
        """Ask again while the hub is away, for as long as it is looked for.

        Raises:
            HubError: It was refused, or could not be asked.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._reconnect_for
        failures = 0
        while True:
            try:
                return await self.fetch(path)
            except NotAHubError:
                raise
            except UnreachableError:
                left = until - loop.time()
                if left <= 0:
                    raise
                await asyncio.sleep(min(self._jitter(failures), left))
                failures += 1

    async def aclose(self) -> None:
        """End the connection; what is under way at the hub goes on."""
        self._closed = True
        runner, self._runner = self._runner, None
        if runner is None:
            return
        try:
            await self._settle(runner)
        finally:
            await _end(runner)
            self.conversation.fail(lambda _: ConnectionLost("The client was closed."))

    async def _settle(self, runner: asyncio.Task[None]) -> None:
        """Let the hub answer what was cancelled, if it does so soon."""
        if self.conversation.is_settled or self.conversation.welcome is None:
            return
        settled = asyncio.Event()
        self.conversation.settled = settled.set
        waiting = asyncio.create_task(settled.wait())
        try:
            await asyncio.wait(
                (waiting, runner),
                timeout=self.pace.close_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            waiting.cancel()

    def _start(self) -> None:
        """Have the background task run."""
        if self._closed:
            raise RuntimeError("this client is closed")
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._serve(), name="taskhub client")

    def _jitter(self, failures: int) -> float:
        """Return how long to wait before the next try."""
        return self.pace.wait(failures, random.random())  # noqa: S311  # no secret

    def _wake(self) -> None:
        """Let the background task look at the conversation."""
        self._news.set()

    # The background task.

    async def _serve(self) -> None:
        """Run; let nobody wait for ever where that fails."""
        try:
            await self._run()
        except Exception as error:
            logger.exception("the client has failed")
            text = f"The client has failed: {error!r}"
            self.conversation.fail(lambda _: ConnectionLost(text))

    async def _run(self) -> None:
        """Be connected while something is under way."""
        loop = asyncio.get_running_loop()
        failures, self._until = 0, 0.0
        while True:
            while self.conversation.is_idle:
                self._news.clear()
                await self._news.wait()
                failures, self._until = 0, 0.0
            began = loop.time()
            self._until = self._until or began + self._reconnect_for
            trouble, wait = await self._connection()
            # One that lets in and throws out at once is no hub that is back, and one
            # that says so again and again neither.
            lived = loop.time() - began > self.pace.first_s
            if wait is not None and (lived or (wait and not failures)):
                failures, self._until = 0, loop.time() + wait + self._reconnect_for
            if self._stays(trouble):
                self._give_up(trouble.error)
            elif not self.conversation.is_idle:
                if not failures:
                    logger.warning("%s Trying again.", trouble.error.message)
                jitter = self._jitter(failures)
                await asyncio.sleep(wait or min(jitter, self._left()))
                failures += 1

    async def _connection(self) -> tuple[Trouble, float | None]:
        """Live through one connection.

        Returns:
            Why it is none any more, and for how long the hub is to be left alone, at
            most as long as one that is gone is looked for; None where it never was one.
        """
        try:
            trouble = await self._connect()
            wait = None
            if self.conversation.welcome is not None:
                going = self.conversation.going
                wait = 0.0 if going is None else going.retry_after_ms / 1000
                wait = min(max(wait, 0.0), self._reconnect_for)
            return trouble, wait
        finally:
            self.conversation.lost()
            for timer in self._timers:
                timer.cancel()
            self._timers.clear()

    def _left(self) -> float:
        """Return for how long the hub is looked for yet."""
        return self._until - asyncio.get_running_loop().time()

    def _patience(self) -> float:
        """Return how long a try may take, up to the hub's `welcome`."""
        return min(self.pace.open_s, max(self._left(), self.pace.least_s))

    def _stays(self, trouble: Trouble) -> bool:
        """Whether trying again is of no use."""
        if trouble.lasting and (
            not self.conversation.met or _is_verdict(trouble.error)
        ):
            return True
        return self._left() <= 0

    def _give_up(self, error: HubError) -> None:
        """Tell everybody who waits."""
        met = self.conversation.met

        def verdict(maybe: bool) -> HubError:  # noqa: FBT001  # the contract's only argument
            if not met or not maybe or not isinstance(error, UnreachableError):
                return error
            return ConnectionLost(
                f"{error.message} The connection was lost; what the hub has accepted "
                "goes on there."
            )

        self.conversation.fail(verdict)

    async def _connect(self) -> Trouble:
        """Connect, and carry messages until it ends; return what that means."""
        token = self.address.token
        url = self.address.shown
        try:
            connection = await Direct(
                self.address.socket,
                subprotocols=[Subprotocol(self.codec.subprotocol)],
                additional_headers={"Authorization": f"Bearer {token}"}
                if token
                else {},
                compression=None,
                proxy=proxy_for(self.address),
                open_timeout=self._patience(),
                close_timeout=self.pace.close_s,
                ping_interval=None,
                max_size=_MOST_MESSAGE,
                logger=logging.getLogger("hub.client.websockets"),
            )
        except Exception as error:
            trouble = troubles.of_connecting(error, url)
            if trouble is None:
                raise
            return trouble
        try:
            if connection.subprotocol is None:
                text = f"What answers at {url} is no hub: it knows no subprotocol."
                return Trouble(NotAHubError(text), lasting=True)
            return await self._carry(connection)
        finally:
            await connection.close()

    async def _carry(self, connection: ClientConnection) -> Trouble:
        """Carry messages both ways until the connection ends; say why it did."""
        url = self.address.shown
        writing = asyncio.create_task(self._write(connection))
        try:
            await self._read(connection)
        except TimeoutError:
            return Trouble(UnreachableError(f"The hub at {url} has fallen silent."))
        except UndecodableError as error:
            text = f"What {url} sends cannot be understood: {error}."
            return Trouble(UnreachableError(text))
        except ConnectionClosed:
            pass
        finally:
            await _end(writing)
        if self.conversation.is_foreign:
            return troubles.of_version(url)
        return self._meaning(connection)

    def _meaning(self, connection: ClientConnection) -> Trouble:
        """Return what the end of a connection means."""
        code, reason = connection.close_code or 1006, connection.close_reason or ""
        if code == _UNSUPPORTED:
            return troubles.of_version(self.address.shown)
        if code in _VERDICTS:
            return Trouble(_VERDICTS[code](reason or None), lasting=True)
        said = f"{code} {reason}".strip()
        text = f"The connection to {self.address.shown} was closed ({said})."
        return Trouble(UnreachableError(text), lasting=not may_return(code))

    async def _read(self, connection: ClientConnection) -> None:
        """Hand everything that comes to the conversation."""
        loop = asyncio.get_running_loop()
        conversation = self.conversation
        async with asyncio.timeout(self._patience()) as patience:
            async for message in connection:
                frames = self.codec.decode(message)
                weight = len(message) // max(len(frames), 1)
                for frame in frames:
                    conversation.receive(frame, weight)
                if conversation.is_foreign:
                    return
                if conversation.welcome is not None:
                    heartbeat = conversation.welcome.heartbeat_ms / 1000
                    patience.reschedule(loop.time() + self.pace.silence * heartbeat)

    async def _write(self, connection: ClientConnection) -> None:
        """Send what the conversation has to say, a turn's frames together."""
        try:
            for message in self.conversation.connected():
                await connection.send(message)
            while True:
                await self._news.wait()
                self._news.clear()
                for message in self.conversation.take():
                    await connection.send(message)
                self._put_off()
                if self.conversation.is_drained:
                    await connection.close()
        except ConnectionClosed:
            return  # the reader says what it means

    def _put_off(self) -> None:
        """Set the clock for what is to be tried again later."""
        later, self.conversation.later = self.conversation.later, []
        for after_ms, following in later:
            again = partial(self.conversation.again, following)
            self._at(after_ms / 1000, again)

    def _at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in a while, unless the connection is lost before."""

        def due() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(timer)


def _is_verdict(error: HubError) -> bool:
    """Whether an error was said by a hub, about this client."""
    return not isinstance(error, UnreachableError)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task and see its end, however often the caller is cancelled."""
    task.cancel()
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
