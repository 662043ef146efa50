"""Recovery: what an earlier life left is taken up, and nothing is silently lost."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.engines.base import Bounds
from hub.engines.sqlite.engine import SqliteEngine
from hub.engines.sqlite.folder import DATABASE, connect
from hub.engines.sqlite.recovery import Recovered, recover
from hub.errors import DataFolderError
from hub.ids import TaskIds
from hub.runs import Mood, Run
from hub.tasks import TaskStatus
from tests.engines.conftest import MakeLab
from tests.engines.doubles import BASE, SHARED, ended, tasks_of, words_of
from tests.engines.lab import Lab
from tests.engines.sqlite.faults import Faults


async def test_the_hub_stays_the_same(lab: Lab) -> None:
    """A store names its life once and for all; another store has another name."""
    first = lab.engine.hub
    await lab.restart()
    other = Lab(lab.kind, lab.folder / "other", lab.bounds)
    await other.start()

    assert lab.engine.hub == first
    assert other.engine.hub != first
    await other.engine.close()


async def test_waiting_runs_are_queued_again_in_their_order(lab: Lab) -> None:
    """What had been accepted runs after the restart, first come, first served."""
    requests = [replace(BASE, params=b'{"n":%d}' % n, trace=f"t{n}") for n in range(5)]
    before = tasks_of(await lab.answers(requests))
    await lab.leave(before[2])

    await lab.restart(slots=2)

    claims = [await lab.claimed(), await lab.claimed()]
    assert [claim.run.id for claim in claims] == [before[0].id, before[1].id]
    assert [claim.run.request for claim in claims] == requests[:2]
    assert [claim.attempt for claim in claims] == [1, 1]
    assert claims[0].run.prepared is None
    waiting = await lab.known(before[3].id)
    assert waiting.status is TaskStatus.CREATED
    assert waiting.created_at == before[3].created_at
    assert waiting.trace == "t3"
    lab.engine.claim(BASE.queue, 9)
    rest = [await lab.claimed(), await lab.claimed()]
    assert [claim.run.id for claim in rest] == [before[3].id, before[4].id]
    await lab.append(rest[0], "a")
    await lab.finish(rest[0])
    assert waiting.end == 2


async def test_new_runs_come_after_old_ones(lab: Lab) -> None:
    """Numbers go on where they were, also when the newest run has ended."""
    await lab.done()
    last = (await lab.done()).run.number
    await lab.restart()

    assert (await lab.opened()).task.run.number == last + 1


async def test_interrupted_runs_fail(lab: Lab) -> None:
    """A run that was executing ends `hub_restarted`, with its output, at once."""
    task, claim = await lab.begun(replace(BASE, key="k"))
    started = claim.run.started_at
    await lab.append(claim, "a", "b")
    lab.time.pass_by(60)

    await lab.restart(slots=1)

    again = await lab.known(task.id)
    end = await lab.end_of(again)
    assert (end.status, end.code) == (TaskStatus.FAILED, "hub_restarted")
    assert (end.retry, end.ran, end.result) == (True, "maybe", b"null")
    assert end.ended_at == lab.time.wall()
    assert again.end == 3
    assert again.run.log.chunks == 2
    assert again.run.started_at == started
    assert await lab.read(again) == ["a", "b"]
    assert lab.worker.accepted == []
    opened = await lab.opened(replace(BASE, key="k"))
    assert (opened.origin, opened.task.id) == ("existing", task.id)
    # And so it stays.
    await lab.restart()
    assert (await lab.known(task.id)).outcome == end


async def test_a_run_that_said_nothing_fails_too(lab: Lab) -> None:
    """Claimed in the very commit of its acceptance: it may have run."""
    task, claim = await lab.begun()
    started = claim.run.started_at

    await lab.restart()

    again = await lab.known(task.id)
    assert (await lab.end_of(again)).code == "hub_restarted"
    assert again.end == 1
    assert again.run.started_at == started


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("cancelled", TaskStatus.CANCELLED),
        ("deadline_exceeded", TaskStatus.FAILED),
    ],
)
async def test_closing_runs_end_as_was_wished(
    lab: Lab, code: str, status: TaskStatus
) -> None:
    """A wish that was confirmed is true after the restart."""
    task, claim = await lab.begun()
    await lab.append(claim, "a")
    await lab.leave(task, code)

    await lab.restart()

    again = await lab.known(task.id)
    end = await lab.end_of(again)
    assert (end.status, end.code) == (status, code)
    assert await lab.read(again) == ["a"]


async def test_every_ticket_is_taken_up(lab: Lab) -> None:
    """Joined tickets end with their run; one that left keeps its own end."""
    first, claim = await lab.begun(SHARED)
    joined, left = tasks_of(await lab.answers([SHARED] * 2))
    await lab.append(claim, "a")
    await lab.leave(left)
    await lab.leave(first, "deadline_exceeded")
    await lab.append(claim, "b")

    await lab.restart()

    again = await lab.known(joined.id)
    assert (await lab.end_of(again)).code == "hub_restarted"
    assert (again.end, again.origin) == (3, "joined")
    assert await lab.read(again) == ["a", "b"]
    for old in (left, first):
        new = await lab.known(old.id)
        assert (new.end, new.outcome) == (2, old.outcome)
        assert await lab.read(new) == ["a"]
        assert new.run is again.run


async def test_waiting_runs_can_be_joined_again(lab: Lab) -> None:
    """A request that waits is shared with those who come after the restart."""
    first, second = tasks_of(await lab.answers([SHARED] * 2))
    await lab.opened(replace(SHARED, flight=b"off", cache="off"))
    await lab.opened(replace(SHARED, flight=b"alone", join=False))
    await lab.restart()

    assert words_of(
        await lab.answers(
            [
                SHARED,
                replace(SHARED, flight=b"off"),
                replace(SHARED, flight=b"alone", join=False),
            ]
        )
    ) == ["joined", "new", "new"]
    found = await lab.known(second.id)
    await lab.leave(await lab.known(first.id))
    assert not ended(found)
    await lab.leave(found)
    lab.engine.claim(BASE.queue, 1)
    claim = await lab.claimed()
    assert claim.run.id == first.id
    assert len(claim.run.tasks) == 1


async def test_keys_outlive_the_hub(lab: Lab) -> None:
    """Keys of waiting, interrupted and ended tasks are known after a restart."""
    done = await lab.done(replace(SHARED, key="done", flight=b"d"))
    running, _ = await lab.begun(replace(SHARED, key="running"))
    joined = (await lab.opened(replace(SHARED, key="joined"))).task
    waiting = (await lab.opened(replace(BASE, key="waiting"))).task
    await lab.restart()

    requests = [
        replace(SHARED, key="done", flight=b"d"),
        replace(SHARED, key="running"),
        replace(SHARED, key="joined"),
        replace(BASE, key="waiting"),
    ]
    answers = await lab.answers([*requests, *requests])

    assert words_of(answers) == ["existing"] * 8
    ids = [task.id for task in tasks_of(answers)]
    assert ids == [done.id, running.id, joined.id, waiting.id] * 2
    conflict = await lab.refused(replace(BASE, key="done", plugin="x"))
    assert conflict.code == "key_conflict"
    assert (await lab.opened(replace(BASE, key="fresh"))).origin == "new"


async def test_racing_resends_after_a_restart_are_one_task(lab: Lab) -> None:
    """50 resends in one turn, whose key only the file knows: one look, one task."""
    done = await lab.done(replace(BASE, key="k"))
    await lab.restart(slots=50)

    answers = await lab.answers([replace(BASE, key="k")] * 50)

    assert {task.id for task in tasks_of(answers)} == {done.id}
    assert len({id(task) for task in tasks_of(answers)}) == 1
    assert lab.worker.accepted == []


async def test_a_key_that_only_seemed_known_is_free(make_lab: MakeLab) -> None:
    """A key whose task has expired meanwhile begins a new one."""
    lab = await make_lab(bounds=Bounds(retention_s=100.0))
    await lab.done(replace(BASE, key="k"))
    await lab.restart()
    connection = sqlite3.connect(lab.folder / DATABASE)
    connection.execute("DELETE FROM keys")
    connection.commit()
    connection.close()

    answers = await lab.answers([replace(BASE, key="k")] * 3)

    assert words_of(answers) == ["new", "existing", "existing"]


@pytest.mark.parametrize(
    ("away", "left"),
    [(3.0, 7.0), (60.0, 0.0), (-60.0, 10.0)],
    ids=["a while", "too long", "the clock went back"],
)
async def test_deadlines_go_on(lab: Lab, away: float, left: float) -> None:
    """A deadline counts while the hub is down, and never more than its whole."""
    request = replace(SHARED, deadline_ms=10_000)
    first, second = tasks_of(await lab.answers([request] * 2))
    await lab.engine.close()
    lab.time.epoch += away

    await lab.start()

    run = (await lab.known(first.id)).run
    assert run.deadline == pytest.approx(lab.time.now() + left)
    for old in (first, second):
        task = await lab.known(old.id)
        assert task.deadline == pytest.approx(lab.time.now() + left)
    await lab.tick(left + 0.1)
    assert (await lab.end_of(await lab.known(first.id))).code == "deadline_exceeded"


async def test_a_crash_at_any_moment_loses_nothing_shown(
    lab: Lab, tmp_path: Path
) -> None:
    """A copy of the folder, taken at each mark, holds all that was shown by then."""
    task, claim = await lab.begun(replace(BASE, key="k"))
    watcher = lab.follow(task)
    copies: list[tuple[Path, int, int]] = []

    def crash() -> None:
        folder = tmp_path / f"crash{len(copies)}"
        shutil.copytree(lab.folder, folder)
        copies.append((folder, task.run.log.head, task.end))

    watcher.on_move = crash
    crash()
    for text in "abc":
        await lab.append(claim, text)
    await lab.finish(claim)

    for folder, head, end in copies:
        survivor = Lab(lab.kind, folder, lab.bounds)
        await survivor.start()
        found = await survivor.known(task.id)
        outcome = await survivor.end_of(found)
        assert (await survivor.read(found))[:head] == list("abc")[:head]
        expected = TaskStatus.COMPLETED if end else TaskStatus.FAILED
        assert outcome.status is expected
        resend = await survivor.opened(replace(BASE, key="k"))
        assert resend.origin == "existing"
        await survivor.engine.close()
    assert [end for *_, end in copies] == [0, 0, 0, 0, 4]


async def test_many_lives(lab: Lab) -> None:
    """Whatever is going on at each end, every task has one end, and keeps it."""
    ends: dict[str, object] = {}
    open_ones: list[str] = []
    for life in range(5):
        for task_id in open_ones:
            found = await lab.known(task_id)
            ends[task_id] = await lab.end_of(found)
        open_ones = []
        for task_id, end in ends.items():
            assert (await lab.known(task_id)).outcome == end
        done = await lab.done(BASE, f"life {life}")
        ends[done.id] = done.outcome
        task, claim = await lab.begun(replace(SHARED, flight=bytes([life])))
        await lab.append(claim, "x")
        open_ones = [task.id]
        await lab.restart()


# The reading itself.


async def test_recover_finds_what_is_open(lab: Lab) -> None:
    """Open runs with their tickets and logs, every key, and the last number."""
    await lab.done(replace(BASE, key="ended"))
    _, claim = await lab.begun(replace(SHARED, key="open"))
    await lab.opened(SHARED)
    await lab.append(claim, "a", "b")
    await lab.opened()
    await lab.engine.close()

    connection = connect(lab.folder / DATABASE, "normal")
    found = recover(connection, lab.time.clock())
    connection.close()
    await lab.start()

    assert found.last_number == 3
    assert len(found.keys) == 2
    assert [run.number for run, _ in found.runs] == [2, 3]
    assert [run.mood for run, _ in found.runs] == [Mood.RUNNING, Mood.QUEUED]
    assert [len(tasks) for _, tasks in found.runs] == [2, 1]
    log = found.runs[0][0].log
    assert (log.head, log.base, log.written, log.chunks) == (2, 2, 2, 2)


@pytest.mark.parametrize(
    ("mood", "why", "expected"),
    [
        (Mood.RUNNING, None, (TaskStatus.FAILED, "hub_restarted", "maybe")),
        (Mood.CLOSING, "cancelled", (TaskStatus.CANCELLED, "cancelled", "yes")),
        (
            Mood.CLOSING,
            "deadline_exceeded",
            (TaskStatus.FAILED, "deadline_exceeded", "yes"),
        ),
    ],
)
def test_interrupted_says_how_a_run_ends(
    mood: Mood, why: str | None, expected: tuple[TaskStatus, str, str]
) -> None:
    """What was wished counts; else the restart is the reason."""
    run = Run(1, "1", BASE, 0.0, 0.0)
    run.mood, run.why = mood, why

    end = Recovered.interrupted(run, 5.0)

    assert (end.status, end.code, end.ran) == expected
    assert end.ended_at == 5.0


async def test_what_cannot_be_understood_is_refused(
    lab: Lab, faults: Faults, tmp_path: Path
) -> None:
    """A body that is none, or a missing table: the file is named, the folder free."""
    await lab.opened()
    await lab.engine.close()
    folder = lab.folder
    for damage in ("UPDATE runs SET request = x'c1'", "DROP TABLE keys"):
        copy = tmp_path / damage[:4]
        shutil.copytree(folder, copy)
        connection = sqlite3.connect(copy / DATABASE)
        connection.execute(damage)
        connection.commit()
        connection.close()
        for _ in range(2):
            engine = SqliteEngine(Bounds(), lab.time.clock(), TaskIds(), folder=copy)
            with pytest.raises(DataFolderError, match=f"{copy / DATABASE}: cannot be"):
                await engine.start()
    await lab.start()
