"""A process as the hub sees it; here the test is the process, and its nursery.

What real processes do is seen in tests/blackbox/test_process_ends.py.
"""

import asyncio
import logging
import os
import signal
import socket

import pytest

from hub.runner.letters import (
    Advance,
    AnyLetter,
    Begun,
    Born,
    Ended,
    Left,
    Piece,
    Ready,
    Record,
    Refused,
    Said,
    Stop,
)
from hub.runner.post import HEAD, SMALL
from hub.runner.remote import TRIES
from hub.runs import Outcome
from hub.tasks import TaskStatus
from tests.runner.stand_in import BEGIN, DONE, Trial
from tests.stage import soon


def ended(result: bytes) -> Ended:
    """Return what a process says whose command returned these bytes."""
    return Ended(outcome=Outcome(status=TaskStatus.COMPLETED, result=result))


async def test_a_spare_begins_before_it_has_a_command(trial: Trial) -> None:
    """Its plugin is started; the command comes when there is one."""
    assert await trial.nursery.hear(1) == [BEGIN]
    trial.nursery.say(Ready())
    await soon(lambda: trial.remote.ready)
    assert not trial.remote.busy

    trial.remote.run(trial.work)

    assert await trial.nursery.hear(1) == [trial.work.order]
    assert trial.remote.busy


async def test_a_command_that_ends_is_told_once(trial: Trial) -> None:
    """At once, and its slot is given back when its process is gone."""
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun(), Ended(outcome=DONE))
    await soon(lambda: trial.outcomes)
    assert trial.outcomes[0].status is TaskStatus.COMPLETED
    assert trial.released == 0

    trial.nursery.say(
        Ended(outcome=DONE), Advance(fraction=1, message=None, step=None, total=None)
    )
    trial.nursery.die(-11)

    assert (await trial.over()).status is TaskStatus.COMPLETED
    assert trial.gone == [None]


async def test_an_outcome_that_comes_after_the_death_counts(trial: Trial) -> None:
    """News of the death may be faster than what was said before it."""
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun(), Ended(outcome=DONE))
    trial.nursery.die(0)

    assert (await trial.over()).status is TaskStatus.COMPLETED


@pytest.mark.parametrize(
    ("letter", "reason"),
    [
        (b"\0" * 100, "no known kind"),
        (Born(number=1, pid=1), "only the hub says"),
        (Stop(), "only the hub says"),
        (Piece(channel="out", kind=None, data=b"{", binary=False), "no JSON"),
        (Record(data=b"{}\n"), "more than one line"),
        (HEAD.pack(b"C", SMALL * 2), "bytes long"),
        (Ended(outcome=Outcome(status=TaskStatus.CANCELLED)), "ended cancelled"),
    ],
)
async def test_nonsense_is_the_end_of_a_process(
    trial: Trial, letter: AnyLetter | bytes, reason: str
) -> None:
    """It is killed, and its run is lost, with what was wrong."""
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun(), letter)

    outcome = await trial.over()

    assert outcome.code == "worker_lost"
    assert reason in outcome.detail.decode()
    assert trial.nursery.signals == [signal.SIGKILL]


@pytest.mark.parametrize(
    ("result", "reason"), [(b"[1," * 9, "no JSON"), (b"[1,\n2]", "more than one line")]
)
async def test_large_nonsense_is_the_end_of_a_process_too(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, result: bytes, reason: str
) -> None:
    """Although it is checked elsewhere than on the loop."""
    for name in ("remote", "post"):
        monkeypatch.setattr(f"hub.runner.{name}.LARGE", 5)
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun(), ended(result))

    outcome = await trial.over()

    assert outcome.code == "worker_lost"
    assert reason in outcome.detail.decode()


async def test_a_spare_has_nothing_to_say_of_a_command(trial: Trial) -> None:
    """Whoever speaks out of turn is killed; nobody's run is harmed."""
    trial.nursery.say(Ready(), Record(data=b"{}"))

    async with asyncio.timeout(10):
        await trial.remote.over()

    assert trial.outcomes == []
    assert trial.nursery.signals == [signal.SIGKILL]


async def test_a_result_beyond_a_log_is_too_large(trial: Trial) -> None:
    """As it is for any command."""
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun(), HEAD.pack(b"E", SMALL + 1001))

    assert (await trial.over()).code == "output_too_large"


async def test_a_plugin_that_does_not_start_there_is_told(trial: Trial) -> None:
    """The command fails with the reason, and no other process is tried."""
    trial.remote.run(trial.work)
    trial.nursery.say(Refused(reason="no database"))
    trial.nursery.die(0)

    outcome = await trial.over()

    assert outcome.code == "plugin_error"
    assert "no database" in (outcome.error or "")


