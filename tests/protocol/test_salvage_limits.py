"""Salvage at its limits: what looks like structure, what is half, what is huge."""

import json
import re
import time
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.protocol.salvage import (
    elements,
    fields,
    packed_elements,
    packed_fields,
    packed_trouble,
    trouble,
)

TEXTS = st.text(st.characters(), max_size=8) | st.text(
    '[]{},:"\\ \ud800\udfffé\n', max_size=8
)
"""Text of any sort, lone surrogates and all that could be taken for structure."""
PLAIN = st.text("abc é", max_size=4)


def values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return JSON values with some texts in them."""
    scalars = st.none() | st.booleans() | st.integers() | texts
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
        ),
        max_leaves=12,
    )


VALUES = values(TEXTS)
LAYOUTS: Final[list[dict[str, Any]]] = [
    {},
    {"indent": 3},
    {"separators": (",", ":")},
    {"separators": (" \t,\r\n", " : ")},
    {"ensure_ascii": False},
]


def written(value: object, layout: dict[str, Any]) -> bytes:
    """Return JSON in some layout; raw surrogates, which UTF-8 has none for, escaped."""
    text = json.dumps(value, **layout)
    return re.sub(
        "[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text
    ).encode()


@given(st.lists(VALUES, max_size=6), st.sampled_from(LAYOUTS))
def test_elements_are_those_of_the_array(
    value: list[Any], layout: dict[str, Any]
) -> None:
    """Each element, whatever stands in it, in order, however it is laid out."""
    data = written(value, layout)

    found = elements(b" " + data + b"\n")

    assert found is not None
    assert [json.loads(each) for each in found] == json.loads(data)


@given(st.dictionaries(PLAIN, VALUES, max_size=6), st.sampled_from(LAYOUTS))
def test_fields_are_those_of_the_object(
    value: dict[str, Any], layout: dict[str, Any]
) -> None:
    """Each field by its name, whatever stands in it, however it is laid out."""
    data = written(value, layout)

    found = fields(b"\t" + data + b" ")

    assert found is not None
    assert {name: json.loads(each) for name, each in found.items()} == json.loads(data)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_names_may_hold_anything(value: dict[str, Any]) -> None:
    """Quotes, brackets and escapes; a name that is no text is none of the hub's."""
    data = json.dumps(value).encode()

    found = fields(data)

    assert found is not None
    said = json.loads(data)
    readable = {name: each for name, each in said.items() if is_text(name)}
    assert {name: json.loads(each) for name, each in found.items()} == readable


def is_text(name: str) -> bool:
    """Whether a name can be written in UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


@given(VALUES)
def test_one_kind_is_not_taken_for_another(value: Any) -> None:
    """Only an array has elements, and only an object has fields."""
    data = json.dumps(value).encode()

    assert (elements(data) is not None) == isinstance(value, list)
    assert (fields(data) is not None) == isinstance(value, dict)


@given(values(PLAIN).filter(lambda each: isinstance(each, list | dict)), st.data())
def test_a_part_of_a_container_is_none(value: Any, data: st.DataObject) -> None:
    """Cut off anywhere, or with something behind it, it is no whole one."""
    whole = json.dumps(value).encode()
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    more = whole + data.draw(st.sampled_from([b",", b"1", b"]", b"}", whole]))

    for broken in (part, more):
        assert elements(broken) is None
        assert fields(broken) is None


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b" ",
        b"[",
        b"]",
        b"[1]]",
        b"[[1]",
        b"[1}",
        b'["',
        b'["]',
        b'["a]',
        b'["\\"]',
        b'[{"type":"ping","id":1},"a]',
        b"[1],[2]",
    ],
)
def test_what_is_no_array_has_no_elements(broken: bytes) -> None:
    """A bracket too few or too many, or a text that does not end."""
    assert elements(broken) is None


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"}",
        b"{1}",
        b"{,}",
        b'{"a"}',
        b'{"a" 1}',
        b"{a:1}",
        b'{"a":1,}',
        b'{"a":1}}',
        b'{"a":{"b":1}',
        b'{"a":"}',
        b'{"a":1]',
    ],
)
def test_what_is_no_object_has_no_fields(broken: bytes) -> None:
    """Every field has a quoted name, a colon, and a comma to the next."""
    assert fields(broken) is None


@given(st.binary(max_size=40) | st.text('[]{},:"\\ a1', max_size=20).map(str.encode))
def test_nothing_is_added_or_lost(data: bytes) -> None:
    """Whatever comes, it raises nothing, and the pieces make up the whole again."""
    found = elements(data)
    fields(data)

    if found:
        assert b"[%b]" % b",".join(found) == data.strip()


def test_the_last_of_a_name_counts() -> None:
    """As for every decoder of JSON."""
    assert fields(b'{"id":1,"id":2}') == {"id": b"2"}


def test_a_lone_surrogate_harms_its_own_frame_only() -> None:
    """The others come out as they are, in what JSON writes and in raw bytes."""
    good = b'{"type":"ping","id":1}'
    for bad in (b'{"id":"\\ud800"}', b'{"id":"\xed\xa0\x80"}', b'{"\\udfff":1}'):
        assert elements(b"[%b,%b,%b]" % (good, bad, good)) == [good, bad, good]

    assert fields(b'{"\\udfff":1,"id":2,"p":"\\ud800"}') == {
        "id": b"2",
        "p": b'"\\ud800"',
    }


@pytest.mark.parametrize(
    "unit",
    [
        b'\\"',
        b'"',
        b'"\\',
        b"\\",
        b"[",
        b"{",
        b"]",
        b",",
        b" ",
        b'"a":',
        b'",',
        b'"\\ud800",',
        b"9",
        b"1.5,",
        b"1e9",
        b"\x91",
        b"\x81\xa1a",
        b"\xa1a",
        b"\xdd\xff\xff\xff\xff",
        b"\xdb\x00\x00\x00\x00",
        b"\x90",
        b"\xdf\x00\x00\x00\x01\x01",
    ],
)
def test_the_worst_message_is_cut_soon(unit: bytes) -> None:
    """A message of a frame's size holds nobody up, whatever it is made of."""
    many = unit * (262_144 // len(unit))
    begun = time.monotonic()

    for cut in (elements, fields, trouble, packed_elements, packed_fields):
        cut(many)
        for opening, closing in ((b"[", b"]"), (b"{", b"}")):
            cut(opening + many + closing)
            cut(opening + b'"' + many + closing)
        for header in (b"\xdd\0\4\0\0", b"\xdf\0\2\0\0"):
            cut(header + many)
    packed_trouble(many)

    assert time.monotonic() - begun < 10
