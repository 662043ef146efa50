"""What is kept, for how long, and what goes first when there is no room."""

from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.errors import OutputTooLargeError
from hub.runs import Origin
from hub.tasks import TaskStatus
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, SHARED, outcome, piece
from tests.engines.lab import Lab

DAY = Bounds(retention_s=100.0)


async def test_a_task_lives_its_time_from_its_end(make_lab: MakeLab) -> None:
    """Record, log and key stay for the retention time; then the id is unknown."""
    lab = await make_lab(bounds=DAY)
    request = replace(BASE, key="k")
    lab.time.pass_by(50)
    task = await lab.done(request, "one")

    await lab.tick(99)
    kept = await lab.known(task.id)
    assert await lab.read(kept) == ["one"]
    assert (await lab.opened(request)).origin == "existing"
    await lab.tick(2)

    assert await lab.find(task.id) is None
    again = await lab.opened(request)
    assert (again.origin, again.task.id == task.id) == ("new", False)


async def test_what_has_not_ended_is_never_dropped(make_lab: MakeLab) -> None:
    """Waiting and running tasks stay, however old they are."""
    lab = await make_lab(bounds=DAY)
    running, claim = await lab.begun(replace(BASE, key="r"))
    await lab.append(claim, "one")
    waiting = (await lab.opened()).task

    await lab.tick(100_000)

    assert await lab.known(running.id) is running
    assert await lab.known(waiting.id) is waiting
    await lab.finish(claim)
    await lab.tick(50)
    assert await lab.read(await lab.known(running.id)) == ["one"]


async def test_a_cached_ticket_lives_from_its_own_end(make_lab: MakeLab) -> None:
    """A ticket that was answered later is kept longer, and its log with it."""
    lab = await make_lab(bounds=DAY)
    request = replace(SHARED, ttl=90.0)
    first = await lab.done(request, "one")
    await lab.tick(80)
    later = (await lab.opened(replace(request, key="k"))).task
    assert later.origin == Origin.CACHED

    await lab.tick(60)

    found = await lab.known(later.id)
    assert await lab.read(found) == ["one"]
    assert (await lab.opened(replace(SHARED, key="k"))).task.id == later.id
    await lab.tick(50)
    assert await lab.find(later.id) is None
    assert await lab.find(first.id) is None


async def test_a_cached_run_outlives_its_tickets(make_lab: MakeLab) -> None:
    """A log is pinned while its cache entry lives: it answers, whole."""
    lab = await make_lab(bounds=DAY)
    request = replace(SHARED, ttl=1000.0)
    await lab.done(request, "one", "two")
    await lab.tick(500)

    opened = await lab.opened(request)
    await lab.tick(1)

    assert opened.origin == "cached"
    found = await lab.known(opened.task.id)
    assert await lab.read(found) == ["one", "two"]
    await lab.tick(50)
    assert await lab.find(opened.task.id) is not None
    if lab.kind.durable:
        await lab.restart()
        again = await lab.known(opened.task.id)
        assert await lab.read(again) == ["one", "two"]


async def test_who_reads_hears_that_a_task_is_gone(make_lab: MakeLab) -> None:
    """A ticket that goes while somebody follows tells them, once."""
    lab = await make_lab(bounds=DAY)
    task = await lab.done()
    watcher = lab.follow(task)

    await lab.tick(101)
    await lab.until(lambda: watcher.gone)
    await lab.tick(10)

    assert watcher.gone == 1
    assert await lab.find(task.id) is None


async def test_early_ends_are_kept_like_others(make_lab: MakeLab) -> None:
    """A ticket that left a run that goes on is known for its time."""
    lab = await make_lab(bounds=DAY)
    _, claim = await lab.begun(SHARED)
    joined = (await lab.opened(SHARED)).task
    await lab.append(claim, "one")
    await lab.leave(joined)
    await lab.append(claim, "two")

    await lab.tick(90)

    found = await lab.known(joined.id)
    assert (found.status, found.end) == (TaskStatus.CANCELLED, 2)
    assert await lab.read(found) == ["one"]


async def test_memory_is_bounded_whatever_ends(make_lab: MakeLab) -> None:
    """Work of many times the bound can be done, one run after the other."""
    lab = await make_lab(
        bounds=Bounds(memory_bytes=200_000, tail_bytes=100_000, retention_s=1e6)
    )
    text = "x" * 20_000

    for _ in range(30):
        await lab.done(BASE, text)
        lab.engine.expire()

    assert (await lab.opened()).origin == "new"


async def test_logs_go_first_the_oldest_first(make_lab: MakeLab) -> None:
    """Short of room, old logs leave memory, then old tickets; the newest stay."""
    lab = await make_lab(bounds=Bounds(memory_bytes=60_000, tail_bytes=60_000))
    tasks = [await lab.done(replace(BASE, key=str(n)), "x" * 10_000) for n in range(10)]

    await lab.tick()

    assert tasks[0].run.log.size == 0
    assert tasks[9].run.log.size > 10_000
    for task in tasks:
        found = await lab.known(task.id)
        assert found.outcome == task.outcome
        if lab.kind.durable:
            assert await lab.read(found) == ["x" * 10_000]
        elif task is tasks[0]:
            # The reader is told of a gap up to here, then gets the result.
            assert (found.run.log.floor, found.end) == (1, 2)


