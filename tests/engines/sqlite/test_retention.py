"""Retention: what leaves the file when its time is over, or when there is no room."""

import pytest
from msgspec.structs import replace

from hub.cache import LRUTTL
from hub.engines.base import Bounds
from hub.runs import Run
from hub.tasks import TaskStatus
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, SHARED, outcome, words_of
from tests.engines.sqlite.conftest import stored
from tests.engines.sqlite.faults import Faults


async def test_expired_work_leaves_the_file(make_lab: MakeLab) -> None:
    """Runs, tickets, keys and chunks go, and nothing that is still wanted."""
    lab = await make_lab(bounds=Bounds(retention_s=100.0))
    _, running = await lab.begun(replace(BASE, key="r"))
    await lab.append(running, "r")
    shared = replace(SHARED, ttl=50.0)
    for n in range(3):
        await lab.done(replace(shared, key=str(n), flight=bytes([n])), "a", "b")
    await lab.opened(replace(shared, key="cached", flight=b"\0"))
    tables = ("runs", "tasks", "keys", "chunks")

    await lab.tick(101)
    await lab.tick(2)
    await lab.opened(replace(BASE, key="last"))

    counts = {
        table: stored(lab.folder, f"SELECT count(*) FROM {table}")[0][0]
        for table in tables
    }
    assert counts == {"runs": 2, "tasks": 0, "keys": 2, "chunks": 1}
    assert await lab.read(await lab.known(running.run.id)) == ["r"]


async def test_a_key_is_free_again_at_once(make_lab: MakeLab, faults: Faults) -> None:
    """A key whose task expires may be used in the very transaction that drops it."""
    lab = await make_lab(bounds=Bounds(retention_s=100.0))
    old = await lab.done(replace(BASE, key="k"))
    watcher = lab.follow(old)
    faults.hold()
    other = lab.ask()
    await faults.held()
    lab.time.pass_by(101)
    lab.engine.expire()
    await lab.until(lambda: watcher.gone)

    asked = lab.ask(replace(BASE, key="k"))
    faults.release()
    await lab.until(lambda: asked.done() and other.done())

    assert words_of([asked.result(), other.result()]) == ["new", "new"]


async def test_the_file_is_bounded(make_lab: MakeLab) -> None:
    """Over its bound logs leave the file, the oldest first; ends and tickets stay."""
    lab = await make_lab(bounds=Bounds(store_bytes=1_000_000, tail_bytes=0))
    text = "x" * 100_000
    tasks = [await lab.done(BASE, text) for _ in range(30)]

    for _ in range(5):
        await lab.tick(2)
    await lab.opened()

    ((kept,),) = stored(lab.folder, "SELECT sum(length(body)) FROM chunks")
    assert kept <= 1_000_000
    newest = await lab.known(tasks[-1].id)
    assert await lab.read(newest) == [text]
    oldest = await lab.known(tasks[0].id)
    assert oldest.status is TaskStatus.COMPLETED
    assert await lab.read(oldest) == []


async def test_every_ticket_learns_that_a_log_is_lost(make_lab: MakeLab) -> None:
    """A log that made room is a gap for whoever reads it, by whichever ticket."""
    lab = await make_lab(bounds=Bounds(store_bytes=500_000, tail_bytes=0))
    first, claim = await lab.begun(SHARED)
    second = (await lab.opened(SHARED)).task
    await lab.append(claim, "x" * 100_000)
    await lab.finish(claim)
    lab.engine.clear_cache(None, None)
    await lab.tick()
    fetched = await lab.known(second.id)
    watcher = lab.follow(fetched)

    for _ in range(10):
        await lab.done(BASE, "y" * 100_000)
    for _ in range(5):
        await lab.tick(2)
    await lab.opened()

    for task in (fetched, await lab.known(first.id), await lab.known(second.id)):
        # A reader is told why there is nothing, and not that the task is gone.
        assert await lab.load(task, 0) == []
        assert task.run.log.floor == task.end - 1 == 1
        assert task.status is TaskStatus.COMPLETED
    assert watcher.gone == 0


async def test_a_file_that_is_full_of_running_work_refuses(make_lab: MakeLab) -> None:
    """What goes on is kept; new work is refused until something may go."""
    lab = await make_lab(bounds=Bounds(store_bytes=300_000))
    task, claim = await lab.begun()
    await lab.append(claim, "x" * 400_000)
    for _ in range(3):
        await lab.tick(2)

    error = await lab.refused()
    await lab.finish(claim)
    for _ in range(5):
        await lab.tick(2)

    assert error.code == "storage_full"
    assert (await lab.opened()).origin == "new"
    assert (await lab.known(task.id)).status is TaskStatus.COMPLETED


async def test_then_whole_runs_go(make_lab: MakeLab) -> None:
    """Where no log is left to drop, the oldest runs go, and their keys with them."""
    lab = await make_lab(bounds=Bounds(store_bytes=200_000, tail_bytes=0))
    result = b'"' + b"x" * 20_000 + b'"'
    tasks = [
        await lab.done(replace(BASE, key=str(n)), how=outcome(result=result))
        for n in range(30)
    ]

    for _ in range(10):
        await lab.tick(2)
    await lab.opened()

    assert await lab.find(tasks[0].id) is None
    assert (await lab.known(tasks[-1].id)).outcome == tasks[-1].outcome
    assert (await lab.opened(replace(BASE, key="0"))).origin == "new"
    assert (await lab.opened(replace(BASE, key="29"))).origin == "existing"


async def test_a_cached_log_is_not_dropped(make_lab: MakeLab) -> None:
    """A log is pinned while its cache entry lives; others make room in its stead."""
    lab = await make_lab(bounds=Bounds(store_bytes=500_000, tail_bytes=0))
    await lab.done(SHARED, "x" * 100_000)
    for _ in range(10):
        await lab.done(BASE, "y" * 100_000)
    for _ in range(5):
        await lab.tick(2)

    cached = await lab.opened(SHARED)

    assert cached.origin == "cached"
    assert await lab.read(cached.task) == ["x" * 100_000]


async def test_a_look_is_a_bounded_piece_of_work(
    make_lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is cached, a look at what has expired walks the cache once."""
    lab = await make_lab(bounds=Bounds(retention_s=10.0))
    for n in range(20):
        await lab.done(replace(SHARED, flight=bytes([n]), ttl=1000.0))
    walks: list[int] = []
    real = LRUTTL.items

    def counting(cache: LRUTTL[bytes, Run]) -> list[tuple[bytes, Run]]:
        walks.append(len(cache))
        return real(cache)

    monkeypatch.setattr(LRUTTL, "items", counting)
    lab.time.pass_by(11)
    lab.engine.expire()
    await lab.find("nobody")

    assert len(walks) <= 2
