"""The page about the command line is what the program does."""

import re
from collections.abc import Iterator

import pytest

from hub.cli.exits import Exit
from tests.blackbox.server import HubProcess
from tests.cli.programs import Terminal
from tests.docs import pages
from tests.docs.conftest import MakeShell

PAGE = "docs/command-line.md"
BLOCKS = pages.blocks(PAGE)


@pytest.fixture
def terminal(hub: HubProcess) -> Iterator[Terminal]:
    """Run what stands above the picture, in a terminal."""
    started = Terminal(hub.url, ["run", "demo.rows"])
    yield started
    started.close()


def test_the_consoles_say_what_is_printed(make_shell: MakeShell) -> None:
    """Every command of every console works, in the page's order."""
    shell = make_shell()

    for block in BLOCKS:
        if block.language == "console":
            shell.try_block(block.text, block.place)


def test_the_picture_is_what_a_terminal_shows(terminal: Terminal) -> None:
    """The table grows above the bar."""
    (picture,) = [block.text for block in BLOCKS if block.language == "text"]
    *table, bar = picture.splitlines()

    terminal.shows(re.escape("\n".join(table)))
    terminal.shows(r"demo\.rows ━+.━+ +\d+% 0:00:0\d \d+/20")
    assert re.fullmatch(r"demo\.rows ━+.━+  10% 0:00:00 2/20", bar)
    assert terminal.ended() == Exit.OK


def test_every_exit_code_is_listed() -> None:
    """Each code of the program is in the table, and no other."""
    tables = pages.read(PAGE).rpartition("| exit code | meaning |")[2]
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", tables, re.MULTILINE)}

    assert listed == {code.value for code in Exit}


def test_every_command_has_its_section() -> None:
    """The list at the top leads to each."""
    headings = re.findall(r"^## (taskhub \w+)$", pages.read(PAGE), re.MULTILINE)
    listed = re.findall(r"^\| \[`(taskhub \w+)`\]", pages.read(PAGE), re.MULTILINE)

    assert headings == listed
