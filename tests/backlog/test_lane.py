"""Lanes: turns by principal, and limits that hold nobody else up."""

from hub.backlog.lane import Lane, Limit, Part


def drained(lane: Lane, limit: Limit | None = None) -> list[int]:
    """Start everything that can be started; return the order."""
    order = []
    while (found := lane.next()) is not None:
        lane.served(found.principal)
        lane.remove(limit, found.principal, found.number)
        order.append(found.number)
    return order


def test_principals_take_turns() -> None:
    """Who comes with one run does not wait for another's thousand."""
    lane = Lane()
    for number in range(1000):
        lane.add(None, "a", number)
    lane.add(None, "b", 1000)

    assert drained(lane)[:4] == [0, 1000, 1, 2]


def test_a_principal_keeps_its_own_order() -> None:
    """Older runs go first, in whatever order they came to the lane."""
    lane = Lane()
    for number in (5, 2, 9, 1):
        lane.add(None, "a", number)

    assert drained(lane) == [1, 2, 5, 9]


def test_who_was_served_stands_behind_the_others() -> None:
    """Also one who leaves the lane and comes back."""
    lane = Lane()
    lane.add(None, "a", 1)
    lane.add(None, "b", 2)
    lane.served("a")
    lane.remove(None, "a", 1)
    lane.add(None, "a", 3)
    lane.served("nobody")

    assert drained(lane) == [2, 3]


def test_a_full_limit_is_passed_over() -> None:
    """However many wait for it, the next of others is found; it keeps its turn."""
    lane, limit = Lane(), Limit(1, running=1)
    for number in range(100):
        lane.add(limit, "a", number)
    lane.add(None, "a", 100)
    lane.add(None, "b", 101)

    assert lane.oldest() == 100
    assert drained(lane) == [100, 101]
    assert lane.oldest() is None
    limit.running = 0
    assert lane.oldest() == 0
    assert drained(lane, limit) == list(range(100))


def test_places_count_whole_rounds() -> None:
    """Before one's third run stand two of everybody, if they have as many."""
    lane = Lane()
    for principal, numbers in {"a": (1, 4, 5, 8), "b": (2,), "c": (3, 6, 7)}.items():
        for number in numbers:
            lane.add(None, principal, number)
    parts = lane.parts(None)

    before = {number: lane.before(parts, "a", number) for number in (1, 4, 5, 8)}
    assert before == {1: 0, 4: 3, 5: 5, 8: 7}
    assert [lane.before(parts, "c", number) for number in (3, 6, 7)] == [2, 4, 6]
    assert lane.before(parts, "b", 2) == 1
    assert lane.size(parts) == 8


def test_what_cannot_start_counts_for_itself_alone() -> None:
    """A run at its limit sees those of its own command before it, others do not."""
    lane, limit = Lane(), Limit(1, running=1)
    for number in range(10):
        lane.add(limit, "a", number)
    lane.add(None, "a", 10)

    assert lane.before(lane.parts(None), "a", 10) == 0
    assert lane.before(lane.parts(limit), "a", 7) == 7
    assert lane.parts(Limit(0)) == ()


def test_an_empty_lane_remembers_nobody() -> None:
    """Principals come and go; the lane keeps nothing of them."""
    lane = Lane()
    limits = [Limit(1), None]
    for number in range(1000):
        for limit in limits:
            lane.add(limit, f"visitor {number}", number)
    for number in range(1000):
        for limit in limits:
            lane.remove(limit, f"visitor {number}", number)

    kept = {name: value for name, value in vars(lane).items() if value}
    assert set(kept) == {"_turn"}


def test_a_part_is_open_until_its_limit_is_reached() -> None:
    """The limit says so; without one it always is."""
    limit = Limit(2, running=1)
    part, free = Part(limit), Part(None)

    assert part.open
    limit.running = 2
    assert limit.full
    assert (part.open, free.open) == (False, True)
