"""The files plugin: checksums, search and sizes of real files."""

import asyncio
import hashlib
import os
import threading
from pathlib import Path

import pytest

from hub import TaskError
from hub.plugin.direct import run_directly
from hub.registry import Registry, Sources, bundled_folder
from plugins.files.lines import LONGEST, around, numbered
from plugins.files.main import Files
from plugins.files.pattern import Pattern
from tests.plugins_bundled.recorder import ThreadRecorder
from tests.plugins_bundled.test_roots import refuse

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with text, something binary, and a folder in it."""
    root = tmp_path / "data"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("one\ntwo needle three\nneedle needle\n")
    (root / "b.bin").write_bytes(b"\x7fELF\0needle")
    (root / "sub" / "c.txt").write_text("Über die Nadel\nÜBER NEEDLE\r\n")
    return root


@pytest.fixture
def files(folder: Path) -> Files:
    """The plugin with that root."""
    return started({"roots": [str(folder)]})


def started(table: dict[str, object]) -> Files:
    """Start the plugin as the hub would."""
    files = Files()
    asyncio.run(files.initialize(table))
    return files


@pytest.fixture
def recorder() -> ThreadRecorder:
    """What the command says."""
    return ThreadRecorder()


def sha256(path: Path) -> str:
    """Return what `sha256sum` would print."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# hash


