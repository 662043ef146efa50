"""What has become of each candidate, and who has which name.

A seat outlives the looks: a plugin that is broken now keeps the class it had before,
so that the hub goes on serving it. Nothing here imports, starts or logs anything.
"""

from collections.abc import Iterable

from msgspec import Struct

from hub.errors import PluginRefusedError
from hub.plugin.contract import PluginBase
from hub.plugin.refusal import place_of
from hub.plugin.report import Refusal
from hub.plugin.sources import Candidate


# eq=False: a seat is one thing, not a value; it is known by its identity.
class Seat(Struct, kw_only=True, eq=False):
    """A candidate, and how far it has come.

    Attributes:
        candidate: As it was when its code was loaded last.
        name: The plugin's name, as far as it is known.
        cls: The last class that could be loaded; None where none could.
        unfit: Whether that class could not be started.
        trouble: Why the code is not served as it is now, where it is not.
        denied: Why it does not have its name, where another one has.
    """

    candidate: Candidate
    name: str
    cls: type[PluginBase] | None = None
    unfit: bool = False
    trouble: Refusal | None = None
    denied: Refusal | None = None


def owners(seats: Iterable[Seat]) -> dict[str, Seat]:
    """Give each name to the first seat that has it, broken or not."""
    owned: dict[str, Seat] = {}
    for seat in seats:
        owned.setdefault(seat.name, seat)
    return owned


def denial(seat: Seat, owner: Seat) -> PluginRefusedError:
    """Return why a seat does not have the name that it asks for."""
    line = None if seat.cls is None else place_of(seat.cls)[1]
    return PluginRefusedError(
        f"the name {seat.name!r} belongs to {owner.candidate.file}",
        file=str(seat.candidate.file),
        line=line,
    )
