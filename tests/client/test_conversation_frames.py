"""The conversation, frame by frame: what is answered, ignored, put off, given up."""

from typing import Any

import msgspec
from msgspec import structs

from hub.client.conversation import Cancelling
from hub.client.cursor import Unknown
from hub.client.errors import ConnectionLost
from hub.errors import HubError, NotFoundError
from hub.events import Chunk
from hub.protocol.frames import ErrorFrame, Ok, OpenedFrame, Pong
from hub.tasks import TaskStatus
from tests.client.model import accepted
from tests.client.test_conversation import settle
from tests.client.test_show import progress


def refusal(code: str, **fields: Any) -> ErrorFrame:
    """Return an error of the hub."""
    made = {"code": code, "message": "m", "retry": False, "ran": "no", **fields}
    return ErrorFrame(**made)


def test_what_is_about_nothing_of_ours_is_ignored() -> None:
    """Frames of tasks that nobody follows, answers that nobody waits for."""
    world, following = accepted()
    for frame in (
        Chunk(task_id="other", seq=1, at=0, channel="out", data=1),
        Unknown(task_id="t0"),
        Unknown(),
        progress(0.5),
        refusal("not_found", id=99),
        refusal("bad_frame"),
        Ok(id="text"),
        Pong(id=1),
        OpenedFrame(
            id=99,
            task_id="other",
            origin="watch",
            after=0,
            attempt=1,
            head=0,
            floor=0,
            response=world.logs["t0"].response(),
        ),
    ):
        world.client.receive(frame, 0)

    assert not following.is_over
    settle(world)
    assert following.is_ended


def test_a_task_that_goes_while_it_is_read_is_not_found() -> None:
    """The hub says so without being asked."""
    world, following = accepted()
    world.client.receive(refusal("not_found", task_id="t0"), 0)

    assert isinstance(following.error, NotFoundError)
    assert world.client.is_idle


def test_a_watch_that_is_refused_for_now_is_put_off() -> None:
    """For as long as the hub says, or a second; not, where the task is gone by then."""
    world, following = accepted()
    busy = refusal("unavailable", task_id="t0", retry=True)
    world.client.receive(busy, 0)
    world.client.receive(structs.replace(busy, retry_after_ms=20), 0)

    assert world.client.later == [(1000, following), (20, following)]
    world.client.again(following)
    world.client.forget(following)
    world.client.again(following)
    assert world.client.is_idle


def test_giving_up_tells_everybody() -> None:
    """Tasks and wishes to cancel; what was never sent has surely not run."""
    world, following = accepted()
    cancelling = Cancelling("t0")
    world.client.cancel(cancelling)
    world.cut()
    unsent = world.execute(reads=False)
    told = list[bool]()

    def verdict(maybe: bool) -> HubError:
        told.append(maybe)
        return ConnectionLost(str(maybe))

    world.client.fail(verdict)

    assert [str(each.error) for each in (following, unsent)] == ["True", "False"]
    assert str(cancelling.error) == "True"
    assert told == [True, False, True]
    assert world.client.is_idle


def test_what_is_forgotten_is_not_read() -> None:
    """Before the hub has answered and after: it is told not to send more."""
    world, following = accepted()
    early = world.execute(reads=False)
    world.send()
    world.client.forget(early)
    world.client.forget(following)
    for _ in range(10):
        world.deliver()
        world.send()

    assert world.places == {}
    assert world.client.is_idle


def test_a_visitor_stays_the_same() -> None:
    """The secret of a `welcome` is in the next connection's `hello`."""
    world, _ = accepted()
    assert world.client.welcome is not None
    again = structs.replace(world.client.welcome, session="secret")
    world.client.receive(again, 0)
    world.cut()

    (message,) = world.client.connected()
    assert msgspec.json.decode(message)["session"] == "secret"


def test_progress_of_a_former_attempt_is_dropped() -> None:
    """The latest that counts is kept; it is gone when a newer snapshot comes."""
    world, following = accepted()
    log = world.logs["t0"]
    world.client.read(following)
    log.say()
    log.retry()
    for _ in range(4):
        world.send()
        world.step()
        world.deliver()
    world.client.receive(structs.replace(progress(0.9), task_id="t0"), 0)
    before = following.progress
    news = structs.replace(progress(0.1), task_id="t0", attempt=2)
    world.client.receive(news, 0)

    assert (before, following.progress) == (None, news)
    assert following.status is TaskStatus.RUNNING
