"""The wheel: what an installation holds."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROBE = """
import pathlib, hub
folder = pathlib.Path(hub.__file__).parent
print(folder, len(list((folder / "_plugins").iterdir())), (folder / "_static").is_dir())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        str(folder),
    ]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


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
