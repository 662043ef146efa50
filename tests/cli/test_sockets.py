"""Sockets: the short way hears what uvicorn's own parser hears, however it is cut."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.protocols.websockets.websockets_sansio_impl import (
    WebSocketsSansIOProtocol,
)

from tests.cli.wires import (
    BINARY,
    CLOSE,
    LIMIT,
    PING,
    PONG,
    TEXT,
    Far,
    Listener,
    Near,
    close,
    frame,
    listening,
)
from tests.stage import PATIENCE_S, turns

CONTINUED = 0
MESSAGES: list[str | bytes] = ["", "one é", b"", b"\x00\xff", "x" * 126, "three", "end"]
STREAM = b"".join(
    [
        frame(TEXT),
        frame(TEXT, "one é".encode()),
        frame(BINARY),
        frame(PING, b"a"),
        frame(BINARY, b"\x00\xff", width=8),
        frame(PONG, b"unasked"),
        frame(TEXT, b"x" * 126),
        frame(TEXT, b"th", fin=False),
        frame(PING),
        frame(CONTINUED, b"", fin=False),
        frame(CONTINUED, b"ree"),
        frame(TEXT, b"end", width=2),
    ]
)
"""Frames of every kind that is allowed."""


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """An application that takes the short way."""
    async with listening() as made:
        yield made


async def test_a_stream_may_be_cut_anywhere(listener: Listener) -> None:
    """In two at every byte, and into single bytes: the messages are the same."""
    far, near = await listener.dial()
    cuts = [[STREAM[:at], STREAM[at:]] for at in range(len(STREAM) + 1)]
    cuts.append([STREAM[at : at + 1] for at in range(len(STREAM))])

    for pieces in cuts:
        near.messages.clear()
        for piece in pieces:
            near.wire.data_received(piece)
        assert near.messages == MESSAGES
    far.send(close(1000))

    pongs = frame(PONG, b"a", mask=None) + frame(PONG, mask=None)
    end = frame(CLOSE, b"\x03\xe8", mask=None)
    assert await far.rest() == pongs * len(cuts) + end


PAYLOADS = st.binary(max_size=9) | st.sampled_from(
    [b"\xc3", b"\xa9", "é".encode(), b"x" * 125, b"x" * 126, b"x" * LIMIT]
)
FRAMES = st.one_of(
    st.builds(frame, st.sampled_from([TEXT, BINARY]), PAYLOADS),
    st.builds(frame, st.just(TEXT), st.text(max_size=9).map(str.encode)),
    st.builds(frame, st.sampled_from([TEXT, BINARY]), PAYLOADS, fin=st.just(False)),
    st.builds(frame, st.just(CONTINUED), PAYLOADS, fin=st.booleans()),
    st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=9)),
)
ODD = st.one_of(
    st.builds(
        frame,
        st.integers(0, 15),
        PAYLOADS,
        fin=st.booleans(),
        bits=st.integers(0, 7),
        mask=st.sampled_from([None, b"\0\0\0\0", b"abcd"]),
    ),
    st.builds(frame, st.integers(0, 15), st.binary(max_size=9), width=st.just(8)),
    st.builds(frame, st.integers(0, 2), st.just(b"x" * (LIMIT + 1))),
    st.builds(close, st.integers(0, 5000), st.binary(max_size=9)),
    st.binary(max_size=20),
)


async def heard(
    pieces: Iterable[bytes], *, short: bool
) -> tuple[list[str | bytes], int, bytes]:
    """Return what a stream tells an application, how it ends, and what is answered."""
    async with listening(short=short) as listener:
        far, near = await listener.dial()
        (protocol,) = listener.state.connections
        assert isinstance(protocol, WebSocketsSansIOProtocol)
        for piece in pieces:
            # Not through the socket, where what is cut may come together again.
            if not protocol.transport.is_closing():
                protocol.data_received(piece)
        far.writer.write_eof()
        answer = await far.rest()
        await near.until(over=True)
        return near.messages, near.code, answer


@settings(max_examples=150)
@given(
    st.lists(FRAMES, max_size=6),
    st.lists(ODD, max_size=2),
    st.lists(st.integers(0, 2**20), max_size=6),
)
async def test_any_stream_says_what_uvicorn_hears(
    frames: list[bytes], odd: list[bytes], cuts: list[int]
) -> None:
    """Messages, the close code, every answer: of good streams and of bad ones."""
    # Enough for every frame that was begun: a broken one is judged when it is whole.
    odd += [close(1000), b"\0" * (LIMIT + 14)]
    stream = b"".join([*frames, *odd])
    places = sorted({cut % (len(stream) + 1) for cut in cuts})
    pieces = [stream[at:end] for at, end in pairwise([0, *places, len(stream)])]
    # uvicorn drops what comes in one piece with something broken.
    bits = (bytes((each,)) for each in b"".join(odd))

    found = await heard(pieces, short=True)

    assert found == await heard(chain(frames, bits), short=False)


@pytest.mark.parametrize("size", [0, 125, 126, 127, 2**16 - 1, 2**16, LIMIT])
async def test_lengths_of_all_forms_are_read_and_written(
    listener: Listener, size: int
) -> None:
    """One byte, 126 and two, 127 and eight; up to the limit."""
    far, near = await listener.dial()
    data = bytes(range(256)) * (size // 256 + 1)
    far.send(frame(BINARY, data[:size]), frame(TEXT, b"t" * size))
    await near.until(2)

    assert near.messages == [data[:size], "t" * size]
    assert near.wire.write(data[:size]) is None
    assert await far.frame() == (0x80 | BINARY, data[:size])


async def test_a_text_is_written_as_a_text(listener: Listener) -> None:
    """Its length is that of its bytes."""
    far, near = await listener.dial()
    near.wire.write("é" * 63)

    assert await far.frame() == (0x80 | TEXT, "é".encode() * 63)


REFUSED = {
    "too long": (frame(BINARY, b"x" * (LIMIT + 1))[:20], 1009),
    "far too long": (b"\x82\xff" + b"\xff" * 8, 1009),
    "too long together": (
        frame(TEXT, b"x" * LIMIT, fin=False) + frame(CONTINUED, b"x"),
        1009,
    ),
    "not masked": (frame(TEXT, b"x", mask=None), 1002),
    "a reserved bit": (frame(TEXT, b"x", bits=4), 1002),
    "an unknown opcode": (frame(3, b"x"), 1002),
    "an unknown control": (frame(11, b"x"), 1002),
    "a long control": (frame(PING, b"x" * 126), 1002),
    "a control in fragments": (frame(PING, b"x", fin=False), 1002),
    "a fragment of nothing": (frame(CONTINUED, b"x"), 1002),
    "a message within another": (frame(TEXT, fin=False) + frame(TEXT, b"x"), 1002),
    "no text": (frame(TEXT, b"\xff"), 1007),
    "no text in fragments": (
        frame(TEXT, b"\xc3", fin=False) + frame(CONTINUED, b"("),
        1007,
    ),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "a close of one byte": (frame(CLOSE, b"x"), 1002),
    "a close that none may send": (close(1005), 1002),
}


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED)
async def test_what_breaks_the_rules_ends_the_connection(
    listener: Listener, data: bytes, code: int
) -> None:
    """With the code that says why; what came before counts, what follows does not."""
    far, near = await listener.dial()
    far.send(frame(TEXT, b"before"), data, frame(TEXT, b"behind"))

    assert await far.code() == code
    await near.until(over=True)
    assert near.messages == ["before"]
    with pytest.raises(ConnectionError):
        near.wire.write("more")


async def test_a_text_may_be_cut_within_a_letter(listener: Listener) -> None:
    """Only the whole message is text."""
    far, near = await listener.dial()
    first, second = "é".encode()[:1], "é".encode()[1:]
    far.send(frame(TEXT, first, fin=False), frame(CONTINUED, second))
    await near.until(1)

    assert near.messages == ["é"]


async def test_a_client_may_say_goodbye(listener: Listener) -> None:
    """Its code reaches the application and is sent back; then nothing counts."""
    far, near = await listener.dial()
    far.send(close(4321, b"bye"), frame(TEXT, b"behind"))

    assert await far.frame() == (0x80 | CLOSE, (4321).to_bytes(2, "big") + b"bye")
    assert await far.rest() == b""
    await near.until(over=True)
    assert (near.messages, near.code) == ([], 4321)


async def test_the_hub_may_say_goodbye(listener: Listener) -> None:
    """What the client says before its answer counts for nothing; then it is over."""
    far, near = await listener.dial()
    await near.send({"type": "websocket.close", "code": 4000, "reason": "away"})
    with pytest.raises(ConnectionError):
        near.wire.write("more")
    assert await far.frame() == (0x80 | CLOSE, (4000).to_bytes(2, "big") + b"away")

    far.send(frame(TEXT, b"late"), frame(TEXT, b"l", fin=False))
    far.send(frame(CONTINUED, b"ate"), close(4000))

    assert await far.rest() == b""
    await near.until(over=True)
    assert (near.messages, near.code) == ([], 4000)


async def test_a_goodbye_that_waits_lets_the_last_be_read(listener: Listener) -> None:
    """A close by the hub reads again where reading was paused, or none would answer."""
    far, near = await listener.dial()
    near.wire.pause()
    await near.send({"type": "websocket.close", "code": 4000})
    far.send(close(4000))

    assert (await far.frame())[0] == 0x80 | CLOSE
    assert await far.rest() == b""


async def test_a_client_may_vanish(listener: Listener) -> None:
    """Without a word: the application hears of it, and cannot write."""
    far, near = await listener.dial()
    far.send(frame(TEXT, b"half")[:-1])
    far.writer.transport.abort()
    await near.until(over=True)

    assert near.messages == []
    with pytest.raises(ConnectionError):
        near.wire.write("more")


async def test_what_comes_before_the_application_is_ready_waits(
    listener: Listener,
) -> None:
    """It is handed over in its order when the application attaches."""
    listener.attach.clear()
    far, near = await listener.dial()
    near.wire.data_received(frame(TEXT, b"one") + frame(BINARY, b"two"))
    near.wire.data_received(frame(TEXT, b"th", fin=False))
    assert near.messages == []
    assert not near.wire.transport.is_reading()

    far.send(frame(CONTINUED, b"ree"), frame(TEXT, b"four"))
    listener.attach.set()
    await near.until(4)

    assert near.messages == ["one", b"two", "three", "four"]


async def test_who_leaves_before_the_application_is_ready_is_heard(
    listener: Listener,
) -> None:
    """First what it said, then that it is gone."""
    listener.attach.clear()
    far, near = await listener.dial()
    near.wire.data_received(frame(TEXT, b"one") + close(1000))
    listener.attach.set()
    await near.until(1, over=True)

    assert (near.messages, near.code) == (["one"], 1000)
    assert await far.code() == 1000


async def test_reading_can_be_paused(listener: Listener) -> None:
    """Nothing is read meanwhile, and nothing is lost; doing it twice is no harm."""
    far, near = await listener.dial()
    near.wire.pause()
    near.wire.pause()
    assert not near.wire.transport.is_reading()
    far.send(frame(TEXT, b"one"), frame(PING, b"x"))
    await turns()
    assert near.messages == []

    near.wire.resume()
    near.wire.resume()

    await near.until(1)
    assert near.messages == ["one"]
    assert await far.frame() == (0x80 | PONG, b"x")


async def test_a_connection_that_is_gone_can_be_resumed(listener: Listener) -> None:
    """Whoever was paused may have left meanwhile."""
    far, near = await listener.dial()
    near.wire.pause()
    near.wire.transport.close()
    await far.rest()

    near.wire.resume()

    await near.until(over=True)


async def filled(listener: Listener) -> tuple[Far, Near, "asyncio.Task[None]", int]:
    """Write to a client that reads nothing, until a write has to wait."""
    far, near = await listener.dial()
    far.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it also reads
    written = 0
    while (waits := near.wire.write(b"x" * 60_000)) is None:
        written += 1
        await turns()
    task = asyncio.ensure_future(waits)
    await turns()
    assert not task.done()
    return far, near, task, written + 1


async def test_a_write_waits_for_a_client_that_is_slow(listener: Listener) -> None:
    """It is done when the client has taken what was before; all comes, in order."""
    far, near, task, written = await filled(listener)
    blocked = near.wire.blocked()
    assert blocked is not None
    waiting = asyncio.ensure_future(blocked)
    far.writer.transport.resume_reading()  # type: ignore[attr-defined]  # it also reads
    for _ in range(written):
        assert await far.frame() == (0x80 | BINARY, b"x" * 60_000)

    async with asyncio.timeout(PATIENCE_S):
        await task
        await waiting
        assert near.wire.blocked() is None


async def test_a_write_that_waits_ends_with_its_client(listener: Listener) -> None:
    """Nobody waits for ever."""
    far, _, task, _ = await filled(listener)
    far.writer.transport.abort()

    with pytest.raises(ConnectionError):
        async with asyncio.timeout(PATIENCE_S):
            await task