async def test_a_command_that_had_not_begun_is_run_elsewhere(trial: Trial) -> None:
    """Nothing has run for it, so nothing is lost; but not for ever."""
    trial.nursery.say(Ready())
    await soon(lambda: trial.remote.ready)
    trial.remote.run(trial.work)
    trial.nursery.die(-9)
    async with asyncio.timeout(10):
        await trial.remote.over()

    assert trial.gone == [trial.work]
    assert (trial.outcomes, trial.released) == ([], 0)


async def test_it_is_not_run_elsewhere_again_and_again(trial: Trial) -> None:
    """After so many processes it is lost."""
    trial.work.tries = TRIES - 1
    trial.remote.run(trial.work)
    trial.nursery.die(0, "no more processes")

    outcome = await trial.over()

    assert outcome.code == "worker_lost"
    assert b"no more processes" in outcome.detail


async def test_a_stop_is_told_by_letter_and_signal(trial: Trial) -> None:
    """What it says afterwards is dropped, and its own end is believed."""
    trial.remote.run(trial.work)
    await trial.nursery.hear(2)
    trial.nursery.say(Ready(), Begun())
    trial.output.stop()

    assert await trial.nursery.hear(1) == [Stop()]
    assert trial.nursery.signals == [signal.SIGTERM]
    cancelled = Outcome(status=TaskStatus.FAILED, code="cancelled")
    trial.nursery.say(
        Piece(channel="out", kind=None, data=b"1", binary=False),
        Advance(fraction=0.5, message=None, step=None, total=None),
        Ended(outcome=cancelled),
    )
    await soon(lambda: trial.outcomes)
    assert trial.outcomes[0].code == "cancelled"
    assert trial.run.log.chunks == 0
    assert trial.run.fraction is None
    assert trial.remote.kill()
    assert not trial.remote.kill()
    await trial.over()


async def test_a_stop_by_a_stranger_is_a_loss(trial: Trial) -> None:
    """The hub had not asked for it."""
    trial.remote.run(trial.work)
    cancelled = Outcome(status=TaskStatus.FAILED, code="cancelled")
    trial.nursery.say(Ready(), Begun(), Ended(outcome=cancelled))
    trial.nursery.die(0)

    assert b"SIGTERM" in (await trial.over()).detail


async def test_a_line_that_is_closed_is_the_end(trial: Trial) -> None:
    """A process that cannot be heard is killed, and that is said."""
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun())
    trial.nursery.wire.shutdown(socket.SHUT_RDWR)

    assert b"closed its line" in (await trial.over()).detail


async def test_a_socket_that_somebody_holds_is_not_heard_for_ever(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a process is gone, so is what it could have said."""
    monkeypatch.setattr("hub.runner.remote.LAST_S", 0.01)
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun())
    held = trial.nursery.wire.dup()
    trial.nursery.die(3)

    assert b'"exit_code":3' in (await trial.over()).detail
    held.close()


async def test_the_log_of_a_process_is_the_hubs(
    trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    """Spares included; and so are the last words of one that crashed."""
    caplog.set_level(logging.INFO)
    os.write(trial.nursery.files[2], b"Fatal Python error")
    trial.nursery.say(Said(logger="a.b", level=logging.INFO, message="hi", trace=None))
    await soon(lambda: "hi" in caplog.text)
    trial.nursery.die(-11)
    await trial.remote.over()

    assert "a spare x: its process 4711 is gone: SIGSEGV" in caplog.text
    assert caplog.records[-1].exc_text == "Fatal Python error"


async def test_a_deadline_that_moves_is_told(trial: Trial) -> None:
    """Once each time, and not for a clock's noise."""
    trial.remote.check_deadline()
    trial.remote.run(trial.work)
    await trial.nursery.hear(2)
    trial.remote.check_deadline()
    trial.output.ends_at = None
    trial.remote.check_deadline()
    trial.remote.check_deadline()

    assert await trial.nursery.hear(1) == [Left(left=None)]


async def test_a_spare_may_be_dismissed(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked to go, and made to if it does not."""
    monkeypatch.setattr("hub.runner.remote.LAST_S", 0.01)
    trial.remote.dismiss()

    await trial.remote.over()

    assert trial.nursery.signals[:2] == [signal.SIGTERM, signal.SIGKILL]
    assert trial.gone == [None]


async def test_a_process_that_does_not_leave_is_made_to(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its command has ended, and its slot is wanted."""
    monkeypatch.setattr("hub.runner.remote.LAST_S", 0.01)
    trial.remote.run(trial.work)
    trial.nursery.say(Ready(), Begun(), Ended(outcome=DONE))

    assert (await trial.over()).status is TaskStatus.COMPLETED
    assert trial.nursery.signals[0] == signal.SIGKILL


async def test_phases_follow_the_table(trial: Trial) -> None:
    """A process that is gone cannot be given a command."""
    trial.nursery.die(0)
    await trial.remote.over()

    with pytest.raises(RuntimeError, match="cannot go"):
        trial.remote.run(trial.work)
