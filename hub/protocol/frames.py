"""Frames: what a client may say, and what the hub answers.

Client frames are decoded into these structs in one step. `params` stays raw: nothing
of it is built before the command is known, and so before its size and depth are.
Frames about a task's log are in `hub.events`.
"""

import enum
from typing import Annotated, Final

import msgspec

from hub.tasks import TaskResponse

Id = Annotated[str, msgspec.Meta(max_length=1024)] | int
"""What a client calls a frame; echoed, so its answer must fit into a frame, too."""

PRIORITIES: Final = ("high", "normal", "low")
"""What `Execute.priority` may say."""
PROTOCOL: Final = 1
"""The version of the protocol."""


class CloseCode(enum.IntEnum):
    """Why the hub closes a connection: below 4500 the client comes back."""

    GOING_AWAY = 4000
    """This node is going."""
    INTERNAL = 4005
    """A fault of the hub."""
    BAD_FRAME = 4501
    """Too much that cannot be decoded."""
    UNSUPPORTED_VERSION = 4502
    """The client speaks no protocol of ours."""

    @property
    def reason(self) -> str:
        """Its name, as it is said in the close frame."""
        return self.name.lower()


class ClientFrame(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    gc=False,
    omit_defaults=True,  # a client leaves out what it does not say
):
    """A frame from a client."""


class Hello(ClientFrame, frozen=True, kw_only=True, tag="hello"):
    """Who calls, and how it wants to be talked to; may only be the first frame.

    Attributes:
        token: A bearer token.
        session: The secret of an earlier `Welcome`.
        locale: The language of the hub's texts; a BCP 47 tag.
        client: Name and version, for the log.
        progress_ms: At most one progress frame per task in that time.
    """

    token: str | None = None
    session: str | None = None
    locale: str | None = None
    client: str | None = None
    progress_ms: int | None = None


class Execute(ClientFrame, frozen=True, kw_only=True, tag="execute"):
    """Run a command and watch it from 0.

    Attributes:
        id: Echoed by the answer.
        plugin: The plugin's name.
        command: The command's name.
        params: An object.
        key: Idempotency key.
        deadline_ms: From acceptance to the end.
        priority: high, normal or low.
        linger_ms: How long the task outlives its last watcher.
        cache: use, refresh or off.
        chunks: Whether chunks are wanted.
        credit: How many chunks may be sent.
        trace: W3C traceparent.
    """

    id: Id
    plugin: str
    command: str
    params: msgspec.Raw = msgspec.Raw(b"")
    key: str | None = None
    deadline_ms: int | None = None
    priority: str = "normal"
    linger_ms: int | None = None
    cache: str = "use"
    chunks: bool = True
    credit: int | None = None
    trace: str | None = None


class Watch(ClientFrame, frozen=True, kw_only=True, tag="watch"):
    """Read a task's log, then go on live.

    Attributes:
        id: Echoed by the answer.
        task_id: Which task.
        after: The number after which to read (``from`` on the wire).
        attempt: Of the last entry that the client has seen.
        chunks: Whether chunks are wanted.
        credit: How many chunks may be sent.
    """

    id: Id
    task_id: str
    after: int = msgspec.field(name="from", default=0)
    attempt: int | None = None
    chunks: bool = True
    credit: int | None = None


class Unwatch(ClientFrame, frozen=True, kw_only=True, tag="unwatch"):
    """Stop reading; never answered.

    Attributes:
        task_id: Which task.
    """

    task_id: str


class More(ClientFrame, frozen=True, kw_only=True, tag="more"):
    """Give a watch more credit; never answered.

    Attributes:
        task_id: Which task.
        n: How many chunks more.
    """

    task_id: str
    n: int


class Cancel(ClientFrame, frozen=True, kw_only=True, tag="cancel"):
    """Drop this task's interest in its run.

    Attributes:
        id: Echoed by the answer.
        task_id: Which task.
        reason: For the log.
    """

    id: Id
    task_id: str
    reason: str | None = None


