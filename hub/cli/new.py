"""``taskhub new``: write the beginning of something."""

from pathlib import Path
from typing import Final

import click

from hub.cli import templates
from hub.cli.output import put_line
from hub.plugin.contract import NAME

TAKEN: Final = {
    "conftest": "pytest would take its file for its own",
    "main": "its file would make a plugin of the whole folder",
}
"""Names that would be taken for something else, and for what."""


@click.group()
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
    for path, template in files.items():
        _write(path, template.substitute(words))
        put_line(f"wrote {path}")
    put_line("\nTest it, and serve it while you change it:")
    put_line("  python -m pytest")
    put_line("  taskhub serve --reload --plugins .")


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
    if reason is not None:
        raise click.UsageError(f"a plugin cannot be called {name!r}: {reason}")


def _write(path: Path, text: str) -> None:
    """Write a new file.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise click.UsageError(
            f"{path} cannot be written: {error.strerror or error}"
        ) from None
