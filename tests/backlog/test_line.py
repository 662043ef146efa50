"""Lines: priorities, and how those behind get their share."""

from hub.backlog.line import PRIORITIES, Line
from hub.protocol import frames

HIGH, NORMAL, LOW = range(3)


def filled(*, high: int = 0, normal: int = 0, low: int = 0) -> Line:
    """Return a line of one principal: 1 and on are high, 1001 normal, 2001 low."""
    line = Line()
    for lane, count in enumerate((high, normal, low)):
        for number in range(count):
            line.lanes[lane].add(None, "a", lane * 1000 + number + 1)
    return line


def started(line: Line, count: int, late: int = 0) -> str:
    """Start so many; return the first letters of their priorities."""
    order = ""
    for _ in range(count):
        found = line.take(late)
        assert found is not None
        lane = (found.number - 1) // 1000
        line.lanes[lane].remove(None, found.principal, found.number)
        order += "hnl"[lane]
    return order


def test_each_priority_that_can_be_said_has_a_lane() -> None:
    """What clients may say and what is waited for are the same words."""
    assert frames.PRIORITIES == PRIORITIES
    assert len(Line().lanes) == len(PRIORITIES)


def test_the_more_urgent_goes_first() -> None:
    """High before normal before low, as long as nobody has waited too long."""
    line = filled(high=2, normal=2, low=2)

    assert started(line, 6) == "hhnnll"
    assert line.take(0) is None


def test_of_three_starts_one_is_for_a_late_lane() -> None:
    """Those in a hurry keep two thirds; those behind take turns."""
    line = filled(high=100, normal=100, low=100)

    assert started(line, 12, late=9999) == "hhnhhlhhnhhl"


def test_a_lane_that_is_not_late_has_no_share() -> None:
    """Only who has waited too long goes before others."""
    line = filled(high=100, normal=100, low=100)

    assert started(line, 9, late=1500) == "hhnhhnhhn"


def test_the_share_is_there_when_it_is_needed() -> None:
    """After a long time without anybody late, the first one is next."""
    line = filled(high=100, low=1)
    started(line, 50)

    assert started(line, 3, late=9999) == "lhh"


def test_without_others_a_late_lane_has_everything() -> None:
    """The share is a least, not a most."""
    assert started(filled(low=5), 5, late=9999) == "lllll"


def test_a_place_counts_those_before() -> None:
    """All of higher priority, then those before in one's own lane."""
    line = filled(high=3, normal=4, low=5)

    assert line.position(HIGH, None, "a", 3) == 3
    assert line.position(NORMAL, None, "a", 1001) == 4
    assert line.position(LOW, None, "a", 2005) == 12
