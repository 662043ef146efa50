"""The wheel: what an installation holds."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROBE = """
import pathlib, hub
folder = pathlib.Path(hub.__file__).parent
print(folder, len(list((folder / "_plugins").iterdir())), (folder / "_static").is_dir())
"""


def build(kind: str, folder: Path, source: Path = ROOT) -> Path:
    """Build the wheel or the sdist, without isolation."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind]
    command += ["-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from this checkout."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.mark.slow
def test_wheel_holds_one_package(wheel: Path) -> None:
    """Installing taskhub adds `hub` to site-packages, and no other module."""
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {"hub"} == {top for top in tops if not top.endswith(".dist-info")}


@pytest.mark.slow
def test_wheel_brings_plugins_and_page(wheel: Path) -> None:
    """The bundled plugins with their data, the page, the types and the licence."""
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        "hub/_plugins/weather/weather.csv",
        "hub/_static/index.html",
        "hub/py.typed",
    }

    assert wanted <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any("__pycache__" in name for name in names)


@pytest.mark.slow
def test_installed_hub_finds_its_parts(wheel: Path, tmp_path: Path) -> None:
    """An installed hub runs from its own folder, away from any checkout."""
    site = tmp_path / "site"
    install = ["-m", "pip", "install", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run(
        [sys.executable, *install, str(wheel)], check=True, capture_output=True
    )

    probe = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        check=True,
        capture_output=True,
        text=True,
    )

    folder, plugins, has_page = probe.stdout.split()
    assert str(site / "hub") == folder
    assert int(plugins) > 0
    assert has_page == "True"


@pytest.mark.slow
def test_the_sdist_is_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """With tests, their data and the locks; and the same wheel comes of it."""
    sdist = build("sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path)  # our own archive; `filter` came with 3.11.4
    listing = ["git", "ls-files", "-z", "tests", "docs", "bench", "hub", "static"]
    tracked = subprocess.run(
        listing, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")

    assert {name for name in tracked if name} <= names
    assert {"CHANGELOG.md", "Makefile", "requirements-dev.txt"} <= names
    (source,) = [path for path in tmp_path.iterdir() if path.name.startswith("taskhub")]
    again = build("wheel", tmp_path / "again", source)
    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()


@pytest.mark.slow
def test_extras_are_for_users(wheel: Path) -> None:
    """`dev` is what writing plugins needs; the hub's own tools are nobody's extra."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        text = archive.read(path).decode()
    needs = [line for line in text.splitlines() if line.startswith("Requires-Dist:")]
    extras = [line for line in needs if "extra ==" in line]
    dev = {re.split(r"[ >=]", line)[1] for line in extras if "'dev'" in line}

    assert dev == {"pytest", "watchfiles"}
    assert not any("mypy" in line or "ruff" in line for line in needs)
