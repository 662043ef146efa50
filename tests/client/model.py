"""A hub in memory that loses, repeats and cuts as a schedule says, and one client.

It keeps to the protocol by a reading of its own: entries in a list, watches as places
in it. What it has sent is under way until the network delivers it, and may be lost
with the connection. Frames travel as bytes of the client's own codec.
"""

import random
from typing import Any

import msgspec

from hub.client.conversation import Conversation
from hub.client.cursor import Event
from hub.client.following import Following
from hub.client.requests import Options, request
from hub.client.wire import Codec
from hub.events import Chunk, Gap, Progress, Reset, Result
from hub.protocol.frames import (
    Cancel,
    ClientFrame,
    ErrorFrame,
    Execute,
    Goaway,
    Hello,
    Limits,
    Ok,
    OpenedFrame,
    Unwatch,
    Watch,
    Welcome,
)
from hub.tasks import Metadata, TaskResponse, TaskStatus

AnyClient = Hello | Execute | Watch | Unwatch | Cancel
FRAME_BYTES = 4096


class Log:
    """A task's log, as the hub has it: data of a chunk, or None for a reset."""

    def __init__(self, task_id: str) -> None:
        self.id = task_id
        self.entries: list[tuple[int, int | None]] = []
        self.floor = 0
        self.ended = False
        self.cancelled = False
        self.made = 0
        self._attempts = 1

    @property
    def head(self) -> int:
        """The number of the last entry, a result included."""
        return len(self.entries) + self.ended

    @property
    def last_reset(self) -> int:
        """The number of the last reset; 0 where there is none."""
        resets = [n for n, (_, data) in enumerate(self.entries, 1) if data is None]
        return resets[-1] if resets else 0

    def attempt(self, number: int) -> int:
        """The attempt of an entry."""
        number = min(number, len(self.entries))
        return self.entries[number - 1][0] if number else 1

    def say(self) -> None:
        """Append a chunk."""
        self.made += 1
        self.entries.append((self.attempt(len(self.entries)), self.made))

    def retry(self) -> None:
        """Begin another attempt."""
        # A number that was given out is not used again, even where that was lost.
        self._attempts += 1
        self.entries.append((self._attempts, None))

    def response(self) -> TaskResponse:
        """The task as it stands."""
        status = TaskStatus.COMPLETED if self.ended else TaskStatus.RUNNING
        if self.cancelled and self.ended:
            status = TaskStatus.CANCELLED
        facts = Metadata(
            plugin="p",
            command="c",
            origin="new",
            attempt=self.attempt(self.head),
            queued_ms=0,
            execution_time_ms=0,
            chunks=0,
        )
        return TaskResponse(
            task_id=self.id,
            status=status,
            progress=None,
            result=self.made if self.ended else None,
            error=None,
            created_at="",
            updated_at="",
            message=None,
            metadata=facts,
        )

    def kept(self) -> list[int]:
        """The data of the last attempt, above the floor."""
        first = max(self.last_reset, self.floor)
        return [data for _, data in self.entries[first:] if data is not None]


class Place:
    """A watch: a place in a log."""

    def __init__(self, log: Log, after: int, attempt: int | None, chunks: bool) -> None:
        self.log, self.chunks, self.done = log, chunks, False
        if after > log.head or (after and attempt not in (None, log.attempt(after))):
            after = min(after, max(0, log.last_reset - 1))
        self.after = after

    def step(self) -> msgspec.Struct | None:
        """Say what comes next; None for nothing now."""
        log, last = self.log, len(self.log.entries)
        if self.after < last:
            return self._entry(log, last)
        if self.done or not log.ended:
            return None
        self.done = True
        return Result(task_id=log.id, seq=last + 1, response=log.response())

    def _entry(self, log: Log, last: int) -> msgspec.Struct | None:
        if self.after < log.last_reset - 1:
            return self._gap(log.last_reset - 1, "void")
        if self.after < log.floor:
            return self._gap(min(log.floor, last), "trimmed")
        attempt, data = log.entries[self.after]
        if data is None:
            self.after += 1
            return Reset(
                task_id=log.id, seq=self.after, at=0, attempt=attempt, reason="retry"
            )
        return self._chunk(data, last)

    def _chunk(self, data: int, last: int) -> msgspec.Struct | None:
        log = self.log
        if not self.chunks:
            return self._gap(last, "skipped") if log.ended else None
        self.after += 1
        return Chunk(task_id=log.id, seq=self.after, at=0, channel="out", data=data)

    def _gap(self, to: int, why: str) -> Gap:
        first, self.after = self.after + 1, to
        attempt = self.log.attempt(to + 1)
        return Gap(task_id=self.log.id, first=first, last=to, why=why, attempt=attempt)


