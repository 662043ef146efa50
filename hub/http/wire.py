"""The short way past ASGI, where the server offers one.

A server puts an object of this kind into the scope's extensions; the application then
takes messages by a call and sends them without a coroutine. It still goes through the
handshake, the routes and the guard, and hears of the disconnect, by ASGI.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, runtime_checkable

WIRE: Final = "taskhub.wire"
"""The name of the extension."""


@runtime_checkable
class Wire(Protocol):
    """One WebSocket connection."""

    def attach(self, receiver: Callable[[str | bytes], None]) -> None:
        """Hand messages to a function from now on, those that wait first."""

    def pause(self) -> None:
        """Read nothing more for now."""

    def resume(self) -> None:
        """Read again."""

    def blocked(self) -> Coroutine[Any, Any, None] | None:
        """Return what to await before a message would be taken; None where one is."""

    def write(self, data: str | bytes) -> Coroutine[Any, Any, None] | None:
        """Send one message; None where it was taken, else what to await until it is."""
