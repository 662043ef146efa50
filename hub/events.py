"""What a run tells its watchers, from the plugin to the browser.

`Chunk`, `Reset` and `Gap` stand in a run's log, `Result` in a task's; `Progress` is
not numbered, its latest value wins. The structs are the frames of the wire. A hub
that sends an entry to many does not build them: it splices the entry's tail (made
here, once) behind each watcher's head. See `hub.codec`.
"""

from binascii import b2a_base64
from typing import Any, Final, TypeAlias

import msgspec

from hub.codec import to_json
from hub.tasks import TaskResponse, TaskStatus


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """How far the task is: the latest wins, none follows a result.

    Attributes:
        task_id: Of the watcher's task.
        attempt: Of the run, from 1.
        head: Number of the log's last entry.
        status: Where the task stands.
        progress: 0.0 to 1.0, or null where it is not known.
        message: What the command said last.
        step: Of `total` steps.
        total: Steps in all.
        position: Place in the queue, from 1.
        eta_ms: When it may be done.
        quiet_ms: For how long the command has said nothing.
        retry_at: When the next attempt begins.
        updated_at: Of the last change, RFC 3339.
    """

    task_id: str
    attempt: int
    head: int
    status: TaskStatus
    progress: float | None
    message: str | None
    step: int | msgspec.UnsetType = msgspec.UNSET
    total: int | msgspec.UnsetType = msgspec.UNSET
    position: int | msgspec.UnsetType = msgspec.UNSET
    eta_ms: int | msgspec.UnsetType = msgspec.UNSET
    quiet_ms: int | msgspec.UnsetType = msgspec.UNSET
    retry_at: str | msgspec.UnsetType = msgspec.UNSET
    updated_at: str


class Chunk(msgspec.Struct, frozen=True, kw_only=True, tag="chunk"):
    """A piece of output.

    Attributes:
        task_id: Of the watcher's task.
        seq: Number in the log, from 1.
        at: Milliseconds since the run was accepted.
        channel: out, log, or the command's own.
        kind: text, ansi, json, row, number, or a media type.
        data: The value, unless it is binary.
        bin: Binary data; base64 in JSON.
    """

    task_id: str
    seq: int
    at: int
    channel: str
    kind: str | msgspec.UnsetType = msgspec.UNSET
    data: Any = msgspec.UNSET  # any JSON value
    bin: bytes | msgspec.UnsetType = msgspec.UNSET


class Reset(msgspec.Struct, frozen=True, kw_only=True, tag="reset"):
    """A new attempt begins: what earlier ones sent is void.

    Attributes:
        task_id: Of the watcher's task.
        seq: Number in the log.
        at: Milliseconds since the run was accepted.
        attempt: The new one.
        reason: Why the former one ended.
    """

    task_id: str
    seq: int
    at: int
    attempt: int
    reason: str


class Gap(msgspec.Struct, frozen=True, kw_only=True, tag="gap"):
    """Entries that will not come.

    Attributes:
        task_id: Of the watcher's task.
        first: The first of them (``from`` on the wire).
        last: The last of them (``to`` on the wire).
        why: trimmed, expired, void or skipped.
        attempt: Of the entry after it.
    """

    task_id: str
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    why: str
    attempt: int


class Result(msgspec.Struct, frozen=True, kw_only=True, tag="result"):
    """The end of a task: exactly one, the last of its entries.

    Attributes:
        task_id: Of the watcher's task.
        seq: One more than the last entry.
        response: The final answer.
        result_url: Where the result is, when it is too large for a frame.
    """

    task_id: str
    seq: int
    response: TaskResponse
    result_url: str | msgspec.UnsetType = msgspec.UNSET


_middles: dict[tuple[str, str | None, bool], bytes] = {}
_MOST_MIDDLES: Final = 1024


def _middle(channel: str, kind: str | None, binary: bool) -> bytes:  # noqa: FBT001  # the hot path
    """Return what stands between a chunk's time and its data."""
    key = (channel, kind, binary)
    middle = _middles.get(key)
    if middle is None:
        middle = b',"channel":' + to_json(channel)
        if kind is not None:
            middle += b',"kind":' + to_json(kind)
        middle += b',"bin":' if binary else b',"data":'
        if len(_middles) >= _MOST_MIDDLES:
            _middles.clear()
        _middles[key] = middle
    return middle


Piece: TypeAlias = tuple[int, str, str | None, bytes, bool]
"""A chunk before it has a number: at, channel, kind, data, whether it is binary.

The data is JSON; of a binary chunk it is the raw bytes.
"""


def chunk_tail(seq: int, piece: Piece) -> bytes:
    """Return the JSON tail of a chunk: its frame without type and task."""
    at, channel, kind, data, binary = piece
    middle = _middle(channel, kind, binary)
    if binary:
        data = b'"' + b2a_base64(data, newline=False) + b'"'
    return b'"seq":%d,"at":%d%b%b}' % (seq, at, middle, data)


def reset_tail(seq: int, at: int, attempt: int, reason: str) -> bytes:
    """Return the JSON tail of a reset."""
    return b'"seq":%d,"at":%d,"attempt":%d,"reason":%b}' % (
        seq,
        at,
        attempt,
        to_json(reason),
    )
