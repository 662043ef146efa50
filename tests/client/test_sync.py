"""`Hub`: the same, without a loop, from any thread."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub import Chunk, Hub, TaskCancelled, TaskFailed, TaskStatus
from hub.errors import UnknownCommandError
from tests.blackbox.server import HubProcess
from tests.client.conftest import PLUGINS


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """Start a hub; Ctrl-C must end it cleanly."""
    folder = tmp_path_factory.mktemp("sync")
    started = HubProcess(folder / "data", plugins=[PLUGINS]).start()
    yield started
    started.stop()


@pytest.fixture
def hub(process: HubProcess) -> Iterator[Hub]:
    """Give a client."""
    with Hub(process.url, reconnect_for=5) as found:
        yield found


def test_a_task_is_waited_for(hub: Hub) -> None:
    """`wait` raises for a bad end, `response` gives it."""
    task = hub.execute("demo.echo", {"value": [1]})
    failing = hub.execute("demo.failure", message="on purpose")

    assert task.wait(timeout=5).result == [1]
    assert (task.status, task.origin) == (TaskStatus.COMPLETED, "new")
    assert task.name == "demo.echo"
    assert task.snapshot is task.response()
    assert repr(task).startswith("<Task demo.echo ")
    with pytest.raises(TaskFailed, match="on purpose"):
        failing.wait()
    assert failing.response(timeout=5).status is TaskStatus.FAILED


def test_a_task_is_read_in_a_loop(hub: Hub) -> None:
    """In order; after a break the next loop goes on."""
    task = hub.execute("lab.count", n=5, pace_ms=1)
    seen = []
    for event in task:
        if isinstance(event, Chunk):
            seen.append(event.data)
            if event.data == 2:
                break
    seen += [event.data for event in task if isinstance(event, Chunk)]

    assert seen == [1, 2, 3, 4, 5]
    assert task.wait().result == 5


def test_a_slow_reader_gets_everything(hub: Hub) -> None:
    """More than may wait at once: the end first, then the output, in order."""
    task = hub.options(chunks=True).execute("lab.flood", n=150, size=20_000)
    assert task.wait().result == {"sent": 150}

    data = [event.data for event in task if isinstance(event, Chunk)]
    assert [int(text.partition(" ")[0]) for text in data] == list(range(150))


def test_waiting_has_an_end(hub: Hub) -> None:
    """The task goes on after a timeout, until it is cancelled."""
    task = hub.execute("lab.wait", name="never")

    with pytest.raises(TimeoutError):
        task.wait(timeout=0.01)
    task.cancel("enough")
    with pytest.raises(TaskCancelled):
        task.wait()
    hub.cancel(task.id)
    assert task.progress is None or task.progress.progress is None


def test_everything_else_is_the_same(hub: Hub) -> None:
    """Options, attaching, plugins, the cache."""
    task = hub.options(key="mine", deadline=60, priority="normal").execute(
        "lab.count", n=2
    )
    task.wait()
    same = hub.options(key="mine").execute("lab.count", n=2)

    assert (same.id, same.origin) == (task.id, "existing")
    assert hub.attach(task.id).wait().result == 2
    assert hub.get(task.id).result == 2
    assert {plugin["name"] for plugin in hub.plugins()["plugins"]} >= {"lab"}
    assert hub.plugin("lab")["name"] == "lab"
    assert hub.command("lab.count")["name"] == "count"
    assert hub.cache("lab", "count")["entries"] == []
    assert hub.clear_cache("lab") == 0
    with pytest.raises(UnknownCommandError):
        hub.execute("lab.nothing")


def test_a_task_is_shown(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, as lines where it is no terminal."""
    response = hub.execute("lab.count", n=3).show()

    assert response.result == 3
    assert capsys.readouterr().out.splitlines()[-1].startswith("lab.count completed")


def test_threads_may_share_a_hub(hub: Hub) -> None:
    """Each gets its own answers."""

    def work(number: int) -> tuple[int, list[int]]:
        task = hub.execute("lab.count", n=number)
        rows = [event.data for event in task if isinstance(event, Chunk)]
        return task.wait().result, rows

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(1, 41)))

    assert found == [(n, list(range(1, n + 1))) for n in range(1, 41)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where there is fork")
def test_a_forked_process_is_told_to_make_its_own(process: HubProcess) -> None:
    """It has the client but not its thread: an error at once, and no wait for ever."""
    script = """
        import os, sys
        from hub import Hub
        hub = Hub(sys.argv[1])
        hub.execute("demo.echo", value=1).wait(20)
        if os.fork():
            sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
        try:
            hub.execute("demo.echo", value=2)
        except RuntimeError as error:
            sys.exit(0 if "forked" in str(error) else 3)
        sys.exit(4)
    """

    told = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), process.url],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert told.returncode == 0, told.stderr


def test_closing_ends_the_thread(process: HubProcess) -> None:
    """And a closed hub says that it is closed."""
    before = threading.active_count()
    hub = Hub(process.url)
    hub.execute("lab.count", n=1).wait()
    hub.close()
    hub.close()

    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="closed"):
        hub.execute("lab.count", n=1)


PROGRAMS = {
    "with a loop": """
        import asyncio
        import sys
        from hub import AsyncHub

        async def main():
            async with AsyncHub(sys.argv[1]) as hub:
                task = await hub.execute("lab.wait", name="never")
                async for event in task:
                    print(task.id, flush=True)

        asyncio.run(main())
    """,
    "without one": """
        import sys
        from hub import Hub

        with Hub(sys.argv[1]) as hub:
            task = hub.execute("lab.wait", name="never")
            for event in task:
                print(task.id, flush=True)
    """,
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_an_interrupt_ends_the_program(
    process: HubProcess, tmp_path: Path, kind: str
) -> None:
    """Ctrl-C in the middle: KeyboardInterrupt, no thread that holds the exit up.

    The task goes on at the hub, where it can be cancelled.
    """
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAMS[kind]), "utf-8")
    running = subprocess.Popen(
        [sys.executable, "-X", "dev", str(program), process.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert running.stdout is not None
    task_id = running.stdout.readline().strip()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=10)

    assert running.returncode != 0
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert "never" not in errors, errors  # awaited, retrieved
    assert "ResourceWarning" not in errors
    with Hub(process.url) as hub:
        assert hub.get(task_id).status is TaskStatus.RUNNING
        hub.cancel(task_id)
