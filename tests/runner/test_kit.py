"""The files of a process."""

import os
from pathlib import Path

import pytest

from hub.runner.kit import WORDS_BYTES, Kit


def taken(_record: bytes) -> None:
    """Take what is printed."""


def count() -> int:
    """Count the files that are open."""
    return len(list(Path("/dev/fd").iterdir()))


async def test_all_is_closed_in_the_end() -> None:
    """The hub's ends here, the process's by whoever passed them on."""
    before = count()
    kit = Kit(taken)
    assert len(kit.theirs) == 4
    os.write(kit.theirs[3], b"Fatal \xff" + b"x" * WORDS_BYTES)

    assert kit.last_words().startswith("Fatal \\xffxxx")
    assert len(kit.last_words()) < WORDS_BYTES + 10
    kit.drain()
    kit.close()
    kit.wire.close()
    for each in kit.theirs:
        os.close(each)
    assert count() == before


async def test_without_files_nothing_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was opened by then is closed again."""

    def fail(_file: int) -> int:
        raise OSError("too many files")

    monkeypatch.setattr(os, "dup", fail)
    before = count()

    with pytest.raises(OSError, match="too many"):
        Kit(taken)

    assert count() == before
