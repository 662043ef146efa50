"""`--reload`: changes are noticed, settle, and are taken up; no trouble ends it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from hub.cli import reload
from hub.cli.reload import Reloader, reloading
from hub.registry import Registry
from tests.shelves import loaded, shelf, typed
from tests.stage import PATIENCE_S

FAST_S = 0.02


def text(version: int) -> str:
    """Return the source of a plugin of a version."""
    return typed().replace('version = "1.0"', f'version = "{version}"')


def versions(hub: Registry) -> dict[str, str]:
    """Return the versions that are served, by name."""
    return {each.name: each.version for each in hub.plugins()}


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that only files decide."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # the watcher sets no event
            await asyncio.sleep(FAST_S)


@asynccontextmanager
async def watching(hub: Registry, sweep_s: float) -> AsyncIterator[None]:
    """Run a reloader."""
    running = asyncio.create_task(Reloader(hub, sweep_s=sweep_s, settle_s=FAST_S).run())
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await hub.close()


@pytest.mark.parametrize("sweep_s", [FAST_S, 60.0])
async def test_a_save_is_taken_up(tmp_path: Path, sweep_s: float) -> None:
    """Because it was noticed, or because a look came by."""
    hub = await loaded(shelf(tmp_path / "p", one=text(1)), watchful=True)
    async with watching(hub, sweep_s):
        await asyncio.sleep(0.3)  # a notice needs a watch, which says not that it began

        shelf(tmp_path / "p", one=text(2), two=text(1))
        await until(lambda: versions(hub) == {"one": "2", "two": "1"})
        (tmp_path / "p" / "one.py").unlink()
        await until(lambda: versions(hub) == {"two": "1"})


async def test_a_file_in_halves_is_taken_up_whole(tmp_path: Path) -> None:
    """What is still being written is waited for: half of it is never loaded."""
    path = tmp_path / "p" / "one.py"
    hub = await loaded(shelf(tmp_path / "p", one=text(1)), watchful=True)
    reloader = Reloader(hub, settle_s=0.2)
    lines = text(2).splitlines(keepends=True)
    path.write_text("".join(lines[:20]))
    looking = asyncio.create_task(reloader.look())
    for end in range(21, len(lines) + 1, 4):
        await asyncio.sleep(0.02)
        path.write_text("".join(lines[:end]))
    path.write_text("".join(lines))

    await looking

    assert versions(hub) == {"one": "2"}
    assert hub.refused() == []
    await hub.close()


async def test_what_never_settles_is_taken_up_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many looks; a program that writes all the time stops nothing."""
    monkeypatch.setattr(reload, "RESTLESS", 3)
    path = tmp_path / "p" / "_noise.py"
    hub = await loaded(shelf(tmp_path / "p", one=text(1)), watchful=True)
    look = hub.finder.look

    def restless() -> object:
        path.write_text(f"{path.stat().st_size if path.exists() else 0}" * 2)
        return look()

    monkeypatch.setattr(hub.finder, "look", restless)
    shelf(tmp_path / "p", one=text(2))
    await Reloader(hub, settle_s=0).look()

    assert versions(hub) == {"one": "2"}
    await hub.close()


async def test_folders_that_cannot_be_watched_are_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full table of watches, say, costs a little time and nothing else."""

    def full(*_roots: Path, **_options: object) -> None:
        raise OSError("no more watches")

    monkeypatch.setattr(reload, "awatch", full)
    hub = await loaded(shelf(tmp_path / "p", one=text(1)), watchful=True)
    async with watching(hub, FAST_S):
        shelf(tmp_path / "p", one=text(2))
        await until(lambda: versions(hub) == {"one": "2"})
    assert "no more watches" in caplog.text


async def test_a_folder_is_found_when_it_comes(tmp_path: Path) -> None:
    """Although there was nothing to watch before."""
    hub = await loaded(tmp_path / "p", watchful=True)
    async with watching(hub, FAST_S):
        await asyncio.sleep(FAST_S)
        shelf(tmp_path / "p", one=text(1))
        await until(lambda: versions(hub) == {"one": "1"})
        await asyncio.sleep(3 * FAST_S)
        shelf(tmp_path / "p", one=text(2))
        await until(lambda: versions(hub) == {"one": "2"})


async def test_a_fault_of_the_hub_ends_no_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the next look may do better."""
    hub = await loaded(shelf(tmp_path / "p", one=text(1)), watchful=True)
    look = hub.finder.look
    monkeypatch.setattr(hub.finder, "look", lambda: 1 / 0)
    reloader = Reloader(hub, settle_s=0)
    await reloader.look()
    assert "could not be reloaded" in caplog.text

    monkeypatch.setattr(hub.finder, "look", look)
    shelf(tmp_path / "p", one=text(2))
    await reloader.look()
    assert versions(hub) == {"one": "2"}
    await hub.close()


async def test_the_watch_lasts_as_long_as_its_context(tmp_path: Path) -> None:
    """And is quiet about what it notices."""
    hub = await loaded(shelf(tmp_path / "p", one=text(1)), watchful=True)
    before = asyncio.all_tasks()
    async with reloading(hub):
        await asyncio.sleep(FAST_S)
        assert len(asyncio.all_tasks()) > len(before)
    assert asyncio.all_tasks() == before
    assert not logging.getLogger("watchfiles.main").isEnabledFor(logging.INFO)
    await hub.close()
