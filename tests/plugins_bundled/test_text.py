"""The text plugin: statistics of texts in many scripts."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import TaskError
from plugins.text import counting
from plugins.text.counting import ASCII_WORD, WORD, Count, Statistics
from plugins.text.main import Text
from tests.plugins_bundled.recorder import ThreadRecorder


def counted(text: str, top: int = 5) -> Statistics:
    """Count a text."""
    count = Count()
    count.add(text)
    return count.finish(top)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop. It\u2019s 3.14!", ["Don't", "stop", "It\u2019s", "3.14"]),
        ("1,000,000 or 1, 2", ["1,000,000", "or", "1", "2"]),
        ("U.S.A. well-known e-mail", ["U.S.A", "well", "known", "e", "mail"]),
        ("今天，world。", ["今", "天", "world"]),
        ("カタカナとかな", ["カタカナ", "と", "か", "な"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("Ελλάδα Россия", ["Ελλάδα", "Россия"]),
        ("한국어 단어", ["한국어", "단어"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("👍🏽 … — !", []),
        ("", []),
    ],
)
def test_words_are_those_of_unicode(text: str, words: list[str]) -> None:
    """Scripts with spaces by UAX 29; of Chinese and Hiragana each character."""
    assert WORD.findall(text) == words
    assert counted(text).words == len(words)


def test_a_text_is_counted() -> None:
    """Words, sentences, paragraphs, lines, characters, and the time to read."""
    text = "Rain. Rain again!\nAnd (more) “rain”?\n\n今天下雨。没完\n"

    found = counted(text, top=2)

    assert (found.words, found.distinct_words) == (12, 10)
    assert (found.sentences, found.paragraphs, found.lines) == (5, 2, 4)
    assert found.characters == len(text)
    assert found.characters_without_spaces == len("".join(text.split()))
    assert [(each.word, each.count) for each in found.most_frequent] == [
        ("rain", 3),
        ("again", 1),
    ]
    assert found.reading_s == round((6 / 238 + 6 / 255) * 60, 1)
    assert not found.capped


@pytest.mark.parametrize(
    ("text", "sentences", "paragraphs", "lines"),
    [
        ("", 0, 0, 0),
        ("\n\n", 0, 0, 2),
        ("One", 1, 1, 1),
        ("One. Two", 2, 1, 1),
        ("Wait... what?! Yes.", 3, 1, 1),
        ("He said “no.” She left.", 2, 1, 1),
        ("Version 3.14 is out", 1, 1, 1),
        ("a\n \nb\r\n\r\nc", 1, 3, 5),
        ("a\nb", 1, 1, 2),
    ],
)
def test_sentences_and_paragraphs(
    text: str, sentences: int, paragraphs: int, lines: int
) -> None:
    """A dot within a number ends nothing; an empty line ends a paragraph."""
    found = counted(text)

    assert (found.sentences, found.paragraphs, found.lines) == (
        sentences,
        paragraphs,
        lines,
    )


def test_words_are_the_same_in_any_case_and_form() -> None:
    """However é was typed, and ß is ss."""
    assert counted("CAFÉ cafe\u0301 Straße STRASSE").distinct_words == 2


@settings(max_examples=300, deadline=None)
@given(st.text("aZ_09 .,''\n-", max_size=40))
def test_the_fast_way_finds_the_same(text: str) -> None:
    """Words of a text that is ASCII are those that the general rules find."""
    assert ASCII_WORD.findall(text) == WORD.findall(text)


def test_pieces_make_no_difference() -> None:
    """A text that comes in pieces of any size is the same text."""
    text = "Don't stop. 今天天气很好。 It's 3.14!\n\n  café cafe\u0301 ok.\nEnd" * 20
    numbers = random.Random(1)
    count, at = Count(), 0

    while at < len(text):
        size = numbers.choice([1, 2, 7, 40])
        count.add(text[at : at + size])
        at += size

    assert count.finish(5) == counted(text)


def test_a_text_without_spaces_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, also where no space comes."""
    monkeypatch.setattr(counting, "LONGEST", 100)
    count = Count()

    for _ in range(100):
        count.add("天气很好" * 10)

    assert len(count._rest) <= 140
    assert count.finish(0).words == 4000


def test_different_words_are_bounded() -> None:
    """The first ones are told apart, and the result says that there were more."""
    count = Count(most_distinct=10)
    count.add(" ".join(f"w{n} the" for n in range(100)) + "\n")
    count.add("the new words")

    found = count.finish(1)

    assert (found.words, found.distinct_words, found.capped) == (203, 10, True)
    assert found.most_frequent[0].count == 101
    assert found.most_frequent[0].word == "the"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with texts."""
    root = tmp_path / "data"
    root.mkdir()
    (root / "a.txt").write_text("One two. Two three three three.")
    (root / "b.bin").write_bytes(b"\0\1\2")
    return root


@pytest.fixture
def text(folder: Path) -> Text:
    """The plugin with that root."""
    text = Text()
    asyncio.run(text.initialize({"roots": [str(folder)]}))
    return text


def test_a_file_is_counted(text: Text) -> None:
    """With progress by bytes."""
    recorder = ThreadRecorder()

    found = text.words(recorder.context(), path="data/a.txt", top=1)

    assert (found.words, found.sentences) == (6, 2)
    assert found.most_frequent[0].word == "three"
    assert recorder.progressed == [(1.0, "data/a.txt")]


def test_a_text_of_the_caller_is_counted(text: Text) -> None:
    """Also an empty one."""
    assert text.words(ThreadRecorder().context(), text="one two").words == 2
    assert text.words(ThreadRecorder().context(), text="").words == 0


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "one_of_two"),
        ({"text": "a", "path": "data/a.txt"}, "one_of_two"),
        ({"path": "data/b.bin"}, "binary"),
        ({"path": "data"}, "is_folder"),
        ({"path": "data/none.txt"}, "not_found"),
        ({"path": "data/../x"}, "outside_roots"),
    ],
)
def test_what_is_no_text_is_refused(
    text: Text, params: dict[str, str], code: str
) -> None:
    """Binary where text was expected, a folder for a file, and so on."""
    with pytest.raises(TaskError) as caught:
        text.words(ThreadRecorder().context(), **params)  # type: ignore[arg-type]  # texts

    assert caught.value.code == code


def test_a_cancel_ends_the_reading(text: Text, folder: Path) -> None:
    """What was counted until then is dropped by the hub."""
    (folder / "big.txt").write_text("word " * 1_000_000)
    recorder = ThreadRecorder()

    def cancel() -> None:
        recorder.cancelled = True

    recorder.on_progress = cancel

    assert text.words(recorder.context(), path="data/big.txt").words < 1_000_000


def test_health_is_that_of_the_roots(text: Text, folder: Path) -> None:
    """A root that is not there is no health."""
    assert asyncio.run(text.healthy())

    folder.rename(folder.with_name("gone"))

    assert not asyncio.run(text.healthy())
