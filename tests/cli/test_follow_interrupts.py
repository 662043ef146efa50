"""Moments that no real hub can be held in: Ctrl-C, and a refusal, before its answer."""

import asyncio
import signal
from collections.abc import Callable
from typing import Self

import pytest
from click.testing import Result

from hub.cli import follow
from hub.cli.exits import Exit
from hub.cli.follow import Follower
from hub.cli.interrupts import Interrupts
from hub.cli.invocation import Wish
from hub.cli.target import target_of
from hub.cli.views import View
from hub.client.errors import UnsupportedVersionError
from hub.errors import ForbiddenError

Call = Callable[..., Result]


class _Hub:
    """A hub that accepts nothing, for the moments that no real one can be held in."""

    def __init__(self, *, is_connected: bool) -> None:
        self.is_connected = self.was_connected = is_connected
        self.asked = asyncio.Event()

    def options(self, **_: object) -> Self:
        """Be asked."""
        return self

    async def execute(self, *_: object) -> None:
        """Never answer."""
        self.asked.set()
        await asyncio.Event().wait()


class _Task:
    """A task that does not let itself be cancelled."""

    id, name, origin = "t1", "a.b", "new"
    told = asyncio.Event()

    async def response(self) -> None:
        """Never end."""
        await asyncio.Event().wait()

    async def cancel(self, _: str) -> None:
        """Refuse."""
        self.told.set()
        raise ForbiddenError


class _Notes(View):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)


WISH = Wish(plugin="a", command="b", params={}, key="k")


@pytest.mark.parametrize(("is_connected", "presses"), [(True, 2), (False, 1)])
async def test_ctrl_c_before_the_hub_has_answered(
    is_connected: bool, presses: int
) -> None:
    """Is obeyed at once where there is no connection, else at the second one."""
    hub = _Hub(is_connected=is_connected)
    with Interrupts() as interrupts:
        # What is used of a hub is there.
        follower = Follower(hub, View(), interrupts)  # type: ignore[arg-type]
        starting = asyncio.ensure_future(follower.start(WISH))
        await hub.asked.wait()
        for _ in range(presses):
            assert not starting.done()
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(0)

        assert await starting is None


async def test_ctrl_c_is_answered_at_once_and_waits_with_an_end() -> None:
    """A hub that never says whether a task was started holds nobody for ever."""
    hub, view = _Hub(is_connected=True), _Notes()
    with Interrupts() as interrupts:
        # What is used of a hub is there.
        follower = Follower(hub, view, interrupts, patience_s=0.01)  # type: ignore[arg-type]
        starting = asyncio.ensure_future(follower.start(WISH))
        await hub.asked.wait()
        signal.raise_signal(signal.SIGINT)

        assert await starting is None
    assert [note.startswith("cancelling") for note in view.notes] == [True]


async def test_a_task_that_may_not_be_cancelled() -> None:
    """That is said, and a second Ctrl-C leaves it alone."""
    task, view = _Task(), _Notes()
    with Interrupts() as interrupts:
        hub = _Hub(is_connected=True)
        # What is used of a hub and a task is there.
        follower = Follower(hub, view, interrupts)  # type: ignore[arg-type]
        ending = asyncio.ensure_future(
            follower.to_end(task, "a.b", cancels=True)  # type: ignore[arg-type]  # as above
        )
        signal.raise_signal(signal.SIGINT)
        await task.told.wait()
        signal.raise_signal(signal.SIGINT)

        assert await ending is None
    assert "not cancelled: This credential does not allow that." in view.notes


@pytest.mark.parametrize(
    ("was_connected", "said"),
    [
        (True, "if it was started, the same with --key k finds it"),
        (False, "interrupted; nothing was sent to the hub"),
    ],
)
def test_interrupted_before_it_began(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    was_connected: bool,
    said: str,
) -> None:
    """The key says how to find what may have been started, if anything may have."""

    class Hub(_Hub):
        async def execute(self, *_: object) -> None:
            signal.raise_signal(signal.SIGINT)
            await super().execute()

        async def __aenter__(self) -> None:
            """Connect to nothing."""

        async def __aexit__(self, *_: object) -> None:
            """Leave nothing."""

    def make(*_: object, **__: object) -> Hub:
        hub = Hub(is_connected=False)
        hub.was_connected = was_connected
        return hub

    monkeypatch.setattr("hub.cli.follow.AsyncHub", make)

    assert follow.run(WISH, target_of({"url": "127.0.0.1:1"}, {})) is Exit.INTERRUPTED
    assert said in capsys.readouterr().err


def test_what_a_hub_refuses_late(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub of another version, for one, that only the socket finds out."""

    class Hub(_Hub):
        async def execute(self, *_: object) -> None:
            raise UnsupportedVersionError("It speaks another version.")

        async def __aenter__(self) -> None:
            """Connect to nothing."""

        async def __aexit__(self, *_: object) -> None:
            """Leave nothing."""

    def make(*_: object, **__: object) -> Hub:
        return Hub(is_connected=False)

    monkeypatch.setattr("hub.cli.follow.AsyncHub", make)
    result = call("run", "demo.echo")

    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr == "Error: It speaks another version.\n"
