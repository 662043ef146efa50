"""taskhub: what plugin authors, and programs that embed the hub, import.

Names are resolved on first use, so that importing the package starts nothing.
"""

from importlib import import_module
from typing import Any, Final

from hub.version import VERSION

__version__ = VERSION

_HOMES: Final = {
    "AsyncHub": "hub.client.hub",
    "Chunk": "hub.events",
    "ConnectionLost": "hub.client.errors",
    "Gap": "hub.events",
    "Hub": "hub.client.sync",
    "Log": "hub.client.cursor",
    "Plugin": "hub.plugin.typed",
    "PluginBase": "hub.plugin.contract",
    "Progress": "hub.events",
    "Reset": "hub.events",
    "Retry": "hub.plugin.errors",
    "TaskCancelled": "hub.client.errors",
    "TaskContext": "hub.plugin.context",
    "TaskError": "hub.plugin.errors",
    "TaskFailed": "hub.client.errors",
    "TaskResponse": "hub.tasks",
    "TaskStatus": "hub.tasks",
    "command": "hub.plugin.command",
    "create_app": "hub.app",
    "current_task": "hub.plugin.context",
}
"""In which module each name of the face is at home."""

__all__ = sorted(_HOMES)  # noqa: PLE0605  # one list of names, above


def __getattr__(name: str) -> Any:  # whatever the name stands for
    """Resolve a name of the face on first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'hub' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the face."""
    return [*__all__, "__version__"]
