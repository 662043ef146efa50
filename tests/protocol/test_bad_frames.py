"""What the connection makes of bad input: the error, and nothing else harmed."""

import json
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.codec import ValueDomainError, check_json
from hub.errors import BadFrameError, FrameTooLargeError, UnknownTypeError
from hub.protocol.connection import Refusal
from hub.protocol.frames import Execute, Ping
from hub.protocol.writing import Subprotocol
from tests.protocol.frames_of_clients import WireFrame, wire_frames
from tests.protocol.peers import (
    BOTH,
    JSON,
    MSGPACK,
    Heard,
    Peer,
    execute,
    fields,
    ping,
)
from tests.samples import VALUES

NO_ID: Final = msgspec.UNSET

BAD: Final[list[tuple[object, str, object]]] = [
    (5, "bad_frame", NO_ID),
    (None, "bad_frame", NO_ID),
    ("ping", "bad_frame", NO_ID),
    ([], "bad_frame", NO_ID),
    ([ping()], "bad_frame", NO_ID),
    ({}, "bad_frame", NO_ID),
    ({"id": 7}, "bad_frame", 7),
    ({"type": 5, "id": "a"}, "bad_frame", "a"),
    ({"type": "ping"}, "bad_frame", NO_ID),
    ({"type": "ping", "id": 1.5}, "bad_frame", NO_ID),
    ({"type": "ping", "id": True}, "bad_frame", NO_ID),
    ({"type": "execute", "id": 3, "plugin": "demo"}, "bad_frame", 3),
    (execute(id=4, plugin=None), "bad_frame", 4),
    (execute(id=4, chunks=1), "bad_frame", 4),
    (execute(id=4, deadline_ms="soon"), "bad_frame", 4),
    (execute(id=4, deadline_ms=1.5), "bad_frame", 4),
    (execute(id=4, params=None), "bad_frame", 4),
    (execute(id=4, params=[1]), "bad_frame", 4),
    (execute(id=4, params="{}"), "bad_frame", 4),
    ({"type": "watch", "id": 5, "task_id": 6}, "bad_frame", 5),
    ({"type": "watch", "id": 5, "task_id": "0a", "from": "0"}, "bad_frame", 5),
    ({"type": "more", "task_id": "0a"}, "bad_frame", NO_ID),
    ({"type": "nonsense", "id": 8}, "unknown_type", 8),
    ({"type": "list", "id": 9}, "unknown_type", 9),
    ({"type": "stats", "id": "s"}, "unknown_type", "s"),
    ({"type": "auth", "id": 1, "token": "t"}, "unknown_type", 1),
    ({"type": "welcome"}, "unknown_type", NO_ID),
    ({"type": "Ping", "id": 1}, "unknown_type", 1),
    ({"type": ""}, "unknown_type", NO_ID),
]
"""Messages that are well-formed and no good: the answer's code and id."""


@pytest.mark.parametrize("subprotocol", BOTH)
@pytest.mark.parametrize(("frame", "code", "id"), BAD, ids=str)
def test_a_bad_frame_is_answered_with_what_is_wrong(
    subprotocol: Subprotocol, frame: object, code: str, id: object
) -> None:
    """The answer has the protocol's code, and the frame's id where it has one."""
    refusal = Peer(subprotocol).say([frame])[0]

    assert isinstance(refusal, Refusal)
    assert (refusal.error.code, refusal.id) == (code, id)
    assert refusal.error.message


@pytest.mark.parametrize("subprotocol", BOTH)
@given(
    said=st.lists(
        st.one_of(
            st.sampled_from(BAD).filter(lambda bad: isinstance(bad[0], dict)),
            wire_frames("ping", "watch", "execute", "cancel"),
        ),
        max_size=12,
    )
)
def test_each_frame_of_an_array_is_answered_for_itself(
    subprotocol: Subprotocol, said: list[Any]
) -> None:
    """A bad frame harms none of its neighbours: all are answered, in order."""
    frames = [each[0] if isinstance(each, tuple) else each for each in said]

    heard = Peer(subprotocol).say(frames)

    assert len(heard) == len(said)
    for answer, each in zip(heard, said, strict=True):
        if isinstance(each, tuple):
            assert isinstance(answer, Refusal)
            assert (answer.error.code, answer.id) == each[1:]
        else:
            assert fields(answer) == fields(Peer(subprotocol).say(each)[0])


def test_an_unknown_type_is_named() -> None:
    """The answer repeats the type that is unknown, or its beginning."""
    for kind in ("nonsense", "n" * 10_000):
        error = Peer().refused({"type": kind}).error
        assert isinstance(error, UnknownTypeError)
        assert error.detail == {"type": kind[:64]}


# What cannot be decoded

UNDECODABLE: Final[list[tuple[Subprotocol, str | bytes]]] = [
    (JSON, ""),
    (JSON, "{"),
    (JSON, "[1,"),
    (JSON, "nonsense"),
    (JSON, '{"type":"ping","id":1} more'),
    (JSON, "{'type':'ping'}"),
    (JSON, '"\\ud800"'),
    (JSON, b'{"type":"ping","id":1}'),
    (MSGPACK, b""),
    (MSGPACK, b"\xc1"),
    (MSGPACK, b"\x92\xc0"),
    (MSGPACK, b"\x81\xa4type"),
    (MSGPACK, b"\x01\x01"),
    (MSGPACK, '{"type":"ping","id":1}'),
    (MSGPACK, b"\xdd\xff\xff\xff\xff"),
]


@pytest.mark.parametrize(("subprotocol", "data"), UNDECODABLE, ids=str)
def test_what_cannot_be_decoded_is_a_bad_frame(
    subprotocol: Subprotocol, data: str | bytes
) -> None:
    """Garbage, a half message, the other codec's kind of message: one bad frame."""
    peer = Peer(subprotocol)

    (refusal,) = peer.connection.receive_data(data)
    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.error, BadFrameError)
    assert not refusal.fatal
    assert peer.say(ping()) == [Ping(id=1)]


@pytest.mark.parametrize("subprotocol", BOTH)
def test_the_fifth_in_a_minute_is_the_last(subprotocol: Subprotocol) -> None:
    """Four undecodable messages in a minute are borne, the fifth is not."""
    peer = Peer(subprotocol)

    verdicts = []
    for _ in range(5):
        verdicts.append(peer.garbage().fatal)
        peer.now += 14.9

    assert verdicts == [False] * 4 + [True]


@pytest.mark.parametrize("subprotocol", BOTH)
def test_undecodable_messages_are_forgotten_after_a_minute(
    subprotocol: Subprotocol,
) -> None:
    """A client that errs now and then stays for ever."""
    peer = Peer(subprotocol)

    verdicts = []
    for _ in range(40):
        verdicts.append(peer.garbage().fatal)
        peer.now += 15.1

    assert not any(verdicts)


def test_only_what_cannot_be_decoded_is_counted() -> None:
    """Unknown types, missing fields and wrong values never end a connection."""
    peer = Peer()

    for frame, _, _ in BAD:
        if isinstance(frame, dict):
            assert not any(peer.refused(frame).fatal for _ in range(10))
    assert [peer.garbage().fatal for _ in range(5)] == [False] * 4 + [True]


def test_the_last_refusal_of_an_array_ends_it() -> None:
    """Bad elements count one by one, and nothing is read behind the fifth."""
    heard = Peer().say([1, 2, ping(), 3, 4, 5, ping(), *range(1000)])

    assert [isinstance(each, Refusal) and each.fatal for each in heard] == (
        [False] * 5 + [True]
    )
    assert heard[2] == Ping(id=1)


# Sizes


