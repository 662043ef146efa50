"""Reading: followers, and the cache for people (`hub.engines.reading`)."""

from msgspec.structs import replace

from tests.engines.doubles import BASE, SHARED
from tests.engines.lab import Lab


async def test_following_twice_is_following_once(lab: Lab) -> None:
    """A follower is marked once for each move, and may stop more than once."""
    task, claim = await lab.begun()
    watcher = lab.follow(task)
    lab.engine.follow(watcher)

    await lab.append(claim, "a")
    lab.engine.unfollow(watcher)
    lab.engine.unfollow(watcher)
    await lab.append(claim, "b")

    assert watcher.heads == [(1, 0)]


async def test_followers_of_one_run_are_apart(lab: Lab) -> None:
    """Who follows one run hears nothing of another."""
    task, claim = await lab.begun()
    other, _ = await lab.begun()
    quiet = lab.follow(other)

    await lab.append(claim, "a")

    assert quiet.heads == []
    assert not lab.follow(task).heads


async def test_only_what_answers_is_listed(lab: Lab) -> None:
    """The list of the cache holds finished runs whose time is not over."""
    await lab.begun(SHARED)
    await lab.done()
    run = (await lab.done(replace(SHARED, flight=b"f", ttl=10.0))).run

    assert lab.engine.cached(None, None) == [run]
    assert lab.engine.cached("test", "do") == [run]
    assert lab.engine.cached("test", "other") == []
    lab.time.pass_by(11)
    assert lab.engine.cached(None, None) == []


async def test_a_cleared_cache_counts_no_loss(lab: Lab) -> None:
    """Clearing is neither an eviction nor an expiration."""
    await lab.done(SHARED)

    assert lab.engine.clear_cache("test", None) == 1

    statistics = lab.engine.cache_statistics()
    assert (statistics.entries, statistics.bytes) == (0, 0)
    assert (statistics.evictions, statistics.expirations) == (0, 0)
    assert (await lab.opened(BASE)).origin == "new"
