"""The roots that plugins read below: no path leads out of them."""

import os
import socket
import string
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import TaskError
from plugins._roots import Roots, blocks
from plugins._roots.opening import open_folder, open_regular
from tests.plugins_bundled.below import SECRET, make_root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A root with a neighbour that nobody may see."""
    return make_root(tmp_path)


@pytest.fixture
def roots(folder: Path) -> Roots:
    """The root, open."""
    return Roots("files", [str(folder)])


def read(roots: Roots, path: str) -> bytes:
    """Read a file as a command would."""
    with roots.open(roots.locate(path)) as opened:
        return b"".join(blocks(opened, lambda: False))


def refusal(roots: Roots, path: str) -> str:
    """Return the code with which reading a path is refused."""
    with pytest.raises(TaskError) as caught:
        read(roots, path)
    return caught.value.code


@pytest.mark.parametrize("path", ["data/a.txt", "data//./a.txt", "data/a.txt/"])
def test_a_path_begins_with_the_name_of_its_root(roots: Roots, path: str) -> None:
    """The root's name, then names with slashes; empty ones and dots do not count."""
    assert read(roots, path) == b"inside"


def test_a_full_path_inside_a_root_is_one_too(roots: Roots, folder: Path) -> None:
    """What is pasted from a terminal works; errors name it by its root."""
    assert read(roots, str(folder / "sub" / "b.txt")) == b"deeper"
    assert str(roots.locate(str(folder / "sub"))) == "data/sub"


def test_the_closest_root_has_a_full_path(folder: Path) -> None:
    """Of two roots, one in the other, the inner one is named."""
    roots = Roots("files", {"all": str(folder), "part": str(folder / "sub")})

    assert str(roots.locate(str(folder / "sub" / "b.txt"))) == "part/b.txt"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("data/../outside/secret.txt", "outside_roots"),
        ("data/sub/../a.txt", "outside_roots"),
        ("..", "outside_roots"),
        ("/etc/passwd", "outside_roots"),
        ("/", "outside_roots"),
        ("other/a.txt", "unknown_root"),
        ("", "unknown_root"),
        (".", "unknown_root"),
        ("~/a.txt", "unknown_root"),
        ("data/none.txt", "not_found"),
        ("data/none/a.txt", "not_found"),
        ("data/a\0.txt", "bad_path"),
        ("data/" + "x" * 300, "bad_path"),
        ("data/" + "x/" * 10_000, "bad_path"),
        ("data", "is_folder"),
        ("data/sub", "is_folder"),
        ("data/a.txt/b", "not_folder"),
    ],
)
def test_what_is_no_file_in_a_root_is_refused_by_name(
    roots: Roots, path: str, code: str
) -> None:
    """Traversal, NUL, over-long and wrong kinds: each has its own code."""
    assert refusal(roots, path) == code


def test_without_roots_the_lines_to_write_are_told() -> None:
    """The error is the configuration to paste."""
    with pytest.raises(TaskError) as caught:
        Roots("sql", []).locate("data")

    assert caught.value.code == "no_roots"
    assert '[plugin.sql]\nroots = ["' in caught.value.message
    with pytest.raises(TaskError):
        Roots("sql", []).everything()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (["/"], "is no name of a root"),
        (["/a/data", "/b/data"], "two folders are called 'data'"),
        ({"": "/a"}, "is no name of a root"),
        ({"a/b": "/a"}, "is no name of a root"),
    ],
)
def test_roots_that_cannot_be_told_apart_are_refused(
    table: list[str] | dict[str, str], said: str
) -> None:
    """The message shows how to name them."""
    with pytest.raises(ValueError, match=said):
        Roots("files", table)


def test_roots_may_come_from_the_environment() -> None:
    """Text with commas is a list, as everywhere in the settings."""
    assert Roots("files", "/srv/data, /srv/logs,").names == ["data", "logs"]


def link_in(folder: Path, name: str, target: str) -> str:
    (folder / name).symlink_to(target)
    return f"data/{name}"


