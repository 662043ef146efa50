"""A process's line to the hub, over a real socket; the test is the hub."""

import socket
import threading

import pytest

from hub.plugin.context import Facts
from hub.runner.caps import Caps
from hub.runner.letters import Advance, Left, Order, Ready, Record, Stop
from hub.runner.line import PROGRESS_S
from tests.runner.far_end import Hub

ORDER = Order(
    command="x",
    params=b"{}",
    facts=Facts(run_id="r", task_id="r"),
    left=1.0,
    grace=2.0,
    caps=Caps(),
)


def test_letters_arrive_in_order(hub: Hub) -> None:
    """Whoever sends them does not wait."""
    letters = [Record(data=b"%d" % number) for number in range(500)]

    for letter in letters:
        hub.line.send(letter)

    assert hub.hear(500) == letters


def test_what_the_socket_does_not_take_is_held_and_sent_later(hub: Hub) -> None:
    """A slow hub gets all of it, in order, without anybody's help."""
    letters = [Record(data=b"%d" % number + b"x" * 10_000) for number in range(200)]
    for letter in letters:
        hub.line.send(letter)
    assert hub.line.held > 0

    assert hub.hear(200) == letters
    hub.line.wait(0, lambda: False)
    assert hub.line.held == 0


def test_many_threads_may_speak(hub: Hub) -> None:
    """No letter is torn or lost."""

    def speak(name: int) -> None:
        for number in range(200):
            hub.line.send(Record(data=b"%d %d" % (name, number) + b" " * 2000))

    threads = [threading.Thread(target=speak, args=(name,)) for name in range(4)]
    for each in threads:
        each.start()
    heard = hub.hear(800)
    for each in threads:
        each.join()

    said = [bytes(each.data).split() for each in heard if isinstance(each, Record)]
    for name in range(4):
        assert [int(b) for a, b in said if int(a) == name] == list(range(200))


def test_progress_conflates(hub: Hub) -> None:
    """The first word leaves at once, the latest soon, those between may not."""
    for step in range(1000):
        hub.line.advance(Advance(fraction=None, message=None, step=step, total=None))

    heard = [hub.hear(1)[0]]
    while getattr(heard[-1], "step", None) != 999:
        heard += hub.hear(1)

    assert getattr(heard[0], "step", None) == 0
    assert len(heard) < 900


def test_progress_comes_before_the_last_letter(hub: Hub) -> None:
    """Nothing is left unsaid when a command ends."""
    latest = Advance(fraction=1.0, message="almost", step=None, total=None)
    first = Advance(fraction=0.1, message=None, step=None, total=None)
    hub.line.advance(first)
    hub.line.advance(latest)

    hub.line.finish(Ready())

    assert hub.hear(3) == [first, latest, Ready()]
    assert PROGRESS_S > 0


def test_a_stop_is_heard(hub: Hub) -> None:
    """By letter; who listens is called."""
    hub.say(Stop())

    hub.until(lambda: hub.line.stopping)

    assert not hub.line.lost


def test_orders_are_taken_one_by_one(hub: Hub) -> None:
    """None is there before it has come."""
    assert hub.line.take() is None
    hub.say(ORDER, Left(left=5.0))

    hub.until(lambda: hub.line.left is not None)

    assert hub.line.take() == ORDER
    assert hub.line.take() is None


def test_the_deadline_moves(hub: Hub) -> None:
    """What is left is counted from when it was said; it may have no end."""
    assert not hub.line.left
    hub.line.move_deadline(100.0)
    left = hub.line.left
    assert left is not None
    assert 99 < left <= 100
    hub.line.move_deadline(-1)
    assert hub.line.left == 0
    hub.say(Left(left=None), Stop())

    hub.until(lambda: hub.line.stopping)

    assert hub.line.ends is None


@pytest.mark.parametrize("end", [b"", b"\0" * 10, b"R\xff\xff\xff\xff"])
def test_the_hubs_end_is_noticed(hub: Hub, end: bytes) -> None:
    """And so is nonsense: whatever it is, it is no hub. Nobody waits any more."""
    for _ in range(100):
        hub.line.send(Record(data=b"x" * 10_000))
    hub.wire.sendall(end)
    hub.wire.shutdown(socket.SHUT_WR)

    hub.until(lambda: hub.line.lost)
    hub.line.finish(Ready())

    assert hub.line.stopping
    assert hub.line.held == 0


def test_speaking_to_nobody_harms_nobody(hub: Hub) -> None:
    """A hub that is gone is noticed by who speaks, too."""
    hub.wire.close()

    for _ in range(100):
        hub.line.send(Ready())
        hub.line.advance(Advance(fraction=None, message=None, step=1, total=None))
    hub.until(lambda: hub.line.lost)
