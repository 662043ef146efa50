"""Roots with their neighbours, calls that fail, and whether a process is there."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from plugins.files.main import Files

SECRET = "secret of the neighbour"


def make_root(parent: Path) -> Path:
    """Make a root with two files, and a neighbour with a secret."""
    inside = parent / "data"
    (inside / "sub").mkdir(parents=True)
    (inside / "a.txt").write_text("inside")
    (inside / "sub" / "b.txt").write_text("deeper")
    outside = parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(SECRET)
    return inside


def refuse(
    monkeypatch: pytest.MonkeyPatch, module: object, function: str, name: str
) -> None:
    """Have a call of the system refuse one name, as it does for who is not root."""
    real: Callable[..., object] = getattr(module, function)

    def call(*args: object, **more: object) -> object:
        if args[0] == name:
            raise PermissionError(13, "Permission denied")
        return real(*args, **more)

    monkeypatch.setattr(module, function, call)


def make_texts(parent: Path) -> Path:
    """Make a root with text, something binary, and a folder in it."""
    root = parent / "data"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_text("one\ntwo needle three\nneedle needle\n")
    (root / "b.bin").write_bytes(b"\x7fELF\0needle")
    (root / "sub" / "c.txt").write_text("Über die Nadel\nÜBER NEEDLE\r\n")
    return root


def started(table: dict[str, object]) -> Files:
    """Start the plugin as the hub would."""
    files = Files()
    asyncio.run(files.initialize(table))
    return files


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
