"""`TestHub`: commands run as in a hub, in simulated time, in plain tests."""

import logging
import threading
import time
from pathlib import Path

import pytest

from hub.plugin.contract import PluginBase
from hub.tasks import TaskStatus
from hub.testing import (
    HubError,
    PluginRefusedError,
    TestHub,
)
from hub.testing.loops import NothingHappensError
from tests.shelves import classic, shelf, typed
from tests.testing.lab import DAY_S, Lab


def test_a_command_is_run_to_its_end() -> None:
    """With its configuration; params are checked as in a hub."""
    with TestHub(Lab, config={"word": "hey"}) as hub:
        assert hub.run("lab.word", n=2).result == "heyhey"
        assert hub.run("lab.word", {"n": 1}).status is TaskStatus.COMPLETED
        with pytest.raises(HubError) as refused:
            hub.run("lab.word", n=0)
        assert (refused.value.code, (refused.value.detail or {})["field"]) == (
            "invalid_params",
            "n",
        )
        for name in ("lab.none", "none.word", "lab"):
            with pytest.raises(HubError) as unknown:
                hub.run(name)
            assert unknown.value.code == "unknown_command"


def test_everything_that_is_said_is_heard() -> None:
    """In order, with its channel, kind and value."""
    with TestHub(Lab) as hub:
        task = hub.run("lab.speak")

    assert task.output == [{"n": 1}, b"\x00\x01"]
    assert [chunk.channel for chunk in task.chunks] == ["out", "out", "other"]
    assert [(each.level, each.logger, each.message) for each in task.logs] == [
        ("warning", None, "a word"),
        ("info", "lab", "from logging"),
    ]
    assert [(each.progress, each.message) for each in task.progress] == [
        (0.25, "a quarter"),
        (0.75, None),
    ]
    assert (task.result, task.response.progress, task.code) == ({"said": 3}, 1.0, None)


def test_threads_are_run_too() -> None:
    """Their output, their result, their stop."""
    with TestHub(Lab) as hub:
        task = hub.run("lab.count", to=4)
        assert (task.output, task.result) == ([1, 2, 3, 4], "done")
        assert [each.progress for each in task.progress] == [0.25, 0.5, 0.75, 1.0]

        blocked = hub.start("lab.blocked")
        hub.until(lambda: blocked.output)
        assert hub.cancel(blocked).status is TaskStatus.CANCELLED


def test_failures_are_those_of_the_wire() -> None:
    """Text, code, detail; also what a failing test prints."""
    with TestHub(Lab) as hub:
        task = hub.run("lab.fail")

    assert (task.status, task.error, task.code) == (
        TaskStatus.FAILED,
        "no luck",
        "bad_luck",
    )
    assert task.failure is not None
    assert (task.failure.code, task.failure.detail) == (
        "plugin_error",
        {"n": 1, "code": "bad_luck"},
    )
    assert repr(task) == "<TestTask lab.fail failed, 'no luck'>"


def test_a_day_passes_in_no_time() -> None:
    """What sleeps wakes, and its time is a day."""
    began = time.monotonic()
    with TestHub(Lab) as hub:
        task = hub.run("lab.sleep", seconds=DAY_S)

    assert task.result == DAY_S
    assert task.response.metadata.execution_time_ms == pytest.approx(DAY_S * 1000)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("name", ["lab.stuck", "lab.blocked"])
def test_timeouts_are_exact(name: str) -> None:
    """On the loop and in a thread."""
    with TestHub(Lab) as hub:
        task = hub.start(name)
        hub.until(lambda: task.output)
        hub.advance(299.5)
        assert not task.ended
        hub.advance(0.6)
        hub.wait(task)

    assert task.code == "deadline_exceeded"
    spent = task.response.metadata.execution_time_ms
    assert spent == pytest.approx(300_000, abs=2500)


def test_a_deadline_is_the_callers() -> None:
    """Exact, too."""
    with TestHub(Lab) as hub:
        task = hub.options(deadline=7).run("lab.stuck")

    assert task.code == "deadline_exceeded"
    assert task.response.metadata.execution_time_ms == pytest.approx(7000, abs=10)


def test_cached_answers_expire() -> None:
    """When their time is over, and not before; and `cache` is heeded."""
    Lab.runs = 0
    with TestHub(Lab) as hub:
        assert hub.run("lab.cached").origin == "new"
        hub.advance(59)
        cached = hub.run("lab.cached")
        assert (cached.origin, cached.result) == ("cached", 1)
        assert hub.options(cache="refresh").run("lab.cached").result == 2
        hub.advance(61)
        assert hub.run("lab.cached").result == 3


