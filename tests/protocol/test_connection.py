"""The connection: what a peer's messages mean, in either codec."""

import json
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import FrameTooLargeError, InvalidParamsError
from hub.protocol.connection import TYPES, Refusal
from hub.protocol.frames import Execute, Hello, Ping, Watch
from hub.protocol.writing import Subprotocol
from tests.protocol.frames_of_clients import REQUIRED, WireFrame, wire_frames
from tests.protocol.peers import BOTH, JSON, MSGPACK, Peer, execute, fields, ping
from tests.samples import VALUES

FRAMES: Final = st.lists(wire_frames(*(REQUIRED.keys() - {"hello"})), max_size=5)

# Frames and arrays


def test_clients_may_send_the_protocols_types() -> None:
    """Every type that is not among these is unknown to this hub."""
    assert REQUIRED.keys() == TYPES


@pytest.mark.parametrize("subprotocol", BOTH)
@given(frames=FRAMES, hello=st.lists(wire_frames("hello"), max_size=1))
def test_an_array_is_its_frames(
    subprotocol: Subprotocol, frames: list[WireFrame], hello: list[WireFrame]
) -> None:
    """Frames mean the same in one message and in many, and keep their order."""
    said = hello + frames
    one, many = Peer(subprotocol), Peer(subprotocol)

    together = one.say(said)

    apart = [heard for frame in said for heard in many.say(frame)]
    assert [fields(each) for each in together] == [fields(each) for each in apart]
    assert [fields(each)["type"].lower() for each in together] == [
        frame["type"] for frame in said
    ]


@given(FRAMES)
def test_both_codecs_mean_the_same(frames: list[WireFrame]) -> None:
    """A hub that has read a frame does not know in which codec it came."""
    text, packed = Peer(JSON).say(frames), Peer(MSGPACK).say(frames)

    assert [fields(each) for each in text] == [fields(each) for each in packed]


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=4))
def test_params_leave_as_json(params: dict[str, object]) -> None:
    """What comes after the connection has to do with JSON only."""
    for subprotocol in BOTH:
        (heard,) = Peer(subprotocol).say(execute(params=params))
        assert isinstance(heard, Execute)
        assert json.loads(bytes(heard.params)) == params


@pytest.mark.parametrize("blank", ["", " ", "\n\t "])
def test_blanks_around_json_mean_nothing(blank: str) -> None:
    """A client may print its JSON as it likes."""
    receive = Peer().connection.receive_data
    one, array = json.dumps(ping(7)), json.dumps([ping(7), ping(8)], indent=2)
    params = blank.join(
        ["", '{"type":"execute","id":1,"plugin":"a",', '"command":"b",']
    )

    assert receive(blank + one + blank) == [Ping(id=7)]
    assert receive(blank + array + blank) == [Ping(id=7), Ping(id=8)]
    (heard,) = receive(f'{params}"params":{blank}{{"a":{blank}1}}}}')
    assert isinstance(heard, Execute)


@pytest.mark.parametrize("subprotocol", BOTH)
@pytest.mark.parametrize("count", [0, 1, 15, 16, 300])
def test_arrays_have_any_length(subprotocol: Subprotocol, count: int) -> None:
    """An array of no frame says nothing, one of many says as much."""
    heard = Peer(subprotocol).say([ping(number) for number in range(count)])

    assert heard == [Ping(id=number) for number in range(count)]


def test_a_large_messagepack_array_is_an_array() -> None:
    """All three ways to write an array's length are understood."""
    frame = msgspec.msgpack.encode(ping())
    receive = Peer(MSGPACK).connection.receive_data

    for header in (b"\x92", b"\xdc\x00\x02", b"\xdd\x00\x00\x00\x02"):
        assert receive(header + frame + frame) == [Ping(id=1), Ping(id=1)]


@pytest.mark.parametrize("subprotocol", BOTH)
def test_defaults_are_the_protocols(subprotocol: Subprotocol) -> None:
    """What a client does not say has the value that the protocol gives it."""
    run, watch = Peer(subprotocol).say(
        [execute(), {"type": "watch", "id": 2, "task_id": "0a"}]
    )

    assert isinstance(run, Execute)
    assert fields(run)["params"] == {}
    assert (run.priority, run.cache, run.chunks) == ("normal", "use", True)
    assert (run.key, run.deadline_ms, run.trace) == (None, None, None)
    assert watch == Watch(id=2, task_id="0a", after=0, attempt=None, chunks=True)


# hello


@pytest.mark.parametrize("subprotocol", BOTH)
def test_hello_opens_a_conversation(subprotocol: Subprotocol) -> None:
    """The first frame may be `hello`, alone or before others, and it may be empty."""
    hello = {"type": "hello", "locale": "zh-CN", "client": "me 1", "progress_ms": 0}

    assert Peer(subprotocol).say({"type": "hello"}) == [Hello()]
    heard = Peer(subprotocol).say([hello, ping()])
    assert heard == [Hello(locale="zh-CN", client="me 1", progress_ms=0), Ping(id=1)]


