"""Admission under every schedule: what is being committed is not built upon."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.errors import HubError
from hub.runs import Mood, Opened, Task
from tests.engines.desk import Desk
from tests.engines.doubles import BASE, SHARED
from tests.engines.schedules import Checker, Step, steps

KEYED = replace(SHARED, key="k")
OFF = replace(SHARED, cache="off")


def test_a_key_is_known_from_its_commit_on() -> None:
    """Until then those who come with it wait; then they get the same task."""
    desk = Desk()
    desk.submit(KEYED, KEYED, replace(KEYED, command="x"))
    assert desk.words == []

    desk.engine.commit()

    assert desk.words == ["new", "existing", "key_conflict"]


def test_a_flight_is_open_from_its_commit_on() -> None:
    """Who could share a run waits for its commit, and is recorded in turn."""
    desk = Desk()
    desk.submit(SHARED, SHARED)
    desk.engine.commit(1)
    assert desk.words == ["new"]

    desk.engine.commit()

    assert desk.words == ["new", "joined"]
    assert desk.task(0).run is desk.task(1).run


@pytest.mark.parametrize("key", ["k", None])
def test_what_is_refused_leaves_nothing(key: str | None) -> None:
    """Neither key, nor flight, nor place in the queue, nor weight."""
    desk = Desk(queued=1)
    request = replace(SHARED, key=key)
    desk.submit(request)
    desk.engine.refuse()

    desk.submit(request)
    desk.engine.commit()

    assert desk.words == ["storage_full", "new"]
    assert len(vars(desk.engine)["_shelf"].tasks) == 1


def test_who_waited_for_what_is_refused_goes_on() -> None:
    """They are decided anew: the first of them begins a run of its own."""
    desk = Desk()
    desk.submit(KEYED, KEYED, SHARED)

    desk.engine.refuse()
    desk.engine.commit()

    assert desk.words[0] == "storage_full"
    assert sorted(desk.words[1:]) == ["joined", "new"]
    runs = {answer.task.run for answer in desk.answers if isinstance(answer, Opened)}
    assert len(runs) == 1


def test_a_refused_run_gives_its_slot_back() -> None:
    """The next one that waits is claimed in its stead, the refused one never."""
    desk = Desk(slots=1)
    desk.submit(BASE)
    desk.engine.refuse()

    task = desk.opened(BASE)

    assert [claim.run for claim in desk.worker.accepted] == [task.run]


def test_a_refused_run_that_was_claimed_meanwhile_never_runs() -> None:
    """Its claim is void, and the slot takes the next."""
    desk = Desk()
    desk.submit(BASE)
    desk.engine.claim(BASE.queue, 1)
    desk.engine.refuse()
    desk.engine.commit()
    assert desk.worker.accepted == []

    task = desk.opened(BASE)

    assert [claim.run for claim in desk.worker.accepted] == [task.run]


def test_a_refused_run_that_was_closing_gives_its_slot_back() -> None:
    """Also where its deadline passed before the store had said no."""
    desk = Desk(slots=1)
    desk.submit(replace(BASE, deadline_ms=1000))
    desk.time.pass_by(2)
    desk.engine.expire()
    desk.engine.refuse()
    desk.engine.commit()

    task = desk.opened(BASE)

    assert [claim.run for claim in desk.worker.accepted] == [task.run]
    assert desk.worker.revoked == []


def test_a_refused_run_that_left_the_queue_gives_no_slot() -> None:
    """A deadline in the queue, then a refusal: nothing is counted twice."""
    desk = Desk(queued=1)
    desk.submit(replace(BASE, deadline_ms=1000))
    desk.time.pass_by(2)
    desk.engine.expire()
    desk.engine.refuse()
    desk.engine.commit()

    desk.submit(BASE, BASE)
    desk.engine.commit()

    assert desk.words[0] == "storage_full"
    assert sorted(desk.words[1:]) == ["new", "queue_full"]
    assert desk.worker.accepted == []


@pytest.mark.parametrize("claimed", [0, 1])
def test_what_closes_before_its_commit_is_not_joined(claimed: int) -> None:
    """A deadline may pass while a run is being recorded; nobody joins it then."""
    desk = Desk(slots=claimed)
    desk.submit(replace(SHARED, deadline_ms=1000))
    desk.time.pass_by(2)
    desk.engine.expire()
    desk.submit(SHARED)
    desk.engine.commit()

    assert desk.words == ["new", "new"]
    assert desk.task(0).run is not desk.task(1).run
    assert len(desk.worker.revoked) == claimed


def test_a_refused_joiner_keeps_no_run_going() -> None:
    """Its run stops when everybody else has left meanwhile."""
    desk = Desk(slots=1)
    task = desk.opened(SHARED)
    desk.submit(SHARED)
    desk.engine.leave(task, "cancelled", lambda _: None)

    desk.engine.refuse()
    desk.engine.commit()

    (claim,) = desk.worker.accepted
    assert desk.words == ["new", "storage_full"]
    assert desk.worker.revoked == [claim]
    assert task.run.mood is Mood.CLOSING


def test_a_refused_joiner_of_a_waiting_run_ends_it() -> None:
    """A run that waits and that nobody wants is not begun."""
    desk = Desk()
    task = desk.opened(SHARED)
    desk.submit(SHARED)
    desk.engine.leave(task, "cancelled", lambda _: None)

    desk.engine.refuse()
    desk.engine.commit()
    desk.engine.claim(BASE.queue, 1)

    assert task.run.mood is Mood.ENDED
    assert desk.worker.accepted == []


def test_a_refused_joiner_leaves_others_alone() -> None:
    """A run that is wanted goes on."""
    desk = Desk(slots=1)
    task = desk.opened(SHARED)
    desk.submit(SHARED)

    desk.engine.refuse()

    assert desk.worker.revoked == []
    assert task.run.tasks == [task]


def test_a_cached_ticket_that_was_refused_never_was() -> None:
    """Shown in one message, then forgotten: its key begins anew."""
    desk = Desk(slots=1)
    task = desk.opened(SHARED)
    desk.finish(desk.worker.accepted[0])
    desk.engine.commit()
    desk.submit(replace(KEYED, room=2**16))
    shown = desk.task()
    desk.submit(KEYED)

    desk.engine.refuse()
    desk.engine.commit()

    again = desk.task()
    assert desk.words == ["new", "cached", "cached"]
    assert shown.run is again.run is task.run
    assert again.id != shown.id
    found: list[Task | HubError | None] = []
    desk.engine.find(shown.id, found.append)
    assert found == [None]


def test_what_is_alone_disturbs_nobody() -> None:
    """A run with `cache: off` neither opens nor closes a flight for others."""
    desk = Desk()
    desk.submit(OFF, SHARED)
    desk.engine.commit(1)
    desk.submit(SHARED, OFF)
    desk.engine.commit(1)

    desk.engine.commit()

    assert desk.words == ["new", "new", "new", "joined"]
    assert desk.task(1).run is desk.task(3).run


def test_the_store_is_asked_once_for_a_key() -> None:
    """Those who come with a key that only the store knows wait for one look."""
    desk = Desk()
    old = desk.opened(KEYED)
    engine = desk.engine
    vars(engine)["_keys"].clear()
    engine.stored = {("local", "k"): old, ("local", "gone"): None}

    desk.submit(KEYED, KEYED, *[replace(BASE, key="gone")] * 2)
    assert engine.looks == [("local", "k"), ("local", "gone")]
    engine.look()
    engine.commit()

    assert desk.words == ["new", "existing", "existing", "new", "existing"]
    assert desk.task(1) is desk.task(2) is old


# Every schedule.


@given(st.lists(steps, max_size=40))
def test_no_schedule_breaks_a_promise(schedule: list[Step]) -> None:
    """One run a flight, one task a key, an answer and an end for everybody."""
    checker = Checker()
    for kind, what in schedule:
        checker.step(kind, what)
    checker.settle()
