"""Loading beside the loop, which turns meanwhile."""

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from hub.errors import PluginRefusedError
from hub.plugin.aside import load_aside
from tests.shelves import registry, shelf, word


async def test_what_comes_too_late_is_forgotten(tmp_path: Path) -> None:
    """Its modules are, too; whoever waited has been told already."""
    head = "import sys\nsys.modules['late_gate'].wait(20)\n"
    hub = registry(shelf(tmp_path, one=word(1, head=head)))
    (candidate,) = hub.finder.look().candidates
    gate = threading.Event()
    sys.modules["late_gate"] = gate  # type: ignore[assignment]  # the one way in
    before = set(sys.modules)
    try:
        with pytest.raises(PluginRefusedError, match="still being imported"):
            await load_aside(candidate, 0.05)
        names = {each for each in set(sys.modules) - before if each.endswith(".one")}
        assert len(names) == 1
        gate.set()
        async with asyncio.timeout(20):
            while names & set(sys.modules):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.005)
    finally:
        gate.set()
        del sys.modules["late_gate"]
        hub.finder.close()


async def test_one_that_fails_too_late_is_nobodys_affair(tmp_path: Path) -> None:
    """Nothing is raised where nobody waits."""
    head = "import time\ntime.sleep(0.1)\n1 / 0\n"
    hub = registry(shelf(tmp_path, one=word(1, head=head)))
    (candidate,) = hub.finder.look().candidates
    with pytest.raises(PluginRefusedError, match="still being imported"):
        await load_aside(candidate, 0.01)

    async with asyncio.timeout(20):
        while "taskhub-import" in str(threading.enumerate()):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.005)
    await asyncio.sleep(0)
    hub.finder.close()
