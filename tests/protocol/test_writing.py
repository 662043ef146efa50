"""Writing: frames to messages, spliced or whole, in every framing."""

import json
from base64 import b64decode
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.codec import msgpack_from_json
from hub.events import Chunk, Piece, Reset
from hub.log import RunLog
from hub.protocol.frames import Pong
from hub.protocol.writing import (
    ENVELOPE_BYTES,
    JSON,
    MSGPACK,
    STREAM,
    Framing,
    Subprotocol,
    View,
    framing,
    too_large,
)
from hub.responses import result_url
from hub.runs import Task
from hub.tasks import TaskStatus
from tests.samples import (
    COMPLETED,
    PIECES,
    TASK_IDS,
    a_run,
    a_task,
    tasks,
    text_piece,
)

FRAMINGS: Final = [JSON, MSGPACK, STREAM]
IDS: Final = st.one_of(st.just(msgspec.UNSET), st.text(), st.integers(-(2**63), 2**63))


def read(message: str | bytes, how: Framing) -> list[dict[str, Any]]:  # any JSON
    """Read a message as clients do; return its frames."""
    if how is STREAM:
        assert isinstance(message, bytes)
        *blocks, rest = message.split(b"\n\n")
        assert rest == b""
        return [json.loads(block.removeprefix(b"data: ")) for block in blocks]
    if how is JSON:
        assert isinstance(message, str)
        value = json.loads(message)
    else:
        assert isinstance(message, bytes)
        value = msgpack.unpackb(message)
    return value if isinstance(value, list) else [value]


def chunk_frame(seq: int, task_id: str, piece: Piece, how: Framing) -> bytes:
    """Encode the whole frame of a chunk."""
    at, channel, kind, data, binary = piece
    frame = Chunk(
        task_id=task_id,
        seq=seq,
        at=at,
        channel=channel,
        kind=msgspec.UNSET if kind is None else kind,
    )
    if binary:
        frame = msgspec.structs.replace(frame, bin=data)
    else:
        value = msgpack_from_json(data) if how is MSGPACK else data
        frame = msgspec.structs.replace(frame, data=msgspec.Raw(value))
    return how.frame(frame)


# Splicing


@pytest.mark.parametrize("how", FRAMINGS, ids=lambda how: type(how).__name__)
@given(task_id=TASK_IDS, pieces=st.lists(PIECES, min_size=1, max_size=5))
def test_a_spliced_chunk_is_its_frame_encoded_whole(
    how: Framing, task_id: str, pieces: list[Piece]
) -> None:
    """Head and tail make the very bytes that the frame's struct makes.

    So it is for every channel, kind and value, text or binary; from memory, and from
    the tails that a store gives back.
    """
    log = RunLog(7, 7)
    last = log.write(pieces)
    head = how.head("chunk", task_id)
    whole = [chunk_frame(8 + n, task_id, piece, how) for n, piece in enumerate(pieces)]

    assert how.splice(head, log, 7, last) == how.join(whole)
    assert how.splice_tails(head, log.tails(7, last)) == how.join(whole)


@pytest.mark.parametrize("how", FRAMINGS, ids=lambda how: type(how).__name__)
@given(TASK_IDS, st.integers(2, 2**31), st.text(), st.integers(0, 2**53))
def test_a_spliced_reset_is_its_frame_encoded_whole(
    how: Framing, task_id: str, attempt: int, reason: str, at: int
) -> None:
    """The same holds for resets."""
    log = RunLog()
    log.write_reset(at, attempt, reason)
    whole = Reset(task_id=task_id, seq=1, at=at, attempt=attempt, reason=reason)

    assert how.splice(how.head("reset", task_id), log, 0, 1) == how.frame(whole)


# Messages


@pytest.mark.parametrize("how", FRAMINGS, ids=lambda how: type(how).__name__)
@pytest.mark.parametrize("runs", [[1], [3], [1, 1], [2, 1, 5], [9, 9]])
def test_a_message_is_its_frames_in_order(how: Framing, runs: list[int]) -> None:
    """One frame is a message by itself, several are an array, all of them whole."""
    log = RunLog()
    head = how.head("chunk", "0a")
    parts, after = [how.frame(Pong(id="é\n\n"))], 0
    for count in runs:
        last = log.write([text_piece(f"n {n}\n\ndata: ") for n in range(count)])
        parts.append(how.splice(head, log, after, last))
        after = last

    frames = read(how.message(parts, 1 + after), how)

    assert frames[0] == {"type": "pong", "id": "é\n\n"}
    assert [frame["seq"] for frame in frames[1:]] == list(range(1, after + 1))
    alone = how.message(parts[:1], 1)
    assert read(alone, how) == frames[:1]
    if how is JSON:
        assert isinstance(alone, str)
        assert alone.startswith("{")
    joined = how.message([how.join(parts)], 1 + after) if after > 1 else None
    assert joined in (None, how.message(parts, 1 + after))


@pytest.mark.parametrize("count", [2, 15, 16, 400])
def test_a_messagepack_message_may_hold_many_frames(count: int) -> None:
    """The array's header fits any number of frames."""
    parts = [MSGPACK.frame(Pong(id=number)) for number in range(count)]

    frames = read(MSGPACK.message(parts, count), MSGPACK)

    assert [frame["id"] for frame in frames] == list(range(count))


