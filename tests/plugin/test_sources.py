"""Looks: what is found, in which order, and what tells one moment from another."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hub.errors import PluginRefusedError
from hub.plugin.sources import SEALED, Finder, Sources
from tests.shelves import shelf, typed


def finder(
    *folders: Path, watchful: bool = True, bundled: Path | None = None
) -> Finder:
    """Return a finder with one entry point."""
    points = [EntryPoint("point", "no_such_module:Thing", "taskhub.plugins")]
    sources = Sources(folders=folders, entry_points=lambda: points, bundled=bundled)
    return Finder(sources, watchful=watchful)


def test_the_order_is_that_of_rights(tmp_path: Path) -> None:
    """Folders as given, entry points, the bundled folder; each folder once."""
    first = shelf(tmp_path / "first", b="", a="")
    second = shelf(tmp_path / "second", c="")
    bundled = shelf(tmp_path / "bundled", d="")

    look = finder(first, second, first, bundled=bundled).look()

    found = [(each.name, each.source) for each in look.candidates]
    assert found == [
        ("a", "folder"),
        ("b", "folder"),
        ("c", "folder"),
        ("point", "entry point"),
        ("d", "bundled"),
    ]
    assert finder(first, bundled=first).look().prints.keys() == {
        str(first / "a.py"),
        str(first / "b.py"),
        "point = no_such_module:Thing",
    }


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        (lambda path: (path / "one.py").write_text("2"), {"one"}),
        (lambda path: (path / "one.py").touch(), set()),
        (lambda path: (path / "two" / "new.py").write_text(""), {"two"}),
        (lambda path: (path / "two" / "deep" / "x.py").unlink(), {"two"}),
        (lambda path: (path / "two" / "data.csv").write_text("1"), set()),
        (lambda path: (path / "two" / "__pycache__").mkdir(), set()),
        (lambda path: (path / "two" / ".git" / "x.py").write_text("2"), set()),
        (lambda path: (path / "_shared.py").write_text("2"), {"one", "two"}),
        (lambda path: (path / "_parts" / "x.py").write_text("2"), {"one", "two"}),
        (lambda path: (path / "lib" / "x.py").write_text("2"), {"one", "two"}),
        (lambda path: (path / "stuff" / "x.py").write_text("2"), set()),
        (lambda path: (path / "notes.txt").write_text("2"), set()),
    ],
)
def test_a_print_covers_what_a_plugin_is_made_of(
    change: Callable[[Path], object], differs: set[str], tmp_path: Path
) -> None:
    """Its own code and its neighbours'; nothing that is no code, or not in reach."""
    shelf(tmp_path, one="1", _shared="1")
    files = ["two/main.py", "two/deep/x.py", "_parts/x.py", "lib/__init__.py"]
    for name in [*files, "lib/x.py", "stuff/x.py", "two/.git/x.py"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    looks = finder(tmp_path)
    before = looks.look()

    change(tmp_path)
    after = looks.look().prints

    names = {each.key: each.name for each in before.candidates}
    changed = {key for key, code in before.prints.items() if after[key] != code}
    assert {names[key] for key in changed} == differs


def test_a_file_that_vanishes_while_it_is_read_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next look sees what has become of it."""
    looks = finder(shelf(tmp_path, one="1"))

    def gone(_: Path) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_bytes", gone)
    assert [each.name for each in looks.look().candidates] == ["one", "point"]


def test_without_watching_everything_is_sealed(tmp_path: Path) -> None:
    """No file is read twice for a hub that does not reload."""
    look = finder(shelf(tmp_path, one=typed()), watchful=False).look()

    assert set(look.prints.values()) == {SEALED}


def test_a_candidate_is_loaded_when_that_is_asked_for(tmp_path: Path) -> None:
    """A look imports nothing."""
    looks = finder(shelf(tmp_path, one=typed(), two="1 / 0"))
    one, two, point = looks.look().candidates

    assert one.load().__name__ == "Typed"
    for broken in (two, point):
        with pytest.raises(PluginRefusedError):
            broken.load()
    looks.close()
