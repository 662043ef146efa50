"""What holds for every page of the documentation."""

import json
import re
import tomllib

import pytest

from tests.docs import pages

DECISIONS = sorted((pages.ROOT / "docs" / "decisions").glob("*.md"))
TRIED = {
    "README.md": {"console", "python", "sh", "text"},
    "docs/README.md": set[str](),
    "docs/architecture.md": {"mermaid", "text"},
    "docs/bundled-plugins.md": {"json", "sh", "toml"},
    "docs/client.md": {"python", "text"},
    "docs/command-line.md": {"console", "text"},
    "docs/operations.md": {"console", "json", "sh"},
    "docs/protocol.md": {"console", "json", "python"},
}
"""The kinds of blocks on each page that a test of that page tries."""


@pytest.mark.parametrize("page", pages.OURS)
def test_each_block_is_of_a_kind_that_is_tried(page: str) -> None:
    """A new kind of block needs a test that tries it; what is JSON or TOML parses."""
    found = pages.blocks(page)

    assert {block.language for block in found} == TRIED[page]
    for block in found:
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)


def test_the_index_names_every_page() -> None:
    """`docs/README.md` leads to each page of the folder."""
    index = pages.read("docs/README.md")
    there = {path.name for path in (pages.ROOT / "docs").glob("*.md")} - {"README.md"}

    assert there == set(re.findall(r"\]\(([\w-]+\.md)\)", index))


def test_links_into_pages_have_their_headings() -> None:
    """A link to a section leads to a heading of that page."""
    broken = []
    for page in pages.OURS:
        text = pages.read(page)
        for target, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", text):
            file = (pages.ROOT / page).parent / target if target else pages.ROOT / page
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            slugs = {
                re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings
            }
            broken += [] if anchor in slugs else [f"{page}: {target}#{anchor}"]

    assert broken == []


def test_decisions_are_numbered_and_short() -> None:
    """One number after the other, the same parts, about half a page."""
    numbers = [int(path.name[:4]) for path in DECISIONS]

    assert numbers == list(range(1, len(numbers) + 1))
    for number, path in zip(numbers, DECISIONS, strict=True):
        text = path.read_text("utf-8")
        parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert text.startswith(f"# {number}. ")
        assert parts[:3] == ["Context", "Decision", "Consequences"], path.name
        assert len(text.split()) < 450, path.name