BEFORE: Final[list[object]] = [
    {"type": "hello"},
    ping(),
    execute(priority="urgent"),
    {"type": "unwatch", "task_id": "0a"},
    {"type": "nonsense"},
    {"type": "hello", "progress_ms": -1},
    {"type": "ping"},
    5,
    [[]],
    {"type": "watch", "id": 1, "task_id": "0a", "from": -1},
]


@pytest.mark.parametrize("subprotocol", BOTH)
@pytest.mark.parametrize("first", BEFORE, ids=str)
def test_hello_may_only_be_the_first_frame(
    subprotocol: Subprotocol, first: object
) -> None:
    """After anything at all a `hello` is a bad frame, and the connection stays."""
    peer = Peer(subprotocol)
    peer.say(first)

    refusal = peer.refused({"type": "hello"})
    assert (refusal.error.code, refusal.fatal) == ("bad_frame", False)
    assert peer.say(ping()) == [Ping(id=1)]


def test_a_late_hello_is_no_undecodable_frame() -> None:
    """A `hello` too many is refused each time, and never costs the connection."""
    peer = Peer()

    heard = peer.say([ping(), *({"type": "hello"} for _ in range(20))])

    assert [isinstance(each, Refusal) and each.fatal for each in heard[1:]] == (
        [False] * 20
    )


@pytest.mark.parametrize("subprotocol", BOTH)
@pytest.mark.parametrize("wrap", [lambda hello: hello, lambda hello: [hello, ping()]])
def test_hello_has_a_size_of_its_own(subprotocol: Subprotocol, wrap) -> None:  # type: ignore[no-untyped-def]  # a lambda
    """A `hello` over 4 KiB is refused before anything in it counts, in an array too."""
    fits = {"type": "hello", "client": "x" * 4000}
    large = {"type": "hello", "client": "x" * 4096}

    assert isinstance(Peer(subprotocol).say(wrap(fits))[0], Hello)
    refusal = Peer(subprotocol).say(wrap(large))[0]
    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.error, FrameTooLargeError)
    assert refusal.error.detail == {"limit": 4096}


def test_a_small_hello_before_large_frames_is_fine() -> None:
    """The size of `hello` is its own, not that of the frames behind it."""
    heard = Peer().say([{"type": "hello"}, execute(params={"text": "x" * 9000})])

    assert [type(each) for each in heard] == [Hello, Execute]


# Values out of range

OUT_OF_RANGE: Final = [
    ("progress_ms", {"type": "hello", "progress_ms": -1}),
    ("progress_ms", {"type": "hello", "progress_ms": 2**60}),
    ("priority", execute(priority="urgent")),
    ("priority", execute(priority="")),
    ("priority", execute(priority="High")),
    ("cache", execute(cache="never")),
    ("linger_ms", execute(linger_ms=0)),
    ("credit", execute(credit=-1)),
    ("credit", execute(credit=10)),
    ("deadline_ms", execute(deadline_ms=-1)),
    ("deadline_ms", execute(deadline_ms=2**60)),
    ("key", execute(key="")),
    ("key", execute(key="k" * 257)),
    ("trace", execute(trace="t" * 100_000)),
    ("from", {"type": "watch", "id": 1, "task_id": "0a", "from": -1}),
    ("attempt", {"type": "watch", "id": 1, "task_id": "0a", "attempt": 0}),
    ("credit", {"type": "watch", "id": 1, "task_id": "0a", "credit": 5}),
]


@pytest.mark.parametrize("subprotocol", BOTH)
@pytest.mark.parametrize(("field", "frame"), OUT_OF_RANGE, ids=str)
def test_a_value_out_of_range_is_named(
    subprotocol: Subprotocol, field: str, frame: dict[str, object]
) -> None:
    """What a value cannot be, or not yet, is refused by the name of its field."""
    refusal = Peer(subprotocol).refused(frame)

    assert isinstance(refusal.error, InvalidParamsError)
    assert refusal.error.detail is not None
    assert refusal.error.detail["field"] == field
    assert refusal.id == frame.get("id", msgspec.UNSET)
    assert not refusal.fatal


@pytest.mark.parametrize(
    "frame",
    [
        execute(key="k" * 256, deadline_ms=0),
        execute(priority="high"),
        execute(priority="low"),
        execute(linger_ms=None, credit=None, deadline_ms=None, key=None, trace=None),
        {"type": "watch", "id": 1, "task_id": "0a", "from": 2**63, "attempt": 1},
        {"type": "hello", "progress_ms": None, "token": None},
    ],
)
def test_the_edges_of_ranges_pass(frame: dict[str, object]) -> None:
    """The last value of a range is in it, and null is as good as nothing."""
    for subprotocol in BOTH:
        (heard,) = Peer(subprotocol).say(frame)
        assert not isinstance(heard, Refusal)


def test_values_out_of_range_never_cost_the_connection() -> None:
    """A client may try what this hub offers as often as it likes."""
    peer = Peer()

    assert not any(peer.refused(execute(priority="now")).fatal for _ in range(50))
