"""What `show` writes where there is no terminal, and how the screen is chosen."""

import io
import sys
from types import SimpleNamespace

import msgspec
import pytest

from hub import AsyncHub, Chunk, Gap, Log, Reset, TaskStatus
from hub.client.screen import ending, line, safe
from hub.client.show import Lines, is_notebook, screen_for
from hub.events import Progress


def progress(fraction: float | None, message: str | None = None) -> Progress:
    """Return a progress."""
    return Progress(
        task_id="t",
        attempt=1,
        head=0,
        status=TaskStatus.RUNNING,
        progress=fraction,
        message=message,
        updated_at="",
    )


async def test_a_task_is_shown_as_lines(hub: AsyncHub) -> None:
    """Its output in order, ten lines of progress at the most, then how it ended."""
    written = io.StringIO()
    task = await hub.execute("lab.count", n=30, pace_ms=1)

    response = await task.show(written)

    lines = written.getvalue().splitlines()
    assert response.result == 30
    assert [each for each in lines if each.isdigit()] == [str(n) for n in range(1, 31)]
    assert len([each for each in lines if each.endswith("%")]) <= 10
    assert lines[-1].startswith("lab.count completed in ")


async def test_a_failed_task_is_shown_with_its_error(hub: AsyncHub) -> None:
    """`show` raises nothing for it: the response says what happened."""
    written = io.StringIO()
    task = await hub.execute("demo.failure", message="on purpose")

    response = await task.show(written)

    assert response.status is TaskStatus.FAILED
    assert written.getvalue().splitlines()[-1].endswith(": on purpose")


def test_progress_without_a_number_is_its_message() -> None:
    """Each message once."""
    written = io.StringIO()
    lines = Lines("p.c", written)
    for message in (None, "reading", "reading", "writing"):
        lines.take(progress(None, message))
    lines.take(progress(0.05))
    lines.take(progress(0.5, "half"))
    lines.take(progress(0.55, "half"))
    lines.close()

    assert written.getvalue().splitlines() == [
        "p.c: reading",
        "p.c: writing",
        "p.c: 50% half",
    ]


def chunk(**fields: object) -> Chunk:
    """Return a chunk."""
    made = {"type": "chunk", "task_id": "t", "seq": 1, "at": 0, "channel": "out"}
    return msgspec.convert({**made, **fields}, Chunk)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (chunk(data="a line\n"), "a line"),
        (chunk(data={"a": [1, None]}), '{"a":[1,null]}'),
        (chunk(bin=b"1234", kind="image/png"), "(4 bytes of image/png)"),
        (Log(task_id="t", seq=1, at=0, level="info", message="m"), "info: m"),
        (
            Reset(task_id="t", seq=1, at=0, attempt=2, reason="retry"),
            "(attempt 2 begins: retry)",
        ),
        (
            Gap(task_id="t", first=2, last=5, why="trimmed", attempt=1),
            "(4 entries are missing: trimmed)",
        ),
        (progress(0.1, "thinking"), "thinking"),
    ],
)
def test_each_event_is_a_line(event: Chunk, text: str) -> None:
    """A text as it is, a value as JSON, the rest in words."""
    assert line(event) == text


def test_output_cannot_command_a_terminal() -> None:
    """Control characters are shown as such, and a line has an end."""
    assert safe("\x1b]52;c;aGk=\x07ok\tthere") == "\ufffd]52;c;aGk=\ufffdok\tthere"
    assert len(safe("x" * 10_000)) == 2001


async def test_the_end_names_the_status(hub: AsyncHub) -> None:
    """A cancelled task says so, with the time it took."""
    task = await hub.execute("demo.countdown", seconds=60)
    await task.cancel()

    assert "demo.countdown cancelled in" in ending(task.name, await task.response())


def test_lines_are_for_what_is_no_terminal() -> None:
    """A stream that is no terminal gets lines."""
    assert isinstance(screen_for("p.c", io.StringIO()), Lines)


def test_a_notebook_is_known_by_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython on a terminal is none."""
    for shell, expected in (
        (None, False),
        (SimpleNamespace(), False),
        (SimpleNamespace(kernel=object()), True),
    ):
        fake = SimpleNamespace(get_ipython=lambda shell=shell: shell)
        monkeypatch.setitem(sys.modules, "IPython", fake)
        assert is_notebook() is expected
