"""Plugins' lives: started side by side, asked for their health, stopped."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.errors import UnknownCommandError
from tests.shelves import classic, loaded, shelf, typed


async def test_plugins_start_side_by_side(tmp_path: Path) -> None:
    """One that takes its time does not hold up the next."""
    meeting = (
        "loop = asyncio.get_running_loop()\n"
        "        loop.meeting = getattr(loop, 'meeting', None) or asyncio.Barrier(2)\n"
        "        async with asyncio.timeout(20):\n"
        "            await loop.meeting.wait()"
    )

    hub = await loaded(
        shelf(tmp_path, one=typed(start=meeting), two=typed(start=meeting))
    )

    assert [each.name for each in hub.plugins()] == ["one", "two"]
    await hub.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda: typed(healthy="return False"),
        lambda: typed(healthy="raise OSError"),
        lambda: typed(healthy="sys.exit()"),
        lambda: typed(healthy="await asyncio.Event().wait()"),
        lambda: classic(healthy="return 0"),
        lambda: classic(healthy="raise OSError"),
        lambda: classic(healthy="threading.Event().wait(5)"),
    ],
)
async def test_a_plugin_is_unhealthy_until_it_says_otherwise(
    tmp_path: Path, make: Callable[[], str]
) -> None:
    """No, an error, and no answer in time are the same; it stays loaded."""
    hub = await loaded(shelf(tmp_path, one=make(), two=typed()), health_s=0.05)

    await hub.check_health()

    assert [each.healthy for each in hub.plugins()] == [False, True]
    await hub.close()


async def test_a_plugin_that_owes_an_answer_is_not_asked_again(tmp_path: Path) -> None:
    """Asking for the health of a hanging plugin piles up nothing."""
    hub = await loaded(
        shelf(tmp_path, one=classic(healthy="return threading.Event().wait(5)")),
        health_s=0.02,
    )
    before = threading.active_count()

    for _ in range(5):
        await hub.check_health()

    assert threading.active_count() <= before + 1
    await hub.close()


async def test_health_can_come_back(tmp_path: Path) -> None:
    """The last answer counts."""
    flag = tmp_path / "flag"
    body = f"return __import__('os').path.exists({str(flag)!r})"
    hub = await loaded(shelf(tmp_path / "plugins", one=typed(healthy=body)))

    await hub.check_health()
    assert not hub.plugins()[0].healthy
    flag.touch()
    await hub.check_health()

    assert hub.plugins()[0].healthy
    await hub.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (typed(stop="raise OSError('stuck')"), "cleanup failed: OSError: stuck"),
        (typed(stop="await asyncio.Event().wait()"), "cleanup took over 0.05 s"),
        (classic(cleanup="sys.exit()"), "cleanup failed: SystemExit"),
        (classic(cleanup="threading.Event().wait(5)"), "cleanup took over 0.05 s"),
    ],
)
async def test_closing_ends_whatever_plugins_do(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    """Errors and delays are logged, and nothing can be looked up afterwards."""
    hub = await loaded(shelf(tmp_path, one=text), health_s=0.05)

    async with asyncio.timeout(10):
        await hub.close()

    assert f"plugin one: {said}" in caplog.text
    with pytest.raises(UnknownCommandError):
        hub.lookup("one", "say")
