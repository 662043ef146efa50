"""Plugins that change while the hub runs: replaced in place, never by broken ones."""

import asyncio
import logging
import threading
from pathlib import Path

import pytest

from hub import registry as module
from hub.errors import UnknownCommandError
from hub.plugin.direct import run_directly
from tests.shelves import (
    IMPORTS,
    again,
    loaded,
    reasons,
    say,
    shelf,
    typed,
    watched,
    word,
)


async def test_a_changed_plugin_is_replaced(tmp_path: Path) -> None:
    """In place; its figures go on, and the others are left alone."""
    hub = await watched(shelf(tmp_path, one=word(1), two=word("'two'")))
    changed: list[str] = []
    hub.listen(changed.append)
    other, revision = hub.lookup("two", "say"), hub.revision
    hub.record("one", ok=True, ms=1)

    shelf(tmp_path, one=word(2, version="2"))
    await again(hub)

    assert await say(hub) == 2
    first, _ = hub.plugins()
    assert (first.name, first.version, first.statistics.calls) == ("one", "2", 1)
    assert hub.lookup("two", "say") is other
    assert (changed, hub.edition("one"), hub.edition("two")) == (["one"], 1, 0)
    assert hub.revision > revision
    await hub.close()


async def test_what_has_not_changed_is_not_loaded_again(tmp_path: Path) -> None:
    """A file that was saved with what it held already is as good as untouched."""
    hub = await watched(shelf(tmp_path, one=word(1)))
    before = hub.lookup("one", "say")

    shelf(tmp_path, one=word(1))

    assert not hub.differs(hub.finder.look())
    await hub.reload(hub.finder.look())
    assert hub.lookup("one", "say") is before
    await hub.close()


