"""Bytes and values: what passes, what is refused, and that both codecs agree."""

import datetime
import json
import math
from collections.abc import Callable
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.codec import (
    MAX_DEPTH,
    ValueDomainError,
    canonical,
    check_json,
    from_json,
    json_from_msgpack,
    json_head,
    msgpack_array_header,
    msgpack_from_json,
    msgpack_head,
    msgpack_tail,
    sayable,
    splice_json,
    splice_msgpack,
    to_json,
)
from tests.samples import VALUES, Json

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**64 - 1


def pack(value: object) -> bytes:
    """Encode as MessagePack with a library that the hub does not use."""
    packed: bytes = msgpack.packb(value)
    return packed


def unpack(data: bytes) -> Any:  # any value
    """Decode MessagePack with a library that the hub does not use."""
    return msgpack.unpackb(data, strict_map_key=False)


def nested(depth: int, kinds: str = "[") -> Json:
    """Return a value of so many levels, lists and maps in turns."""
    value: Json = []
    for level in range(depth - 1):
        value = [value] if kinds[level % len(kinds)] == "[" else {"in": value}
    return value


# Values that pass


@given(VALUES)
def test_a_value_survives_json(value: Json) -> None:
    """What a command returns is what a reader of JSON gets."""
    data = to_json(value)

    assert json.loads(data) == value
    assert from_json(data) == value


@given(VALUES)
def test_a_value_survives_messagepack(value: Json) -> None:
    """Whichever codec a client speaks, it sends and gets the same value."""
    data = to_json(value)

    assert unpack(msgpack_from_json(data)) == value
    assert json.loads(json_from_msgpack(pack(value))) == value


@given(st.dictionaries(st.text(), VALUES, max_size=6), st.randoms())
def test_equal_values_have_one_canonical_form(
    value: dict[str, Json], random: Any
) -> None:
    """Requests that differ in the order of their keys only are the same request."""
    keys = list(value)
    random.shuffle(keys)

    data = canonical({key: value[key] for key in keys})

    assert data == canonical(value)
    assert json.loads(data) == value


def test_the_canonical_form_is_compact_and_sorted() -> None:
    """The canonical form is readable: keys in order at every level, no blanks."""
    value = {"b": [1, {"z": None, "a": "é"}], "a": 1.5}

    assert canonical(value).decode() == '{"a":1.5,"b":[1,{"a":"é","z":null}]}'


CONVERTED: Final = [
    (math.nan, b"null"),
    (math.inf, b"null"),
    ([-math.inf], b"[null]"),
    (b"\x00\xff", b'"AP8="'),
    ({1: "a", 2.5: "b"}, b'{"1":"a","2.5":"b"}'),
]


@pytest.mark.parametrize(("value", "data"), CONVERTED)
def test_what_json_cannot_say_is_turned_into_what_it_can(
    value: object, data: bytes
) -> None:
    """NaN and infinities are null, bytes base64, keys text: from both sides."""
    assert to_json(value) == data
    assert json_from_msgpack(pack(value)) == data


def test_times_become_text() -> None:
    """A datetime is RFC 3339 for every client."""
    when = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)

    assert to_json([when]) == b'["2026-01-02T03:04:05Z"]'
    assert json_from_msgpack(msgpack.packb([when], datetime=True)) == to_json([when])


def test_no_params_are_an_empty_object() -> None:
    """The commonest params of MessagePack clients are an empty object, too."""
    assert json_from_msgpack(b"\x80") == b"{}"


# Values that are refused


Way = Callable[[Any], object]

OUT: Final[list[Way]] = [to_json, canonical]
"""The ways of what a plugin says."""
IN_JSON: Final[list[Way]] = [from_json, check_json]
"""The ways of what a JSON client says."""


@pytest.mark.parametrize("way", OUT)
@pytest.mark.parametrize("value", [INT_MIN - 1, INT_MAX + 1, 10**30])
def test_plugins_integers_have_64_bits(way: Way, value: int) -> None:
    """An integer that clients could not hold is refused, wherever it stands."""
    for whole in (value, [value], {"a": {"b": value}}):
        with pytest.raises(ValueDomainError, match="64 bit"):
            way(whole)
    with pytest.raises(ValueDomainError):
        way(10**5000)


