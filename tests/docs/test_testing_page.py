"""The page about testing plugins: its tests pass, and its tables are whole."""

import re
import subprocess
import sys
from pathlib import Path

from hub import testing
from hub.testing import Options

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")


def test_each_example_passes(tmp_path: Path) -> None:
    """Together in one folder, as who reads the page would have them."""
    files = re.findall(
        r"^```python\n# (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE
    )
    assert len(files) == PAGE.count("```python")
    for name, text in files:
        (tmp_path / name).write_text(text, "utf-8")

    options = ["-q", "-p", "no:cacheprovider", "--rootdir", ".", "-W", "error"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ran.returncode == 0, ran.stdout
    assert "8 passed" in ran.stdout


def test_each_name_of_it_is_explained() -> None:
    """What `hub.testing` offers, and each option, is on the page."""
    # What others return or are made of, and nobody makes by themselves.
    parts = {"Caller", "AsyncCaller", "Event", "Options", "Point", "TestTask"}
    names = {*testing.__all__, *Options.__struct_fields__} - parts
    assert {name for name in names if name not in PAGE} == set()
