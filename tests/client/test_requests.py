"""What is sent for `execute`."""

from datetime import UTC, datetime

import msgspec
import pytest

from hub.client.requests import Options, request
from hub.client.wire import Codec
from hub.errors import InvalidParamsError

JSON = Codec("json")


def test_params_are_given_by_name_or_as_a_mapping() -> None:
    """Not both; either way they are JSON values."""
    when = datetime(2026, 1, 2, tzinfo=UTC)
    wish = request(JSON, "p.c", None, {"a": 1, "when": when, "raw": b"x"}, Options())
    same = request(JSON, "p.c", {"a": 1, "when": when, "raw": b"x"}, {}, Options())

    told = msgspec.json.decode(wish.params)
    assert told == {"a": 1, "when": "2026-01-02T00:00:00Z", "raw": "eA=="}
    assert bytes(same.params) == bytes(wish.params)
    with pytest.raises(TypeError, match="not both"):
        request(JSON, "p.c", {"a": 1}, {"b": 2}, Options())


def test_both_codecs_send_the_same_values() -> None:
    """What JSON cannot hold is no value in MessagePack either."""
    packed = request(Codec("msgpack"), "p.c", None, {"raw": b"x"}, Options())

    assert msgspec.msgpack.decode(packed.params) == {"raw": "eA=="}


def test_options_are_fields() -> None:
    """Seconds become milliseconds; there is always a key of 128 random bits."""
    options = Options(deadline=1.5, linger=0, priority="low", cache="off", trace="t")
    wish = request(JSON, "p.c.d", None, {}, options)
    other = request(JSON, "p.c", None, {}, Options())

    assert (wish.plugin, wish.command) == ("p", "c.d")
    assert (wish.deadline_ms, wish.linger_ms) == (1500, 0)
    assert (wish.priority, wish.cache, wish.trace) == ("low", "off", "t")
    assert len(wish.key or "") == 32
    assert wish.key != other.key
    assert request(JSON, "p.c", None, {}, Options(key="k")).key == "k"


@pytest.mark.parametrize("name", ["", "weather", ".current", "weather."])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """Before anything is sent, and with the form that it should have."""
    with pytest.raises(InvalidParamsError, match=r"plugin\.command"):
        request(JSON, name, None, {}, Options())


@pytest.mark.parametrize("value", [object(), 2**70, "\ud800"])
def test_a_value_that_is_no_json_is_refused(value: object) -> None:
    """It says what is wrong."""
    with pytest.raises(InvalidParamsError, match="params: "):
        request(JSON, "p.c", None, {"value": value}, Options())
