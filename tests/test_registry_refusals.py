"""Plugins that stay out: with file, line and reason, and nothing left behind."""

import logging
from pathlib import Path

import pytest

from hub.errors import PluginRefusedError, UnknownCommandError
from tests.shelves import classic, line_of, loaded, registry, shelf, typed


@pytest.mark.parametrize(
    ("text", "at", "reason"),
    [
        (
            typed(start="raise OSError('no network')"),
            "raise OSE",
            "OSError: no network",
        ),
        (typed(start="sys.exit(4)"), "sys.exit", "it called sys.exit(4)"),
        (
            typed(start="raise asyncio.CancelledError"),
            "raise asyncio",
            "CancelledError",
        ),
        (
            classic(initialize="return False"),
            "def initialize",
            "initialize() returned False",
        ),
        (classic(initialize="raise StopIteration"), "raise Stop", "StopIteration"),
        (classic(initialize="sys.exit()"), "sys.exit", "it called sys.exit(None)"),
        (classic(get_info="return 3"), "def get_info", "get_info(): it returned int"),
        (classic(get_info="1 / 0"), "1 / 0", "ZeroDivisionError: division by zero"),
        (typed() + "    def __init__(self, x): ...\n", "class Typed", "TypeError: "),
        (typed() + "    def __init__(self): 1 / 0\n", "1 / 0", "ZeroDivisionError: "),
        (
            typed() + "    @command\n    async def bad(self, ctx, x): ...\n",
            "@command\n    async def bad",
            "bad: parameter 'x' has no annotation",
        ),
        (typed().replace('"1.0"', "1.0"), "class Typed", "version 1.0 is not text"),
        (typed() + "    name = 'No'\n", "class Typed", "the name 'No' does not match"),
    ],
)
async def test_a_plugin_that_cannot_start_stays_out(
    tmp_path: Path, text: str, at: str, reason: str
) -> None:
    """With file, line and reason; the others run."""
    folder = shelf(tmp_path, bad=text, good=typed())

    hub = await loaded(folder)

    assert [each.name for each in hub.plugins()] == ["good"]
    (refusal,) = hub.refused()
    assert (refusal.file, refusal.line) == (str(folder / "bad.py"), line_of(text, at))
    assert refusal.reason.startswith(reason)
    with pytest.raises(UnknownCommandError):
        hub.lookup("bad", "say")
    await hub.close()


async def test_a_forgotten_return_of_initialize_is_forgiven(tmp_path: Path) -> None:
    """None is no clear no."""
    hub = await loaded(shelf(tmp_path, one=classic(initialize="pass")))

    assert hub.refused() == []
    await hub.close()


async def test_refusals_are_logged_with_their_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """File, line and reason, and what Python had to say."""
    caplog.set_level(logging.ERROR)
    folder = shelf(tmp_path, bad="\n1 / 0\n")

    hub = await loaded(folder)

    assert f"plugin bad refused: {folder}/bad.py:2: ZeroDivisionError" in caplog.text
    assert "Traceback" in caplog.text
    await hub.close()


async def test_strict_starts_with_all_or_not_at_all(tmp_path: Path) -> None:
    """What had been started is stopped again."""
    stopped = tmp_path / "stopped"
    folder = shelf(
        tmp_path / "plugins",
        bad="import not_there\n",
        good=typed(stop=f"open({str(stopped)!r}, 'w').close()"),
    )
    hub = registry(folder, strict=True)

    with pytest.raises(PluginRefusedError) as caught:
        await hub.load()

    assert (caught.value.file, caught.value.line) == (str(folder / "bad.py"), 1)
    assert stopped.exists()
    assert hub.plugins() == []
    fine = await loaded(shelf(tmp_path / "fine", good=typed()), strict=True)
    await fine.close()


async def test_a_classic_plugin_that_is_refused_cleans_up(tmp_path: Path) -> None:
    """What `initialize` took is let go where `get_info` is wrong."""
    cleaned = tmp_path / "cleaned"
    text = classic(
        get_info="return None", cleanup=f"open({str(cleaned)!r}, 'w').close()"
    )

    hub = await loaded(shelf(tmp_path / "plugins", one=text))

    assert cleaned.exists()
    await hub.close()
