"""Tasks as JSON, filled into templates.

The answer to an ordinary request is mostly the same bytes each time, so it is put
together from cached pieces. The structs (`hub.responses`) remain the definition: they
stand in for whatever is rare, and a test holds the two to the same bytes.

Answers from one cached run have everything in common but ids and time: `CachedAnswer`
keeps the rest.
"""

from typing import Final

import msgspec

from hub.messages import text
from hub.responses import response, stamp
from hub.runs import NOTHING, Run, Task
from hub.tasks import TaskStatus

_encode = msgspec.json.Encoder().encode
_MOST_PIECES: Final = 4096
_pieces: dict[tuple[str, str, str, str, str], bytes] = {}


def response_json(
    task: Task, locale: str, now: float, *, result: bool = True, request: bool = False
) -> bytes:
    """Return `hub.responses.response` of the same arguments, as JSON."""
    run = task.run
    outcome = run.outcome
    if (
        outcome is None
        or outcome.code is not None
        or request
        or task.early is not None
        or task.trace is not None
        or not task.end
        or not run.started_at
        or task.origin == "cached"
    ):
        return _encode(response(task, locale, now, result=result, request=request))
    # What is left is what most results are: a run of one's own, or shared, completed.
    own, changed = task.created_at, outcome.ended_at
    started = run.started_at
    waited = int((started - run.created_at) * 1000)
    return (
        b'{"task_id":"%b","status":"completed","progress":1.0,"result":%b,'
        b'"error":null,"created_at":"%b","updated_at":"%b"%b%d,"queued_ms":%d,'
        b'"execution_time_ms":%b,"started_at":"%b","chunks":%d}}'
    ) % (
        task.id.encode(),
        outcome.result if result else NOTHING,
        stamp(own),
        stamp(max(own, changed)),
        _piece(run, task.origin, outcome.status, locale),
        run.log.attempt,
        max(0, waited),
        _encode(int(outcome.execution_ms * 1000 + 0.5) / 1000),
        stamp(started),
        run.log.chunks,
    )


def fresh_json(task: Task, id: bytes, locale: str) -> bytes | None:
    """Return `opened` of a task that is new, or None where more is to be said.

    Args:
        task: What was just accepted.
        id: The field ``"id":…,``, or nothing.
        locale: The reader's language.
    """
    run = task.run
    if run.started_at or run.log.head or task.end or task.trace is not None:
        return None
    if run.unserved:
        return None
    own, time = task.id.encode(), stamp(task.created_at)
    return (
        b'{"type":"opened",%b"task_id":"%b","origin":"new","from":0,"attempt":1,'
        b'"head":0,"floor":0,"response":{"task_id":"%b","status":"created",'
        b'"progress":null,"result":null,"error":null,"created_at":"%b",'
        b'"updated_at":"%b"%b1,"queued_ms":0,"execution_time_ms":0.0,"chunks":0}}}'
    ) % (id, own, own, time, time, _piece(run, "new", TaskStatus.CREATED, locale))


def _piece(run: Run, origin: str, status: TaskStatus, locale: str) -> bytes:
    """Return the part of a response that says what the task is."""
    request = run.request
    key = (request.plugin, request.command, origin, status.text, locale)
    piece = _pieces.get(key)
    if piece is None:
        piece = b',"message":%b,"metadata":{"plugin":%b,"command":%b,"origin":%b,' % (
            _encode(text(status.text, locale)),
            _encode(request.plugin),
            _encode(request.command),
            _encode(origin),
        )
        piece += b'"attempt":'
        if len(_pieces) >= _MOST_PIECES:
            _pieces.clear()
        _pieces[key] = piece
    return piece


class CachedAnswer:
    """What all answers from one cached run have in common, in one language.

    Args:
        run: A run that is done.
        locale: The readers' language.
        task: Any task on it.
    """

    __slots__ = ("_ended_at", "_opened", "_result")

    def __init__(self, run: Run, locale: str, task: Task) -> None:
        made = response(task, locale, 0.0, result=False)
        made.metadata.trace = msgspec.UNSET
        tail = b'","message":%b,"metadata":%b}' % (
            _encode(made.message),
            _encode(made.metadata),
        )
        log = run.log
        end = log.head + 1
        outcome = run.outcome
        value = NOTHING if outcome is None else outcome.result
        self._ended_at = 0.0 if outcome is None else outcome.ended_at
        about = b'"origin":"cached","from":0,"attempt":%d,"head":%d,"floor":%d,' % (
            log.attempt,
            end,
            log.floor,
        )
        body = b'","status":"completed","progress":1.0,"result":%b,"error":null,'
        body += b'"created_at":"'
        self._opened = (
            about + b'"response":{"task_id":"',
            body % NOTHING,
            b'","updated_at":"',
            tail + b"}",
        )
        self._result = (
            b'{"type":"result","task_id":"',
            b'","seq":%d,"response":{"task_id":"' % end,
            body % value,
            b'","updated_at":"',
            tail + b"}",
        )

    def fill(self, id: bytes, task: Task) -> tuple[bytes, bytes]:
        """Return `opened` and `result` of a task.

        Args:
            id: The field ``"id":…,`` of `opened`.
            task: Whose answer it is; without a trace.
        """
        own = task.id.encode()
        time = stamp(task.created_at)
        # Not the same where the wall clock was set back meanwhile.
        changed = stamp(max(task.created_at, self._ended_at))
        a, b, c, d = self._opened
        e, f, g, h, i = self._result
        opened = (b'{"type":"opened",', id, b'"task_id":"', own, b'",')
        return (
            b"".join((*opened, a, own, b, time, c, changed, d)),
            b"".join((e, own, f, own, g, time, h, changed, i)),
        )


def opened_json(
    task: Task,
    origin: str,
    start: int,
    id: bytes,
    answer: bytes,
) -> bytes:
    """Return an `opened` frame.

    Args:
        task: What is read.
        origin: How the reader came to it.
        start: The number after which it reads.
        id: The field ``"id":…,``, or nothing.
        answer: The task as it stands, as JSON.
    """
    return (
        b'{"type":"opened",%b"task_id":"%b","origin":"%b","from":%d,"attempt":%d,'
        b'"head":%d,"floor":%d,"response":%b}'
    ) % (
        id,
        task.id.encode(),
        origin.encode(),
        start,
        task.attempt,
        task.head,
        task.run.log.floor,
        answer,
    )


def result_json(task: Task, seq: int, answer: bytes) -> bytes:
    """Return a `result` frame whose response is given as JSON."""
    return b'{"type":"result","task_id":"%b","seq":%d,"response":%b}' % (
        task.id.encode(),
        seq,
        answer,
    )
