"""``taskhub new``: write the beginning of something."""

import keyword
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from hub.cli import templates
from hub.cli.commands import Group
from hub.cli.output import put
from hub.plugin.contract import NAME

TAKEN: Final = {
    "hub": "its file would stand in the way of taskhub itself",
    "conftest": "pytest would take its file for its own",
    "main": "its file would make a plugin of the whole folder",
}
"""Names that would be taken for something else, and for what."""
NEXT: Final = """
Test it, and serve it while you change it:
  python -m pytest
  taskhub serve --reload --plugins .
"""


@click.group(cls=Group)
def command() -> None:
    """Write the beginning of something."""


@command.command()
@click.argument("name")
@click.option(
    "--classic", is_flag=True, help="In the classic style: five methods and dicts."
)
def plugin(name: str, *, classic: bool) -> None:
    """Write NAME.py and tests/test_NAME.py in this folder; they work as they are."""
    _check(name)
    source = templates.CLASSIC if classic else templates.TYPED
    test = templates.CLASSIC_TEST if classic else templates.TYPED_TEST
    files = {Path(f"{name}.py"): source, Path("tests", f"test_{name}.py"): test}
    for path in files:
        if path.exists():
            raise click.UsageError(f"{path} is there already; nothing was written")
    words = {"name": name, "class_": name.title().replace("_", "")}
    _write({path: each.substitute(words) for path, each in files.items()})
    put("".join(f"wrote {path}\n" for path in files) + NEXT)


def _check(name: str) -> None:
    """Refuse what cannot be a plugin's name.

    Raises:
        UsageError: It cannot; the text says why.
    """
    if not NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} is no name of a plugin: lower-case letters, digits and _ only, "
            "a letter first, 64 at most"
        )
    reason = TAKEN.get(name)
    if name.startswith("test_"):
        reason = "pytest would take its file for a test"
    elif keyword.iskeyword(name):
        reason = "that is a word of Python's, and no module can be imported by it"
    elif name in sys.stdlib_module_names:
        reason = "its file would stand in the way of Python's own module of that name"
    if reason is not None:
        raise click.UsageError(f"a plugin cannot be called {name!r}: {reason}")


def _write(files: Mapping[Path, str]) -> None:
    """Write new files: all of them, or none.

    Raises:
        UsageError: They cannot be written.
    """
    made: list[Path] = []
    path = Path()
    try:
        for path, text in files.items():
            if not path.parent.exists():
                path.parent.mkdir()
                made.append(path.parent)
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
    except OSError as error:
        for each in reversed(made):
            each.rmdir() if each.is_dir() else each.unlink()
        raise click.UsageError(
            f"{path} cannot be written: {error.strerror or error}; nothing was written"
        ) from None
