"""A task in a small world: its log as a plain list, and readers that come and go.

The world does what engines do to a log, in any order: output, commits, new attempts,
entries that leave memory or are lost, a ticket that leaves early, a store that lost its
last moments. Beside the real objects it keeps what the truth is: a list of entries.
"""

import json
from typing import Final, NamedTuple

from hub.protocol.cursors import Cursor, Step, What
from hub.runs import Run, Task
from tests.protocol import client
from tests.protocol.client import Client, Frame
from tests.samples import CANCELLED, COMPLETED, a_run, a_task, text_piece

ENOUGH: Final = 1000
"""More steps than any reader of these worlds needs."""


class Entry(NamedTuple):
    """What truly stands in the log: a chunk, or the reset that begins an attempt."""

    seq: int
    attempt: int
    text: str | None

    @property
    def frame(self) -> Frame:
        """What a reader of this entry must be given."""
        if self.text is None:
            return client.Reset(self.seq, self.attempt)
        return client.Chunk(self.seq, self.text)


class World:
    """A run with a ticket that is watched, and another that keeps it going.

    Attributes:
        run: The work.
        task: The ticket that is watched.
        entries: The truth.
        floor: Up to where entries are lost.
        life: How often the store lost its last moments, and one.
        attempts: How many attempts there have been in all lives.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.floor = 0
        self.life = 1
        self.attempts = 1
        self._begin()

    def _begin(self) -> None:
        self.run: Run = a_run()
        self.task: Task = a_task(self.run)
        self.other: Task = a_task(self.run, "0b", "joined")

    # What happens to a log

    def say(self, count: int) -> None:
        """The command says something; nobody may see it yet."""
        for _ in range(0 if self.run.outcome else count):
            seq = len(self.entries) + 1
            text = f"{seq} of life {self.life}"
            self.entries.append(Entry(seq, self.run.attempt, text))
            assert self.run.log.write([text_piece(text)]) == seq

    def retry(self, _: int = 0) -> None:
        """Another attempt begins; nobody may see it yet."""
        if self.run.outcome is None:
            self.attempts += 1
            self.run.attempt = self.attempts
            seq = self.run.log.write_reset(0, self.attempts, "again")
            self.entries.append(Entry(seq, self.attempts, None))

    def commit(self, count: int) -> None:
        """Some of what was said is stored, and may be seen."""
        self.run.log.head = min(self.run.log.head + count, len(self.entries))

    def forget(self, count: int) -> None:
        """The oldest entries leave memory; the store has them."""
        log = self.run.log
        log.forget(min(log.base + count, log.head))

    def lose(self, count: int) -> None:
        """The oldest entries are lost for ever."""
        log = self.run.log
        self.floor = max(self.floor, min(self.floor + count, log.head))
        log.lose(self.floor)

    def leave(self, _: int = 0) -> None:
        """The ticket leaves; its run goes on."""
        if not self.task.end:
            self.task.end, self.task.early = self.run.log.head + 1, CANCELLED

    def end(self, _: int = 0) -> None:
        """The run ends, its last output and its end in one step."""
        if self.run.outcome is None:
            self.run.log.head = len(self.entries)
            self.run.outcome = COMPLETED
            self.task.end = self.task.end or self.run.log.head + 1

    def crash(self, count: int) -> None:
        """The store loses the last entries of a run, which begins another attempt.

        Its reset is the first that the store is given: a result in its place would be
        of the former attempt, and readers could take it for the entry they have.
        """
        if self.task.end or self.run.outcome:
            return
        keep = max(self.floor, self.run.log.head - count)
        kept, self.entries = self.entries[:keep], []
        self.life += 1
        self._begin()
        log = self.run.log
        for entry in kept:
            if entry.text is None:
                self.run.attempt = entry.attempt
                log.write_reset(0, entry.attempt, "again")
            else:
                log.write([text_piece(entry.text)])
        self.entries = kept
        self.commit(keep)
        log.lose(self.floor)
        self.retry()
        self.commit(1)

    # What a reader must end with

    @property
    def shown(self) -> list[Entry]:
        """The entries that readers of the ticket may see, lost ones too."""
        end = self.task.end
        return self.entries[: end - 1 if end else self.run.log.head]

    @property
    def standing(self) -> list[Entry]:
        """The entries of the last attempt that readers may see."""
        shown = self.shown
        return [entry for entry in shown if entry.attempt == shown[-1].attempt]

    def attempt_at(self, seq: int) -> int:
        """The attempt that a reader who has entry `seq` is in."""
        return max((e.attempt for e in self.shown if e.seq <= seq), default=1)

    def knows(self, last: int, attempt: int | None) -> bool:
        """Whether a reader may have entry `last` in that attempt, or has the end."""
        if last > len(self.shown) and last != self.task.end:
            return False
        return last == 0 or attempt in (None, self.attempt_at(last))


class Reader:
    """A client, its connection, and the hub's cursor behind it.

    What the cursor gave travels through `inbox`; a connection that is lost takes what
    is in there with it.
    """

    def __init__(self, world: World, last: int = 0, attempt: int = 1) -> None:
        self.world = world
        self.client = Client(last, attempt)
        self.inbox: list[Frame] = []
        self.skipping = False
        self.behind = False
        self._cursor: Cursor | None = None
        self._life = 0
        self._loading: Step | None = None
        self._given = False

    @property
    def connected(self) -> bool:
        """Whether it has a watch."""
        return self._cursor is not None and self._life == self.world.life

    def lose_connection(self) -> None:
        """Lose what is on its way."""
        self._cursor, self._loading = None, None
        self.inbox.clear()

    def watch(self, *, chunks: bool, say_attempt: bool = True) -> None:
        """Watch from where it is; every time the same rule."""
        self.lose_connection()
        if self.client.results:
            return
        world, task, asked = self.world, self.world.task, self.client.last
        attempt = self.client.attempt if say_attempt else None
        self._cursor, self._life = Cursor(chunks=chunks), world.life
        after = self._cursor.open(task, asked, attempt)

        if world.knows(asked, attempt):
            assert after == asked
        else:
            # Just before the present attempt, where that is lower.
            assert after == min(asked, max(0, last_reset(world.shown) - 1))
        assert self._cursor.last == after
        self.client.watch()
        self.skipping = self.skipping or not chunks
        self.behind = self._cursor.done
        self._given = False
        self.inbox.append(client.Opened(after))

    def step(self, budget: int, take: int) -> bool:
        """Let the hub take a step, and some frames arrive; say if anything moved."""
        moved = self._step(budget) if self.connected else False
        for frame in self.inbox[:take]:
            self.client.take(frame)
        moved = moved or bool(self.inbox[:take])
        del self.inbox[:take]
        return moved

    def _step(self, budget: int) -> bool:
        cursor, task = self._cursor, self.world.task
        assert cursor is not None
        if self._loading is not None:
            step, self._loading = self._loading, None
            # An answer of the store that came too late for its question is dropped.
            if cursor.last == step.first - 1 >= self.world.run.log.floor:
                self._stored(cursor, step, budget)
                return True
        before = cursor.last
        step_or_none = cursor.step(task, budget)
        if step_or_none is None:
            assert cursor.last == before
            self._note_progress()
            return False
        assert not self._given, "nothing follows a result"
        self._give(cursor, step_or_none, before)
        return True

    def _give(self, cursor: Cursor, step: Step, before: int) -> None:
        """Turn a step into frames; they must be what stands in the log."""
        assert step.first == (step.last if step.what is What.RESULT else before + 1)
        if step.what is What.LOAD:
            assert cursor.last == before
            assert step.last <= len(self.world.shown)
            self._loading = step
            return
        assert cursor.last == step.last >= step.first
        if step.what is What.GAP:
            assert step.why != "skipped" or self.world.task.end, "not held back"
            self.inbox.append(client.Gap(step.first, step.last, step.why, step.attempt))
        elif step.what is What.RESULT:
            assert step.last == self.world.task.end
            self._given = True
            self.inbox.append(client.Result(step.last))
        else:
            self._entries(step)

    def _entries(self, step: Step) -> None:
        """Give entries that are in memory, as their tails say."""
        tails = self.world.run.log.tails(step.first - 1, step.last)
        entries = self.world.shown[step.first - 1 : step.last]
        assert [json.loads(b"{" + tail)["seq"] for tail in tails] == [
            entry.seq for entry in entries
        ]
        assert {entry.text is None for entry in entries} == {step.what is What.RESET}
        self.inbox += [entry.frame for entry in entries]

    def _stored(self, cursor: Cursor, step: Step, budget: int) -> None:
        """Give a page of what the store has; the shell moves the cursor."""
        upto = min(step.last, step.first + budget // 40)
        self.inbox += [e.frame for e in self.world.shown[step.first - 1 : upto]]
        cursor.last = upto

    def _note_progress(self) -> None:
        """Say how far the task is, as sessions do: never behind a result."""
        if not self._given and not self.world.task.end:
            self.inbox.append(client.Progress(self.world.task.attempt))

    def finish(self) -> None:
        """Read to the end."""
        for _ in range(ENOUGH):
            if not self.step(100, ENOUGH):
                return
        raise AssertionError("a reader that never comes to the end")


def last_reset(entries: list[Entry]) -> int:
    """Return the number of the last reset; 0 for none."""
    return max((entry.seq for entry in entries if entry.text is None), default=0)
