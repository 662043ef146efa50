"""`taskhub new plugin`: what it writes works as it is, and nothing is overwritten."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import main, templates
from hub.plugin.direct import run_directly
from tests.blackbox.server import HubProcess
from tests.cli.full import files_of_at_most
from tests.shelves import loaded

STYLES = pytest.mark.parametrize("style", [[], ["--classic"]])


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a fresh folder."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.chdir(folder)


def new(*arguments: str) -> Result:
    """Run `taskhub new plugin`."""
    return CliRunner().invoke(main, ["new", "plugin", *arguments])


@STYLES
def test_the_test_passes_as_it_is(style: list[str]) -> None:
    """With a plain pytest, and warnings as errors."""
    result = new("two_words", *style)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[:2] == [
        "wrote two_words.py",
        "wrote tests/test_two_words.py",
    ]

    # No setting of the checkout, and no plugin of pytest's but its own.
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", ".", "-W", "error"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout


@STYLES
async def test_a_hub_takes_the_plugin(style: list[str]) -> None:
    """From that folder, and takes the test for none."""
    new("greeter", *style)
    hub = await loaded(Path.cwd())

    assert [(each.name, each.version) for each in hub.plugins()] == [("greeter", "0.1")]
    assert hub.refused() == []
    spec = hub.lookup("greeter", "hello")
    assert await run_directly(spec, spec.parse(b"{}").params) == "Hello, world!"
    await hub.close()


def test_a_real_hub_runs_it(tmp_path: Path) -> None:
    """Over its socket."""
    new("greeter")
    hub = HubProcess(tmp_path / "data", plugins=[Path.cwd()]).start()
    with hub.client() as client:
        assert client.run("greeter", "hello", {"name": "Ada"}).value == "Hello, Ada!"
        assert client.run("greeter", "count", {"to": 1}).output == [1]
    hub.stop()


@pytest.mark.parametrize("there", ["greeter.py", "tests/test_greeter.py"])
def test_nothing_is_overwritten(there: str) -> None:
    """Not even half of it is written then."""
    Path("tests").mkdir()
    Path(there).write_text("mine")
    result = new("greeter")

    assert result.exit_code == 2
    assert f"{there} is there already; nothing was written" in result.output
    assert Path(there).read_text() == "mine"
    assert len([path for path in Path.cwd().rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Greeter", "lower-case"),
        ("2nd", "a letter first"),
        ("a-b", "no name of a plugin"),
        ("../up", "no name of a plugin"),
        ("a" * 65, "64 at most"),
        ("", "no name of a plugin"),
        ("main", "whole folder"),
        ("conftest", "pytest"),
        ("test_it", "for a test"),
        ("class", "a word of Python's"),
        ("asyncio", "Python's own module"),
        ("hub", "taskhub itself"),
    ],
)
def test_names_are_checked(name: str, reason: str) -> None:
    """And the reason is given."""
    result = new(name)

    assert result.exit_code == 2
    assert reason in result.output
    assert list(Path.cwd().iterdir()) == []


def test_a_folder_that_takes_nothing_is_named() -> None:
    """A file stands where `tests` should be."""
    Path("tests").write_text("")
    result = new("greeter")

    assert result.exit_code == 2
    assert "tests/test_greeter.py cannot be written" in result.output
    assert "nothing was written" in result.output
    assert [path.name for path in Path.cwd().iterdir()] == ["tests"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits are those of POSIX")
def test_a_full_disk_leaves_nothing_behind() -> None:
    """Neither half a file nor an empty one, nor the folder for the test."""
    with files_of_at_most(100):
        result = new("greeter")

    assert result.exit_code == 2
    assert "greeter.py cannot be written: File too large" in result.output
    assert list(Path.cwd().iterdir()) == []


def test_any_name_gives_a_class(tmp_path: Path) -> None:
    """However its parts are put together."""
    for name in ("classes", "a_1", "x__y_"):
        assert new(name).exit_code == 0
        compile(Path(f"{name}.py").read_text(), name, "exec")


def test_the_templates_are_in_the_house_format(tmp_path: Path) -> None:
    """Who begins with them begins well."""
    words = {"name": "greeter", "class_": "Greeter"}
    for name in ("TYPED", "TYPED_TEST", "CLASSIC", "CLASSIC_TEST"):
        text = getattr(templates, name).substitute(words)
        (tmp_path / f"{name.lower()}.py").write_text(text)
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    for check in (["format", "--check"], ["check", "--isolated", "--select", "E,F,W"]):
        ran = subprocess.run(
            [*ruff, *check, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout
