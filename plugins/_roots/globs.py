"""Which files of a tree are meant: globs to include, and globs to leave out.

`*.csv` fits a name in any folder; with a slash a glob fits the whole path from where
the walk began: `2024/*.csv`, `**/cache/*`. `**` stands for any folders, none included.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, Self

Parts = tuple[str, ...]

ANY: Final = "**"


class Filter:
    """What a walk yields.

    Args:
        include: A file has to fit one of these; none means every file.
        exclude: What fits one of these is left out; a folder with all that is in it.
    """

    def __init__(
        self, include: Sequence[str] = (), exclude: Sequence[str] = ()
    ) -> None:
        self._include = [_parse(glob) for glob in include]
        self._exclude = [_parse(glob) for glob in exclude]
        self._within: Parts = (ANY,)

    def within(self, glob: str) -> Self:
        """Take only what fits this glob, too; it is one of a whole path."""
        self._within = _split(glob)
        return self

    def takes(self, parts: Parts) -> bool:
        """Whether a file, named from where the walk began, is meant."""
        if self.skips(parts) or not _fits(self._within, parts):
            return False
        return not self._include or any(_fits(glob, parts) for glob in self._include)

    def skips(self, parts: Parts) -> bool:
        """Whether a file or folder is left out."""
        return any(_fits(glob, parts) for glob in self._exclude)


def is_glob(text: str) -> bool:
    """Whether a name has characters that mean others."""
    return any(character in text for character in "*?[")


def _parse(glob: str) -> Parts:
    """Split a glob; one without a slash fits in any folder."""
    parts = _split(glob)
    return parts if "/" in glob.rstrip("/") else (ANY, *parts)


def _split(glob: str) -> Parts:
    return tuple(part for part in glob.split("/") if part not in {"", "."})


def _fits(glob: Parts, parts: Parts) -> bool:
    """Match part by part: `reached` holds how many parts may be used up so far.

    The work is bounded by the product of the two lengths, whatever the glob is.
    """
    reached = {0}
    for piece in glob:
        if piece == ANY:
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {
                at + 1
                for at in reached
                if at < len(parts) and fnmatchcase(parts[at], piece)
            }
        if not reached:
            return False
    return len(parts) in reached
