"""Plugins are found in folders and entry points, under names of their own."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from hub.errors import PluginRefusedError
from hub.plugin.contract import PluginBase
from hub.plugin.loading import ROOT, Found, Shelf, load_entry_point, plugin_name

PLUGIN = '''
from hub.plugin.command import command
from hub.plugin.typed import Plugin

class Sample(Plugin):
    """A sample."""

    @command
    async def noop(self, ctx):
        """Do nothing."""
'''


def write(path: Path, text: str = PLUGIN) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def load(path: Path, text: str) -> type[PluginBase]:
    """Load a plugin of that text from a folder."""
    write(path / "sample.py", text)
    shelf = Shelf(path)
    (found,) = shelf.find()
    return shelf.load(found)


def refusal(path: Path, text: str) -> tuple[str | None, str]:
    """Return line and reason of a refusal; the file is the plugin's."""
    with pytest.raises(PluginRefusedError) as caught:
        load(path, text)
    assert caught.value.file == str(path / "sample.py")
    line = caught.value.line
    return None if line is None else f"line {line}", caught.value.reason


def test_files_and_folders_are_found(tmp_path: Path) -> None:
    """NAME.py, and NAME/ with main.py; what is hidden or has no main is skipped."""
    one = write(tmp_path / "one.py")
    two = write(tmp_path / "two" / "main.py")
    for name in ("_private.py", ".hidden.py", "notes.txt", "empty/other.py"):
        write(tmp_path / name)
    write(tmp_path / "_shared" / "main.py")

    assert list(Shelf(tmp_path).find()) == [
        Found(name="one", file=one),
        Found(name="two", file=two, folder=tmp_path / "two"),
    ]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """It is named, with the reason."""
    with pytest.raises(PluginRefusedError) as caught:
        list(Shelf(tmp_path / "none").find())

    assert caught.value.file == str(tmp_path / "none")
    assert "No such file" in caught.value.reason


def test_relative_imports_work_within_a_folder(tmp_path: Path) -> None:
    """With and without an `__init__.py`, and in its modules, too."""
    for name in ("bare", "dressed"):
        folder = tmp_path / name
        write(folder / "main.py", "from .words import VERSION\n" + PLUGIN)
        write(folder / "words.py", "from .deeper.numbers import VERSION\n")
        write(folder / "deeper" / "numbers.py", "VERSION = '1'\n")
    write(tmp_path / "dressed" / "__init__.py", "READY = True\n")
    shelf = Shelf(tmp_path)

    classes = [shelf.load(found) for found in shelf.find()]

    assert [cls.__name__ for cls in classes] == ["Sample", "Sample"]
    package = classes[1].__module__.rpartition(".")[0]
    assert sys.modules[package].READY is True


def test_files_may_share_a_private_module(tmp_path: Path) -> None:
    """A name with an underscore is no plugin and can be imported."""
    write(tmp_path / "_shared.py", "WORD = 'shared'\n")
    text = "from ._shared import WORD\n" + PLUGIN + "    version = WORD\n"
    write(tmp_path / "sample.py", text)
    shelf = Shelf(tmp_path)
    (found,) = shelf.find()

    assert vars(shelf.load(found))["version"] == "shared"


def test_hubs_of_one_process_do_not_share_modules(tmp_path: Path) -> None:
    """The same folder is loaded anew, and forgotten when it is closed."""
    first = load(tmp_path, PLUGIN)
    changed = load(tmp_path, PLUGIN.replace("A sample", "B sample"))

    assert first is not changed
    assert (first.__doc__, changed.__doc__) == ("A sample.", "B sample.")
    assert first.__module__ != changed.__module__

    shelf = Shelf(tmp_path)
    (found,) = shelf.find()
    name = shelf.load(found).__module__
    assert name in sys.modules
    assert name.startswith(f"{ROOT}.")
    shelf.close()
    assert name not in sys.modules


def test_imported_classes_do_not_count(tmp_path: Path) -> None:
    """Only what the module defines; an alias is no second plugin."""
    text = (
        "from hub.plugin.typed import Plugin as Imported\n" + PLUGIN + "Same = Sample\n"
    )

    assert load(tmp_path, text).__name__ == "Sample"


