"""The conversation: whatever is cut, lost or repeated, each reader learns the truth."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.client.conversation import Cancelling
from hub.client.cursor import Event, Log
from hub.client.following import Following
from hub.errors import NotFoundError
from hub.events import Chunk, Gap, Progress, Reset
from tests.client import model
from tests.client.model import World, accepted

ROUNDS = 120


def output(events: list[Event]) -> tuple[list[int], list[Gap]]:
    """Return what a reader has who forgets when told to; check its order."""
    data, gaps, last = list[int](), list[Gap](), 0
    for event in events:
        if isinstance(event, Reset):
            data, gaps, last = [], [], event.seq
        elif isinstance(event, Gap):
            assert event.first == last + 1 or not last, events
            assert event.why not in ("void", "skipped")
            gaps.append(event)
            last = event.last
        elif isinstance(event, Chunk | Log):
            assert isinstance(event, Chunk)
            assert event.seq == last + 1, events
            last = event.seq
            data.append(event.data)
        else:
            assert isinstance(event, Progress)
    return data, gaps


def settle(world: World) -> None:
    """Let everything come to its end, over a network that works."""
    for log in world.logs.values():
        log.ended = True
    if not world.is_up:
        world.connect()
    for _ in range(10_000):
        world.send()
        world.step()
        if world.flying:
            world.deliver()
        for log in world.logs.values():
            log.ended = True  # of what was accepted only now, too
        for following in world.read:
            world.take(following)
        waiting = any(following.mailbox.size for following in world.read)
        if world.client.is_idle and not world.flying and not waiting:
            return
    raise AssertionError("it never came to an end")


def work(world: World, log: model.Log, chance: random.Random) -> None:
    """Let a task do something."""
    (what,) = chance.choices(
        ["say", "retry", "trim", "rewind", "end"], [15, 2, 1, 0.7, 0.5]
    )
    if what == "say":
        log.say()
        world.progress(log)
    elif what == "retry":
        log.retry()
    elif what == "trim":
        log.floor = chance.randint(log.floor, len(log.entries))
    elif what == "rewind":
        world.rewind(log)
    else:
        log.ended = True


def disturb(world: World, chance: random.Random, *, loses: bool) -> None:
    """Let one thing happen."""
    logs = [log for log in world.logs.values() if not log.ended]
    if logs and chance.random() < 0.4:
        work(world, chance.choice(logs), chance)
    (what,) = chance.choices(
        ["connect", "cut", "repeat", "lose", "take"],
        [10 * (not world.is_up), 1, 2, loses, 6],
    )
    if what == "take":
        world.take(chance.choice(list(world.read)))
    else:
        getattr(world, what)()
    world.send()
    for _ in range(chance.randint(0, 3)):
        world.step()
    while world.flying and chance.random() < 0.8:
        world.deliver()
    world.send()


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    codec=st.sampled_from(["json", "msgpack"]),
    limit=st.sampled_from([1, 150, 1000, 10**6]),
)
def test_every_reader_learns_the_truth(seed: int, codec: str, limit: int) -> None:
    """One task per request; a reader has the last attempt whole, in order, once.

    Whatever was cut, repeated, reset, trimmed or forgotten by the store between, and
    however little may wait for the reader.
    """
    world = World(seed, codec, limit)
    chance = random.Random(seed)
    asked = [world.execute(reads=True, chunks=chance.random() < 0.5) for _ in range(2)]
    lean = world.execute(reads=False)
    for _ in range(ROUNDS):
        disturb(world, chance, loses=False)
    settle(world)

    assert len(world.logs) == 3
    for following in (*asked, lean):
        assert following.is_ended
        assert following.response is not None
        log = world.logs[following.response.task_id]
        assert following.response.result == log.made
    for following in asked:
        log = world.logs[following.task_id or ""]
        data, gaps = output(world.read[following])
        assert [each for each in data if each in log.kept()] == log.kept()
        assert set(data) <= {made for _, made in log.entries[log.last_reset :]}
        assert gaps == [] or log.floor
    assert lean.mailbox.size == 0


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), codec=st.sampled_from(["json", "msgpack"]))
def test_a_hole_is_filled_or_shown(seed: int, codec: str) -> None:
    """What is twice not sent is told as a gap; nothing is ever silently missing."""
    world = World(seed, codec, 10**6)
    chance = random.Random(seed)
    following = world.execute(reads=True, chunks=True)
    for _ in range(ROUNDS):
        disturb(world, chance, loses=True)
    settle(world)

    log = world.logs[following.task_id or ""]
    data, gaps = output(world.read[following])
    told = {seq for gap in gaps for seq in range(gap.first, gap.last + 1)}
    missing = set(log.kept()) - set(data)
    assert len(missing) <= len(told)
    assert {gap.why for gap in gaps} <= {"lost", "trimmed"}


def test_requests_of_one_turn_are_one_message() -> None:
    """As many as fit; none is larger than the hub allows."""
    world = World(1, "json", 1000)
    for _ in range(100):
        world.execute(reads=False)
    world.connect()
    world.deliver()

    messages = world.client.take()

    assert 1 < len(messages) < 10
    assert all(len(message) <= model.FRAME_BYTES for message in messages)
    for message in messages:
        world.hear(message)
    assert len(world.logs) == 100


def test_a_request_is_sent_again_with_its_key() -> None:
    """A connection that is lost before the answer costs nothing: the same task."""
    world = World(1, "msgpack", 1000)
    following = world.execute(reads=False)
    world.connect()
    world.deliver()
    world.send()
    world.cut()
    assert len(world.logs) == 1
    settle(world)

    assert len(world.logs) == 1
    assert following.origin == "existing"
    assert following.is_ended


def test_a_hub_with_another_store_has_lost_the_tasks() -> None:
    """A changed `hub` ends what is followed, as unknown; requests are sent anew."""
    world, following = accepted()
    world.cut()
    world.life = "two"
    late = world.execute(reads=False)
    world.connect()
    world.deliver()

    assert isinstance(following.error, NotFoundError)
    settle(world)
    assert late.is_ended


def test_a_task_that_is_gone_is_not_found() -> None:
    """The hub's own answer is raised, and nothing waits for that task any more."""
    world = World(1, "json", 1000)
    following = Following(task_id="nowhere")
    world.client.begin(following)
    world.connect()
    settle(world)

    assert isinstance(following.error, NotFoundError)