def test_a_framing_belongs_to_a_subprotocol() -> None:
    """The names that clients offer stand for JSON and MessagePack."""
    assert framing(Subprotocol("taskhub.v1.json")) is JSON
    assert framing(Subprotocol("taskhub.v1.msgpack")) is MSGPACK


# opened and result


def told(how: Framing, part: bytes) -> dict[str, Any]:  # any JSON
    """Return a frame as its reader has it; binary never stands in these."""
    (frame,) = read(how.message([part], 1), how)
    return frame


@given(
    tasks(),
    IDS,
    st.sampled_from(["new", "existing", "joined", "cached", "watch"]),
    st.sampled_from(["en", "zh-CN"]),
)
def test_opened_is_the_same_for_all(
    task: Task, id: str | int | msgspec.UnsetType, origin: str, locale: str
) -> None:
    """Readers of every framing are told the same, and in full."""
    if origin == "new":
        task.origin, task.created_at = "new", task.run.created_at
    view = View(locale, 60.0, 262_144, id)
    answers = [told(how, how.opened(view, task, origin, 0)) for how in FRAMINGS]

    opened = answers[0]
    assert answers[1] == answers[2] == opened
    assert opened.get("id", msgspec.UNSET) == id
    assert (opened["type"], opened["origin"], opened["from"]) == ("opened", origin, 0)
    assert (opened["attempt"], opened["head"]) == (task.attempt, task.head)
    assert opened["response"]["task_id"] == opened["task_id"] == task.id
    assert opened["response"]["result"] is None
    again = origin in ("existing", "joined", "watch")
    assert ("request" in opened["response"]["metadata"]) == again


@given(
    tasks().filter(lambda task: task.end > 0),
    st.sampled_from(["en", "zh-CN"]),
    st.sampled_from([ENVELOPE_BYTES + 1, 262_144]),
)
def test_a_result_is_the_same_for_all(task: Task, locale: str, most: int) -> None:
    """Readers of every framing are told the same end, or where to read it."""
    view = View(locale, 60.0, most)
    answers = [told(how, how.result(view, task, task.end)) for how in FRAMINGS]

    result = answers[0]
    assert answers[1] == answers[2] == result
    assert (result["type"], result["seq"]) == ("result", task.end)
    assert result["task_id"] == result["response"]["task_id"] == task.id
    outcome = task.outcome
    assert outcome is not None
    if too_large(task, view):
        assert result["result_url"] == result_url(task)
        assert result["response"]["result"] is None
    else:
        assert "result_url" not in result
        assert result["response"]["result"] == json.loads(outcome.result)


@pytest.mark.parametrize("how", FRAMINGS, ids=lambda how: type(how).__name__)
@pytest.mark.parametrize(
    "result",
    [
        b'"%b"' % (b"x" * 257_000),
        b'"%b"' % (b"x" * 259_000),
        b"[%b0.0]" % (b"0.0," * 60_000),
    ],
    ids=["just fits", "too large", "larger when packed"],
)
def test_the_frame_of_a_result_has_a_size(how: Framing, result: bytes) -> None:
    """No frame passes the limit: a result that is too large is read elsewhere."""
    task = a_task(a_run())
    task.run.started_at = task.run.created_at
    task.run.outcome = msgspec.structs.replace(COMPLETED, result=result)
    task.end = 1

    part = how.result(View("en", 60.0, 262_144), task, 1)

    assert len(part) <= 262_144
    frame = told(how, part)
    whole = frame["response"]["result"] is not None
    assert ("result_url" in frame) is not whole
    if whole:
        assert frame["response"]["result"] == json.loads(result)


# Answers from the cache


@given(st.lists(PIECES, max_size=4), IDS, st.sampled_from(["en", "zh-CN"]))
def test_a_cached_answer_is_its_frames(
    pieces: list[Piece], id: str | int | msgspec.UnsetType, locale: str
) -> None:
    """The whole answer from the cache is what a watch would give, frame by frame."""
    run = a_run()
    run.started_at = run.created_at
    run.log.head = run.log.write(pieces)
    run.outcome = COMPLETED
    run.shared = {}  # as for every run that enters the cache
    view = View(locale, 60.0, 262_144, id)
    for task_id in ("0c", "0d"):
        task = a_task(run, task_id, "cached")
        task.end = run.log.head + 1
        assert task.status is TaskStatus.COMPLETED

        part, count = JSON.cached(view, task)

        parts = [JSON.opened(view, task, "cached", 0)]
        if pieces:
            head = JSON.head("chunk", task_id)
            parts.append(JSON.splice(head, run.log, 0, run.log.head))
        parts.append(JSON.result(view, task, task.end))
        assert count == len(pieces) + 2
        assert part == JSON.join(parts)
        frames = read(JSON.message([part], count), JSON)
        assert {frame["task_id"] for frame in frames} == {task_id}
        binary = [frame["bin"] for frame in frames if "bin" in frame]
        assert [b64decode(each) for each in binary] == [p[3] for p in pieces if p[4]]
