"""What tasks say, as lines: harmless, aligned, and honest about what is missing."""

from typing import Any

import pytest
from msgspec import UNSET

from hub.cli.lines import Line, Lines
from hub.cli.table import CELL_WIDTH
from hub.cli.views import doing, frame_of, outcome
from hub.client.cursor import Log
from hub.events import Chunk, Gap, Progress, Reset
from hub.tasks import Metadata, TaskResponse, TaskStatus

# Any throughout: fields of frames.


def chunk(data: Any = UNSET, **more: Any) -> Chunk:
    """Make a chunk."""
    fields: dict[str, Any] = {"channel": "out", "data": data}
    return Chunk(task_id="t", seq=1, at=0, **fields | more)


def log(message: str, **more: Any) -> Log:
    """Make a log record."""
    fields: dict[str, Any] = {"seq": 1, "level": "info", "message": message}
    return Log(task_id="t", at=0, **fields | more)


def progress(**more: Any) -> Progress:
    """Make a progress."""
    fields: dict[str, Any] = {
        "task_id": "t",
        "attempt": 1,
        "head": 0,
        "status": TaskStatus.RUNNING,
        "progress": None,
        "message": None,
        "updated_at": "",
    }
    return Progress(**fields | more)


def texts(lines: list[Line]) -> list[str]:
    """Return the texts of lines."""
    return [line.plain() for line in lines]


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (chunk("a\nb\n"), ["a", "b"]),
        (chunk("\x1b[2J\ta"), ["\\x1b[2J\ta"]),
        (chunk("\x1b[1;31mred\x1b[2K", kind="ansi"), ["red\\x1b[2K"]),
        (chunk("x", channel="notes\x07"), ["[notes\\x07] x"]),
        (chunk([1]), ["[1]"]),
        (chunk(None), ["null"]),
        (chunk(bin=b"123", kind="image/png"), ["<image/png, 3 bytes>"]),
        (chunk(bin=b""), ["<bytes, 0 bytes>"]),
        (chunk({"deep": {}}), ['{"deep":{}}']),
        (log("a\nb", logger="x.y"), ["INFO    x.y: a", "        x.y: b"]),
        (
            Reset(task_id="t", seq=3, at=0, attempt=2, reason="plugin_error"),
            ["-- attempt 2 begins (plugin_error); what is above is void"],
        ),
        (
            Gap(task_id="t", first=2, last=1001, why="trimmed", attempt=1),
            ["-- 1,000 entries are missing (trimmed)"],
        ),
    ],
)
def test_each_kind_of_event_has_its_lines(event: Any, shown: list[str]) -> None:
    """Nothing in them moves a cursor, and nothing is left out in silence."""
    assert texts(Lines(tables=True).of(event)) == shown


def test_rows_make_a_table() -> None:
    """Its heads are shown once, and again when the columns change or it was broken."""
    lines = Lines(tables=True)

    first = texts(lines.of(chunk({"n": 1, "word": "a", "ok": True, "none": None})))
    second = texts(
        lines.of(chunk({"n": 10**7, "word": "b", "ok": False, "none": None}))
    )
    other = texts(lines.of(chunk({"x": "y" * 100})))
    broken = texts(lines.of(log("in between")))
    again = texts(lines.of(chunk({"x": 1})))

    assert first == [
        "     n  word        ok          none",
        "     1  a           true",
    ]
    assert second == ["10000000  b           false"]
    assert other[0] == "x"
    assert len(other[1]) == CELL_WIDTH
    assert len(broken) == 1
    assert again == ["     x", "     1"]


def test_rows_align_in_any_script() -> None:
    """A column is as wide as its texts are shown."""
    lines = Lines(tables=True)

    rows = [
        texts(lines.of(chunk({"city": city, "n": 1})))[-1]
        for city in ("Bonn", "北京", "上" * 30)
    ]

    assert rows[0] == "Bonn             1"
    assert rows[1] == "北京             1"
    assert rows[2] == "上" * 19 + "…       1"


def test_rows_are_json_where_tables_are_not_wanted() -> None:
    """A line each."""
    assert texts(Lines(tables=False).of(chunk({"n": 1}))) == ['{"n":1}']


@pytest.mark.parametrize(
    ("line", "styled"),
    [
        (Line("a"), "a"),
        (Line("a", "bold"), "\x1b[1ma\x1b[0m"),
        (Line("a", "dim"), "\x1b[2ma\x1b[0m"),
        (Line("a", "red"), "\x1b[31ma\x1b[0m"),
        (Line("\x1b[31ma", "", coloured=True), "\x1b[31ma\x1b[0m"),
    ],
)
def test_styles_end_with_their_line(line: Line, styled: str) -> None:
    """Whatever a task's own colours are."""
    assert line.styled() == styled
    assert line.plain() == "a"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ""),
        ({"message": "a\nb"}, "a b"),
        ({"message": "\x1b[2J"}, "\\x1b[2J"),
        ({"step": 3}, "3"),
        ({"step": 3, "total": 9, "message": "x"}, "3/9  x"),
        ({"status": TaskStatus.CREATED}, "waiting"),
        (
            {"status": TaskStatus.CREATED, "position": 2},
            "waiting, place 2 in the queue",
        ),
        ({"retry_at": "2026-01-01T00:00:00Z"}, "next attempt at 2026-01-01T00:00:00Z"),
    ],
)
def test_what_a_task_does(fields: dict[str, Any], said: str) -> None:
    """In a few words, on one line."""
    assert doing(progress(**fields)) == said


def test_a_log_record_is_the_frame_that_it_came_in() -> None:
    """So that programs see the wire's own shape."""
    frame = frame_of(log("hello", seq=4, logger="x"))

    assert frame == {
        "type": "chunk",
        "task_id": "t",
        "seq": 4,
        "at": 0,
        "channel": "log",
        "data": {"level": "info", "logger": "x", "message": "hello"},
    }
    assert frame_of(progress()) == progress()


@pytest.mark.parametrize(
    ("ms", "origin", "said"),
    [
        (12.3, "new", "completed in 12 ms"),
        (1234.5, "joined", "completed in 1.2 s"),
        (5, "cached", "completed before, its answer was kept"),
    ],
)
def test_ends_are_said_shortly(ms: float, origin: str, said: str) -> None:
    """How, and after how long."""
    metadata = Metadata(
        plugin="a",
        command="b",
        origin=origin,
        attempt=1,
        queued_ms=0,
        execution_time_ms=ms,
        chunks=0,
    )
    response = TaskResponse(
        task_id="t",
        status=TaskStatus.COMPLETED,
        progress=1.0,
        result=None,
        error=None,
        created_at="",
        updated_at="",
        message=None,
        metadata=metadata,
    )

    assert outcome(response) == said
