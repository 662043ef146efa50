"""What a process prints, through a real pipe."""

import asyncio
import os

from hub.codec import from_json
from hub.runner.printed import LINE_BYTES, Printed
from tests.stage import soon


class Listener:
    """Somebody who takes records, and a pipe."""

    def __init__(self) -> None:
        self.records: list[dict[str, str]] = []
        self.printed = Printed("stdout", "info", self._take)
        self.theirs = self.printed.theirs

    def _take(self, record: bytes) -> None:
        self.records.append(from_json(record))

    @property
    def texts(self) -> list[str]:
        """What the records say."""
        return [each["message"] for each in self.records]

    def close(self) -> None:
        """Let go of both ends."""
        self.printed.close()
        os.close(self.theirs)


async def test_each_line_is_a_record() -> None:
    """With the stream's name and level; empty lines are none."""
    listener = Listener()
    os.write(listener.theirs, b"one\n\ntwo\r\nthr")

    await soon(lambda: len(listener.records) == 2)
    os.write(listener.theirs, "eé\n".encode())
    await soon(lambda: len(listener.records) == 3)

    assert listener.texts == ["one", "two", "threé"]
    assert listener.records[0] == {
        "level": "info",
        "logger": "stdout",
        "message": "one",
    }
    listener.close()


async def test_any_bytes_may_be_printed() -> None:
    """What is no text is written out, and a line without an end is cut."""
    listener = Listener()
    os.write(listener.theirs, b"\xff\x00\n" + b"x" * (LINE_BYTES + 5000))

    await soon(lambda: len(listener.records) >= 2)
    listener.printed.drain()

    assert listener.texts[0] == "\\xff\x00"
    assert sum(map(len, listener.texts[1:])) == LINE_BYTES + 5000
    listener.close()


async def test_what_was_printed_before_the_end_is_read() -> None:
    """At once; what comes later is for nobody."""
    listener = Listener()
    os.write(listener.theirs, b"a\n" * 5000 + b"last")

    listener.printed.drain()

    assert listener.texts == ["a"] * 5000 + ["last"]
    os.write(listener.theirs, b"late\n")
    await asyncio.sleep(0)
    listener.printed.drain()
    assert listener.texts[-1] == "last"
    listener.close()


async def test_the_end_of_a_pipe_is_noticed() -> None:
    """When all who held it are gone; closing it again harms nobody."""
    listener = Listener()
    os.write(listener.theirs, b"end")
    os.close(listener.theirs)

    listener.printed.drain()
    listener.printed.drain()
    listener.printed.close()

    assert listener.texts == ["end"]
