"""Finding lines in real files."""

import os
import threading
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import TaskError
from plugins.files.lines import LONGEST, around, numbered
from plugins.files.main import Files
from plugins.files.pattern import Pattern
from tests.plugins_bundled.below import make_texts, refuse, started
from tests.plugins_bundled.recorder import ThreadRecorder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with text, something binary, and a folder in it."""
    return make_texts(tmp_path)


@pytest.fixture
def files(folder: Path) -> Files:
    """The plugin with that root."""
    return started({"roots": [str(folder)]})


@pytest.fixture
def recorder() -> ThreadRecorder:
    """What the command says."""
    return ThreadRecorder()


def found(recorder: ThreadRecorder) -> list[tuple[str, int, int, str]]:
    """Return where something was found."""
    return [
        (row["path"], row["line"], row["column"], row["match"])
        for row in recorder.rows["out"]
    ]


def test_each_match_is_a_row(files: Files, recorder: ThreadRecorder) -> None:
    """With file, line and column; a line may have more than one."""
    result = files.search(recorder.context(), "data", "needle")

    assert found(recorder) == [
        ("data/a.txt", 2, 5, "needle"),
        ("data/a.txt", 3, 1, "needle"),
        ("data/a.txt", 3, 8, "needle"),
    ]
    assert recorder.rows["out"][0]["text"] == "two needle three"
    assert (result.matches, result.files, result.searched) == (3, 1, 2)
    assert "data/a.txt (file 1), matches so far: 3" in str(recorder.progressed)


def test_what_is_binary_is_told_and_not_searched(
    files: Files, recorder: ThreadRecorder
) -> None:
    """It is a row of the channel `skipped`, and a figure of the result."""
    result = files.search(recorder.context(), "data", "needle")

    (skipped,) = recorder.rows["skipped"]
    assert (skipped["path"], skipped["reason"]) == ("data/b.bin", "binary")
    assert result.skipped == {"binary": 1}


def test_case_may_count_for_nothing(files: Files, recorder: ThreadRecorder) -> None:
    """Also beyond ASCII; the end of a line of Windows is none of it."""
    files.search(recorder.context(), "data/sub", "über", ignore_case=True)

    assert found(recorder) == [
        ("data/sub/c.txt", 1, 1, "Über"),
        ("data/sub/c.txt", 2, 1, "ÜBER"),
    ]
    assert recorder.rows["out"][1]["text"] == "ÜBER NEEDLE"


def test_a_text_is_no_expression(files: Files, recorder: ThreadRecorder) -> None:
    """Unless it is asked to be, a dot is a dot."""
    files.search(recorder.context(), "data", "n..dle", ignore_case=True)

    assert found(recorder) == []


def test_an_expression_finds(files: Files, recorder: ThreadRecorder) -> None:
    """Characters are counted, not bytes."""
    files.search(recorder.context(), "data/sub/c.txt", r"\bN\w+l$", regex=True)

    assert found(recorder) == [("data/sub/c.txt", 1, 10, "Nadel"[:5])]


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a{2,1}",
        "[z-a]",
        "(?R)",
        "(a)(?-1)",
        "(?P<n>a)(?P>n)",
        "(?P<n>a)(?P&n)",
        "(?x)(?P<n>(?P >n)?a|b)",
        "(?x)(?P<n>(?P # n\n\t>n)?a|b)",
        "(?x: (?P<n>a) (\u2003?\f&n))",
        "(?ix)(a)(?-1 )",
        "(?V1)a",
    ],
)
def test_a_bad_expression_is_refused(
    files: Files, recorder: ThreadRecorder, pattern: str
) -> None:
    """It is said what is wrong with it; one that calls itself is refused, too."""
    with pytest.raises(TaskError, match="is no regular expression") as caught:
        files.search(recorder.context(), "data", pattern, regex=True)

    assert caught.value.code == "bad_pattern"


GAPS = st.sampled_from(["", "", " ", "\n", "#(\n", "#\\\n", "\u2003 ", "(?#\\)"])
HEADS = st.sampled_from(
    ["", "(?x)", "(?s-x)", "(?sx:", "(?x: #\\\n", "\\", "\\\\", "["]
)
CALLS = st.sampled_from(["?R", "?0", "?1", "?-1", "?&n", "?P>n", "?P&n", "?P=n", "?:n"])


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Make expressions with what may be a call, and anything between its characters."""
    call = "".join(mark + draw(GAPS) for mark in "(" + draw(CALLS) + ")")
    head = draw(HEADS)
    return "(?P<n>a)" + head + call + ")" * (":" in head)


