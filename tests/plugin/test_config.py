"""A plugin's table of the configuration."""

import pytest
from msgspec import Struct

from hub.errors import PluginRefusedError
from hub.plugin.config import config_of


class Nothing:
    """A plugin without a Config."""


class Picky:
    """A plugin whose Config has an opinion and a bug."""

    class Config(Struct, rename="kebab"):
        """Settings."""

        base_url: str
        limit: int = 3

        def __post_init__(self) -> None:
            """Refuse 13 properly, 14 with a bug."""
            if self.limit == 13:
                raise ValueError("no thirteens")
            if self.limit == 14:
                raise KeyError("bug")


def test_without_a_config_nothing_is_checked() -> None:
    """Any table will do."""
    assert config_of(Nothing, "x", {"a": 1}) is None


def test_a_table_becomes_a_config() -> None:
    """Text from the environment becomes what the field wants."""
    config = config_of(Picky, "x", {"base-url": "u", "limit": "5"})

    assert config == Picky.Config(base_url="u", limit=5)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({}, "[plugin.x] Object missing required field `base-url`"),
        ({"base_url": "u"}, "has no key 'base_url'; the keys are: base-url, limit"),
        ({"base-url": 3}, "[plugin.x] base-url: Expected `str`, got `int`"),
        ({"base-url": "u", "limit": 13}, "[plugin.x] no thirteens"),
        ({"base-url": "u", "limit": 14}, "[plugin.x] KeyError: 'bug'"),
    ],
)
def test_a_wrong_table_names_the_key(table: dict[str, object], reason: str) -> None:
    """At the plugin's class."""
    with pytest.raises(PluginRefusedError) as caught:
        config_of(Picky, "x", table)

    assert reason in caught.value.reason
    assert caught.value.file == __file__
    assert caught.value.line is not None
