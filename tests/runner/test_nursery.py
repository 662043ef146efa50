"""The nursery itself; its children are seen in test_processes.py and from outside."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.plugin.origin import Origin
from hub.runner.letters import Died, Fork, Limits, Load, Signal
from hub.runner.nursery import FILES, Nursery
from hub.runner.post import Unpacker, to_bytes


@pytest.fixture
def ends() -> Iterator[tuple[Nursery, socket.socket]]:
    """Make a nursery that is not at work, and hold the hub's end of its socket."""
    ours, theirs = socket.socketpair()
    nursery = Nursery(theirs, os.getpid())
    yield nursery, ours
    for each in (ours, theirs, nursery._wake, nursery._woken):
        each.close()


def test_a_process_that_cannot_be_made_is_told(
    ends: tuple[Nursery, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason, and its files are closed."""
    nursery, ours = ends

    def fail() -> int:
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fail)
    files = [os.dup(0) for _ in range(FILES)]
    before = len(list(Path("/dev/fd").iterdir()))
    socket.send_fds(ours, [to_bytes(Fork(number=7, limits=Limits()))], files)

    nursery._hear()

    [died] = Unpacker(trusting=False).feed(ours.recv(4096))
    assert died == Died(number=7, code=0, reason="Resource temporarily unavailable")
    assert len(list(Path("/dev/fd").iterdir())) == before
    for each in files:
        os.close(each)


def test_a_signal_for_nobody_is_no_trouble(
    ends: tuple[Nursery, socket.socket],
) -> None:
    """The process may just have ended."""
    nursery, ours = ends
    ours.send(to_bytes(Signal(number=1, signal=9)))

    nursery._hear()

    assert nursery._open


@pytest.mark.parametrize("data", [b"", b"\0" * 10])
def test_the_hubs_end_is_the_nurserys(
    ends: tuple[Nursery, socket.socket], data: bytes
) -> None:
    """And nonsense is none of the hub's."""
    nursery, ours = ends
    ours.send(data)
    ours.close()

    nursery._hear()

    assert not nursery._open


def test_a_plugin_that_cannot_be_imported_keeps_no_other_out(
    ends: tuple[Nursery, socket.socket],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who needs it is told when it is needed."""
    nursery, _ = ends
    (tmp_path / "bad.py").write_text("1 / 0")
    bad = Origin(
        name="bad", file=str(tmp_path / "bad.py"), shelf=str(tmp_path), found="bad"
    )
    for name in ("end_with_parent", "gc.freeze"):
        monkeypatch.setattr(f"hub.runner.nursery.{name}", lambda *_: None)

    nursery._obey(Load(origins=[bad]))

    assert nursery._open