async def test_a_hub_that_is_not_watchful_reads_nothing_twice(tmp_path: Path) -> None:
    """Without `--reload` nobody compares code."""
    hub = await loaded(shelf(tmp_path, one=word(1)))

    shelf(tmp_path, one=word(2))

    assert not hub.differs(hub.finder.look())
    await hub.close()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("def f(:\n", "SyntaxError"),
        (word(2)[:-30], "SyntaxError"),
        ("import sys\nsys.exit(1)\n", "sys.exit"),
        (IMPORTS + "class Word: ...\n", "no subclass"),
        (word(2, head="import no_such_module\n"), "ModuleNotFoundError"),
        (word(2) + "\n    async def start(self): 1 / 0\n", "ZeroDivisionError"),
        (word(2).replace("(self, ctx)", "(self, ctx, n)"), "annotation"),
    ],
)
async def test_the_former_version_serves_while_the_new_one_is_broken(
    broken: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The listing says what is wrong and where, until it is mended."""
    hub = await watched(shelf(tmp_path, one=word(1)))

    shelf(tmp_path, one=broken)
    await again(hub)

    assert await say(hub) == 1
    assert [each.name for each in hub.plugins()] == ["one"]
    (refusal,) = hub.refused()
    assert (refusal.name, refusal.file) == ("one", str(tmp_path / "one.py"))
    assert reason in refusal.reason
    assert reason in caplog.text

    shelf(tmp_path, two=word(2))
    await again(hub)
    assert (await say(hub), await say(hub, "two")) == (1, 2), "and the others reload"
    assert len(hub.refused()) == 1

    shelf(tmp_path, one=word(3))
    await again(hub)
    assert await say(hub) == 3
    assert hub.refused() == []
    await hub.close()


async def test_a_plugin_that_was_broken_from_the_start_can_be_mended(
    tmp_path: Path,
) -> None:
    """It is served then, and refused no more."""
    hub = await watched(shelf(tmp_path, one="def f(:\n"))
    with pytest.raises(UnknownCommandError, match="was refused: SyntaxError"):
        hub.lookup("one", "say")

    shelf(tmp_path, one="1 / 0\n")
    await again(hub)
    assert "ZeroDivisionError" in reasons(hub)["one"][1]

    shelf(tmp_path, one=word(1))
    await again(hub)
    assert (await say(hub), hub.refused()) == (1, [])
    await hub.close()


async def test_a_start_that_does_not_end_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused after its time, and the former version serves on."""
    monkeypatch.setattr(module, "START_S", 0.05)
    hub = await watched(shelf(tmp_path, one=word(1)))

    text = word(2) + "\n    async def start(self): await asyncio.Event().wait()\n"
    shelf(tmp_path, one=text)
    await again(hub)

    assert await say(hub) == 1
    assert reasons(hub)["one"][1] == "its start took over 0.05 s"
    await hub.close()


async def test_files_come_and_go(tmp_path: Path) -> None:
    """What is new is found; what is gone is unknown at once."""
    hub = await watched(shelf(tmp_path, one=word(1)))

    shelf(tmp_path, two=word(2))
    (tmp_path / "one.py").unlink()
    await again(hub)

    assert await say(hub, "two") == 2
    with pytest.raises(UnknownCommandError, match="no plugin 'one'"):
        hub.lookup("one", "say")
    await hub.close()


async def test_a_folder_may_go_and_return(tmp_path: Path) -> None:
    """While it cannot be read that is listed, and its plugins have left."""
    folder = shelf(tmp_path / "mine", one=word(1))
    hub = await watched(folder)
    assert hub.finder.roots() == [folder]

    folder.rename(tmp_path / "away")
    await again(hub)
    assert (hub.plugins(), hub.finder.roots()) == ([], [])
    assert "cannot be read" in reasons(hub)["mine"][1]

    (tmp_path / "away").rename(folder)
    await again(hub)
    assert (await say(hub), hub.refused()) == (1, [])
    await hub.close()


async def test_names_follow_the_order_of_rights(tmp_path: Path) -> None:
    """A file of one's own takes a bundled name, and gives it back when it goes."""
    bundled = shelf(tmp_path / "bundled", one=word("'bundled'"))
    mine = shelf(tmp_path / "mine")
    hub = await watched(mine, bundled=bundled)

    shelf(mine, one="def f(:\n")
    await again(hub)
    assert await say(hub) == "bundled", "until there is one that works"

    shelf(mine, one=word("'mine'"))
    await again(hub)
    assert await say(hub) == "mine"
    assert f"belongs to {mine / 'one.py'}" in reasons(hub)["one"][1]

    (mine / "one.py").unlink()
    await again(hub)
    assert (await say(hub), hub.refused()) == ("bundled", [])
    await hub.close()


async def test_a_plugin_may_change_its_name(tmp_path: Path) -> None:
    """It is unknown under the old one."""
    hub = await watched(shelf(tmp_path, one=word(1)))

    shelf(tmp_path, one=word(1) + "\n    name = 'other'\n")
    await again(hub)

    assert [each.name for each in hub.plugins()] == ["other"]
    await hub.close()


async def test_the_old_instance_stops_after_its_last_run(tmp_path: Path) -> None:
    """Not before, and once; the new one has started by then, with the same config."""
    log = tmp_path / "lives.log"
    write = "with open({!r}, 'a') as log: print('{} <n>', file=log)"
    text = typed(
        start=write.format(str(log), "start"), stop=write.format(str(log), "stop")
    )
    config = {"one": {"word": "kept"}}
    hub = await watched(shelf(tmp_path, one=text.replace("<n>", "1")), config=config)
    first, second = hub.lease("one"), hub.lease("one")

    shelf(tmp_path, one=text.replace("<n>", "2"))
    await again(hub)
    first.release()
    await asyncio.sleep(0.01)
    assert said(log) == ["start 1", "start 2"]

    second.release()
    async with asyncio.timeout(5):
        while len(said(log)) < 3:  # noqa: ASYNC110  # a file sets no event
            await asyncio.sleep(0)
    assert said(log)[2] == "stop 1"
    new = hub.lookup("one", "say")
    params = new.parse(b'{"n":2}').params
    assert await run_directly(new, params) == "keptkept"

    await hub.close()
    assert said(log) == ["start 1", "start 2", "stop 1", "stop 2"]


def said(log: Path) -> list[str]:
    """Return the lines of a log."""
    return log.read_text().splitlines()


async def test_what_still_runs_does_not_keep_the_hub(tmp_path: Path) -> None:
    """At the hub's end an old instance is stopped all the same."""
    log = tmp_path / "lives.log"
    stop = f"with open({str(log)!r}, 'a') as log: print('stop', file=log)"
    hub = await watched(shelf(tmp_path, one=typed(stop=stop)))
    hub.lease("one")

    shelf(tmp_path, one=word(2))
    await again(hub)
    assert not log.exists()

    await hub.close()
    assert said(log) == ["stop"]


async def test_each_trouble_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not again with every change of another file."""
    caplog.set_level(logging.INFO)
    hub = await watched(shelf(tmp_path / "a", one="1 / 0\n"), shelf(tmp_path / "b"))
    shelf(tmp_path / "b", one=word(1))
    await again(hub)
    shelf(tmp_path / "b", two=word(2))
    await again(hub)
    shelf(tmp_path / "b", two=word(3))
    await again(hub)

    told = [each.getMessage() for each in caplog.records]
    assert sum("ZeroDivisionError" in each for each in told) == 1
    assert sum("belongs to" in each for each in told) == 1
    assert told[-2:] == ["plugin two was found", "plugin two was reloaded"]
    await hub.close()


async def test_an_import_that_does_not_end_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former version serves, the listing says why, and a mended file is taken."""
    monkeypatch.setattr(module, "IMPORT_S", 0.3)
    hub = await watched(shelf(tmp_path, one=word(1)))
    head = "import threading\nwhile not hasattr(threading, 'let_go'): pass\n"
    shelf(tmp_path, one=word(2, head=head))

    loading = asyncio.create_task(again(hub))
    try:
        await asyncio.sleep(0.1)
        assert not loading.done()
        assert (await say(hub), hub.refused()) == (1, [])
        await loading
        (refusal,) = hub.refused()
        assert (refusal.name, refusal.file) == ("one", str(tmp_path / "one.py"))
        assert refusal.reason == "it was still being imported after 0.3 s"
        assert await say(hub) == 1

        monkeypatch.setattr(module, "IMPORT_S", 20)
        shelf(tmp_path, one=word(3))
        await again(hub)
        assert (await say(hub), hub.refused()) == (3, [])
    finally:
        monkeypatch.setattr("threading.let_go", True, raising=False)
        async with asyncio.timeout(20):
            while "taskhub-import" in str(threading.enumerate()):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.005)
        await hub.close()
