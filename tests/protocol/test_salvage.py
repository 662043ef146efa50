"""Salvage: a message that no decoder takes is cut where its parts begin and end."""

import json
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.protocol.salvage import (
    DEEP,
    MALFORMED,
    SURROGATE,
    elements,
    fields,
    packed_elements,
    packed_fields,
    packed_trouble,
    trouble,
)
from tests.samples import VALUES

LISTS = st.lists(VALUES, max_size=5)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)
WIDE: dict[str, Any] = {  # every way in which MessagePack writes a size
    "short": "x" * 31,
    "text": ["x" * 32, "x" * 256, "x" * 65_536],
    "bytes": [b"x", b"x" * 256, b"x" * 65_536],
    "numbers": [0, -1, 127, 128, 256, 65_536, 2**32, -33, -129, -32_769, -(2**31) - 1],
    "lists": [list(range(15)), list(range(16)), list(range(65_536))],
    "maps": [{str(n): n for n in range(size)} for size in (15, 16, 65_536)],
    "extensions": [
        msgpack.ExtType(5, b"x" * size) for size in (1, 2, 4, 8, 16, 3, 256, 65_536)
    ],
    "others": [None, True, False, 1.5],
}


@given(LISTS)
def test_an_array_is_cut_into_its_elements(value: list[object]) -> None:
    """Each element comes out as it went in, in both codecs and in order."""
    text = json.dumps(value, indent=1).encode()

    assert [json.loads(each) for each in elements(text) or []] == value
    packed = packed_elements(msgpack.packb(value))
    assert [msgpack.unpackb(each) for each in packed or []] == value


@given(OBJECTS)
def test_an_object_is_cut_into_its_fields(value: dict[str, object]) -> None:
    """Each field comes out under its name, in both codecs."""
    text = fields(json.dumps(value, indent=1).encode())
    packed = packed_fields(msgpack.packb(value))

    assert text is not None
    assert packed is not None
    assert {name: json.loads(each) for name, each in text.items()} == value
    assert {name: msgpack.unpackb(each) for name, each in packed.items()} == value


def test_every_form_of_messagepack_has_its_size() -> None:
    """Whatever is in a message, what stands behind it is found."""
    whole = msgpack.packb([WIDE, 1.5, msgpack.Timestamp(1), "end"])
    single = b"\x93\xca\x00\x00\x00\x00\xd6\xff\x00\x00\x00\x00\xa3end"

    assert (packed_elements(whole) or [])[3] == b"\xa3end"
    assert (packed_elements(single) or [])[2] == b"\xa3end"
    found = packed_fields(msgpack.packb(WIDE))
    assert found is not None
    assert {name: msgpack.unpackb(each) for name, each in found.items()} == WIDE


@pytest.mark.parametrize(
    "data",
    [b"", b"5", b"{}", b"[1", b"1]", b"[1]]", b"[[1]", b"[1][2]"],
)
def test_what_is_no_whole_array_is_not_cut(data: bytes) -> None:
    """A half message has no elements, rather than wrong ones."""
    assert elements(data) is None


@pytest.mark.parametrize(
    "data", [b"", b"5", b"[]", b'{"a":1', b'{"a"}', b"{1:2}", b'{"a":1}{}', b"{,}"]
)
def test_what_is_no_whole_object_is_not_cut(data: bytes) -> None:
    """A half frame has no fields, rather than wrong ones."""
    assert fields(data) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"\x80",
        b"\x92\x01",
        b"\x91\x01\x01",
        b"\x91\xa5ab",
        b"\xdd\xff\xff\xff\xff",
        b"\x91\xdb\xff\xff\xff\xff",
    ],
)
def test_what_is_no_whole_packed_array_is_not_cut(data: bytes) -> None:
    """A message that lies about its length has no elements, and costs no time."""
    assert packed_elements(data) is None


@pytest.mark.parametrize("data", [b"", b"\x90", b"\x81\xa1a", b"\x81\xa1a\x01\x01"])
def test_what_is_no_whole_packed_map_is_not_cut(data: bytes) -> None:
    """The same for a frame."""
    assert packed_fields(data) is None


def test_a_field_without_a_readable_name_is_left_out() -> None:
    """A name that is no text is none of the protocol's."""
    assert fields(rb'{"\ud800":1,"id":2}') == {"id": b"2"}
    assert packed_fields(b"\x83\x01\x01\xa1\xff\x01\xa2id\x02") == {"id": b"\x02"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":[1,"b"]}', None),
        (b"9" * 5000, None),
        (b"[" * 5000 + b"]" * 5000, DEEP),
        (rb'["\ud800"]', SURROGATE),
        (rb'{"\ud800":%b}' % (b"9" * 5000), SURROGATE),
        (b'{"a":}', MALFORMED),
        (b"NaN", MALFORMED),
        (b"[Infinity]", MALFORMED),
        (b"", MALFORMED),
        (b"1 2", MALFORMED),
    ],
)
def test_what_is_wrong_with_a_value_is_said(data: bytes, reason: str | None) -> None:
    """Text that is no Unicode is told from what is no JSON at all."""
    assert trouble(data) == reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x91\xa1a", None),
        (b"\x91\xa1\xff", None),
        (b"\x91" * 5000 + b"\x90", DEEP),
        (b"\xc1", MALFORMED),
        (b"", MALFORMED),
    ],
)
def test_what_is_wrong_with_a_packed_value_is_said(
    data: bytes, reason: str | None
) -> None:
    """Whether MessagePack is deep or broken; its texts are judged by who needs them."""
    assert packed_trouble(data) == reason


def test_depth_costs_no_stack() -> None:
    """A message is cut however deep it goes."""
    deep = b"[" * 100_000 + b"]" * 100_000

    assert elements(b'[%b,{"id":1}]' % deep) == [deep, b'{"id":1}']
    assert fields(b'{"id":1,"x":%b}' % deep) == {"id": b"1", "x": deep}
    packed = b"\x91" * 100_000 + b"\x90"
    assert packed_elements(b"\x92" + packed + b"\x01") == [packed, b"\x01"]
    assert packed_fields(b"\x82\xa1x" + packed + b"\xa2id\x01") == {
        "x": packed,
        "id": b"\x01",
    }


@given(st.binary(max_size=60))
def test_any_bytes_are_cut_or_refused(data: bytes) -> None:
    """Salvage never fails: what it cannot cut it says so."""
    for cut in (elements, packed_elements):
        parts = cut(data)
        assert parts is None or all(part in data for part in parts)
    for split in (fields, packed_fields):
        found = split(data)
        assert found is None or all(value in data for value in found.values())
    trouble(data)
    packed_trouble(data)
