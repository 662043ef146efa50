"""`AsyncTestHub`: on real loops and simulated ones, by several tasks at once."""

import asyncio
import inspect

import pytest

from hub import testing
from hub.tasks import TaskStatus
from hub.testing import AsyncTestHub, HubError, TestHub, after_chunk, simulated
from hub.testing.hubs import AsyncCaller
from hub.testing.plain import Caller
from hub.testing.pulse import Pulse
from hub.testing.wishes import Options, Wishes
from tests.testing.lab import Lab


async def test_a_real_loop_has_real_time() -> None:
    """Commands run there as well; what needs another time says so."""
    async with AsyncTestHub(Lab, config={"word": "hey"}) as hub:
        assert (await hub.run("lab.word")).result == "hey"
        assert (await hub.run("lab.count")).output == [1, 2, 3]
        task = await hub.options(deadline=0.05).run("lab.stuck")
        assert task.code == "deadline_exceeded"
        with pytest.raises(RuntimeError, match="time is real"):
            await hub.advance(1)
        killed = await hub.options(kill_at=after_chunk(1)).run("lab.rows")
        assert killed.code == "hub_restarted"
        assert (await hub.run("lab.word")).result == "hey"


@simulated
async def test_many_may_wait_at_once() -> None:
    """Through a death of the hub, too: it comes back once."""
    async with AsyncTestHub(Lab) as hub:
        rows = [hub.run("lab.rows") for _ in range(5)]
        dying = hub.options(kill_at=after_chunk(3)).run("lab.rows")
        *others, killed = await asyncio.gather(*rows, dying)

        assert killed.code == "hub_restarted"
        ends = {(task.status, task.code) for task in others}
        assert ends <= {
            (TaskStatus.COMPLETED, None),
            (TaskStatus.FAILED, "hub_restarted"),
        }
        sleeping = await hub.start("lab.sleep", seconds=10)
        await hub.advance(11)
        assert sleeping.ended
        assert (await hub.cancel(sleeping)).status is TaskStatus.COMPLETED


@simulated
async def test_a_task_that_has_expired_is_still_known_to_its_test() -> None:
    """Its record has left the hub after the retention time."""
    async with AsyncTestHub(Lab) as hub:
        task = await hub.run("lab.rows")
        await hub.advance(3 * 86_400)
        with pytest.raises(HubError) as gone:
            await hub._cancel(task)
        assert gone.value.code == "not_found"
        assert (await hub.cancel(task)).output == [1, 2, 3, 4, 5]


@simulated
async def test_a_pulse_slows_down_and_is_exact_where_it_is_asked_to() -> None:
    """A day is a thousand beats, not a million."""
    loop, beats = asyncio.get_running_loop(), list[float]()
    began = loop.time()
    pulse = Pulse(lambda: beats.append(loop.time() - began), 0.1)
    pulse.at(5000)
    await asyncio.sleep(86_400)

    assert 500 < len(beats) < 2000
    assert min(abs(beat - 5000) for beat in beats) < 0.001
    after = [beat for beat in beats if 5000 < beat < 5001]
    assert len(after) > 5, "what follows is met, too"
    pulse.at(10)
    pulse.stop()
    count = len(beats)
    await asyncio.sleep(1000)
    assert len(beats) == count


def test_both_hubs_do_the_same() -> None:
    """Method by method, parameter by parameter."""

    def face(kind: type[object]) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in vars(kind).items()
            if not name.startswith("_") and inspect.isfunction(member)
        }

    apart = {"submit": None, "wait_for": None}
    assert face(AsyncTestHub).keys() ^ face(TestHub).keys() == apart.keys()
    shared = face(AsyncTestHub).keys() & face(TestHub).keys()
    assert {name: face(AsyncTestHub)[name] for name in shared} == {
        name: face(TestHub)[name] for name in shared
    }
    assert face(AsyncCaller) == face(Caller)


def test_wishes_are_the_options() -> None:
    """Each field of the one is a key of the other."""
    assert set(Options.__struct_fields__) == Wishes.__annotations__.keys()


def test_the_face_is_sorted_and_there() -> None:
    """`hub.testing` offers what it lists."""
    assert sorted(testing.__all__) == testing.__all__
    assert all(hasattr(testing, name) for name in testing.__all__)
