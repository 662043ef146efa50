"""Frames: every one of them survives both codecs, under the protocol's names."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final, get_args

import msgpack  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.codec import to_json
from hub.events import Chunk, Gap, Progress, Reset, Result
from hub.protocol import frames
from hub.protocol.frames import AnyClientFrame
from hub.tasks import (
    Failure,
    Metadata,
    RequestInfo,
    TaskResponse,
    TaskStatus,
)
from tests.protocol.frames_of_clients import (
    IDS,
    NAMES,
    OPTIONAL,
    REQUIRED,
    WireFrame,
    wire_frames,
)
from tests.samples import TASK_IDS, VALUES

# Client frames

CLIENT_TYPES: Final = {
    kind.__struct_config__.tag: kind for kind in get_args(AnyClientFrame)
}
JSON_FRAME: Final = msgspec.json.Decoder(AnyClientFrame)
MSGPACK_FRAME: Final = msgspec.msgpack.Decoder(AnyClientFrame)


def said(frame: AnyClientFrame, params: Callable[[bytes], Any]) -> WireFrame:
    """Return what a frame says, under the wire's names; null is not said."""
    fields: WireFrame = {"type": frame.__struct_config__.tag}
    for field in msgspec.structs.fields(frame):
        value = getattr(frame, field.name)
        if isinstance(value, msgspec.Raw):
            value = params(bytes(value)) if bytes(value) else {}
        if value is not None:
            fields[field.encode_name] = value
    return fields


def test_clients_may_say_what_the_protocol_lets_them_say() -> None:
    """Types and fields of client frames are the protocol's, no more and no fewer."""
    later = {"execute": {"linger_ms", "credit"}, "watch": {"credit"}}

    assert CLIENT_TYPES.keys() == REQUIRED.keys()
    for kind, struct in CLIENT_TYPES.items():
        fields = msgspec.structs.fields(struct)
        named = {field.encode_name for field in fields if field.required}
        assert named == REQUIRED[str(kind)].keys()
        names = {field.encode_name for field in fields if not field.required}
        assert names == OPTIONAL[str(kind)].keys() | later.get(str(kind), set())


@given(wire_frames())
def test_a_client_frame_is_read_alike_in_both_codecs(frame: WireFrame) -> None:
    """What a client says is what the hub reads, whatever codec it speaks."""
    text = JSON_FRAME.decode(json.dumps(frame))
    packed = MSGPACK_FRAME.decode(msgpack.packb(frame))

    defaults = {
        field.encode_name: field.default
        for field in msgspec.structs.fields(text)
        if field.default not in (None, msgspec.NODEFAULT)
    }
    defaults |= {"params": {}} if frame["type"] == "execute" else {}
    assert said(text, json.loads) == defaults | frame
    assert said(packed, msgpack.unpackb) == defaults | frame


@given(wire_frames(), st.dictionaries(st.text(max_size=8), VALUES, max_size=3))
def test_unknown_fields_are_ignored(frame: WireFrame, more: WireFrame) -> None:
    """A newer client may say more than this hub understands."""
    kind = frame["type"]
    known = REQUIRED[kind].keys() | OPTIONAL[kind].keys() | {"linger_ms", "credit"}
    more = {f"{name}?" if name in known else name: v for name, v in more.items()}
    whole = more | frame

    assert JSON_FRAME.decode(json.dumps(whole)) == JSON_FRAME.decode(json.dumps(frame))
    assert MSGPACK_FRAME.decode(msgpack.packb(whole)) == MSGPACK_FRAME.decode(
        msgpack.packb(frame)
    )


# Hub frames

TIMES: Final = st.just("2026-01-02T03:04:05.678Z")
COUNTS: Final = st.integers(0, 2**53)
SEQS: Final = st.integers(1, 2**53)
FLOATS: Final = st.floats(0, 1)
RAN: Final = st.sampled_from(["no", "yes", "maybe"])
DETAILS: Final = st.dictionaries(st.text(max_size=8), VALUES, max_size=3)
TEXTS: Final = st.text(max_size=20)


