"""Counting words, sentences, lines and characters, piece by piece.

Words are those of Unicode's rules for word boundaries (UAX 29) without dictionaries:
letters, digits and what belongs to them, with apostrophes and dots between. Of Chinese
characters and Hiragana each one is a word, as word processors count them. Scripts that
write no spaces and are cut by dictionaries only (Thai, Lao, Khmer) count as they stand.
"""

import heapq
import re
import unicodedata
from collections import Counter
from typing import Final

import regex
from msgspec import Struct

WORD: Final = regex.compile(
    r"""(?V1)
      [\p{Han}\p{Hiragana}] \p{M}*+
    |
      [\w--[\p{Han}\p{Hiragana}\p{M}]]
      [[\w\u200c\u200d]--[\p{Han}\p{Hiragana}]]*+
      (?:
        (?: (?<= [\p{L}\p{M}] ) ['\u2019.\xb7] (?= [\p{L}--[\p{Han}\p{Hiragana}]] )
        |   (?<= \p{N} ) ['.,] (?= \p{N} )
        )
        [[\w\u200c\u200d]--[\p{Han}\p{Hiragana}]]*+
      )*+
    """,
    regex.VERBOSE,
)
ASCII_WORD: Final = re.compile(
    r"""
    \w+
    (?:
      (?: (?<= [A-Za-z] ) ['.] (?= [A-Za-z] ) | (?<= \d ) ['.,] (?= \d ) )
      \w+
    )*
    """,
    re.VERBOSE | re.ASCII,
)
"""The same for texts without other characters, which are many: four times as fast."""
CHARACTER: Final = regex.compile(r"[\p{Han}\p{Hiragana}]")
"""What is a word by itself."""
END: Final = regex.compile(
    r"""[.!?…]++ [\p{Pe}\p{Pf}"']*+ (?= \s | $ ) | [。！？｡]++ [\p{Pe}\p{Pf}]*+""",
    regex.VERBOSE,
)
"""The end of a sentence; an abbreviation with a dot is taken for one, too."""

WORDS_A_MINUTE: Final = 238
"""How fast adults read (Brysbaert, 2019)."""
CHARACTERS_A_MINUTE: Final = 255
"""How fast adults read Chinese (Trauzettel-Klosinski and Dietz, 2012)."""

MOST_DISTINCT: Final = 500_000
"""Different words that are kept apart; memory is bounded by that."""
LONGEST: Final = 1024 * 1024
"""Characters without a space after which a text is cut anywhere."""


class Frequent(Struct, frozen=True, kw_only=True):
    """How often a word is there, in lower case."""

    word: str
    count: int


class Statistics(Struct, frozen=True, kw_only=True):
    """What a text consists of.

    Attributes:
        words: How many.
        distinct_words: How many different ones, whatever their case.
        sentences: About how many.
        paragraphs: Lines with text in them that follow each other are one.
        lines: The last one counts, also where it is not ended.
        characters: Code points, ends of lines included.
        characters_without_spaces: Code points that are no space.
        reading_s: About how long an adult reads.
        most_frequent: The words that are there most often.
        capped: Whether there were too many different words to tell all of them apart.
    """

    words: int
    distinct_words: int
    sentences: int
    paragraphs: int
    lines: int
    characters: int
    characters_without_spaces: int
    reading_s: float
    most_frequent: list[Frequent]
    capped: bool


class Count:
    """What was counted so far.

    Args:
        most_distinct: Different words that are kept apart.
    """

    def __init__(self, most_distinct: int = MOST_DISTINCT) -> None:
        self._most_distinct = most_distinct
        self._frequencies = Counter[str]()
        self._capped = False
        self._words = self._singles = 0
        self._sentences = self._paragraphs = self._lines = 0
        self._characters = self._spaces = 0
        self._rest = ""
        self._in_sentence = self._in_line = False
        self._in_paragraph = self._filled = False

    def add(self, piece: str) -> None:
        """Count a piece; a word at its end may go on in the next one."""
        text = self._rest + piece
        cut = max(text.rfind(" "), text.rfind("\n")) + 1
        if not cut and len(text) > LONGEST:
            cut = len(text)
        self._rest = text[cut:]
        self._take(text[:cut])

    def finish(self, top: int) -> Statistics:
        """Count what is left, and sum up.

        Args:
            top: How many of the most frequent words to name.
        """
        self._take(self._rest)
        self._rest = ""
        read_s = (
            (self._words - self._singles) / WORDS_A_MINUTE
            + self._singles / CHARACTERS_A_MINUTE
        ) * 60
        return Statistics(
            words=self._words,
            distinct_words=len(self._frequencies),
            sentences=self._sentences + self._in_sentence,
            paragraphs=self._paragraphs,
            lines=self._lines + self._in_line,
            characters=self._characters,
            characters_without_spaces=self._characters - self._spaces,
            reading_s=round(read_s, 1),
            most_frequent=[
                Frequent(word=word, count=count)
                for word, count in heapq.nsmallest(
                    top, self._frequencies.items(), key=lambda pair: (-pair[1], pair[0])
                )
            ],
            capped=self._capped,
        )

    def _take(self, text: str) -> None:
        """Count a text that ends where a word may end."""
        if not text:
            return
        self._characters += len(text)
        self._spaces += len(text) - len("".join(text.split()))
        self._lines += text.count("\n")
        self._in_line = not text.endswith("\n")
        self._count_paragraphs(text)
        # é is one word's letter, however it was typed.
        text = unicodedata.normalize("NFC", text)
        self._count_words(text)
        self._count_sentences(text)

    def _count_words(self, text: str) -> None:
        if text.isascii():
            found = ASCII_WORD.findall(text.lower())
        else:
            found = [word.casefold() for word in WORD.findall(text)]
            self._singles += len(CHARACTER.findall(text))
        self._words += len(found)
        frequencies = self._frequencies
        if self._capped:
            frequencies.update(word for word in found if word in frequencies)
            return
        frequencies.update(found)
        if len(frequencies) > self._most_distinct:
            self._capped = True
            # Those that came first stay: the frequent ones are among them.
            for word in list(frequencies)[self._most_distinct :]:
                del frequencies[word]

    def _count_sentences(self, text: str) -> None:
        at = 0
        for end in END.finditer(text):
            self._sentences += 1
            at = end.end()
        if at:
            self._in_sentence = False
        if WORD.search(text, at):
            self._in_sentence = True

    def _count_paragraphs(self, text: str) -> None:
        first, *others = text.split("\n")
        self._fill(first)
        for line in others:
            # The line before is over: where it was empty, so is the paragraph.
            self._in_paragraph = self._filled
            self._filled = False
            self._fill(line)

    def _fill(self, part: str) -> None:
        """Take a part of a line."""
        if self._filled or not part.strip():
            return
        self._filled = True
        self._paragraphs += not self._in_paragraph