@pytest.mark.parametrize(
    ("target", "rest"),
    [
        ("../outside/secret.txt", ""),
        ("../outside", "/secret.txt"),
        ("/etc", "/passwd"),
        ("a.txt", ""),
        ("sub", "/b.txt"),
        ("link", ""),
        ("nowhere", ""),
    ],
)
def test_links_are_not_followed(
    roots: Roots, folder: Path, target: str, rest: str
) -> None:
    """Out of the root or not, in a loop or to nowhere, file or folder: a link ends."""
    assert refusal(roots, link_in(folder, "link", target) + rest) == "symlink"


def test_a_link_that_comes_in_between_is_not_followed(
    roots: Roots, folder: Path, tmp_path: Path
) -> None:
    """What was a folder when the path was opened stays that folder."""
    with open_folder(folder, "data", ["sub"]) as fd:
        (folder / "sub").rename(tmp_path / "moved")
        (folder / "sub").symlink_to(tmp_path / "outside")

        with open_regular(fd, "b.txt", "data/sub/b.txt") as opened:
            assert b"".join(blocks(opened, lambda: False)) == b"deeper"
    assert refusal(roots, "data/sub/secret.txt") == "symlink"


@pytest.fixture
def busy_socket(folder: Path) -> Iterator[None]:
    """A socket in the root."""
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        here = os.getcwd()  # noqa: PTH109  # the path of a socket is short
        os.chdir(folder)
        listening.bind("socket")
        os.chdir(here)
        yield


def test_what_would_block_is_not_opened(
    roots: Roots, folder: Path, busy_socket: None
) -> None:
    """A FIFO that nobody writes to, a socket: refused at once."""
    os.mkfifo(folder / "fifo")

    assert refusal(roots, "data/fifo") == "not_a_file"
    assert refusal(roots, "data/socket") == "not_a_file"


def test_devices_are_not_opened() -> None:
    """Whoever opens /dev to commands gets no device out of it."""
    assert refusal(Roots("files", ["/dev"]), "dev/null") == "not_a_file"


def test_a_folder_that_is_gone_in_the_middle_is_said(
    roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was no folder when it was to be entered, and is nothing a moment later."""

    def vanish(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "stat", vanish)

    assert refusal(roots, "data/a.txt/b") == "not_found"


def test_what_becomes_a_fifo_is_not_read(
    roots: Roots, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swapped between the look and the opening, it neither blocks nor counts."""
    look = os.stat

    def swap(*args: object, **more: object) -> os.stat_result:
        status = look(*args, **more)  # type: ignore[arg-type]  # passed on as given
        if args[0] == "a.txt":
            (folder / "a.txt").unlink()
            os.mkfifo(folder / "a.txt")
        return status

    monkeypatch.setattr(os, "stat", swap)

    assert refusal(roots, "data/a.txt") == "not_a_file"


def test_a_root_that_is_gone_is_said(roots: Roots, folder: Path) -> None:
    """Not the file is missing but all of it; trying again may help."""
    folder.rename(folder.with_name("moved"))

    with pytest.raises(TaskError, match="The root “data” is not there") as caught:
        read(roots, "data/a.txt")

    assert (caught.value.code, caught.value.retry) == ("root_gone", True)
    assert roots.missing() == ["data"]
    with pytest.raises(TaskError):
        roots.is_folder(roots.locate("data/sub"))


NAMES = st.text(
    st.sampled_from([*string.ascii_lowercase[:3], ".", "/", "\\", "*", "~", "\0", "é"]),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(
    pieces=st.lists(
        st.one_of(
            st.sampled_from(
                ["..", ".", "", "data", "sub", "out", "loop", "secret.txt", "a.txt"]
            ),
            NAMES,
        ),
        max_size=6,
    ),
    absolute=st.booleans(),
)
def test_no_path_reads_what_is_outside(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], *, absolute: bool
) -> None:
    """Whatever is asked for: the neighbour's secret is never read."""
    base = tmp_path_factory.getbasetemp() / "confined"
    folder = base / "data"
    if not base.exists():
        (folder / "sub").mkdir(parents=True)
        (folder / "a.txt").write_text("inside")
        (base / "secret.txt").write_text(SECRET)
        (folder / "out").symlink_to("..")
        (folder / "sub" / "out").symlink_to(base)
        (folder / "loop").symlink_to("loop")
    roots = Roots("files", [str(folder)])
    path = "/".join([str(folder), *pieces] if absolute else pieces)

    try:
        found = read(roots, path)
    except TaskError:
        return
    assert found == b"inside"