def maybe(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a field that may be absent."""
    return st.one_of(st.just(msgspec.UNSET), inner)


def nullable(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a field that may be null."""
    return st.one_of(st.none(), inner)


METADATA: Final = st.builds(
    Metadata,
    plugin=NAMES,
    command=NAMES,
    origin=st.sampled_from(["new", "joined", "cached"]),
    attempt=SEQS,
    queued_ms=COUNTS,
    execution_time_ms=FLOATS,
    started_at=maybe(TIMES),
    cached_at=maybe(TIMES),
    expires_at=maybe(TIMES),
    chunks=COUNTS,
    failure=maybe(
        st.builds(
            Failure, code=NAMES, retry=st.booleans(), ran=RAN, detail=nullable(DETAILS)
        )
    ),
    trace=maybe(TEXTS),
    request=st.just(msgspec.UNSET),
    principal=maybe(NAMES),
)
RESPONSES: Final = st.builds(
    TaskResponse,
    task_id=TASK_IDS,
    status=st.sampled_from(TaskStatus),
    progress=nullable(FLOATS),
    result=st.just(msgspec.Raw(b"null")),
    error=nullable(TEXTS),
    created_at=TIMES,
    updated_at=TIMES,
    message=nullable(TEXTS),
    metadata=METADATA,
)
LIMITS: Final = st.builds(
    frames.Limits,
    frame_bytes=COUNTS,
    watches=nullable(COUNTS),
    in_flight=nullable(COUNTS),
    executes_per_s=nullable(COUNTS),
)

HUB_FRAMES: Final[dict[type[msgspec.Struct], dict[str, st.SearchStrategy[Any]]]] = {
    frames.Welcome: {
        "hub": NAMES,
        "session?": TEXTS,
        "now": TIMES,
        "principal": NAMES,
        "scopes": st.lists(NAMES, max_size=3),
        "expires_at?": TIMES,
        "protocol": st.just(1),
        "limits": LIMITS,
        "heartbeat_ms": COUNTS,
    },
    frames.OpenedFrame: {
        "id?": IDS,
        "task_id": TASK_IDS,
        "origin": st.sampled_from(["new", "existing", "joined", "cached", "watch"]),
        "from": COUNTS,
        "attempt": SEQS,
        "head": COUNTS,
        "floor": COUNTS,
        "response": RESPONSES,
    },
    frames.Ok: {"id": IDS},
    frames.Pong: {"id": IDS},
    frames.ErrorFrame: {
        "id?": IDS,
        "task_id?": NAMES,
        "code": NAMES,
        "message": TEXTS,
        "retry": st.booleans(),
        "ran": RAN,
        "retry_after_ms?": COUNTS,
        "detail?": DETAILS,
    },
    frames.Heartbeat: {"now": TIMES},
    frames.Goaway: {"reason": TEXTS, "drain_ms": COUNTS, "retry_after_ms": COUNTS},
    frames.StreamEnd: {},
    Progress: {
        "task_id": TASK_IDS,
        "attempt": SEQS,
        "head": COUNTS,
        "status": st.sampled_from(TaskStatus),
        "progress": nullable(FLOATS),
        "message": nullable(TEXTS),
        "step?": COUNTS,
        "total?": COUNTS,
        "position?": COUNTS,
        "eta_ms?": COUNTS,
        "quiet_ms?": COUNTS,
        "retry_at?": TIMES,
        "updated_at": TIMES,
    },
    Reset: {
        "task_id": TASK_IDS,
        "seq": SEQS,
        "at": COUNTS,
        "attempt": SEQS,
        "reason": TEXTS,
    },
    Gap: {
        "task_id": TASK_IDS,
        "from": SEQS,
        "to": SEQS,
        "why": st.sampled_from(["trimmed", "expired", "void", "skipped"]),
        "attempt": SEQS,
    },
    Result: {
        "task_id": TASK_IDS,
        "seq": SEQS,
        "response": RESPONSES,
        "result_url?": TEXTS,
    },
}
"""Every frame of the hub but `chunk`, field by field; `?`: it may be absent."""


def hub_frame(
    kind: type[msgspec.Struct], fields: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[msgspec.Struct]:
    """Return frames of one kind, with and without what may be absent."""
    python = {f.encode_name: f.name for f in msgspec.structs.fields(kind)}
    values = {
        python[name.rstrip("?")]: maybe(field) if name.endswith("?") else field
        for name, field in fields.items()
    }
    return st.builds(kind, **values)


@pytest.mark.parametrize("kind", HUB_FRAMES, ids=lambda kind: kind.__name__)
def test_hub_frames_have_the_protocols_fields(kind: type[msgspec.Struct]) -> None:
    """A field without a question mark is never away; there are no others."""
    fields = {
        f.encode_name if f.required or f.name == "protocol" else f"{f.encode_name}?"
        for f in msgspec.structs.fields(kind)
    }

    assert fields == HUB_FRAMES[kind].keys()


@pytest.mark.parametrize("kind", HUB_FRAMES, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_hub_frame_survives_both_codecs(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    """A client reads the same from both codecs, and it is what the hub meant."""
    frame = data.draw(hub_frame(kind, HUB_FRAMES[kind]))
    text, packed = msgspec.json.encode(frame), msgspec.msgpack.encode(as_packed(frame))

    told = json.loads(text)
    assert msgpack.unpackb(packed) == told
    assert told["type"] == kind.__struct_config__.tag
    assert told.keys() <= {"type"} | {name.rstrip("?") for name in HUB_FRAMES[kind]}
    assert msgspec.json.decode(text, type=kind) == as_read(frame)
    assert msgspec.msgpack.decode(packed, type=kind) == as_read(frame)


def as_read(frame: msgspec.Struct) -> msgspec.Struct:
    """Return a frame as a client has it: a null result is the value."""
    response = getattr(frame, "response", None)
    if response is None:
        return frame
    null = msgspec.structs.replace(response, result=None)
    return msgspec.structs.replace(frame, response=null)


def as_packed(frame: msgspec.Struct) -> msgspec.Struct:
    """Return a frame whose null result is MessagePack."""
    response = getattr(frame, "response", None)
    if response is None:
        return frame
    null = msgspec.structs.replace(response, result=msgspec.Raw(b"\xc0"))
    return msgspec.structs.replace(frame, response=null)


@given(VALUES, st.binary(max_size=50), st.booleans(), maybe(NAMES))
def test_a_chunk_survives_both_codecs(
    value: object, binary: bytes, is_binary: bool, kind: str | msgspec.UnsetType
) -> None:
    """A chunk says the same in both codecs, but that binary is base64 in JSON."""
    text = Chunk(task_id="0a", seq=1, at=2, channel="out", kind=kind)
    packed = msgspec.structs.replace(text)
    if is_binary:
        text = msgspec.structs.replace(text, bin=binary)
        packed = text
    else:
        text = msgspec.structs.replace(text, data=msgspec.Raw(to_json(value)))
        packed = msgspec.structs.replace(
            packed, data=msgspec.Raw(msgspec.msgpack.encode(value))
        )

    told = json.loads(msgspec.json.encode(text))
    from_packed = msgpack.unpackb(msgspec.msgpack.encode(packed))
    if is_binary:
        from_packed["bin"] = b64encode(from_packed["bin"]).decode()
    assert told == from_packed
    read = text if is_binary else msgspec.structs.replace(text, data=told["data"])
    assert msgspec.json.decode(msgspec.json.encode(text), type=Chunk) == read
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(packed), type=Chunk) == read


@given(VALUES, st.sampled_from(["use", "off"]), nullable(COUNTS))
def test_a_request_survives_json(
    value: object, cache: str, deadline: int | None
) -> None:
    """The request that `opened` repeats is the one that was made."""
    info = RequestInfo(
        params=msgspec.Raw(to_json(value)), cache=cache, deadline_ms=deadline
    )

    assert json.loads(msgspec.json.encode(info)) == {
        "params": value,
        "priority": "normal",
        "deadline_ms": deadline,
        "cache": cache,
    }