class Ping(ClientFrame, frozen=True, kw_only=True, tag="ping"):
    """Ask for a `Pong`.

    Attributes:
        id: Echoed by the answer.
    """

    id: Id


AnyClientFrame = Hello | Execute | Watch | Unwatch | More | Cancel | Ping


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may do; null: without bound.

    Attributes:
        frame_bytes: Size of one message.
        watches: Tasks watched at once.
        in_flight: Tasks that have not ended.
        executes_per_s: Rate of `execute`.
    """

    frame_bytes: int
    watches: int | None
    in_flight: int | None
    executes_per_s: int | None


class HubFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A frame from the hub that answers or informs."""


class Welcome(HubFrame, frozen=True, kw_only=True, tag="welcome"):
    """The hub knows who is calling.

    Attributes:
        hub: Names the life of the log store; when it changes, older ids are void.
        session: A visitor's secret.
        now: The hub's time, RFC 3339.
        principal: Who is calling.
        scopes: What they may do.
        expires_at: When the credential expires.
        protocol: Version.
        limits: What the connection may do.
        heartbeat_ms: After so long without a frame there is a ping.
    """

    hub: str
    session: str | msgspec.UnsetType = msgspec.UNSET
    now: str
    principal: str
    scopes: list[str]
    expires_at: str | msgspec.UnsetType = msgspec.UNSET
    protocol: int = PROTOCOL
    limits: Limits
    heartbeat_ms: int


class OpenedFrame(HubFrame, frozen=True, kw_only=True, tag="opened"):
    """The answer to `Execute` and `Watch`, and the first frame of the watch.

    Attributes:
        id: Of the frame that is answered; absent in a stream over HTTP.
        task_id: The task.
        origin: new, existing, joined, cached or watch.
        after: The number after which the watch reads (``from`` on the wire).
        attempt: Of the log's last entry.
        head: Its number.
        floor: The highest number that can no longer be had.
        response: The task as it stands, without result.
    """

    id: Id | msgspec.UnsetType = msgspec.UNSET
    task_id: str
    origin: str
    after: int = msgspec.field(name="from")
    attempt: int
    head: int
    floor: int
    response: TaskResponse


class Ok(HubFrame, frozen=True, kw_only=True, tag="ok"):
    """Done.

    Attributes:
        id: Of the frame that is answered.
    """

    id: Id


class Pong(HubFrame, frozen=True, kw_only=True, tag="pong"):
    """The answer to `Ping`.

    Attributes:
        id: Of the frame that is answered.
    """

    id: Id


class ErrorFrame(HubFrame, frozen=True, kw_only=True, tag="error"):
    """A request was refused, or a watch ended without a result.

    Attributes:
        id: Of the frame that is refused, where one could be read.
        task_id: The task whose watch has ended.
        code: One of the codes of the protocol.
        message: For people, in their language.
        retry: Whether the same request may succeed later.
        ran: Whether work may have begun.
        retry_after_ms: When to try again.
        detail: What else is known.
    """

    id: Id | msgspec.UnsetType = msgspec.UNSET
    task_id: str | msgspec.UnsetType = msgspec.UNSET
    code: str
    message: str
    retry: bool
    ran: str
    retry_after_ms: int | msgspec.UnsetType = msgspec.UNSET
    detail: dict[str, object] | msgspec.UnsetType = msgspec.UNSET


class Heartbeat(HubFrame, frozen=True, kw_only=True, tag="ping"):
    """The connection lives.

    Attributes:
        now: The hub's time, RFC 3339.
    """

    now: str


class Goaway(HubFrame, frozen=True, kw_only=True, tag="goaway"):
    """This node is going.

    Attributes:
        reason: Why.
        drain_ms: For how long it still serves.
        retry_after_ms: How long to wait before the reconnect.
    """

    reason: str
    drain_ms: int
    retry_after_ms: int


class StreamEnd(HubFrame, frozen=True, kw_only=True, tag="end"):
    """A stream over HTTP is complete."""
