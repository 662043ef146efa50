"""Where in a plugin's files something is wrong."""

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path

from hub.errors import PluginRefusedError
from hub.plugin.errors import CommandOptionsError, error_text

REASON_LENGTH = 500
"""A reason is a sentence for people, however long the exception's text is."""


def refused_at(
    thing: type[object] | Callable[..., object], reason: str
) -> PluginRefusedError:
    """Return the refusal of a class or function, with its file and line."""
    file, line = place_of(thing)
    return PluginRefusedError(reason[:REASON_LENGTH], file=file, line=line)


def place_of(thing: type[object] | Callable[..., object]) -> tuple[str, int | None]:
    """Return the file and line of a class or function, as far as they are known."""
    if inspect.isfunction(thing) or inspect.ismethod(thing):
        code = thing.__code__
        return code.co_filename, code.co_firstlineno
    module = inspect.getmodule(thing)
    file = getattr(module, "__file__", None) or getattr(thing, "__module__", "?")
    try:
        return str(file), inspect.findsource(thing)[1] + 1
    # The file may hold another text by now, which is no Python at all.
    except (OSError, TypeError, SyntaxError):
        return str(file), None


def refused_by(
    error: BaseException, *, within: Path, file: Path, line: int | None = None
) -> PluginRefusedError:
    """Return the refusal that an exception of a plugin means.

    Args:
        error: What the plugin raised, or what Python found in it.
        within: The plugin's own file or folder: the last line of the traceback in
            there is to blame.
        file: The file to name where none in the traceback is the plugin's.
        line: The line to name then.
    """
    if isinstance(error, PluginRefusedError):
        return error
    where = _last_place(error, within) or (str(file), line)
    if isinstance(error, SyntaxError) and error.filename is not None:
        where = (error.filename, error.lineno)
    return PluginRefusedError(
        _reason(error)[:REASON_LENGTH], file=where[0], line=where[1]
    )


def _last_place(error: BaseException, within: Path) -> tuple[str, int | None] | None:
    """Return the innermost line of the traceback that is the plugin's own."""
    place = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = frame.f_code.co_filename
        if Path(name).is_relative_to(within):
            place = (name, line)
    return place


def _reason(error: BaseException) -> str:
    """Say what an exception means for who loads the plugin."""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, CommandOptionsError):
        return str(error)
    return error_text(error)