def test_abstract_classes_do_not_count(tmp_path: Path) -> None:
    """A base with abstract methods may stand beside the plugin."""
    text = PLUGIN + (
        "from hub.plugin.contract import PluginBase\nclass Base(PluginBase): ...\n"
    )

    assert load(tmp_path, text).__name__ == "Sample"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x = 1\n", None, "no subclass of PluginBase is defined here"),
        ("", None, "no subclass of PluginBase is defined here"),
        (
            PLUGIN + PLUGIN.replace("Sample", "Other"),
            "line 15",
            "more than one plugin is defined here: Sample, Other",
        ),
        ("\n\ndef f(:\n", "line 3", "SyntaxError: "),
        (
            "\nimport not_there\n",
            "line 2",
            "ModuleNotFoundError: No module named 'not_there'",
        ),
        (
            "def f():\n    1 / 0\n\nf()\n",
            "line 2",
            "ZeroDivisionError: division by zero",
        ),
        ("import sys\nsys.exit(3)\n", "line 2", "it called sys.exit(3)"),
        ("raise KeyboardInterrupt\n", "line 1", "KeyboardInterrupt"),
        ("class E(BaseException): ...\nraise E('x')\n", "line 2", "E: x"),
        (
            PLUGIN.replace("@command", "@command(tll=3)"),
            "line 8",
            "@command has no option 'tll'; did you mean 'ttl'?",
        ),
        (
            (
                "from hub.plugin.contract import PluginBase\n\n"
                "class Half(PluginBase):\n    def cleanup(self): ...\n"
            ),
            "line 3",
            "Half does not implement execute, get_info, initialize, is_healthy",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused(
    tmp_path: Path, text: str, line: str | None, reason: str
) -> None:
    """With the line in the plugin's own file, and nothing of it kills the hub."""
    found_line, found_reason = refusal(tmp_path, text)

    assert found_line == line
    assert found_reason.startswith(reason)


def test_the_guilty_file_of_a_folder_is_named(tmp_path: Path) -> None:
    """Not always main.py."""
    write(tmp_path / "sample" / "main.py", "from . import words\n" + PLUGIN)
    words = write(tmp_path / "sample" / "words.py", "\nx = (\n")
    shelf = Shelf(tmp_path)
    (found,) = shelf.find()

    with pytest.raises(PluginRefusedError) as caught:
        shelf.load(found)

    assert (caught.value.file, caught.value.line) == (str(words), 2)


def test_nothing_is_left_of_a_module_that_failed(tmp_path: Path) -> None:
    """Neither a half module, nor compiled files beside the plugin."""
    before = set(sys.modules)
    refusal(tmp_path, "import not_there\n")

    left = set(sys.modules) - before
    assert not [name for name in left if name.endswith(".sample")]
    assert [path.name for path in tmp_path.iterdir()] == ["sample.py"]


@pytest.mark.parametrize("name", ["Weather", "my-plugin", "1st", "a" * 65, ""])
def test_names_have_a_form(tmp_path: Path, name: str) -> None:
    """A class's own name, or that of its file, must match it."""
    cls = load(tmp_path, PLUGIN)
    with pytest.raises(PluginRefusedError, match="does not match"):
        plugin_name(cls, name)

    cls.name = name
    with pytest.raises(PluginRefusedError, match="does not match"):
        plugin_name(cls, "fine")


def test_the_class_has_the_first_word_on_its_name(tmp_path: Path) -> None:
    """Then comes where it was found."""
    cls = load(tmp_path, PLUGIN)

    assert plugin_name(cls, "sample") == "sample"
    cls.name = "weather"
    assert plugin_name(cls, "sample") == "weather"
    cls.name = 3  # type: ignore[assignment]  # that is the point
    with pytest.raises(PluginRefusedError, match="name 3 does not match"):
        plugin_name(cls, "sample")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of importable modules named `installed_*`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in [each for each in sys.modules if each.startswith("installed_")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def test_entry_points_name_a_class(installed: Path) -> None:
    """It is imported under its own name."""
    write(installed / "installed_good.py", PLUGIN)

    cls = load_entry_point(EntryPoint("x", "installed_good:Sample", "taskhub.plugins"))

    assert (cls.__name__, cls.__module__) == ("Sample", "installed_good")


@pytest.mark.parametrize(
    ("name", "text", "value", "reason"),
    [
        (
            "installed_none",
            "x = 1\n",
            "installed_none:x",
            "is no subclass of PluginBase",
        ),
        ("installed_less", "x = 1\n", "installed_less:Y", "AttributeError"),
        ("installed_exit", "import sys\nsys.exit()\n", "installed_exit:Y", "sys.exit"),
        (
            "installed_half",
            "from hub.plugin.contract import PluginBase\nclass H(PluginBase): ...\n",
            "installed_half:H",
            "H does not implement",
        ),
    ],
)
def test_entry_points_are_refused_alike(
    installed: Path, name: str, text: str, value: str, reason: str
) -> None:
    """A wrong target, a broken module, a half-written class."""
    write(installed / f"{name}.py", text)

    with pytest.raises(PluginRefusedError) as caught:
        load_entry_point(EntryPoint("x", value, "taskhub.plugins"))

    assert reason in caught.value.reason


def test_the_line_of_a_broken_entry_point_is_named(installed: Path) -> None:
    """In the installed module's file."""
    file = write(installed / "installed_line.py", "\n1 / 0\n")

    with pytest.raises(PluginRefusedError) as caught:
        load_entry_point(EntryPoint("x", "installed_line:Y", "taskhub.plugins"))

    assert (caught.value.file, caught.value.line) == (str(file), 2)


def test_an_entry_point_to_nowhere_is_refused() -> None:
    """Its module's name stands for the file."""
    with pytest.raises(PluginRefusedError) as caught:
        load_entry_point(EntryPoint("x", "not_there.at_all:Y", "taskhub.plugins"))

    assert caught.value.file == "not_there.at_all"
    assert "ModuleNotFoundError" in caught.value.reason
