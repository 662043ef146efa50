"""The counters: they begin at nothing, count, and are read as a copy."""

import msgspec
import pytest

from hub.metrics import Metrics


def test_everything_begins_at_nothing() -> None:
    """A new object has all the hub's counters, at zero, under their names."""
    assert Metrics().snapshot() == {
        "accepted": 0,
        "joined": 0,
        "cached": 0,
        "started": 0,
        "completed": 0,
        "failed": 0,
        "cancelled": 0,
        "sessions": 0,
        "watches": 0,
        "frames_in": 0,
        "frames_out": 0,
        "bytes_out": 0,
        "refused": {},
    }


def test_counting_is_adding() -> None:
    """What was added shows in the snapshot, gauges going down as well."""
    metrics = Metrics()
    metrics.frames_in += 3
    metrics.sessions += 2
    metrics.sessions -= 1
    metrics.refuse("queue_full")
    metrics.refuse("queue_full")
    metrics.refuse("not_found")
    figures = metrics.snapshot()

    assert figures["frames_in"] == 3
    assert figures["sessions"] == 1
    assert figures["refused"] == {"queue_full": 2, "not_found": 1}


def test_a_snapshot_stays_as_it_was() -> None:
    """Counting on changes no snapshot taken before, and it can be encoded."""
    metrics = Metrics()
    metrics.refuse("draining")
    figures = metrics.snapshot()
    encoded = msgspec.json.encode(figures)
    metrics.refuse("draining")
    metrics.accepted += 1

    assert msgspec.json.encode(figures) == encoded


def test_objects_are_apart() -> None:
    """Two hubs in one process do not count for each other."""
    first, second = Metrics(), Metrics()
    first.refuse("draining")

    assert second.snapshot() == Metrics().snapshot()


def test_a_misspelt_counter_is_refused() -> None:
    """A counter that does not exist cannot be counted by mistake."""
    metrics = Metrics()

    with pytest.raises(AttributeError):
        metrics.frame_in = 1  # type: ignore[attr-defined] # what is promised