def test_a_wish_to_cancel_survives_the_connection() -> None:
    """It is repeated until it is answered."""
    world, following = accepted()
    cancelling = Cancelling(following.task_id or "")
    world.client.cancel(cancelling)
    world.cut()
    was_done = cancelling.done
    settle(world)

    assert (was_done, cancelling.done) == (False, True)
    assert cancelling.error is None


@pytest.mark.parametrize("answered", [False, True])
def test_an_abandoned_request_is_cancelled(answered: bool) -> None:
    """Whoever stops waiting for the answer leaves no work behind."""
    world = World(1, "json", 1000)
    following = world.execute(reads=False)
    world.connect()
    world.deliver()
    world.send()
    if answered:
        world.deliver()
    world.client.abandon(following)
    settle(world)

    (log,) = world.logs.values()
    assert log.cancelled
    assert world.client.is_settled


def test_what_was_never_sent_is_dropped() -> None:
    """An abandoned request that no hub has seen is never sent."""
    world = World(1, "json", 1000)
    world.client.abandon(world.execute(reads=False))
    settle(world)

    assert world.logs == {}


def test_a_leaving_hub_gets_no_more_requests() -> None:
    """They wait for the next one; the connection is drained when nothing is open."""
    world = World(1, "json", 1000)
    first = world.execute(reads=False)
    world.connect()
    world.deliver()
    world.send()
    world.leave()
    world.deliver()
    second = world.execute(reads=False)
    world.send()
    assert len(world.logs) == 1
    before = world.client.is_drained
    world.logs[first.task_id or ""].ended = True
    world.step()
    world.deliver()

    assert (before, world.client.is_drained) == (False, True)
    world.cut()
    settle(world)
    assert second.is_ended