def test_each_file_of_a_folder_is_a_row(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """In order of names, with the checksum; the result sums them up."""
    hashed = files.hash(recorder.context(), "data")

    rows = recorder.rows["out"]
    assert [row["path"] for row in rows] == [
        "data/a.txt",
        "data/b.bin",
        "data/sub/c.txt",
    ]
    assert rows[0]["digest"] == sha256(folder / "a.txt")
    assert {row["state"] for row in rows} == {"hashed"}
    assert {kind for kind, _ in recorder.chunks} == {"row"}
    assert hashed.files == 3
    assert hashed.bytes == sum(row["bytes"] for row in rows)


def test_progress_counts_bytes(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """A large file moves the bar while it is read, and all of it is 1.0."""
    (folder / "big").write_bytes(bytes(4 * MIB))

    files.hash(recorder.context(), "data", include=("big",))

    told = [fraction for fraction, _ in recorder.progressed if fraction is not None]
    assert told == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("path", ["data/*.txt", "data/**/*.txt", "data/sub/c.txt"])
def test_a_glob_or_a_file_is_enough(
    files: Files, recorder: ThreadRecorder, path: str
) -> None:
    """The path may name one file, or end in a glob."""
    files.hash(recorder.context(), path, "md5")

    expected = {"data/*.txt": 1, "data/**/*.txt": 2, "data/sub/c.txt": 1}
    assert len(recorder.rows["out"]) == expected[path]
    assert len(recorder.rows["out"][0]["digest"]) == 32


def test_links_and_pipes_are_not_hashed(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """What is no regular file has no checksum."""
    (folder / "link").symlink_to("a.txt")
    os.mkfifo(folder / "pipe")

    assert files.hash(recorder.context(), "data").files == 3


@pytest.mark.parametrize("path", ["data", "data/a.txt"])
def test_a_file_that_changes_meanwhile_is_said_to(
    files: Files, folder: Path, recorder: ThreadRecorder, path: str
) -> None:
    """It gets no checksum, and the others get theirs."""
    other = folder / "a.txt"

    def write() -> None:
        if recorder.progressed[-1][1] == "data/a.txt":
            other.write_text("something else entirely")

    recorder.on_progress = write

    hashed = files.hash(recorder.context(), path)

    row = recorder.rows["out"][0]
    assert (row["state"], row["digest"]) == ("changed", None)
    assert hashed.changed == 1
    assert hashed.files == (2 if path == "data" else 0)


def test_a_file_that_grows_is_changed(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """Reading ends where the file ends, and the row says that it was another one."""
    other = folder / "a.txt"

    def grow() -> None:
        if recorder.progressed[-1][1] == "data/a.txt" and other.stat().st_size < 200:
            with other.open("a") as log:
                log.write("x" * 200)

    recorder.on_progress = grow

    assert files.hash(recorder.context(), "data/a.txt").changed == 1


def test_what_cannot_be_read_is_its_own_row(
    files: Files, recorder: ThreadRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file without the right to read, and a folder: named, and no end of the rest."""
    refuse(monkeypatch, os, "open", "a.txt")
    refuse(monkeypatch, os, "open", "sub")

    hashed = files.hash(recorder.context(), "data")

    rows = {row["path"]: row for row in recorder.rows["out"]}
    assert rows["data/a.txt"]["state"] == rows["data/sub"]["state"] == "unreadable"
    assert "permission denied" in rows["data/a.txt"]["error"]
    assert (hashed.files, hashed.unreadable) == (1, 2)


@pytest.mark.parametrize("path", ["data", "data/a.txt"])
def test_a_failing_disk_is_a_row(
    files: Files,
    recorder: ThreadRecorder,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    """An error in the middle of a file is told for that file."""

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)

    assert files.hash(recorder.context(), path).unreadable >= 1
    assert "input/output error" in recorder.rows["out"][0]["error"]


@pytest.mark.parametrize("path", ["data", "data/a.txt"])
def test_a_cancelled_hash_stops(
    files: Files, recorder: ThreadRecorder, path: str
) -> None:
    """No further file is read, and half a file has no row."""

    def cancel() -> None:
        recorder.cancelled = True

    recorder.on_progress = cancel

    files.hash(recorder.context(), path)

    assert recorder.rows["out"] == []


def test_a_hash_cancelled_within_a_file_has_no_row(
    files: Files, recorder: ThreadRecorder
) -> None:
    """Also where the bytes were counted already."""

    def cancel() -> None:
        recorder.cancelled = recorder.progressed[-1][0] is not None

    recorder.on_progress = cancel

    files.hash(recorder.context(), "data")

    assert recorder.rows["out"] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("data/none", "not_found"),
        ("data/../x", "outside_roots"),
        ("elsewhere", "unknown_root"),
        ("data/none/*.txt", "not_found"),
    ],
)
def test_a_place_that_is_none_fails(
    files: Files, recorder: ThreadRecorder, path: str, code: str
) -> None:
    """What was asked for as a whole is an error, not a row."""
    with pytest.raises(TaskError) as caught:
        files.hash(recorder.context(), path)

    assert caught.value.code == code


def test_a_root_that_vanishes_meanwhile_fails(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """The rows so far stand, and the error names the root."""

    def vanish() -> None:
        if folder.exists():
            folder.rename(folder.with_name("gone"))

    recorder.on_chunk = vanish

    with pytest.raises(TaskError, match="The root “data” is not there any more"):
        files.hash(recorder.context(), "data")


# search


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


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "[z-a]", "(?P<n>a)(?P>n)", "(?R)"])
def test_a_bad_expression_is_refused(
    files: Files, recorder: ThreadRecorder, pattern: str
) -> None:
    """It is said what is wrong with it; one that calls itself is refused, too."""
    with pytest.raises(TaskError, match="is no regular expression") as caught:
        files.search(recorder.context(), "data", pattern, regex=True)

    assert caught.value.code == "bad_pattern"


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
    (folder / "d.txt").write_bytes(b"caf\xe9 needle")

    files.search(recorder.context(), "data/d.txt", "needle")

    assert found(recorder)[0][2] == 6


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


# tree


def test_a_folder_is_measured(files: Files, recorder: ThreadRecorder) -> None:
    """A row for each thing, a folder's after those of what it holds."""
    measured = files.tree(recorder.context(), "data")

    rows = recorder.rows["out"]
    assert [(row["path"], row["kind"]) for row in rows] == [
        ("data/a.txt", "file"),
        ("data/b.bin", "file"),
        ("data/sub/c.txt", "file"),
        ("data/sub", "folder"),
        ("data", "folder"),
    ]
    assert rows[-1] == {
        "path": "data",
        "kind": "folder",
        "bytes": measured.bytes,
        "files": 3,
        "folders": 1,
        "error": None,
    }
    assert (measured.files, measured.folders) == (3, 1)


@pytest.mark.parametrize(("depth", "rows"), [(0, 1), (1, 4), (2, 5)])
def test_depth_bounds_the_rows(
    files: Files, recorder: ThreadRecorder, depth: int, rows: int
) -> None:
    """What lies deeper is counted in the folders above."""
    measured = files.tree(recorder.context(), "data", depth)

    assert len(recorder.rows["out"]) == rows
    assert measured.files == 3


def test_links_and_pipes_are_counted(
    files: Files, folder: Path, recorder: ThreadRecorder
) -> None:
    """They have rows, and no size."""
    (folder / "link").symlink_to("/etc")
    os.mkfifo(folder / "pipe")

    measured = files.tree(recorder.context(), "data", exclude=("sub",))

    assert (measured.links, measured.others, measured.folders) == (1, 1, 0)


def test_what_cannot_be_looked_at_is_told_at_any_depth(
    files: Files, recorder: ThreadRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder without the right to enter is a row with its error."""
    refuse(monkeypatch, os, "open", "sub")

    measured = files.tree(recorder.context(), "data", 0)

    assert recorder.rows["out"][0]["kind"] == "trouble"
    assert measured.unreadable == 1


def test_all_roots_are_measured(folder: Path, recorder: ThreadRecorder) -> None:
    """Where no path is given."""
    files = started({"roots": {"one": str(folder), "two": str(folder)}})

    assert files.tree(recorder.context()).files == 6


def test_a_cancelled_tree_stops(files: Files, recorder: ThreadRecorder) -> None:
    """Nothing is said after the cancel."""

    def cancel() -> None:
        recorder.cancelled = True

    recorder.on_chunk = cancel

    files.tree(recorder.context(), "data")

    assert len(recorder.rows["out"]) == 1


# the plugin


def test_health_is_that_of_the_roots(files: Files, folder: Path) -> None:
    """A root that is not there is no health."""
    assert asyncio.run(files.is_healthy())

    folder.rename(folder.with_name("gone"))

    assert not asyncio.run(files.is_healthy())


async def test_without_roots_the_hub_says_what_to_write() -> None:
    """The plugin is there, and each command answers with the lines of configuration."""
    registry = Registry(
        Sources(entry_points=list, bundled=bundled_folder()), strict=True
    )
    await registry.load()
    spec = registry.lookup("files", "tree")

    with pytest.raises(TaskError, match=r"\[plugin\.files\]\nroots = "):
        await run_directly(spec, spec.parse(b"{}").params)
    await registry.close()
