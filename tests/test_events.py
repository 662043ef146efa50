"""Events: what stands in logs, as the frames of the wire and as their tails."""

import json
from base64 import b64encode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import events
from hub.codec import ValueDomainError
from hub.events import (
    Chunk,
    Gap,
    Piece,
    Progress,
    Reset,
    Result,
    chunk_tail,
    reset_tail,
)
from hub.tasks import TaskStatus
from tests.samples import PIECES, TASK_IDS, a_response

SEQS = st.integers(1, 2**53)


@given(SEQS, PIECES)
def test_the_tail_of_a_chunk_is_its_frame_without_type_and_task(
    seq: int, piece: Piece
) -> None:
    """An entry says the same whether its frame is encoded whole or spliced."""
    at, channel, kind, data, binary = piece
    frame = {"type": "chunk", "task_id": "0a", "seq": seq, "at": at, "channel": channel}
    frame |= {} if kind is None else {"kind": kind}
    frame |= {"bin": b64encode(data).decode()} if binary else {"data": json.loads(data)}

    tail = chunk_tail(seq, piece)

    whole = json.loads(b'{"type":"chunk","task_id":"0a",' + tail)
    assert whole == frame
    assert list(whole) == list(frame)


@given(SEQS, st.integers(0, 2**53), st.integers(2, 1000), st.text())
def test_the_tail_of_a_reset_is_its_frame_without_type_and_task(
    seq: int, at: int, attempt: int, reason: str
) -> None:
    """A reset is told in the same bytes, spliced or whole."""
    whole = Reset(task_id="0a", seq=seq, at=at, attempt=attempt, reason=reason)

    tail = reset_tail(seq, at, attempt, reason)

    assert b'{"type":"reset","task_id":"0a",' + tail == msgspec.json.encode(whole)


def test_many_channels_cost_bounded_memory() -> None:
    """A command that invents channels without end does not grow the hub."""
    for number in range(3000):
        tail = chunk_tail(1, (0, f"channel {number}", None, b"0", False))
        assert json.loads(b"{" + tail)["channel"] == f"channel {number}"

    assert len(events._middles) <= 1024


@pytest.mark.parametrize(("channel", "kind"), [("\ud800", None), ("out", "\udfff")])
def test_a_name_that_is_no_text_is_refused(channel: str, kind: str | None) -> None:
    """No frame is ever made that a client could not read."""
    with pytest.raises(ValueDomainError):
        chunk_tail(1, (0, channel, kind, b"0", False))
    with pytest.raises(ValueDomainError):
        reset_tail(1, 0, 2, channel + (kind or ""))


@given(TASK_IDS, st.integers(1, 99), st.integers(1, 99), st.sampled_from(["void"]))
def test_a_gap_says_from_and_to(task_id: str, first: int, last: int, why: str) -> None:
    """On the wire a gap has the protocol's names, whatever they are called here."""
    gap = Gap(task_id=task_id, first=first, last=last, why=why, attempt=2)

    assert msgspec.to_builtins(gap) == {
        "type": "gap",
        "task_id": task_id,
        "from": first,
        "to": last,
        "why": why,
        "attempt": 2,
    }


def test_progress_says_only_what_is_known() -> None:
    """The fields without a question mark are always there, the others when known."""
    progress = Progress(
        task_id="0a",
        attempt=1,
        head=0,
        status=TaskStatus.RUNNING,
        progress=None,
        message=None,
        updated_at="2026-01-02T03:04:05.678Z",
    )
    told = {
        "type": "progress",
        "task_id": "0a",
        "attempt": 1,
        "head": 0,
        "status": "running",
        "progress": None,
        "message": None,
        "updated_at": "2026-01-02T03:04:05.678Z",
    }
    more: dict[str, int | str] = {
        "step": 1,
        "total": 2,
        "position": 3,
        "eta_ms": 4,
        "quiet_ms": 5,
    }
    more |= {"retry_at": "2026-01-02T03:04:06.000Z"}

    assert msgspec.to_builtins(progress) == told
    known = msgspec.structs.replace(progress, **more)
    assert msgspec.to_builtins(known) == told | more


def test_a_chunk_has_data_or_bin() -> None:
    """The frame of a chunk has one of the two, never null for the other."""
    text = Chunk(task_id="0a", seq=1, at=0, channel="out", data=msgspec.Raw(b"null"))
    binary = Chunk(task_id="0a", seq=1, at=0, channel="out", bin=b"\xff")

    assert json.loads(msgspec.json.encode(text)).keys() >= {"data"}
    assert "bin" not in json.loads(msgspec.json.encode(text))
    assert json.loads(msgspec.json.encode(binary))["bin"] == "/w=="
    assert "data" not in json.loads(msgspec.json.encode(binary))


def test_a_result_has_an_address_only_where_it_is_needed() -> None:
    """`result_url` is away unless the result is read from there."""
    result = Result(task_id="0a", seq=3, response=a_response())
    elsewhere = msgspec.structs.replace(result, result_url="api/v1/tasks/0a/result")

    assert list(json.loads(msgspec.json.encode(result))) == [
        "type",
        "task_id",
        "seq",
        "response",
    ]
    assert json.loads(msgspec.json.encode(elsewhere))["result_url"] == (
        "api/v1/tasks/0a/result"
    )
