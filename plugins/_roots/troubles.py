"""What goes wrong with a path, said to people."""

import errno
import os

from hub import TaskError

TEXTS = {
    "no_roots": (
        "No folder is open to this plugin yet. Name one in the configuration file of "
        "the hub and start it again:\n\n[plugin.{plugin}]\n"
        'roots = ["/path/to/folder"]\n'
    ),
    "unknown_root": (
        "“{path}” begins with no root; a path begins with the name of one: {names}"
    ),
    "outside_roots": "“{path}” leads out of the roots, which are: {names}",
    "bad_path": "“{path}” is no path: {why}",
    "root_gone": "The root “{path}” is not there any more: {why}",
    "not_found": "“{path}” does not exist",
    "symlink": "“{path}” is a symbolic link, and these are not followed",
    "is_folder": "“{path}” is a folder, and a file was expected",
    "not_folder": "“{path}” is no folder",
    "not_a_file": "“{path}” is no regular file but a {why}, which is not opened",
    "unreadable": "“{path}” cannot be read: {why}",
    "too_deep": "“{path}” lies deeper than {why} folders and was not entered",
    "binary": "“{path}” is no text: {why}",
    "changed": "“{path}” changed while it was read",
}
"""By the code that the error carries."""

CODES = {
    errno.ENOENT: "not_found",
    errno.ELOOP: "symlink",
    errno.ENAMETOOLONG: "bad_path",
    errno.ENOTDIR: "not_folder",
}
"""By what the system says."""

SHOWN = 200
"""How much of a path an error repeats."""


def shown(name: str) -> str:
    """Return a name of the disk as text; bytes that are no UTF-8 are written out."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def trouble(code: str, path: str, *, passing: bool = False, **more: str) -> TaskError:
    """Make the error to raise for a trouble.

    Args:
        code: One of `TEXTS`.
        path: As the caller knows it.
        passing: Whether trying again may help.
        **more: What else the sentence names.
    """
    said = path if len(path) <= SHOWN else f"{path[:SHOWN]}…"
    text = TEXTS[code].format(path=said, **more)
    return TaskError(text, code=code, retry=passing, detail={"path": said})


def from_os(error: OSError, path: str) -> TaskError:
    """Say what the system said about a path."""
    code = CODES.get(error.errno or 0, "unreadable")
    return trouble(code, path, why=os.strerror(error.errno or 0).lower())
