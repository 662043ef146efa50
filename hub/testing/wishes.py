"""What a test asks a hub for: plugins to load, and how a command is to be run."""

import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypedDict

from msgspec import Struct

from hub.auth import LOCAL
from hub.errors import PluginRefusedError
from hub.plugin.contract import PluginBase
from hub.plugin.loading import Shelf, find_in, plugin_name
from hub.plugin.origin import Origin, origin_of
from hub.plugin.sources import SEALED, Candidate
from hub.testing.points import Point

What = type[PluginBase] | Path | str
"""A plugin's class, its file or folder, or a folder of plugins."""

Priority = Literal["high", "normal", "low"]
CacheUse = Literal["use", "refresh", "off"]

_NAMED: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Wishes(TypedDict, total=False):
    """The attributes of `Options`, as they are given."""

    key: str | None
    deadline: float | None
    priority: Priority
    cache: CacheUse
    trace: str | None
    locale: str
    principal: str
    cancel_at: Point | None
    kill_at: Point | None


class Options(Struct, frozen=True, kw_only=True):
    """How a command is to be run.

    Attributes:
        key: Idempotency key.
        deadline: Seconds from acceptance to the end.
        priority: high, normal or low.
        cache: use, refresh or off.
        trace: W3C traceparent.
        locale: The caller's language.
        principal: The caller's name.
        cancel_at: The point at which the task is cancelled.
        kill_at: The point at which the hub dies, and comes back.
    """

    key: str | None = None
    deadline: float | None = None
    priority: Priority = "normal"
    cache: CacheUse = "use"
    trace: str | None = None
    locale: str = "en"
    principal: str = LOCAL.name
    cancel_at: Point | None = None
    kill_at: Point | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: Both points are given, or a command is to be cancelled that
                has returned already.
        """
        if self.cancel_at is not None and self.kill_at is not None:
            raise ValueError("a task is cancelled at a point, or its hub is killed")
        if self.cancel_at is not None and self.cancel_at.what == "finish":
            raise ValueError("a command that has returned cannot be cancelled")


class Given:
    """The plugins that a test hands over.

    Args:
        things: What it hands over.

    Attributes:
        folders: Folders of plugins among it.
    """

    def __init__(self, things: tuple[What, ...]) -> None:
        self.folders: tuple[Path, ...] = ()
        self._shelves: list[Shelf] = []
        self.candidates: tuple[Candidate, ...] = tuple(self._all(things))

    @property
    def name(self) -> str:
        """The name of the first plugin; empty where there is none."""
        if not self.candidates:
            return ""
        first = self.candidates[0]
        try:
            return plugin_name(first.load(), first.name)
        except PluginRefusedError:
            return first.name  # it will be refused when the hub loads it

    def close(self) -> None:
        """Forget the modules of what was loaded from files."""
        for shelf in self._shelves:
            shelf.close()

    def _all(self, things: tuple[What, ...]) -> Iterator[Candidate]:
        for what in things:
            if inspect.isclass(what):
                yield _of_class(what)
                continue
            path = Path(str(what)).absolute()
            if path.is_dir() and not (path / "main.py").is_file():
                self.folders = (*self.folders, path)
            else:
                yield self._of_file(path)

    def _of_file(self, path: Path) -> Candidate:
        """Return the candidate of a plugin's file or folder.

        Raises:
            FileNotFoundError: There is no plugin.
        """
        for found in find_in(path.parent):
            if path in (found.file, found.folder):
                shelf = Shelf(path.parent)
                self._shelves.append(shelf)
                return Candidate(
                    key=str(found.file),
                    name=found.name,
                    file=found.file,
                    within=found.folder or found.file,
                    source="folder",
                    origin=origin_of(path.parent, found),
                    code=SEALED,
                    # Once: a hub that comes back has the same class.
                    load=functools.cache(functools.partial(shelf.load, found)),
                )
        raise FileNotFoundError(f"{path} is no plugin's file or folder")


def _of_class(cls: type[PluginBase]) -> Candidate:
    """Return the candidate that a class is."""
    name = getattr(cls, "name", None) or _NAMED.sub("_", cls.__name__).lower()
    file = inspect.getsourcefile(cls) or cls.__module__
    return Candidate(
        key=f"{cls.__module__}:{cls.__qualname__}",
        name=name,
        file=Path(file),
        within=None,
        source="entry point",
        origin=Origin(
            name=name, file=str(file), entry=f"{cls.__module__}:{cls.__qualname__}"
        ),
        code=SEALED,
        load=lambda: cls,
    )