@pytest.mark.parametrize("way", IN_JSON)
@pytest.mark.parametrize("digits", [str(INT_MIN - 1), str(INT_MAX + 1), "9" * 99])
def test_clients_integers_have_64_bits(way: Way, digits: str) -> None:
    """The same integers are refused in what a client sends."""
    for whole in (digits, f"[{digits}]", f'{{"a":[{digits}]}}', digits * 100):
        with pytest.raises(ValueDomainError):
            way(whole.encode())


@pytest.mark.parametrize("value", [INT_MIN, INT_MAX])
def test_the_edges_of_64_bits_pass(value: int) -> None:
    """The smallest and the largest integer pass in both directions and codecs."""
    data = str(value).encode()

    check_json(data)
    assert to_json(value) == canonical(value) == data
    assert from_json(data) == value
    assert json_from_msgpack(pack(value)) == data
    assert unpack(msgpack_from_json(data)) == value


@pytest.mark.parametrize(
    "data", [b'"%s"' % (b"7" * 40), b"0.%s" % (b"1" * 40), b"1%s.5" % (b"0" * 30)]
)
def test_digits_alone_are_no_integer(data: bytes) -> None:
    """Text and fractions of many digits are fine."""
    assert from_json(data) == json.loads(data)


@pytest.mark.parametrize("way", OUT)
@pytest.mark.parametrize("value", ["\ud800", ["a\udfff"], {"\ud800": 1}])
def test_lone_surrogates_of_plugins_are_named(way: Way, value: object) -> None:
    """Text that is no Unicode is refused, and the author reads why."""
    with pytest.raises(ValueDomainError, match="surrogate"):
        way(value)


@pytest.mark.parametrize("way", IN_JSON)
@pytest.mark.parametrize(
    "data", [rb'"\ud800"', rb'"\uDFFF"', rb'["\uD83D\u0041"]', rb'{"\ud800":1}']
)
def test_lone_surrogates_of_clients_are_refused(way: Way, data: bytes) -> None:
    """An escape that stands for half a character is refused."""
    with pytest.raises(ValueDomainError):
        way(data)


@given(st.text(st.characters(exclude_categories=[]), max_size=10))
def test_words_can_always_be_said(text: str) -> None:
    """A message with half a character reaches its readers, and the half is seen."""
    said = sayable(text)

    assert json.loads(to_json(said)) == said
    whole = all(not "\ud800" <= character <= "\udfff" for character in text)
    assert (said == text) is whole
    assert sayable("a\ud800b") == "a\\ud800b"


@pytest.mark.parametrize("data", [b'"\xed\xa0\x80"', b'"\xff"', b'{"\xff":1}'])
def test_text_that_is_no_utf_8_is_refused(data: bytes) -> None:
    """Bytes that are no text do not pass for text, in either codec."""
    with pytest.raises(ValueDomainError):
        from_json(data)
    with pytest.raises(ValueDomainError):
        json_from_msgpack(b"\x91\xa3\xed\xa0\x80")


def test_pairs_of_surrogates_are_characters() -> None:
    """An escaped emoji is a character like any other."""
    assert from_json(rb'"\ud83d\ude00"') == "😀"
    assert from_json(rb'"\\ud800"') == "\\ud800"


@pytest.mark.parametrize("kinds", ["[", "{", "[{"])
def test_32_levels_pass_and_33_are_refused(kinds: str) -> None:
    """The limit of depth is one number, for both directions and codecs."""
    most, over = nested(MAX_DEPTH, kinds), nested(MAX_DEPTH + 1, kinds)
    data, deep = json.dumps(most).encode(), json.dumps(over).encode()

    check_json(data)
    assert from_json(data) == most
    assert json.loads(to_json(most)) == json.loads(canonical(most)) == most
    assert json.loads(json_from_msgpack(pack(most))) == most
    ways: list[tuple[Way, object]] = [
        (from_json, deep),
        (check_json, deep),
        (to_json, over),
        (canonical, over),
        (json_from_msgpack, pack(over)),
    ]
    for way, value in ways:
        with pytest.raises(ValueDomainError, match="32"):
            way(value)


