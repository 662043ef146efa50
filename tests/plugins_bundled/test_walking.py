"""Going through folders below a root, and globs."""

import os
from pathlib import Path

import pytest

from hub import TaskError
from plugins._roots import Filter, Roots, walk
from plugins._roots.walking import DEEPEST
from tests.plugins_bundled.below import make_root, refuse


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with a neighbour that nobody may see."""
    return make_root(tmp_path)


@pytest.fixture
def roots(folder: Path) -> Roots:
    """The root, open."""
    return Roots("files", [str(folder)])


def names(roots: Roots, path: str, only: Filter | None = None) -> list[tuple[str, str]]:
    """Return kind and path of all that a walk meets."""
    visits = walk(roots, roots.locate(path), only or Filter())
    return [(visit.kind, visit.path) for visit in visits]


def test_a_walk_goes_in_order_and_follows_nothing(
    roots: Roots, folder: Path, tmp_path: Path
) -> None:
    """Folders are entered and left; links and pipes are met, no more."""
    (folder / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe")

    assert names(roots, "data") == [
        ("file", "data/a.txt"),
        ("link", "data/link"),
        ("other", "data/pipe"),
        ("folder", "data/sub"),
        ("file", "data/sub/b.txt"),
        ("left", "data/sub"),
    ]


def test_names_that_are_no_text_are_written_out(roots: Roots, folder: Path) -> None:
    """Bytes that are no UTF-8 come as an escape, so that every client can read them."""
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt"))).write_text("x")

    assert ("file", "data/\\xff.txt") in names(roots, "data")


def test_a_walk_ends_where_it_is_too_deep(roots: Roots, folder: Path) -> None:
    """A folder too deep is a trouble of its own, not the end of all."""
    fd = os.open(folder / "sub", os.O_RDONLY)
    for _ in range(DEEPEST + 10):
        os.mkdir("deeper", dir_fd=fd)
        fd, outer = os.open("deeper", os.O_RDONLY, dir_fd=fd), fd
        os.close(outer)
    os.close(fd)

    kinds = [kind for kind, _ in names(roots, "data")]

    assert kinds.count("trouble") == 1
    assert kinds.count("folder") == kinds.count("left") == DEEPEST
    assert kinds[-1] == "left"


def test_a_walk_says_what_it_cannot_look_at(
    roots: Roots, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder without the right to enter, or that fails, is a trouble of its own."""
    refuse(monkeypatch, os, "open", "sub")

    assert names(roots, "data") == [("file", "data/a.txt"), ("trouble", "data/sub")]


def test_a_file_that_goes_away_is_no_end(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was listed and cannot be looked at is told, and the walk goes on."""
    refuse(monkeypatch, os, "stat", "a.txt")

    found = names(roots, "data")

    assert found[0] == ("trouble", "data/a.txt")
    assert ("file", "data/sub/b.txt") in found


def test_a_folder_that_cannot_be_listed_is_told(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle it is a trouble; where the walk began it is the end."""
    listing, calls = os.listdir, [0]

    def fail(fd: int) -> list[str]:
        calls[0] += 1
        if calls[0] > 1:
            raise OSError(5, "Input/output error")
        return listing(fd)

    monkeypatch.setattr(os, "listdir", fail)

    assert ("trouble", "data/sub") in names(roots, "data")
    with pytest.raises(TaskError, match="input/output error"):
        names(roots, "data")


@pytest.mark.parametrize("again", [True, False])
def test_a_root_that_vanishes_ends_the_walk(
    roots: Roots, folder: Path, *, again: bool
) -> None:
    """Also where another folder has come in its place."""
    visits = walk(roots, roots.locate("data"), Filter())
    next(visits)
    folder.rename(folder.with_name("moved"))
    if again:
        folder.mkdir()

    with pytest.raises(TaskError) as caught:
        list(visits)

    assert caught.value.code == "root_gone"


def test_a_walk_takes_and_leaves_files_by_globs(roots: Roots, folder: Path) -> None:
    """Excluded folders are not entered."""
    (folder / "sub" / "c.csv").touch()

    only = Filter(include=["*.txt"], exclude=["a.*"])
    assert names(roots, "data", only) == [
        ("folder", "data/sub"),
        ("file", "data/sub/b.txt"),
        ("left", "data/sub"),
    ]
    assert names(roots, "data", Filter(exclude=["sub"])) == [("file", "data/a.txt")]


def test_a_glob_may_end_a_path(roots: Roots) -> None:
    """What follows the first name with a wildcard is the glob."""
    place, glob = roots.locate_glob("data/sub/*.txt")

    assert (str(place), glob) == ("data/sub", "*.txt")
    assert roots.locate_glob("data/sub")[1] is None


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*.csv", "a.csv", True),
        ("*.csv", "x/y/a.csv", True),
        ("x/*.csv", "x/a.csv", True),
        ("x/*.csv", "x/y/a.csv", False),
        ("./*.csv", "x/a.csv", False),
        ("./*.csv", "a.csv", True),
        ("**/y/*", "x/y/a", True),
        ("x/**", "x/y/a", True),
        ("x/**/a", "x/a", True),
        ("[ab].txt", "b.txt", True),
        ("[ab].txt", "c.txt", False),
        ("*.CSV", "a.csv", False),
        ("**/" * 200 + "b", "a/" * 100 + "a", False),
        ("*a" * 60, "a" * 200 + "b", False),
    ],
)
def test_globs_fit_as_documented(glob: str, path: str, *, fits: bool) -> None:
    """By name in any folder, or by the whole path; none takes for ever."""
    assert Filter(include=[glob]).takes(tuple(path.split("/"))) is fits


def test_a_glob_of_the_path_narrows_the_others() -> None:
    """A file has to fit both."""
    only = Filter(include=["*.csv"]).within("x/*")

    assert only.takes(("x", "a.csv"))
    assert not only.takes(("x", "a.txt"))
    assert not only.takes(("a.csv",))
