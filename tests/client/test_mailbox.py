"""What waits for a reader."""

from hub.client.cursor import Event
from hub.client.mailbox import Mailbox
from tests.client.test_cursor import chunk, reset
from tests.client.test_show import progress


def drained(box: Mailbox) -> list[Event]:
    """Take everything."""
    found = []
    while (event := box.pop()) is not None:
        found.append(event)
    return found


def test_events_are_taken_in_order() -> None:
    """And their bytes with them."""
    box = Mailbox(10)
    box.put(chunk(1), 6)
    assert (box.has_room(4), box.has_room(5), box.is_low) == (True, False, False)
    box.put(chunk(2), 4)

    assert drained(box) == [chunk(1), chunk(2)]
    assert (box.size, box.is_low) == (0, True)


def test_one_event_always_has_room() -> None:
    """Else one that is larger than the limit would never be read."""
    assert Mailbox(1).has_room(10_000)


def test_progress_waits_once() -> None:
    """The latest wins, at its place in the order."""
    box = Mailbox()
    box.put(progress(0.1), 50)
    box.put(chunk(1), 5)
    box.put(progress(0.2), 50)
    box.put(progress(0.3), 50)

    assert box.size == 5
    assert drained(box) == [chunk(1), progress(0.3)]


def test_a_reset_voids_what_waits() -> None:
    """Nobody has to read what is to be forgotten; progress is no output."""
    box = Mailbox()
    box.put(chunk(1), 5)
    box.put(progress(0.1), 0)
    box.put(reset(2, 2), 3)
    box.put(chunk(3), 5)

    assert box.size == 8
    assert drained(box) == [progress(0.1), reset(2, 2), chunk(3)]