async def test_then_tickets_go_the_oldest_first(make_lab: MakeLab) -> None:
    """With no log left to drop, the oldest tickets make room."""
    lab = await make_lab(bounds=Bounds(memory_bytes=30_000, tail_bytes=30_000))
    tasks = [await lab.done() for _ in range(40)]

    await lab.tick()

    newest = await lab.find(tasks[-1].id)
    oldest = await lab.find(tasks[0].id)
    assert newest is tasks[-1]
    if lab.kind.durable:
        # Memory is only the front: it comes back as it was.
        assert oldest is not None
        assert oldest is not tasks[0]
        assert (oldest.outcome, oldest.end) == (tasks[0].outcome, tasks[0].end)
    else:
        assert oldest is None


async def test_a_full_store_refuses_and_recovers(make_lab: MakeLab) -> None:
    """Where running work alone fills memory, the largest ends and new work waits."""
    lab = await make_lab(
        bounds=Bounds(memory_bytes=40_000, tail_bytes=40_000, max_log_bytes=2**20)
    )
    small, its = await lab.begun()
    large, claim = await lab.begun()
    text = "x" * 5_000
    refused = False
    for _ in range(40):
        try:
            lab.engine.append(claim, [piece(text)])
        except OutputTooLargeError:
            refused = True
            break
    assert refused
    assert (await lab.refused()).code == "storage_full"
    await lab.append(its, "a small one goes on")
    await lab.finish(claim, outcome(TaskStatus.FAILED))
    await lab.tick()

    assert (await lab.opened()).origin == "new"
    await lab.append(its, "and on")
    assert await lab.read(small) == ["a small one goes on", "and on"]
    assert large.status is TaskStatus.FAILED


# The cache.


async def test_a_cached_answer_has_its_time(lab: Lab) -> None:
    """An entry answers until its ttl is over, and says until when."""
    task = await lab.done(replace(SHARED, ttl=60.0))
    run = task.run
    assert run.cached_at == lab.time.wall()
    assert run.expires_at == lab.time.wall() + 60

    lab.time.pass_by(59.9)
    assert (await lab.opened(SHARED)).origin == "cached"
    lab.time.pass_by(0.2)

    assert (await lab.opened(SHARED)).origin == "new"


async def test_the_cache_is_bounded_by_entries(make_lab: MakeLab) -> None:
    """The least recently used entry goes, and its like is run again."""
    lab = await make_lab(bounds=Bounds(cache_entries=2))
    a, b, c = (replace(SHARED, flight=name) for name in (b"a", b"b", b"c"))
    await lab.done(a)
    await lab.done(b)
    assert (await lab.opened(a)).origin == "cached"
    await lab.done(c)

    assert (await lab.opened(b)).origin == "new"
    assert (await lab.opened(a)).origin == "cached"
    statistics = lab.engine.cache_statistics()
    assert (statistics.entries, statistics.evictions) == (2, 1)
    assert (statistics.hits, statistics.misses) == (2, 4)


async def test_the_cache_is_bounded_by_bytes(make_lab: MakeLab) -> None:
    """Log, result and params count; what is too large is not cached."""
    lab = await make_lab(bounds=Bounds(cache_bytes=20_000))
    a, b, c = (replace(SHARED, flight=name) for name in (b"a", b"b", b"c"))
    await lab.done(a, "x" * 9_000)
    await lab.done(b, how=outcome(result=b'"' + b"x" * 9_000 + b'"'))
    assert (await lab.opened(b)).origin == "cached"
    assert lab.engine.cache_statistics().bytes <= 20_000
    await lab.done(c, "x" * 30_000)
    assert (await lab.opened(a)).origin == "new"

    assert (await lab.opened(c)).origin == "new"
    assert lab.engine.cache_statistics().bytes <= 20_000


async def test_the_cache_can_be_cleared(lab: Lab) -> None:
    """All, a plugin's or a command's entries are listed, and dropped on demand."""
    runs = []
    for plugin, command in (("p", "a"), ("p", "b"), ("q", "a")):
        request = replace(
            SHARED, plugin=plugin, command=command, flight=f"{plugin}{command}".encode()
        )
        runs.append((await lab.done(request)).run)

    assert lab.engine.cached(None, None) == runs
    assert lab.engine.cached("p", None) == runs[:2]
    assert lab.engine.cached("p", "b") == [runs[1]]
    assert lab.engine.clear_cache("p", "a") == 1
    assert lab.engine.cached(None, None) == runs[1:]
    assert lab.engine.clear_cache(None, "a") == 1
    assert lab.engine.clear_cache("x", None) == 0
    assert lab.engine.clear_cache(None, None) == 1
    assert lab.engine.cache_statistics().entries == 0


async def test_expired_entries_are_swept(make_lab: MakeLab) -> None:
    """Entries that nobody asks for any more leave by and by."""
    lab = await make_lab(bounds=Bounds(cache_sweep=2))
    for n in range(5):
        await lab.done(replace(SHARED, flight=bytes([n]), ttl=10.0))
    lab.time.pass_by(11)

    lab.engine.expire()
    assert lab.engine.cache_statistics().entries == 3
    lab.engine.expire()
    lab.engine.expire()

    assert lab.engine.cache_statistics().entries == 0
    assert lab.engine.cache_statistics().expirations == 5
