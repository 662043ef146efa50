"""The README is true: what it shows is what a visitor sees."""

import re
import shlex
import subprocess
from pathlib import Path

import httpx
import pytest

from hub.version import VERSION
from tests.blackbox.server import HubProcess
from tests.docs import pages
from tests.docs.conftest import MakeShell
from tests.docs.shell import ADDRESS

PAGE = "README.md"
BLOCKS = pages.blocks(PAGE)


def of(language: str) -> list[pages.Block]:
    """Return the README's blocks of one language."""
    return [block for block in BLOCKS if block.language == language]


def test_every_block_is_tried() -> None:
    """A block is of a kind that a test of this file, or pytest itself, tries."""
    assert {block.language for block in BLOCKS} == {"console", "python", "sh", "text"}


def test_the_consoles_say_what_is_printed(
    hub: HubProcess, make_shell: MakeShell, tmp_path: Path
) -> None:
    """Every command of every console works, in the README's order.

    The program for a client is saved as the README says.
    """
    shell = make_shell()
    (program,) = (block for block in of("python") if block.section == "From Python")
    address = f"127.0.0.1:{hub.port}"
    (tmp_path / "greet.py").write_text(program.text.replace(ADDRESS, address), "utf-8")

    for block in of("console"):
        shell.try_block(block.text, block.place)


@pytest.mark.parametrize("block", of("sh"), ids=lambda block: block.place)
def test_the_chores_are_targets_of_the_makefile(block: pages.Block) -> None:
    """`make serve` runs the hub, with the options it is given, `make test` the tests.

    Nothing is executed: a test that ran all tests would never end.
    """
    for line in block.text.splitlines():
        program, *words = shlex.split(line)
        assert program == "make"
        target = words[0]
        dry = subprocess.run(
            ["make", "--dry-run", *words],
            cwd=pages.ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        expected = {"serve": "taskhub serve", "test": "-m pytest"}[target]
        options = [word.removeprefix("ARGS=") for word in words[1:]]
        assert " ".join([expected, *options]) in dry.stdout


def test_the_start_is_announced_as_printed(hub: HubProcess) -> None:
    """The lines under `make serve` are those of a hub with the bundled plugins."""
    (block,) = of("text")
    first, *offers = block.text.splitlines()

    assert first == f"taskhub {VERSION} on http://127.0.0.1:8765"
    hub.wait_line("^  weather ")
    assert [line for line in offers if line not in hub.lines] == []


def test_the_page_is_there_with_what_is_to_be_pressed(hub: HubProcess) -> None:
    """The hub serves the page, and it has the button that the README names."""
    buttons = re.findall(r"\*\*(.+?)\*\*", pages.section(PAGE, "### From the page"))

    with hub.http() as http:
        page = http.get("/")
        words = http.get("/js/texts.js").text
    assert page.status_code == httpx.codes.OK
    assert buttons
    assert [button for button in buttons if button not in words] == []


def test_the_plugin_has_ten_lines() -> None:
    """The first plugin is short enough to be typed."""
    code = [line for line in of("python")[0].text.splitlines() if line.strip()]

    assert len(code) <= 10


def test_the_plugin_is_offered(hub: HubProcess) -> None:
    """The hub finds the plugin in a folder, under the name of its file."""
    hub.wait_line(r"^  greeter \S* \(folder\): hello$")


def test_the_doctest_can_be_found() -> None:
    """Pytest runs the lines with prompts; the empty line ends what is expected."""
    prompts = [block for block in of("python") if ">>>" in block.text]

    assert prompts
    assert all(block.text.endswith("\n\n") for block in prompts)