def test_equal_requests_join() -> None:
    """Their log is heard from its beginning."""
    with TestHub(Lab) as hub:
        first = hub.start("lab.shared")
        hub.until(lambda: first.output)
        second = hub.run("lab.shared")

    assert (first.origin, second.origin) == ("new", "joined")
    assert (second.output, second.result, first.ended) == (["begun"], first.id, True)


def test_keys_and_callers_are_told_apart() -> None:
    """A key is its principal's own."""
    with TestHub(Lab) as hub:
        mine = hub.options(key="k").run("lab.word")
        again = hub.options(key="k").run("lab.word")
        other = hub.options(key="k", principal="ada").run("lab.word")

    assert (again.origin, again.id) == ("existing", mine.id)
    assert other.id != mine.id


def test_bounds_are_those_of_the_settings() -> None:
    """Slots, queue and chunk size among them."""
    settings = {"limits.async_runs": 1, "limits.queued": 1, "limits.chunk_bytes": 100}
    with TestHub(Lab, settings=settings) as hub:
        first, second = hub.start("lab.stuck"), hub.start("lab.speak")
        with pytest.raises(HubError) as full:
            hub.start("lab.word")
        assert full.value.code == "queue_full"
        assert second.status is TaskStatus.CREATED
        hub.cancel(first)
        assert hub.wait(second).status is TaskStatus.COMPLETED
        with pytest.raises(HubError) as large:
            hub.run("lab.word", n="x" * 300_000)
        assert large.value.code == "frame_too_large"


def test_a_test_that_would_hang_is_told_so() -> None:
    """Rather than to wait for ever."""
    with TestHub(Lab) as hub, pytest.raises(NothingHappensError, match="never come"):
        hub.until(lambda: False)


def test_files_and_folders_are_loaded_as_by_the_hub(tmp_path: Path) -> None:
    """Under their names, with their configuration; what is refused raises."""
    shelf(tmp_path, one=typed(), two=classic(), broken="1 / 0\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "main.py").write_text(typed() + "    name = 'other'\n")

    with TestHub(tmp_path / "one.py", config={"word": "hi"}) as hub:
        assert hub.run("one.say").result == "hi"
    with TestHub(str(tmp_path / "pack"), config={"word": "ho"}) as hub:
        assert hub.run("other.say").result == "ho"
    with TestHub(tmp_path / "two.py") as hub:
        assert hub.run("two.do", {"x": 1}).result == ["do", {"x": 1}, {}]
    with pytest.raises(PluginRefusedError, match="division by zero") as refused:
        TestHub(tmp_path / "broken.py").__enter__()
    assert (refused.value.line, refused.value.file) == (1, f"{tmp_path}/broken.py")
    with pytest.raises(FileNotFoundError, match="is no plugin"):
        TestHub(tmp_path / "none.py")
    (tmp_path / "broken.py").unlink()
    with TestHub(tmp_path) as hub:
        assert hub.run("one.say").result == "w"


def test_a_hub_leaves_nothing_behind() -> None:
    """Neither threads at work, nor the level of the root's logger."""
    before, level = threading.active_count(), logging.getLogger().level
    with TestHub(Lab) as hub:
        hub.run("lab.count")
        hub.start("lab.stuck")

    assert logging.getLogger().level == level
    end = time.monotonic() + 5
    while threading.active_count() > before:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_classes_are_named_as_the_hub_names_them() -> None:
    """By their attribute, else in words."""

    class TwoWords(Lab):
        """Another one."""

    class Named(Lab):
        """A third one."""

        name = "third"

    with TestHub(TwoWords, Named) as hub:
        assert hub.run("two_words.word").result == "none"
        assert hub.run("third.word").result == "none"


def test_a_class_that_is_no_whole_plugin_is_refused() -> None:
    """With the reason of a real hub."""
    with pytest.raises(PluginRefusedError, match="abstract"):
        TestHub(PluginBase).__enter__()


def test_a_broken_file_with_configuration_is_refused(tmp_path: Path) -> None:
    """Its name is that of the file, since nobody can know another one."""
    shelf(tmp_path, broken="1 / 0\n")
    with pytest.raises(PluginRefusedError, match="ZeroDivision"):
        TestHub(tmp_path / "broken.py", config={"word": "hi"}).__enter__()


def test_what_is_wrong_with_the_settings_is_said() -> None:
    """Before anything begins."""
    with pytest.raises(HubError, match="no such setting"):
        TestHub(Lab, settings={"limits.nothing": 1}).__enter__()
