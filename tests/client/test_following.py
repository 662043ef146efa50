"""One task, as it is followed."""

from hub.client.following import Following
from hub.client.requests import Options, request
from hub.client.wire import Codec
from hub.errors import NotFoundError
from hub.tasks import TaskStatus
from tests.client.model import World
from tests.client.test_show import progress


def test_a_task_is_called_what_is_known_of_it() -> None:
    """The command, from the request or from the hub; else its id."""
    wish = request(Codec("json"), "p.c", None, {}, Options())
    attached = Following(task_id="t")

    assert Following(wish).name == "p.c"
    assert attached.name == "t"
    assert Following().name == "task"
    assert attached.status is None


def test_the_hubs_word_is_the_name_of_an_attached_task() -> None:
    """And the latest progress is its status."""
    world = World(1, "json", 1000)
    world.execute(reads=False)
    world.connect()
    world.deliver()
    world.send()
    attached = Following(task_id="t0")
    world.client.begin(attached)
    world.send()
    for _ in range(3):
        world.deliver()

    assert attached.name == "p.c"
    assert attached.status is TaskStatus.RUNNING
    attached.advance(progress(0.5))
    assert attached.progress == progress(0.5)
    assert attached.origin == "watch"


def test_the_first_error_counts() -> None:
    """What is known to be lost is not lost for another reason later."""
    following = Following(task_id="t")
    first = NotFoundError()
    following.fail(first)
    following.fail(NotFoundError())

    assert following.error is first
    assert following.is_over
    assert following.is_read