@settings(max_examples=1000, deadline=None)
@given(expressions())
def test_no_call_is_overlooked(text: str) -> None:
    """Whatever the library itself takes for one is refused."""
    real = import_module("regex._regex_core").CallGroup
    with patch("regex._regex_core.CallGroup", wraps=real) as call:
        try:
            regex.compile(text, regex.MULTILINE, cache_pattern=False)
        except regex.error:
            return
    if call.called:
        with pytest.raises(TaskError, match="calls itself"):
            Pattern(text, expression=True)


@pytest.mark.parametrize("pattern", [r"\(?2\)?", "(?x) a (?: b ) # (?", "a( ?2)"])
def test_what_only_looks_like_a_call_is_none(pattern: str) -> None:
    """A bracket that is a character, a group, and a space that is one."""
    assert list(Pattern(pattern, expression=True).spans("(2) ab a2"))


def test_verbose_expressions_are_looked_for_line_by_line(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """A space in what takes all it can makes no difference: it ends with its line."""
    (folder / "a.txt").write_text("one\nx\n")

    files.search(recorder.context(), "data/a.txt", "(?x)^[^x]+ + $", regex=True)

    assert found(recorder) == [("data/a.txt", 1, 1, "one")]


def test_an_expression_that_takes_for_ever_is_ended() -> None:
    """After its time for a line the search fails and names it; others went on."""
    ticks = 0
    stop = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not stop.wait(0.005):
            ticks += 1

    other = threading.Thread(target=tick)
    other.start()
    slow = Pattern(r"^(([a-z])+.)+[A-Z]([a-z])+$", expression=True, line_s=0.2)

    with pytest.raises(TaskError, match=r"takes longer than 0\.2 s") as caught:
        list(slow.spans("a" * 60_000))

    stop.set()
    other.join()
    assert caught.value.code == "pattern_too_slow"
    assert ticks > 5


def test_a_slow_expression_ends_the_search(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """The task fails; it is no row of what was skipped."""
    (folder / "a.txt").write_text("a" * 60_000)

    pattern = r"^(([a-z])+.)+[A-Z]([a-z])+$"
    with pytest.raises(TaskError) as caught:
        files.search(recorder.context(), "data", pattern, regex=True)

    assert caught.value.code == "pattern_too_slow"


def test_a_search_ends_at_its_limit(files: Files, recorder: ThreadRecorder) -> None:
    """And says that there may be more."""
    result = files.search(recorder.context(), "data", "needle", limit=2)

    assert (len(found(recorder)), result.truncated) == (2, True)
    assert not files.search(recorder.context(), "data", "needle", limit=3).truncated


def test_what_is_too_large_is_skipped(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """By the size that the caller allows."""
    result = files.search(recorder.context(), "data/a.txt", "needle", max_bytes=10)

    assert result.skipped == {"too_large": 1}
    assert result.searched == 0


def test_what_cannot_be_read_is_skipped(
    files: Files, recorder: ThreadRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, and a folder with all that is in it."""
    refuse(monkeypatch, os, "open", "a.txt")
    refuse(monkeypatch, os, "open", "sub")

    result = files.search(recorder.context(), "data", "needle")

    assert result.skipped == {"unreadable": 2, "binary": 1}


def test_a_file_that_fails_in_the_middle_is_skipped(
    files: Files, recorder: ThreadRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are searched."""

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)

    result = files.search(recorder.context(), "data", "needle")

    assert result.skipped == {"unreadable": 3}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
def test_texts_of_other_encodings_are_read(
    files: Files, folder: Path, recorder: ThreadRecorder, encoding: str
) -> None:
    """UTF-16 and UTF-8 with a mark are told by the mark, which is no character."""
    (folder / "d.txt").write_text("数据 needle", encoding=encoding)

    files.search(recorder.context(), "data/d.txt", "needle")

    assert found(recorder) == [("data/d.txt", 1, 4, "needle")]


def test_bytes_that_are_no_text_are_no_end(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """What cannot be decoded is one character each."""
    (folder / "d.txt").write_bytes(b"pur\xe9e needle")

    files.search(recorder.context(), "data/d.txt", "needle")

    assert found(recorder)[0][2] == 7


def test_an_empty_file_is_searched(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """There is nothing in it."""
    (folder / "empty.txt").touch()

    assert files.search(recorder.context(), "data/empty.txt", "x").searched == 1


def test_a_cancelled_search_stops(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """In the middle of a file, and before the next one."""
    (folder / "a.txt").write_text("needle\n" * 10_000)

    def cancel() -> None:
        recorder.cancelled = len(recorder.rows["out"]) == 5

    recorder.on_chunk = cancel

    files.search(recorder.context(), "data", "needle", limit=100_000)

    assert len(recorder.rows["out"]) == 5
    assert recorder.rows["skipped"] == []


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_lines_are_numbered_however_they_are_cut(size: int) -> None:
    """Pieces of any size give the lines of the whole, also where a block is skipped."""
    text = "".join(f"line {n} {'needle' if n % 5 == 0 else ''}\n" for n in range(30))
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    pattern = Pattern("needle")

    lines = {
        number: line
        for number, _, line in numbered(pieces, pattern)
        if "needle" in line
    }

    assert sorted(lines) == [1, 6, 11, 16, 21, 26]
    assert lines[6] == "line 5 needle"


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_line_without_end_is_cut(end: str) -> None:
    """Memory stays bounded, and columns go on."""
    pieces = ["x" * 50_000] * 4 + ["needle" + end]

    parts = list(numbered(pieces, Pattern("needle")))

    assert {number for number, _, _ in parts} == {1}
    assert max(len(part) for _, _, part in parts) <= LONGEST
    _, column, part = parts[-1]
    assert column + part.index("needle") == 200_000


@pytest.mark.parametrize(
    ("start", "shown"), [(0, "0123456789…"), (50, "…4789"), (99, "…0123456789")]
)
def test_a_long_line_is_shown_in_part(start: int, shown: str) -> None:
    """What surrounds the match, with dots for the rest."""
    line = "0123456789" * 10

    part = around(line, start, 10)

    assert part.startswith(shown[:1])
    assert line[start] in part
    assert len(part) <= 12


@settings(max_examples=200, deadline=None)
@given(
    expression=st.sampled_from(
        [
            "a+b",
            "^a",
            "b$",
            "^$",
            r"a\sb",
            "[^a]b",
            "(?:a|b)*c",
            r"\bb",
            r"\Ba",
            "(?<!b)a",
            "(?=a)",
            r"\Aa",
            r"b\Z",
            "(a)b*\\1",
            "(?>a+)b",
            "[^c]++c",
            "a{2,}",
            "(?i)A",
        ]
    ),
    lines=st.lists(st.text("abc ", max_size=6), max_size=8),
    block=st.integers(1, 30),
)
def test_blocks_make_no_difference(
    expression: str, lines: list[str], block: int
) -> None:
    """What is found is what a search line by line finds, whatever stands around."""
    text = "".join(f"{line}\n" for line in lines)
    pattern = Pattern(expression, expression=True)
    expected = [
        (number, found.span())
        for number, line in enumerate(lines, 1)
        for found in regex.finditer(expression, line)
    ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("plugins.files.lines.BLOCK", block)
        found = [
            (number, span)
            for number, _, line in numbered([text], pattern)
            for span in pattern.spans(line)
        ]

    assert found == expected


def test_a_block_that_takes_too_long_is_searched_by_lines() -> None:
    """A limit of time for a line is none for a block."""
    slow = Pattern("(?:(?:a|b|ab)*,)+x|needle", expression=True, line_s=1e-6)

    assert slow.may_be_in("ab" * 5000)