@pytest.mark.parametrize("subprotocol", BOTH)
def test_a_message_has_a_size(subprotocol: Subprotocol) -> None:
    """A message at the limit passes; one byte more is refused, and all goes on."""
    frame = execute(id="mine", params={"text": "é" * 500})
    size = len(
        data
        if isinstance(data := Peer(subprotocol).encode(frame), bytes)
        else data.encode()
    )

    assert isinstance(Peer(subprotocol, frame_bytes=size).say(frame)[0], Execute)
    peer = Peer(subprotocol, frame_bytes=size - 1)
    refusal = peer.refused(frame)
    assert isinstance(refusal.error, FrameTooLargeError)
    assert refusal.error.detail == {"limit": size - 1}
    assert (refusal.id, refusal.fatal) == ("mine", False)
    assert peer.say(ping()) == [Ping(id=1)]


@pytest.mark.parametrize("subprotocol", BOTH)
@pytest.mark.parametrize("value", [["x" * 600], {"a": "x" * 600}, "x" * 600])
def test_a_large_message_without_an_id_is_refused_without_one(
    subprotocol: Subprotocol, value: object
) -> None:
    """Whatever is too large is one refusal, and never counts as undecodable."""
    peer = Peer(subprotocol, frame_bytes=500)

    refusals = [peer.refused(value) for _ in range(10)]

    assert {(r.error.code, r.fatal) for r in refusals} == {("frame_too_large", False)}
    assert {r.id for r in refusals} == {NO_ID}


# Values


def verdict(heard: Heard) -> str:
    """Return the code that a request is refused with here, or when it is checked."""
    if isinstance(heard, Refusal):
        assert not heard.fatal
        assert heard.id == 1
        return heard.error.code
    assert isinstance(heard, Execute)
    try:
        check_json(bytes(heard.params))
    except ValueDomainError:
        return "invalid_params"
    return "fine"


def deep(levels: int) -> bytes:
    """Return the JSON of a value of so many levels."""
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize("levels", [31, 32, 33, 500, 2000, 50_000])
@pytest.mark.parametrize("subprotocol", BOTH)
def test_deep_params_are_invalid_params(subprotocol: Subprotocol, levels: int) -> None:
    """Params of 32 levels pass; deeper ones are named, however deep they are."""
    peer = Peer(subprotocol)
    if subprotocol is JSON:
        head = json.dumps(execute())[:-1].encode()
        data: str | bytes = (head + b',"params":{"a":' + deep(levels) + b"}}").decode()
    else:
        head = b"\x85" + msgpack.packb(execute())[1:]
        params = b"\xa6params\x81\xa1a" + b"\x91" * (levels - 1) + b"\x90"
        data = head + params

    (heard,) = peer.connection.receive_data(data)

    assert verdict(heard) == ("fine" if levels <= 31 else "invalid_params")
    assert peer.say(ping()) == [Ping(id=1)]


