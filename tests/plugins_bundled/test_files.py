"""The files plugin: how much folders hold, its health, and what it says first."""

import asyncio
import os
from pathlib import Path

import pytest

from hub import TaskError
from hub.plugin.direct import run_directly
from hub.registry import Registry, Sources, bundled_folder
from plugins.files.main import Files
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
