"""What the weather plugin says to people."""

import string

import pytest

from plugins.weather.troubles import PASSING, TEXTS, trouble
from plugins.weather.words import OPEN_WEATHER_MAP, WMO, Words, condition

# The codes that the two services list in their documents.
WMO_CODES = {0, 1, 2, 3, 45, 48, 51, 53, 55, 56, 57, 61, 63, 65, 66, 67, 71, 73, 75}
WMO_CODES |= {77, 80, 81, 82, 85, 86, 95, 96, 99}


def test_all_wmo_codes_have_words() -> None:
    """Each code that Open-Meteo can answer is said in words."""
    assert set(WMO) == WMO_CODES


@pytest.mark.parametrize("words", [WMO, OPEN_WEATHER_MAP], ids=["wmo", "owm"])
def test_words_are_in_both_languages(words: Words) -> None:
    """English is English and Chinese is Chinese, and neither is empty."""
    for english, chinese in words.values():
        assert english
        assert english.isascii()
        assert chinese
        assert not any(letter in string.ascii_letters for letter in chinese)


@pytest.mark.parametrize(
    ("locale", "text"), [("en", "Condition 42"), ("zh-CN", "天气代码 42")]
)
def test_new_codes_are_not_guessed(locale: str, text: str) -> None:
    """A number that is not known is said as a number."""
    assert text == condition(WMO, 42, locale)


def test_troubles_take_the_same_arguments_in_both_languages() -> None:
    """A text in one language says as much as in the other."""
    for english, chinese in TEXTS.values():
        names = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for text in (english, chinese)
        ]
        assert names[0] == names[1]


def test_what_passes_may_be_retried() -> None:
    """`retry` follows from the code alone."""
    assert set(TEXTS) >= PASSING
    assert trouble("busy", "en", host="example.org").retry
    assert not trouble("bad_key", "en").retry
