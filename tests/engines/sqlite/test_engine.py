"""The engine with a file: what was shown is in the file, whatever happens to it."""

import sqlite3

from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.engines.sqlite import rows
from hub.engines.sqlite.engine import KEEP_BYTES, SPILL_BYTES, SqliteEngine
from hub.engines.sqlite.folder import DATABASE
from hub.runs import Mood, Opened
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, SHARED, outcome, piece, tasks_of, words_of
from tests.engines.lab import Lab
from tests.engines.sqlite.conftest import Query
from tests.engines.sqlite.faults import Faults


def sqlite_of(lab: Lab) -> SqliteEngine:
    """Return the lab's engine, as what it is."""
    assert isinstance(lab.engine, SqliteEngine)
    return lab.engine


SAME = (
    *("id", "principal", "origin", "created_at", "key", "deadline_ms", "priority"),
    *("cache", "trace", "end", "early", "outcome", "status", "head", "attempt"),
)
"""What a task still says when it was fetched again."""

# Append, then deliver.


async def test_a_task_is_in_the_file_when_it_is_opened(lab: Lab, look: Query) -> None:
    """At the moment of the answer a second connection finds run, ticket and key."""
    await lab.begun(SHARED)
    seen: list[tuple[str, bool, bool]] = []

    def answer(opened: object) -> None:
        assert isinstance(opened, Opened)
        task = opened.task
        table = "runs" if opened.origin == "new" else "tasks"
        ticket = look(f"SELECT count(*) FROM {table} WHERE id = ?", task.id)
        digest = rows.digest("local", task.key or "")
        key = look("SELECT task FROM keys WHERE digest = ?", digest)
        seen.append((opened.origin, ticket == [(1,)], key == [(task.id,)]))

    lab.engine.submit(replace(BASE, key="a"), answer)
    lab.engine.submit(replace(SHARED, key="b"), answer)
    await lab.opened()

    assert seen == [("new", True, True), ("joined", True, True)]


async def test_an_entry_is_in_the_file_when_the_mark_comes(
    lab: Lab, look: Query
) -> None:
    """At each mark a second connection finds every entry up to the head."""
    task, claim = await lab.begun()
    watcher = lab.follow(task)
    seen: list[tuple[int, int, list[object]]] = []

    def mark() -> None:
        place = look("SELECT max(place) FROM chunks")[0][0] or 0
        ends = look("SELECT state, head FROM runs")
        seen.append((task.head, place & rows.MOST_ENTRIES, ends))

    watcher.on_move = mark
    for batch in (["a"], ["b", "c"], ["d"]):
        await lab.append(claim, *batch)
    await lab.finish(claim)

    assert [head for head, *_ in seen] == [1, 3, 4, 5]
    assert all(place >= head for head, place, _ in seen[:-1])
    assert seen[-1] == (5, 4, [(rows.STATES[Mood.ENDED], 4)])


async def test_an_early_end_is_in_the_file_when_it_is_told(
    lab: Lab, look: Query
) -> None:
    """Who leaves hears of it when the file says so, the first task or another."""
    task, _ = await lab.begun(SHARED)
    second, third = tasks_of(await lab.answers([SHARED] * 2))
    await lab.leave(task)
    assert look("SELECT early_end FROM runs") == [(1,)]

    await lab.leave(second)
    assert look("SELECT early_end FROM tasks WHERE id = ?", second.id) == [(1,)]
    assert look("SELECT state, why FROM runs") == [(1, None)]

    await lab.leave(third)
    assert look("SELECT state, why FROM runs") == [(2, "cancelled")]


async def test_nothing_is_shown_before_its_commit(lab: Lab, faults: Faults) -> None:
    """While a transaction waits no answer, no entry and no end is told."""
    task, claim = await lab.begun(SHARED)
    watcher = lab.follow(task)
    faults.hold()

    asked = [lab.ask(replace(BASE, key="k")), lab.ask(SHARED)]
    lab.engine.append(claim, [piece("a")])
    lab.engine.finish(claim, lab.stamped(outcome()))
    await faults.held()
    told = list(watcher.heads)
    before = ([each.done() for each in asked], task.head, told, task.outcome)
    again = lab.ask(replace(BASE, key="k"))
    faults.release()
    await lab.until(lambda: task.end and again.done())

    assert before == ([False, False], 0, [], None)
    assert words_of([each.result() for each in asked]) == ["new", "joined"]
    assert words_of([again.result()]) == ["existing"]


async def test_a_resend_waits_for_an_answer_that_is_being_recorded(
    lab: Lab, faults: Faults, look: Query
) -> None:
    """Only who takes all or nothing may see a cached ticket before the file has it."""
    await lab.done(SHARED)
    request = replace(SHARED, key="k", room=2**16)
    faults.hold()

    first = lab.ask(request)
    again = lab.ask(request)
    await faults.held()
    before = (first.done(), again.done())
    faults.release()
    await lab.until(again.done)

    assert before == (True, False)
    assert words_of([first.result(), again.result()]) == ["cached", "existing"]
    assert look("SELECT count(*) FROM tasks") == [(1,)]


