"""The hub's texts: complete in both languages, chosen by what a reader asks for."""

import re
from string import Formatter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import CODES
from hub.messages import LOCALES, TEXTS, best_locale, text
from hub.settings import Locale

STATUSES = {
    "created": ("Task accepted", "任务已接受"),
    "running": ("Task running", "任务执行中"),
    "completed": ("Task completed", "任务执行成功"),
    "failed": ("Task failed", "任务执行失败"),
    "cancelled": ("Task cancelled", "任务已取消"),
}
WIRE_CODES = [
    "bad_frame",
    "unknown_type",
    "unauthenticated",
    "forbidden",
    "unknown_command",
    "not_found",
    "key_conflict",
    "frame_too_large",
    "invalid_params",
    "rate_limited",
    "queue_full",
    "draining",
    "unavailable",
    "storage_full",
    "deadline_exceeded",
    "cancelled",
    "output_too_large",
    "poisoned",
    "plugin_error",
    "worker_lost",
    "hub_restarted",
    "internal",
]
EVERY_FORM = [
    (locale, code, form)
    for locale, texts in TEXTS.items()
    for code, forms in texts.items()
    for form in forms
]


def arguments_of(form: str) -> list[str]:
    """Return the names of a form's arguments."""
    return [name for _, name, _, _ in Formatter().parse(form) if name]


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_its_text(status: str) -> None:
    """The words of a task's states are the ones that were promised."""
    english, chinese = STATUSES[status]

    assert text(status, "en") == english
    assert text(status, "zh-CN") == chinese


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", sorted({*WIRE_CODES, *CODES}))
def test_each_error_code_has_a_text(code: str, locale: str) -> None:
    """No error reaches a person as a bare code."""
    assert text(code, locale) != code
    assert "{" not in text(code, locale)


def test_locales_are_complete_and_alike() -> None:
    """Both languages have the same codes, and forms with the same arguments."""
    assert tuple(TEXTS) == LOCALES == get_args(get_args(Locale)[0])
    assert TEXTS["en"].keys() == TEXTS["zh-CN"].keys()
    for code, forms in TEXTS["en"].items():
        chinese = TEXTS["zh-CN"][code]

        assert [set(arguments_of(form)) for form in forms] == [
            set(arguments_of(form)) for form in chinese
        ]


@pytest.mark.parametrize(("locale", "code", "form"), EVERY_FORM)
def test_texts_are_well_formed(locale: str, code: str, form: str) -> None:
    """English has no Chinese in it, Chinese some; none ends in a full stop."""
    has_chinese = re.search("[\u4e00-\u9fff]", form) is not None

    assert has_chinese == (locale == "zh-CN")
    assert not form.endswith((".", "。", " "))
    assert re.fullmatch("[a-z_]+", code)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", sorted(TEXTS["en"]))
def test_the_last_form_needs_nothing(code: str, locale: str) -> None:
    """Whatever is missing, there is a text; with everything, it says the most."""
    forms = TEXTS[locale][code]
    everything = {name: f"<{name}>" for name in arguments_of(forms[0])}

    assert arguments_of(forms[-1]) == []
    assert text(code, locale) == forms[-1]
    assert text(code, locale, unheard_of=1) == forms[-1]
    said = text(code, locale, **everything)
    assert all(value in said for value in everything.values())


def test_arguments_make_it_precise() -> None:
    """The form that uses most of what is given is taken; None counts as missing."""
    assert text("invalid_params", "en") == "The parameters are not valid"
    assert (
        text("invalid_params", "en", field="city", reason=None)
        == "Parameter city is not valid"
    )
    assert (
        text("invalid_params", "zh-CN", field="city", reason="太长")
        == "参数 city：太长"
    )
    assert text("frame_too_large", "en", limit=0) == "The frame is larger than 0 bytes"


def test_arguments_are_only_inserted() -> None:
    """Braces in an argument, a client's text for instance, mean nothing."""
    said = text("unknown_type", "en", type="{0.__class__}{limit}")

    assert said == "The hub knows no frame of type {0.__class__}{limit}"


def test_an_unknown_code_is_its_own_text() -> None:
    """A code the hub has no text for is shown as it is."""
    assert text("city_unknown", "en", city="X") == "city_unknown"
    assert text("city_unknown", "zh-CN") == "city_unknown"


def test_an_unknown_locale_gets_the_nearest() -> None:
    """A text is found for any locale."""
    assert text("completed", "zh-TW") == "任务执行成功"
    assert text("completed", "fr") == "Task completed"


@pytest.mark.parametrize(
    ("wanted", "best"),
    [
        (None, "en"),
        ("", "en"),
        ("en", "en"),
        ("zh-CN", "zh-CN"),
        ("ZH-cn", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-Hans-SG", "zh-CN"),
        ("zh-TW,en;q=0.5", "zh-CN"),
        ("zh_CN.UTF-8", "zh-CN"),
        ("en_GB.UTF-8", "en"),
        ("C", "en"),
        ("de", "en"),
        ("zhx", "en"),
        ("de-CH, zh;q=0.8, en;q=0.7", "zh-CN"),
        ("en;q=0.2, zh;q=0.9", "zh-CN"),
        ("en, zh", "en"),
        ("zh, en", "zh-CN"),
        ("zh ; q = 0.5 , en ; Q=1.0", "en"),
        ("*", "en"),
        ("*, en;q=0", "zh-CN"),
        ("*;q=0.1, zh;q=0.05", "en"),
        ("zh;q=0", "en"),
        ("zh;q=0, zh;q=1", "en"),
        ("zh;q=2, en;q=0.1", "en"),
        ("zh;q=abc", "en"),
        ("zh;level=1", "zh-CN"),
        (";;,,;q=1,-,1", "en"),
    ],
)
def test_the_best_locale_wins(wanted: str | None, best: str) -> None:
    """Tags and lists choose among the hub's locales; what is unclear is English."""
    assert best_locale(wanted) == best


def test_the_hubs_own_default_counts() -> None:
    """Where nothing suits, or all does, the hub's configured locale is taken."""
    assert best_locale(None, "zh-CN") == "zh-CN"
    assert best_locale("fr", "zh-CN") == "zh-CN"
    assert best_locale("*", "zh-CN") == "zh-CN"
    assert best_locale("fr, *;q=0.1, zh;q=0", "zh-CN") == "en"
    assert best_locale("en", "zh-CN") == "en"


@given(st.text(), st.text())
def test_no_input_breaks_it(wanted: str, code: str) -> None:
    """Whatever a client sends as locale or a plugin as code, there is an answer."""
    assert best_locale(wanted) in LOCALES
    assert best_locale(f"{wanted},{wanted};q={wanted}") in LOCALES
    assert text(code, wanted) == text(code, best_locale(wanted))


def test_endless_lists_are_cut() -> None:
    """A list of a megabyte is not read to its end."""
    assert best_locale("fr," * 400_000 + "zh") == "en"
