"""Finding plugins in folders and entry points, and the class in a module.

Every `Shelf` (a folder, loaded once) gives its modules private names under a package
of its own, so that several hubs in one process may load the same folder, plugins may
use relative imports within it, and nothing can collide in `sys.modules`.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import itertools
import sys
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Final

from msgspec import Struct

from hub.errors import PluginRefusedError
from hub.plugin.contract import NAME, PluginBase
from hub.plugin.refusal import refused_at, refused_by

ROOT: Final = "taskhub_plugins"
"""The package all modules of plugins are under."""

_EXTENSIONS: Final = importlib.machinery.EXTENSION_SUFFIXES

_shelves = itertools.count(1)
"""Numbers shelves. The one thing shared by hubs of a process, as `sys.modules` is."""


class Found(Struct, frozen=True, kw_only=True):
    """A plugin that was found and not looked into yet.

    Attributes:
        name: The file's, folder's or entry point's name.
        file: What to load.
        folder: The plugin's own folder, where it has one.
    """

    name: str
    file: Path
    folder: Path | None = None


def find_in(path: Path) -> Iterator[Found]:
    """Yield what looks like a plugin in a folder, by name.

    Raises:
        PluginRefusedError: The folder cannot be read.
    """
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise PluginRefusedError(
            f"the folder cannot be read: {error.strerror}", file=str(path)
        ) from None
    for entry in entries:
        main = entry / "main.py"
        if entry.name.startswith(("_", ".")):
            continue
        if entry.suffix == ".py" and entry.is_file():
            yield Found(name=entry.stem, file=entry)
        elif main.is_file():
            yield Found(name=entry.name, file=main, folder=entry)


class Shelf:
    """One folder of plugins.

    Args:
        path: The folder.
        fresh: Whether submodules are compiled as they are now, too, and leave no
            bytecode: while plugins are reloaded.
    """

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path: Path = path
        self._package = f"{ROOT}.shelf{next(_shelves)}"
        self._finder = _FreshFinder(f"{self._package}.") if fresh else None
        self._editions: Counter[str] = Counter()

    def find(self) -> Iterator[Found]:
        """Yield what looks like a plugin, as `find_in` does."""
        return find_in(self.path)

    def load(self, found: Found) -> type[PluginBase]:
        """Import a plugin and return its class.

        A plugin that is loaded again gets modules of its own beside the earlier ones,
        so that what still runs keeps its code.

        Raises:
            PluginRefusedError: It cannot be imported, or holds no plugin.
        """
        self._lay_out()
        self._editions[found.name] += 1
        edition = self._editions[found.name]
        name = f"{self._package}.{found.name}" + (f"#{edition}" if edition > 1 else "")
        within, module = found.folder or found.file, name
        try:
            if found.folder is not None:
                _add_package(name, found.folder)
                module = f"{name}.main"
            return plugin_class(_import(module, found.file))
        # A module may raise anything at all while it is imported, SystemExit included.
        except BaseException as error:
            _take(name)
            raise refused_by(error, within=within, file=found.file) from error

    def close(self) -> None:
        """Forget the modules, so that a later hub loads them anew."""
        _take(self._package)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)

    def _lay_out(self) -> None:
        """Make the packages above the modules."""
        if self._finder is not None and self._finder not in sys.meta_path:
            sys.meta_path.insert(0, self._finder)
        if ROOT not in sys.modules:
            _add_module(ROOT, [])
        if self._package not in sys.modules:
            _add_module(self._package, [str(self.path)])


def forget(cls: type[PluginBase]) -> None:
    """Forget the modules of a plugin of a shelf that nobody runs any more."""
    parts = cls.__module__.split(".")
    if parts[0] == ROOT:
        _take(".".join(parts[:3]))


@contextmanager
def without_modules(package: str) -> Iterator[None]:
    """Let a package be imported anew; what was there returns if that fails."""
    taken = _take(package)
    importlib.invalidate_caches()
    try:
        with without_bytecode():
            yield
    except BaseException:
        _take(package)
        sys.modules.update(taken)
        raise


@contextmanager
def without_bytecode() -> Iterator[None]:
    """Let no import write bytecode: it would hide a change within the same second."""
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes


def _take(package: str) -> dict[str, types.ModuleType]:
    """Take a package out of the modules, with all that is in it."""
    names = [
        name
        for name in sys.modules
        if name == package or name.startswith(f"{package}.")
    ]
    return {name: sys.modules.pop(name) for name in names}


def load_entry_point(entry_point: EntryPoint) -> type[PluginBase]:
    """Return the class an entry point names.

    Raises:
        PluginRefusedError: It cannot be loaded, or is no plugin.
    """
    file = Path(entry_point.module)
    try:
        # A module may raise anything at all while it is imported.
        loaded = entry_point.load()
    except BaseException as error:
        spec = spec_of(entry_point.module)
        if spec is not None and spec.origin is not None:
            file = Path(spec.origin)
        raise refused_by(error, within=file, file=file) from error
    if not inspect.isclass(loaded) or not issubclass(loaded, PluginBase):
        raise PluginRefusedError(
            f"{entry_point.value} is no subclass of PluginBase", file=str(file)
        )
    if inspect.isabstract(loaded):
        raise _abstract(loaded)
    return loaded


def plugin_class(module: types.ModuleType) -> type[PluginBase]:
    """Return the one concrete subclass of `PluginBase` defined in a module.

    Raises:
        PluginRefusedError: There is none, or more than one.
    """
    defined = {
        id(value): value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, PluginBase)
        and value.__module__ == module.__name__
    }.values()
    concrete = [each for each in defined if not inspect.isabstract(each)]
    if len(concrete) > 1:
        names = ", ".join(each.__name__ for each in concrete)
        raise refused_at(concrete[1], f"more than one plugin is defined here: {names}")
    if concrete:
        return concrete[0]
    for each in defined:
        raise _abstract(each)
    raise PluginRefusedError(
        "no subclass of PluginBase is defined here", file=str(module.__file__)
    )


def plugin_name(cls: type[PluginBase], default: str) -> str:
    """Return the plugin's name: the class's, or that of where it was found.

    Raises:
        PluginRefusedError: It is no name.
    """
    name: object = getattr(cls, "name", None)
    if name is None:
        name = default
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise refused_at(cls, f"the name {name!r} does not match {NAME.pattern}")
    return name


def _abstract(cls: type[PluginBase]) -> PluginRefusedError:
    missing = ", ".join(sorted(cls.__abstractmethods__))
    return refused_at(cls, f"{cls.__name__} does not implement {missing}")


class _FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles the file as it is now: a cache would miss a change within a second."""

    def get_code(self, fullname: str) -> types.CodeType | None:
        """Compile the source, and leave no file beside it."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _FreshFinder(importlib.abc.MetaPathFinder):
    """Finds modules under a prefix, as their files are now."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Look into each folder of the package; None for what is not here."""
        if not fullname.startswith(self._prefix):
            return None
        for folder in path or ():
            finder = importlib.machinery.FileFinder(
                folder,
                (importlib.machinery.ExtensionFileLoader, _EXTENSIONS),
                (_FreshLoader, importlib.machinery.SOURCE_SUFFIXES),
            )
            spec = finder.find_spec(fullname)
            # A folder without `__init__.py` has no loader: the usual finders know.
            if spec is not None and spec.loader is not None:
                return spec
        return None


def _import(
    name: str, file: Path, package: list[str] | None = None
) -> types.ModuleType:
    """Execute a file as a module of that name."""
    spec = importlib.util.spec_from_file_location(
        name,
        file,
        loader=_FreshLoader(name, str(file)),
        submodule_search_locations=package,
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _add_package(name: str, folder: Path) -> None:
    """Make a folder a package, with its `__init__.py` where it has one."""
    importlib.invalidate_caches()  # files may have been written a moment ago
    init = folder / "__init__.py"
    if init.is_file():
        _import(name, init, [str(folder)])
    else:
        _add_module(name, [str(folder)])


def _add_module(name: str, path: list[str]) -> None:
    """Enter an empty package."""
    spec = importlib.machinery.ModuleSpec(name, loader=None, is_package=True)
    spec.submodule_search_locations = path
    sys.modules[name] = importlib.util.module_from_spec(spec)


def spec_of(module: str) -> importlib.machinery.ModuleSpec | None:
    """Return where a module would be loaded from, if it can be found."""
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
