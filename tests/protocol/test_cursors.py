"""Cursors: what a reader of a task's log is given, whatever happens meanwhile."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.protocol.cursors import Cursor, Step, What
from tests.protocol import client
from tests.protocol.world import Reader, World, last_reset

# Random schedules

ON_LOG: Final = ["say", "say", "commit", "commit", "retry", "forget", "lose"]
ON_READERS: Final = ["step", "step", "step", "drop", "watch", "stranger"]
RARE: Final = ["leave", "crash", "end"]

EVENTS: Final = st.lists(
    st.tuples(
        st.sampled_from(ON_LOG + ON_LOG + ON_READERS + ON_READERS + RARE),
        st.integers(0, 6),
        st.integers(0, 300),
    ),
    min_size=20,
    max_size=60,
)
Event = tuple[str, int, int]


class Schedule:
    """A world and its readers, driven by events."""

    def __init__(self) -> None:
        self.world = World()
        self.readers = [Reader(self.world)]

    def act(self, event: Event) -> None:
        """Let something happen."""
        name, amount, more = event
        if name not in ON_READERS:
            if name not in RARE or more < 100:
                getattr(self.world, name)(amount)
            return
        reader = self.readers[more % len(self.readers)]
        if name == "step":
            reader.step(more, amount)
        elif name == "drop":
            reader.lose_connection()
        elif name == "watch":
            reader.watch(chunks=amount != 0, say_attempt=True)
        else:
            stranger = Reader(self.world, amount, 1 + more % 4)
            stranger.watch(chunks=more % 5 != 0, say_attempt=more % 3 != 0)
            if stranger.inbox == [client.Opened(amount)]:
                # It may go on from there, so from now on it counts as one who was.
                stranger.client.attempt = self.world.attempt_at(amount)
            self.readers.append(stranger)

    def finish(self) -> None:
        """End the task, and let every reader come to the end."""
        self.world.end()
        for reader in self.readers:
            if not reader.connected:
                reader.watch(chunks=True)
            reader.finish()


def check(reader: Reader, world: World) -> None:
    """Check that a reader ended with what stands, or was told what is missing."""
    known = reader.client
    assert known.faults == []
    assert known.results == ([] if reader.behind else [client.Result(world.task.end)])
    standing = {e.seq: e.text for e in world.standing} if world.shown else {}
    told = {seq: gap for gap in known.gaps for seq in range(gap.first, gap.last + 1)}
    given = {chunk.seq: chunk.text for chunk in known.output}
    assert list(given) == sorted(given)
    assert len(given) == len(known.output)
    for seq, text in standing.items():
        if text is None or seq <= known.start:
            continue
        if seq in given:
            assert given.pop(seq) == text
        elif told[seq].why == "skipped":
            assert reader.skipping
        else:
            assert told[seq].why in ("trimmed", "expired")
            assert seq <= world.floor
    assert given == {}, "output that does not stand"


@settings(max_examples=250)
@given(EVENTS)
def test_every_reader_ends_with_what_stands(events: list[Event]) -> None:
    """Whatever happens to a log and to connections, a reader is told the truth.

    It ends with exactly the entries of the last attempt, or explicit gaps for what is
    lost or was not wanted; numbers have no hole; there is one result, nothing after it;
    and it never begins above where it asked to.
    """
    schedule = Schedule()
    for event in events:
        schedule.act(event)
    schedule.finish()

    for reader in schedule.readers:
        check(reader, schedule.world)


# The rungs, one by one


def drained(world: World, cursor: Cursor, budget: int = 10**6) -> list[Step]:
    """Return all that comes for now."""
    steps = []
    while (step := cursor.step(world.task, budget)) is not None:
        steps.append(step)
        if step.what is What.LOAD:
            cursor.last = step.last
    return steps


def opened(
    world: World, after: int = 0, attempt: int | None = None, *, chunks: bool = True
) -> Cursor:
    """Return a cursor that reads on."""
    cursor = Cursor(chunks=chunks)
    cursor.open(world.task, after, attempt)
    return cursor


def a_world(*events: tuple[str, int]) -> World:
    """Return a world where things have happened; what is said is committed."""
    world = World()
    for name, amount in events:
        getattr(world, name)(amount)
        if name in ("say", "retry"):
            world.commit(amount or 1)
    return world


def test_live_output_comes_as_it_is_committed() -> None:
    """A reader at the head gets what comes, and nothing before it is committed."""
    world = a_world(("say", 2))
    cursor = opened(world)

    assert drained(world, cursor) == [Step(What.CHUNKS, 1, 2)]
    world.say(1)
    assert drained(world, cursor) == []
    world.commit(1)
    assert drained(world, cursor) == [Step(What.CHUNKS, 3, 3)]
    world.end()
    assert drained(world, cursor) == [Step(What.RESULT, 4, 4)]
    assert drained(world, cursor) == []
    assert cursor.done


def test_a_page_has_the_size_that_is_asked_for() -> None:
    """A reader with little room gets one chunk at a time, and each is whole."""
    world = a_world(("say", 3))
    cursor = opened(world)

    assert drained(world, cursor, budget=1) == [
        Step(What.CHUNKS, 1, 1),
        Step(What.CHUNKS, 2, 2),
        Step(What.CHUNKS, 3, 3),
    ]


def test_former_attempts_are_one_gap_and_the_last_reset() -> None:
    """A late reader is told in one frame that what came before is void."""
    world = a_world(("say", 2), ("retry", 0), ("say", 1), ("retry", 0), ("say", 1))
    world.end()

    assert drained(world, opened(world)) == [
        Step(What.GAP, 1, 4, "void", 3),
        Step(What.RESET, 5, 5),
        Step(What.CHUNKS, 6, 6),
        Step(What.RESULT, 7, 7),
    ]


def test_what_was_lost_is_a_gap() -> None:
    """A reader knows whether output was trimmed from a running task, or has expired."""
    world = a_world(("say", 4), ("lose", 2))

    assert drained(world, opened(world)) == [
        Step(What.GAP, 1, 2, "trimmed", 1),
        Step(What.CHUNKS, 3, 4),
    ]
    world.end()
    world.lose(9)
    assert drained(world, opened(world, 1, 1)) == [
        Step(What.GAP, 2, 4, "expired", 1),
        Step(What.RESULT, 5, 5),
    ]


def test_a_reset_that_was_lost_is_in_the_gaps_attempt() -> None:
    """The attempt of a gap is that of the entry after it: it may be a reset, too."""
    world = a_world(("say", 1), ("retry", 0), ("say", 2), ("lose", 3))

    assert drained(world, opened(world, 1, 1)) == [
        Step(What.GAP, 2, 3, "trimmed", 2),
        Step(What.CHUNKS, 4, 4),
    ]


def test_what_left_memory_is_loaded() -> None:
    """Old entries are asked of the store, then the newer ones come from memory."""
    world = a_world(("say", 4), ("forget", 2))

    cursor = opened(world)
    step = cursor.step(world.task, 100)
    assert step
    assert (step.what, step.first, cursor.last) == (What.LOAD, 1, 0)
    cursor.last = 2  # what the shell does once it has a page of two
    assert cursor.step(world.task, 1000) == Step(What.CHUNKS, 3, 4)


@pytest.mark.parametrize("forgotten", [0, 9])
def test_who_wants_no_chunks_gets_one_gap_at_the_end(forgotten: int) -> None:
    """With `chunks` false only resets and the result come, the rest is one gap."""
    world = a_world(("say", 2), ("retry", 0))
    cursor = opened(world, chunks=False)
    assert drained(world, cursor)[0] == Step(What.GAP, 1, 2, "void", 2)
    world.say(3)
    world.commit(3)
    assert drained(world, cursor) == []
    world.forget(forgotten)
    world.end()

    assert drained(world, cursor) == [
        Step(What.GAP, 4, 6, "skipped", 2),
        Step(What.RESULT, 7, 7),
    ]


def test_who_wants_no_chunks_loads_none() -> None:
    """A reset that is in the store only brings no chunks along."""
    world = a_world(("say", 2), ("retry", 0), ("say", 3), ("forget", 6))
    world.end()

    steps = drained(world, opened(world, chunks=False))

    assert [step for step in steps if step.what is What.LOAD] in (
        [],
        [Step(What.LOAD, 3, 3)],
    )
    assert [s.why for s in steps if s.what is What.GAP] == ["void", "skipped"]


def test_a_loaded_reset_comes_alone() -> None:
    """A page from the store is chunks or a reset, so that its reader can tell."""
    world = a_world(("say", 2), ("retry", 0), ("say", 3), ("forget", 6))

    steps = drained(world, opened(world))

    assert steps == [
        Step(What.GAP, 1, 2, "void", 2),
        Step(What.LOAD, 3, 3),
        Step(What.LOAD, 4, 6),
    ]


def test_a_ticket_that_left_reads_nothing_above_its_end() -> None:
    """Neither output nor attempts of the run that went on without it are told."""
    world = a_world(("say", 2), ("leave", 0), ("say", 1), ("retry", 0), ("say", 1))

    assert drained(world, opened(world)) == [
        Step(What.CHUNKS, 1, 2),
        Step(What.RESULT, 3, 3),
    ]


@pytest.mark.parametrize("why", ["skipped", "trimmed"])
def test_the_gap_before_an_early_end_is_of_the_tickets_attempt(why: str) -> None:
    """A reader of a ticket that left does not forget its output for a later attempt."""
    world = a_world(("say", 2), ("leave", 0), ("retry", 0), ("say", 1))
    world.lose(2 if why == "trimmed" else 0)

    assert drained(world, opened(world, chunks=why != "skipped")) == [
        Step(What.GAP, 1, 2, why, 1),
        Step(What.RESULT, 3, 3),
    ]


# Where a watch begins


@pytest.mark.parametrize("attempt", [None, 2])
@pytest.mark.parametrize("after", range(7))
def test_a_reader_goes_on_where_it_was(after: int, attempt: int | None) -> None:
    """From any number that the log has, a watch reads exactly from there."""
    world = a_world(("retry", 0), ("say", 5))

    assert Cursor().open(world.task, after, attempt) == after


@pytest.mark.parametrize(
    ("events", "start"),
    [
        ([("say", 5)], 0),
        ([("say", 2), ("retry", 0), ("say", 2)], 2),
        ([("retry", 0), ("say", 4)], 0),
        ([("say", 5), ("end", 0)], 0),
        ([("say", 1), ("retry", 0), ("say", 3), ("end", 0)], 1),
    ],
)
def test_who_knows_more_than_the_log_begins_again(
    events: list[tuple[str, int]], start: int
) -> None:
    """Above the head a watch reads from before the present attempt, as it says."""
    world = a_world(*events)

    for attempt in (None, 1, 2, 9):
        assert Cursor().open(world.task, 8, attempt) == start


@pytest.mark.parametrize(
    ("after", "attempt", "start"),
    [(4, 1, 2), (4, 3, 2), (2, 2, 2), (1, 2, 1), (3, 1, 2), (0, 7, 0)],
)
def test_who_knows_another_attempt_begins_again(
    after: int, attempt: int, start: int
) -> None:
    """An entry of another attempt is not the one that the reader has: it is given
    the present attempt whole, and never begins above where it asked."""
    world = a_world(("say", 2), ("retry", 0), ("say", 3))

    assert Cursor().open(world.task, after, attempt) == start


@pytest.mark.parametrize("attempt", [None, 2])
def test_who_has_the_result_gets_nothing_more(attempt: int | None) -> None:
    """A watch at the head of an ended task is answered, and that is all."""
    world = a_world(("retry", 0), ("say", 1), ("end", 0))
    cursor = Cursor()

    assert cursor.open(world.task, 3, attempt) == 3
    assert cursor.done
    assert cursor.step(world.task, 100) is None


def test_an_end_of_another_attempt_is_read_again() -> None:
    """Who says to have the number of the result from another attempt has it not."""
    world = a_world(("say", 1), ("retry", 0), ("end", 0))
    cursor = Cursor()

    assert cursor.open(world.task, 3, 1) == last_reset(world.entries) - 1
    assert drained(world, cursor)[-1] == Step(What.RESULT, 3, 3)


def test_an_early_end_is_of_the_tickets_attempt() -> None:
    """Who has the result of a ticket that left has it, whatever the run did then."""
    world = a_world(("say", 1), ("leave", 0), ("retry", 0), ("say", 1), ("end", 0))
    cursor = Cursor()

    assert cursor.open(world.task, 2, 1) == 2
    assert cursor.done


def test_a_task_without_output_has_a_result() -> None:
    """A watch of a task that said nothing gets its result, also from 0 when ended."""
    world = a_world(("end", 0))

    assert drained(world, opened(world, 0, 1)) == [Step(What.RESULT, 1, 1)]