def test_brackets_are_counted_where_they_nest() -> None:
    """A broad value, and brackets in text, are not deep."""
    broad: list[Json] = [[] for _ in range(1000)]

    assert from_json(to_json(broad)) == broad
    assert from_json(to_json("[{" * 100)) == "[{" * 100


def test_endless_nesting_is_refused() -> None:
    """A value that no stack could hold is refused like any other deep one."""
    endless: list[object] = []
    endless.append(endless)
    deep = b"[" * 100_000 + b"]" * 100_000

    ways: list[tuple[Way, object]] = [
        (to_json, endless),
        (canonical, endless),
        (from_json, deep),
        (check_json, deep),
        (json_from_msgpack, b"\x91" * 100_000 + b"\x90"),
    ]
    for way, value in ways:
        with pytest.raises(ValueDomainError, match="32"):
            way(value)


@pytest.mark.parametrize("way", OUT)
@pytest.mark.parametrize("value", [object(), {None: 1}, {(1, 2): 3}, [lambda: None]])
def test_what_is_no_value_is_refused(way: Way, value: object) -> None:
    """An object that has no JSON is refused, never shown as something else."""
    with pytest.raises(ValueDomainError):
        way(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x01\x01", b"\xd4\x05a", b"\x81\x80\x01", b"\xdd\xff\xff\xff\xff"],
)
def test_broken_messagepack_is_refused(data: bytes) -> None:
    """Nothing, garbage, a rest, an extension, a map as key, a lying length."""
    with pytest.raises(ValueDomainError):
        json_from_msgpack(data)


@given(st.binary(max_size=40))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    """Any bytes at all are a value or a `ValueDomainError`, in both codecs."""
    for read in (from_json, json_from_msgpack):
        try:
            read(data)
        except ValueDomainError:
            continue


def in_domain(value: object, depth: int = MAX_DEPTH) -> bool:
    """Say by the plain rule whether a value is within the domain."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(in_domain(item, depth - 1) for item in inner)
    return not isinstance(value, int) or INT_MIN <= value <= INT_MAX


@given(
    st.one_of(VALUES, st.integers(-(2**70), 2**70)),
    st.integers(1, MAX_DEPTH + 3),
    st.sampled_from(["[", "{", "[{"]),
)
def test_the_quick_check_misses_nothing(leaf: Json, depth: int, kinds: str) -> None:
    """The check that costs nothing for ordinary values says what a full walk says."""
    value: Json = leaf
    for level in range(depth):
        value = [value] if kinds[level % len(kinds)] == "[" else {"in": value}
    data = json.dumps(value).encode()

    if in_domain(value):
        check_json(data)
        assert from_json(data) == value
    else:
        with pytest.raises(ValueDomainError):
            check_json(data)
        with pytest.raises(ValueDomainError):
            to_json(value)


# Heads and tails


def test_a_head_and_tails_are_frames() -> None:
    """One head serves every entry of a watch, in both codecs."""
    tails = [b'"seq":%d,"data":[%d]}' % (n, n) for n in range(1, 4)]
    frames = [
        {"type": "chunk", "task_id": "0a", "seq": n, "data": [n]} for n in range(1, 4)
    ]

    text = splice_json(json_head("chunk", "0a"), tails, b"\n")
    packed = splice_msgpack(
        msgpack_head("chunk", "0a"), [msgpack_tail(t) for t in tails]
    )

    assert [json.loads(line) for line in text.split(b"\n")] == frames
    unpacker = msgpack.Unpacker()
    unpacker.feed(packed)
    assert list(unpacker) == frames


@given(st.binary(max_size=500))
def test_binary_data_is_binary_in_messagepack(data: bytes) -> None:
    """What is base64 in JSON is bytes in MessagePack."""
    tail = b'"seq":1,"bin":' + msgspec.json.encode(data) + b"}"

    frame = unpack(splice_msgpack(msgpack_head("chunk", "0a"), [msgpack_tail(tail)]))

    assert frame["bin"] == data


@pytest.mark.parametrize("count", [0, 1, 15, 16, 255, 256, 65535])
def test_an_array_says_how_many_frames_it_holds(count: int) -> None:
    """A message of any number of frames is one well-formed array."""
    assert unpack(msgpack_array_header(count) + b"\xc0" * count) == [None] * count
