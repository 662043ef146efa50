"""A hub for the pages' examples, with the README's plugin, and shells that reach it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tests.blackbox.server import HubProcess
from tests.docs import pages
from tests.docs.shell import ADDRESS, Shell


class MakeShell(Protocol):
    """Opens a shell, in which words of a page mean other ones."""

    def __call__(self, words: Mapping[str, str] | None = None) -> Shell:
        """Open it."""


HEARTBEAT_S = "0.3"
"""Short, so that the hub's own ping can be seen."""


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """Start a hub that has the README's plugin; Ctrl-C must end it cleanly."""
    folder = tmp_path_factory.mktemp("docs")
    mine = folder / "mine"
    mine.mkdir()
    (plugin, *_) = (
        block.text for block in pages.blocks("README.md") if block.language == "python"
    )
    (mine / "greeter.py").write_text(plugin, "utf-8")
    started = HubProcess(
        folder / "data",
        plugins=[mine],
        environ={"TASKHUB__TIMING__HEARTBEAT_S": HEARTBEAT_S},
    )
    started.start()
    yield started
    started.stop()


@pytest.fixture
def make_shell(
    hub: HubProcess, tmp_path: Path, debian_packages: Callable[..., None]
) -> Iterator[MakeShell]:
    """Give a function that opens a shell, in which words of a page mean other ones."""
    if not shutil.which("curl"):
        debian_packages("curl")
    opened: list[Shell] = []

    def make(words: Mapping[str, str] | None = None) -> Shell:
        here = {ADDRESS: f"127.0.0.1:{hub.port}", **(words or {})}
        opened.append(Shell(tmp_path, here))
        return opened[-1]

    yield make
    for shell in opened:
        shell.close()