# Group commit.


async def test_what_waits_shares_a_transaction(lab: Lab, faults: Faults) -> None:
    """64 submits that wait for one commit are committed together."""
    engine = sqlite_of(lab)
    commits, statements = engine.commits, engine.statements
    faults.hold()
    first = lab.ask()
    await faults.held()

    asked = [lab.ask(replace(BASE, key=str(n))) for n in range(64)]
    faults.release()
    await lab.until(lambda: all(each.done() for each in [first, *asked]))

    assert engine.commits - commits == 2
    assert engine.statements - statements == 1 + 2 * 64


async def test_a_durable_task_costs_few_statements(lab: Lab) -> None:
    """A task that a free slot takes is one insert and one update."""
    engine = sqlite_of(lab)
    await lab.done()
    before = engine.statements

    await lab.done(BASE)

    assert engine.statements - before == 2
    assert engine.commits <= engine.statements


# Memory is only the front.


async def test_a_long_log_leaves_memory_while_it_runs(lab: Lab) -> None:
    """A running run keeps its newest output in memory, and all of it in the file."""
    task, claim = await lab.begun()
    text = "x" * 50_000
    for n in range(50):
        await lab.append(claim, f"{n}{text}")

    log = task.run.log
    assert log.base > 0
    assert log.size <= SPILL_BYTES
    assert log.head - log.base >= KEEP_BYTES // 60_000
    assert await lab.read(task) == [f"{n}{text}" for n in range(50)]
    await lab.finish(claim)
    assert await lab.read(task, 3) == [f"{n}{text}" for n in range(3, 50)]
    assert task.end == 51


async def test_what_left_memory_comes_back_the_same(make_lab: MakeLab) -> None:
    """Tickets, keys, ends and logs are fetched again by who asks for them."""
    lab = await make_lab(bounds=Bounds(tail_bytes=0))
    task, claim = await lab.begun(replace(SHARED, key="k", trace="t", locale="zh-CN"))
    joined = (
        await lab.opened(replace(SHARED, key="j", priority="low", deadline_ms=9_000))
    ).task
    left = (await lab.opened(SHARED)).task
    await lab.append(claim, "a", "b")
    await lab.leave(left)
    await lab.append(claim, "c")
    await lab.finish(claim)
    cached = (await lab.opened(replace(SHARED, key="c"))).task
    everyone = [task, joined, left, cached]

    await lab.tick()

    for old in everyone:
        new = await lab.known(old.id)
        assert new is not old
        for name in SAME:
            assert getattr(new, name) == getattr(old, name), name
        expected = replace(old.run.request, room=0)
        assert new.run.request == expected
        assert (new.run.started_at, new.run.cached_at, new.run.expires_at) == (
            old.run.started_at,
            old.run.cached_at,
            old.run.expires_at,
        )
        assert new.run.log.chunks == 3
        assert await lab.read(new) == ["a", "b", "c"][: old.end - 1]
    for key, old in (("k", task), ("j", joined), ("c", cached)):
        again = await lab.opened(replace(SHARED, key=key))
        assert (again.origin, again.task.id) == ("existing", old.id)
    conflict = await lab.refused(replace(SHARED, key="k", command="x"))
    assert conflict.code == "key_conflict"


async def test_who_reads_keeps_a_task_in_memory(make_lab: MakeLab) -> None:
    """A task that is followed is not fetched anew; its watcher hears of no loss."""
    lab = await make_lab(bounds=Bounds(tail_bytes=0))
    task = await lab.done(BASE, "a")
    watcher = lab.follow(task)

    await lab.tick()

    assert await lab.known(task.id) is task
    assert watcher.gone == 0
    assert await lab.read(task) == ["a"]
    lab.engine.unfollow(watcher)
    await lab.tick()
    assert await lab.known(task.id) is not task


async def test_coming_and_going_weighs_nothing(make_lab: MakeLab) -> None:
    """However often a task is fetched and dropped, memory is counted right."""
    lab = await make_lab(bounds=Bounds(tail_bytes=0))
    result = b'"' + b"x" * 10_000 + b'"'
    task = await lab.done(BASE, "a", how=outcome(result=result))

    await lab.tick()
    first = sqlite_of(lab)._shelf.bytes
    for _ in range(5):
        await lab.known(task.id)
        assert sqlite_of(lab)._shelf.bytes > 10_000
        await lab.tick()

    assert sqlite_of(lab)._shelf.bytes == first == 0


async def test_the_head_is_the_limit_of_what_is_loaded(lab: Lab) -> None:
    """What the file has but readers may not see yet is not loaded, either."""
    task, claim = await lab.begun()
    await lab.append(claim, "a")
    # As between a commit and its callback.
    (row,) = rows.pack_pieces(task.run.number, [piece("b")], 2)
    connection = sqlite3.connect(lab.folder / DATABASE)
    connection.execute("INSERT INTO chunks VALUES (?, ?)", row)
    connection.commit()
    connection.close()

    assert len(await lab.load(task, 0)) == 1
