"""Readers that come and go at random: each ends up with the whole log, once.

Every round is made from a seed that a failure names.
"""

import random

import pytest

from tests.blackbox.client import Client
from tests.blackbox.reader import Reader
from tests.blackbox.server import HubProcess
from tests.blackbox.wire import JSON, MSGPACK, Frame

CHUNKS = 120


class Wanderer:
    """A client that loses its connection again and again."""

    def __init__(self, hub: HubProcess, task_id: str, dice: random.Random) -> None:
        """Begin unconnected, with nothing seen."""
        self.hub = hub
        self.dice = dice
        self.task_id = task_id
        self.seen: list[Frame] = []
        self.last = 0
        self.end: Frame | None = None
        self.client: Client | None = None

    def move(self) -> None:
        """Do one of the things that a client does: connect, read a bit, drop."""
        if self.client is None:
            self._connect()
        elif self.dice.random() < 0.3:
            self._drop()
        else:
            self._read(self.dice.randrange(1, 12))

    def finish(self) -> None:
        """Read what is left."""
        self._drop()
        if self.end is None:
            reader = self._connect()
            assert self.client is not None
            self.client.finish(reader)
        self._drop()

    def _connect(self) -> Reader:
        self.client = self.hub.client(self.dice.choice([JSON, MSGPACK]))
        return self.client.watch(self.task_id, self.last, attempt=1)

    def _read(self, count: int) -> None:
        assert self.client is not None
        reader = self.client.readers[self.task_id]
        goal = min(len(reader.chunks) + count, CHUNKS - len(self.seen))
        # The steps that these need may come later: then the wait is for less.
        try:
            self.client.pump(lambda: len(reader.chunks) >= goal, timeout=0.05)
        except AssertionError:
            assert not reader.faults

    def _drop(self) -> None:
        if self.client is None:
            return
        reader = self.client.readers[self.task_id]
        assert reader.faults == []
        self.seen += reader.chunks
        self.last = reader.last
        self.end = self.end or reader.result
        if self.dice.random() < 0.5:
            self.client.ws.socket.close()
        self.client.ws.close()
        self.client = None


@pytest.mark.parametrize("seed", range(3))
def test_readers_that_come_and_go_miss_nothing(
    hub: HubProcess, client: Client, name: str, seed: int
) -> None:
    """No gap, no duplicate, no disorder, whatever the schedule."""
    dice = random.Random(seed)
    reader = client.start("gate", "walk", {"name": name, "n": CHUNKS - 1})
    wanderers = [Wanderer(hub, reader.task_id, dice) for _ in range(6)]
    left = CHUNKS - 1
    while left:
        steps = min(left, dice.randrange(1, 10))
        client.run("gate", "step", {"name": name, "n": steps})
        left -= steps
        for wanderer in dice.sample(wanderers, 3):
            wanderer.move()
    client.finish(reader)
    for wanderer in wanderers:
        wanderer.finish()
        assert [c["seq"] for c in wanderer.seen] == list(range(1, CHUNKS + 1))
        assert wanderer.seen == reader.chunks
        assert wanderer.end == reader.result
