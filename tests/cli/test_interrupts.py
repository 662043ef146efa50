"""Ctrl-C is counted, and is left as it was found."""

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from hub.cli.interrupts import Interrupts
from hub.cli.loading import abrupt


async def test_the_first_and_the_second_are_told_apart() -> None:
    """The third ends the program where it stands."""
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
        await interrupts.first.wait()
        assert not interrupts.second.is_set()
        signal.raise_signal(signal.SIGINT)
        await interrupts.second.wait()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) is before


async def test_who_ignores_it_goes_on_ignoring_it() -> None:
    """As a program does that a shell has started with `&`."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0)
        assert not interrupts.first.is_set()
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone() -> None:
    """Only the main one may have them."""
    before = signal.getsignal(signal.SIGINT)
    found = []

    async def enter() -> None:
        with Interrupts(), abrupt():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=lambda: asyncio.run(enter()))
    thread.start()
    thread.join()

    assert found == [before]


def test_while_a_module_is_loaded_it_ends_the_process() -> None:
    """At once and without a word; afterwards it is an exception again."""
    code = (
        "import os, signal\n"
        "from hub.cli.loading import abrupt\n"
        "with abrupt(): pass\n"
        "try: os.kill(os.getpid(), signal.SIGINT)\n"
        "except KeyboardInterrupt: print('as ever', flush=True)\n"
        "with abrupt(): os.kill(os.getpid(), signal.SIGINT)\n"
        "print('never')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert done.returncode == -signal.SIGINT
    assert (done.stdout, done.stderr) == ("as ever\n", "")
