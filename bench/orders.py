"""The order that the client gives to the plain send loop."""

from msgspec import Struct


class SendOrder(Struct, frozen=True, kw_only=True):
    """Send `template` to every socket, `count` times, `hz` times a second."""

    hz: int
    count: int
    template: str
