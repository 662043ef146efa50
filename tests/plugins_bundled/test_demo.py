"""The demo plugin, run without a hub."""

import asyncio
import threading

import pytest

from hub import TaskError
from plugins.demo import Demo, Row
from tests.plugins_bundled.recorder import Recorder


@pytest.fixture
def demo() -> Demo:
    """The plugin; it needs no start."""
    return Demo()


@pytest.fixture
def recorder() -> Recorder:
    """What the command says."""
    return Recorder()


async def test_echo_answers_with_what_was_sent(demo: Demo, recorder: Recorder) -> None:
    """Any JSON value comes back as it went."""
    value = {"a": [1, None, "ö"]}

    assert await demo.echo(recorder.context(), value) == value


async def test_countdown_ticks(demo: Demo, recorder: Recorder) -> None:
    """Each tick is progress and a log line, and the end is said."""
    counted = await demo.countdown(recorder.context(), 0.05, 0.02)

    assert counted.ticks == 3
    assert [message for _, message in recorder.progressed] == [
        "0.05 s left",
        "0.03 s left",
        "0.01 s left",
    ]
    assert recorder.progressed[0][0] == 0.0
    assert [text for _, text in recorder.logged][-1] == "lift-off"


async def test_countdown_of_nothing_is_over(demo: Demo, recorder: Recorder) -> None:
    """Zero seconds take no tick."""
    counted = await demo.countdown(recorder.context(), 0.0)

    assert (counted.ticks, recorder.progressed) == (0, [])


async def test_countdown_can_be_cancelled(demo: Demo, recorder: Recorder) -> None:
    """A cancel ends it in the middle of a tick."""
    running = asyncio.ensure_future(demo.countdown(recorder.context(), 60.0, 60.0))
    await recorder.spoken.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("pace_ms", [0, 1])
async def test_chunks_have_the_size_that_was_asked_for(
    demo: Demo, recorder: Recorder, pace_ms: int
) -> None:
    """`count` chunks of `size` bytes, numbered as far as the number fits."""
    streamed = await demo.chunks(recorder.context(), 12, 3, pace_ms)

    texts = [text for _, text in recorder.chunks]
    assert {len(text.encode()) for text in texts} == {3}
    assert (texts[0], texts[11]) == ("1 .", "12 ")
    assert (streamed.chunks, streamed.bytes) == (12, 36)


def test_rows_are_a_table(demo: Demo, recorder: Recorder) -> None:
    """One row a number, progress after each, the count as the result."""
    context = recorder.context()

    rows = list(demo.rows(context, 3, 0))

    assert rows[2] == Row(n=3, square=9, cube=27)
    assert recorder.progressed[-1] == (1.0, None)
    assert context.result_value == {"rows": 3}


def test_rows_stop_when_nobody_wants_them(demo: Demo, recorder: Recorder) -> None:
    """After a cancel no further row is made."""
    rows = demo.rows(recorder.context(), 100_000, 1000)
    next(rows)

    recorder.cancelled = True

    assert list(rows) == []


def test_sleep_takes_its_time(demo: Demo, recorder: Recorder) -> None:
    """It sleeps as long as it was told, and says how long that was."""
    slept = demo.sleep(recorder.context(), 0.12)

    assert slept.seconds >= 0.12
    assert len(recorder.progressed) >= 2


def test_sleep_wakes_up_when_it_is_cancelled(demo: Demo, recorder: Recorder) -> None:
    """An hour's sleep in a thread ends soon after the cancel."""
    context = recorder.context()
    thread = threading.Thread(target=demo.sleep, args=(context, 3600.0))
    thread.start()

    recorder.cancelled = True
    thread.join(5)

    assert not thread.is_alive()


async def test_failure_for_people(demo: Demo, recorder: Recorder) -> None:
    """The text, the code and the retry are those that were asked for."""
    with pytest.raises(TaskError, match=r"^Out of milk$") as caught:
        await demo.failure(
            recorder.context(), message="Out of milk", code="no_milk", retry=True
        )

    assert (caught.value.code, caught.value.retry) == ("no_milk", True)


async def test_failure_by_mistake(demo: Demo, recorder: Recorder) -> None:
    """A plain exception is one, too."""
    with pytest.raises(RuntimeError, match=r"^oops$"):
        await demo.failure(recorder.context(), "exception", "oops")