class World:
    """A hub, a network and a client."""

    def __init__(self, seed: int, codec: str, limit: int) -> None:
        self.random = random.Random(seed)
        self.codec = Codec(codec)
        kind: Any = msgspec.json if codec == "json" else msgspec.msgpack
        self._encode = kind.Encoder().encode
        self._one = kind.Decoder(AnyClient).decode
        self._many = kind.Decoder(list[AnyClient]).decode
        self.client = Conversation(self.codec, Hello(client="model"))
        self.limit = limit
        self.logs: dict[str, Log] = {}
        self.keys: dict[str, str] = {}
        self.places: dict[str, Place] = {}
        self.flying: list[msgspec.Struct] = []
        self.is_up = False
        self.life = "one"
        self.read: dict[Following, list[Event]] = {}
        self.lost_frames = 0

    # The client's side.

    def execute(self, *, reads: bool, chunks: bool = False) -> Following:
        """Ask for a task."""
        wish = request(self.codec, "p.c", None, {}, Options(chunks=chunks))
        following = Following(wish, limit=self.limit)
        self.client.begin(following)
        if reads:
            self.read[following] = []
        return following

    def take(self, following: Following) -> None:
        """Let the reader take one event."""
        self.client.read(following)
        event = following.mailbox.pop()
        if event is not None:
            self.read[following].append(event)
            if following.took():
                self.client.read(following)

    # The network.

    def connect(self) -> None:
        """Connect; the hub says welcome."""
        self.cut()
        self.is_up = True
        for message in self.client.connected():
            self.hear(message)
        welcome = Welcome(
            hub=self.life,
            now="",
            principal="local",
            scopes=[],
            limits=Limits(
                frame_bytes=FRAME_BYTES,
                watches=None,
                in_flight=None,
                executes_per_s=None,
            ),
            heartbeat_ms=1000,
        )
        self.flying.append(welcome)

    def cut(self) -> None:
        """Lose the connection, and what was under way."""
        self.is_up = False
        self.flying.clear()
        self.places.clear()
        self.client.lost()

    def send(self) -> None:
        """Let the client's messages reach the hub."""
        for message in self.client.take():
            assert len(message) <= FRAME_BYTES
            if self.is_up:
                self.hear(message)

    def deliver(self) -> None:
        """Let a frame reach the client, or a few of them as one message."""
        count = self.random.randint(1, 5)
        frames, self.flying = self.flying[:count], self.flying[count:]
        parts = [self._encode(frame) for frame in frames]
        for message in self.codec.messages(parts, 10**6):
            heard = self.codec.decode(message)
            assert len(heard) == len(frames)
            for frame in heard:
                self.client.receive(frame, len(message) // len(heard))

    def repeat(self) -> None:
        """Send something again that is under way already."""
        if self.flying:
            at = self.random.randrange(len(self.flying))
            self.flying.insert(at, self.flying[at])

    def lose(self) -> None:
        """Lose a chunk that is under way, as no network would."""
        for at, frame in enumerate(self.flying):
            if isinstance(frame, Chunk):
                del self.flying[at]
                self.lost_frames += 1
                return

    # The hub's side.

    def hear(self, message: str | bytes) -> None:
        """Take a message."""
        try:
            frames = self._many(message)
        except msgspec.ValidationError:
            frames = [self._one(message)]
        for frame in frames:
            self._hear(frame)

    def _hear(self, frame: ClientFrame) -> None:
        if isinstance(frame, Execute):
            assert frame.key
            known = frame.key in self.keys
            task_id = self.keys.setdefault(frame.key, f"t{len(self.keys)}")
            log = self.logs.setdefault(task_id, Log(task_id))
            origin = "existing" if known else "new"
            self._open(frame.id, log, origin, Place(log, 0, None, frame.chunks))
        elif isinstance(frame, Watch):
            log = self.logs.get(frame.task_id, Log(""))
            if not log.id:
                self.flying.append(
                    ErrorFrame(
                        id=frame.id,
                        task_id=frame.task_id,
                        code="not_found",
                        message="gone",
                        retry=False,
                        ran="maybe",
                    )
                )
                return
            place = Place(log, frame.after, frame.attempt, frame.chunks)
            self._open(frame.id, log, "watch", place)
        elif isinstance(frame, Unwatch):
            self.places.pop(frame.task_id, None)
        elif isinstance(frame, Cancel):
            self.logs[frame.task_id].cancelled = True
            self.flying.append(Ok(id=frame.id))

    def _open(self, id: Any, log: Log, origin: str, place: Place) -> None:
        opened = OpenedFrame(
            id=id,
            task_id=log.id,
            origin=origin,
            after=place.after,
            attempt=log.attempt(log.head),
            head=log.head,
            floor=log.floor,
            response=log.response(),
        )
        self.flying.append(opened)
        self.places[log.id] = place

    def step(self) -> None:
        """Let each watch send its next entry."""
        for place in list(self.places.values()):
            frame = place.step()
            if frame is not None:
                self.flying.append(frame)

    def progress(self, log: Log) -> None:
        """Tell how far a task is."""
        if log.id in self.places and not log.ended:
            self.flying.append(
                Progress(
                    task_id=log.id,
                    attempt=log.attempt(log.head),
                    head=log.head,
                    status=TaskStatus.RUNNING,
                    progress=None,
                    message=str(log.head),
                    updated_at="",
                )
            )

    def rewind(self, log: Log) -> None:
        """Lose the last moments of the store, and begin another attempt, as it does."""
        if log.ended or not log.entries:
            return
        self.cut()
        del log.entries[self.random.randrange(len(log.entries)) :]
        log.floor = min(log.floor, len(log.entries))
        log.retry()

    def leave(self) -> None:
        """Announce that this hub is going."""
        if self.is_up:
            self.flying.append(
                Goaway(reason="deploy", drain_ms=1000, retry_after_ms=10)
            )


def accepted() -> tuple[World, Following]:
    """Return a world in which a task was accepted."""
    world = World(1, "json", 1000)
    following = world.execute(reads=True)
    world.connect()
    world.deliver()
    world.send()
    world.deliver()
    assert following.task_id == "t0"
    return world, following
