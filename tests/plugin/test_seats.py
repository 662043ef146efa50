"""Who has which name, among candidates that work and candidates that do not."""

from pathlib import Path

from hub.plugin.contract import PluginBase
from hub.plugin.origin import Origin
from hub.plugin.seats import Seat, denial, owners
from hub.plugin.sources import SEALED, Candidate


def seat(name: str, file: str, cls: type[PluginBase] | None = None) -> Seat:
    """Return the seat of a candidate."""
    candidate = Candidate(
        key=file,
        name=name,
        file=Path(file),
        within=None,
        source="folder",
        origin=Origin(name=name, file=file),
        code=SEALED,
        load=lambda: PluginBase,
    )
    return Seat(candidate=candidate, name=name, cls=cls)


def test_the_first_has_the_name() -> None:
    """Whether it works or not."""
    broken, working, other = seat("a", "1"), seat("a", "2", PluginBase), seat("b", "3")

    assert owners([broken, working, other]) == {"a": broken, "b": other}


def test_a_denial_says_who_has_the_name() -> None:
    """And where the one is that asked, down to the line where there is one."""
    owner, loser, broken = seat("a", "1"), seat("a", "2", PluginBase), seat("a", "3")

    refusal = denial(loser, owner)
    assert (refusal.file, refusal.reason) == ("2", "the name 'a' belongs to 1")
    assert refusal.line
    assert denial(broken, owner).line is None
