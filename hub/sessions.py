"""Sessions: a connected client's conversation.

A session takes the client's messages, as `hub.protocol.connection` reads them, and
answers through its feed. It never waits: what takes time is answered by a callback, so
a frame costs no coroutine and a client may have thousands under way.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import msgspec

from hub.auth import Principal
from hub.delivery import Delivery, Transport
from hub.errors import HubError
from hub.feeds import Feed
from hub.messages import best_locale
from hub.orchestrator import Orchestrator
from hub.protocol.connection import Connection, Refusal
from hub.protocol.frames import (
    Cancel,
    CloseCode,
    Execute,
    Hello,
    Limits,
    More,
    Ok,
    Ping,
    Pong,
    Unwatch,
    Watch,
    Welcome,
)
from hub.protocol.writing import Subprotocol
from hub.responses import rfc3339
from hub.runs import Opened, Origin, Task


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What every session of a node shares.

    Attributes:
        hub: Names the life of the log store.
        orchestrator: Takes the requests.
        delivery: Sends the answers.
        locale: The hub's default language.
        frame_bytes: Size that a client's message may have.
        hello_bytes: Size that a `hello` may have.
        bad_frames: How many undecodable messages in a minute end a connection.
    """

    hub: str
    orchestrator: Orchestrator
    delivery: Delivery
    locale: str = "en"
    frame_bytes: int = 256 * 1024
    hello_bytes: int = 4096
    bad_frames: int = 5


class Session(Feed):
    """One client's connection.

    Args:
        house: What every session shares.
        subprotocol: What was agreed at the upgrade.
        transport: Where messages go.
        principal: Who is calling.
        locale: The client's language, as far as it is known yet.
    """

    def __init__(
        self,
        house: House,
        subprotocol: Subprotocol,
        transport: Transport,
        principal: Principal,
        locale: str,
    ) -> None:
        connection = Connection(
            subprotocol,
            frame_bytes=house.frame_bytes,
            hello_bytes=house.hello_bytes,
            bad_frames=house.bad_frames,
            timer=house.delivery.wiring.clock.now,
        )
        super().__init__(house.delivery, connection.framing, transport, locale)
        self._connection = connection
        self._house = house
        self._principal = principal
        self._ended = False
        # Numbers may be longer in MessagePack than in JSON, by which logs are weighed.
        packed = subprotocol is Subprotocol.MSGPACK
        self._room = house.frame_bytes // 3 if packed else house.frame_bytes
        house.delivery.wiring.metrics.sessions += 1
        self._welcome()

    def receive(self, data: str | bytes) -> None:
        """Take one message."""
        if self.closed or self._closing is not None:
            return
        found = self._connection.receive_data(data)
        self._wiring.metrics.frames_in += len(found)
        for frame in found:
            self._actions[type(frame)](self, frame)

    def close(self) -> None:
        """End the conversation; the tasks go on."""
        if not self._ended:
            self._ended = True
            self._wiring.metrics.sessions -= 1
        super().close()

    def _welcome(self) -> None:
        """Say who the client is and what it may do."""
        clock = self.clock
        self.answer(
            Welcome(
                hub=self._house.hub,
                now=rfc3339(clock.wall()),
                principal=self._principal.name,
                scopes=sorted(self._principal.scopes),
                limits=Limits(
                    frame_bytes=self._house.frame_bytes,
                    watches=None,
                    in_flight=None,
                    executes_per_s=None,
                ),
                heartbeat_ms=int(self._wiring.heartbeat_s * 1000),
            )
        )

    def _refuse(self, refusal: Refusal) -> None:
        """Answer a frame that is not acted on."""
        self._wiring.metrics.refuse(refusal.error.code)
        id = None if refusal.id is msgspec.UNSET else refusal.id
        self.error(refusal.error, id=id)
        if refusal.fatal:
            self.close_with(CloseCode.BAD_FRAME, CloseCode.BAD_FRAME.reason)

    def _hello(self, frame: Hello) -> None:
        """Talk to the client as it wants; answer with a `welcome` that counts."""
        if frame.locale is not None:
            self.locale = best_locale(frame.locale, self._house.locale)
        if frame.progress_ms is not None:
            self.progress_ms = frame.progress_ms
        self._welcome()

    def _execute(self, frame: Execute) -> None:
        """Run a command and watch it."""
        self._house.orchestrator.execute(
            self._principal,
            frame,
            partial(self._executed, frame),
            locale=self.locale,
            room=self._room if frame.chunks else 0,
        )

    def _executed(self, frame: Execute, outcome: Opened | HubError) -> None:
        """Answer an `execute`."""
        if isinstance(outcome, HubError):
            self.error(outcome, id=frame.id)
        else:
            self.open(outcome, id=frame.id, chunks=frame.chunks)

    def _watch(self, frame: Watch) -> None:
        """Read a task's log."""
        self._house.orchestrator.find(
            self._principal, frame.task_id, partial(self._found, frame)
        )

    def _found(self, frame: Watch, task: Task | HubError) -> None:
        """Answer a `watch`."""
        if isinstance(task, HubError):
            self.error(task, id=frame.id, task_id=frame.task_id)
        else:
            self.open(
                Opened(task=task, origin=Origin.WATCH),
                id=frame.id,
                after=frame.after,
                attempt=frame.attempt,
                chunks=frame.chunks,
            )

    def _unwatch(self, frame: Unwatch) -> None:
        """Stop reading a task's log."""
        self.unwatch(frame.task_id)

    def _cancel(self, frame: Cancel) -> None:
        """Drop a task's interest in its run."""
        self._house.orchestrator.cancel(
            self._principal, frame.task_id, partial(self._cancelled, frame)
        )

    def _cancelled(self, frame: Cancel, error: HubError | None) -> None:
        """Answer a `cancel`."""
        if error is None:
            self.answer(Ok(id=frame.id))
        else:
            self.error(error, id=frame.id)

    def _ping(self, frame: Ping) -> None:
        """Answer a `ping`."""
        self.answer(Pong(id=frame.id))

    def _more(self, frame: More) -> None:
        """Ignore credit for a watch that has none."""

    # Each action takes its own kind of frame.
    _actions: ClassVar[dict[type, Callable[["Session", Any], None]]] = {
        Refusal: _refuse,
        Hello: _hello,
        Execute: _execute,
        Watch: _watch,
        Unwatch: _unwatch,
        Cancel: _cancel,
        Ping: _ping,
        More: _more,
    }
    """What is done with each kind of frame."""
