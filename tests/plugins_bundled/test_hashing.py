"""Checksums of real files, and of files that change meanwhile."""

import hashlib
import os
from pathlib import Path

import pytest

from hub import TaskError
from plugins.files.main import Files
from tests.plugins_bundled.below import make_texts, refuse, started
from tests.plugins_bundled.recorder import ThreadRecorder

MIB = 1024 * 1024


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


def sha256(path: Path) -> str:
    """Return what `sha256sum` would print."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