@pytest.mark.parametrize("subprotocol", BOTH)
def test_a_frame_that_is_too_deep_harms_no_other(subprotocol: Subprotocol) -> None:
    """However deep an element of an array goes, the others are answered."""
    peer = Peer(subprotocol)
    if subprotocol is JSON:
        other = json.dumps(ping(7)).encode()
        bad = b'{"type":"ping","id":8,"x":' + deep(5000) + b"}"
        data: str | bytes = b"[%b,%b,%b]".__mod__((other, bad, other)).decode()
    else:
        other = msgpack.packb(ping(7))
        bad = b"\x83" + msgpack.packb(ping(8))[1:] + b"\xa1x" + b"\x91" * 5000 + b"\x90"
        data = b"\x93" + other + bad + other

    first, second, third = peer.connection.receive_data(data)

    assert first == third == Ping(id=7)
    assert second == Ping(id=8) or (
        isinstance(second, Refusal)
        and (second.error.code, second.id) == ("bad_frame", 8)
    )


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (b'{"a":18446744073709551615}', "fine"),
        (b'{"a":18446744073709551616}', "invalid_params"),
        (b'{"a":-9223372036854775809}', "invalid_params"),
        (b'{"a":%b}' % (b"9" * 5000), "invalid_params"),
        (rb'{"a":"\ud83d\ude00"}', "fine"),
        (rb'{"a":"\ud800"}', "invalid_params"),
        (rb'{"\udfff":1}', "invalid_params"),
        (b'{"a":}', "bad_frame"),
        (b"{oops}", "bad_frame"),
        (b"NaN", "bad_frame"),
        (b"", "bad_frame"),
    ],
)
def test_json_params_are_judged(params: bytes, code: str) -> None:
    """Values outside the domain are invalid params; what is no JSON is a bad frame."""
    data = b'{"type":"execute","id":1,"plugin":"a","command":"b","params":%b}' % params

    (heard,) = Peer().connection.receive_data(data.decode())

    assert verdict(heard) == code


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (b"\x81\xa1a\xcf" + b"\xff" * 8, "fine"),
        (b"\x81\xa1a\xcb\x7f\xf8" + b"\x00" * 6, "fine"),
        (b"\x81\xa1a\xc4\x01\xff", "fine"),
        (b"\x81\x01\xc0", "fine"),
        (b"\x81\xa1a\xa3\xed\xa0\x80", "invalid_params"),
        (b"\x81\xa1a\xd4\x05x", "invalid_params"),
        (b"\x81\x80\xc0", "invalid_params"),
    ],
)
def test_messagepack_params_are_judged(params: bytes, code: str) -> None:
    """What has no JSON is an invalid param; NaN, bytes and number keys have one."""
    head = b"\x85" + msgpack.packb(execute())[1:]

    (heard,) = Peer(MSGPACK).connection.receive_data(head + b"\xa6params" + params)

    assert verdict(heard) == code


@pytest.mark.parametrize(
    "frame",
    [
        rb'{"type":"watch","id":1,"task_id":"\ud800"}',
        rb'{"type":"execute","id":1,"plugin":"\udfff","command":"b"}',
        rb'{"type":"execute","id":1,"plugin":"a","command":"b","key":"\ud800"}',
        b'{"type":"cancel","id":1,"task_id":%b}' % deep(5000),
    ],
)
def test_a_field_that_is_no_text_is_a_bad_frame(frame: bytes) -> None:
    """A field that means something is never left out because it cannot be read."""
    data = b'[%b,{"type":"ping","id":2}]' % frame

    heard, other = Peer().connection.receive_data(data.decode())

    assert isinstance(heard, Refusal)
    assert (heard.error.code, heard.id, heard.fatal) == ("bad_frame", 1, False)
    assert other == Ping(id=2)


# Anything at all


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60), VALUES.map(json.dumps)))
def test_nothing_breaks_a_connection(data: str | bytes) -> None:
    """Whatever comes is answered, never raised, and the next frame is read."""
    for subprotocol in BOTH:
        peer = Peer(subprotocol)
        heard = peer.connection.receive_data(data)
        assert all(isinstance(each, Refusal) or each for each in heard)
        assert peer.say(ping()) == [Ping(id=1)]


@given(
    st.lists(wire_frames(), min_size=1, max_size=3),
    st.integers(0, 10_000),
    st.binary(max_size=3),
)
def test_no_broken_frame_breaks_a_connection(
    frames: list[WireFrame], place: int, junk: bytes
) -> None:
    """Messages with bytes changed somewhere are refused or read, never raised."""
    for subprotocol in BOTH:
        peer = Peer(subprotocol)
        data = peer.encode(frames)
        raw = data.encode() if isinstance(data, str) else data
        at = place % len(raw)
        raw = raw[:at] + junk + raw[at + len(junk) :]
        text = raw.decode(errors="replace") if subprotocol is JSON else raw
        peer.connection.receive_data(text)
        assert peer.say(ping()) == [Ping(id=1)]
