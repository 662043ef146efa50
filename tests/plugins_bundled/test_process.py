"""Running programs: their output, their end, and all that they leave behind."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from hub import TaskError
from tests.plugins_bundled.below import alive
from tests.plugins_bundled.programs import Told, process, python, run


@pytest.fixture
async def told() -> Told:
    """What the program says."""
    return Told()


async def gone(*pids: int, within_s: float = 5.0) -> bool:
    """Wait until processes are gone."""
    until = time.monotonic() + within_s
    while any(map(alive, pids)) and time.monotonic() < until:  # noqa: ASYNC110  # strangers
        await asyncio.sleep(0.01)
    return not any(map(alive, pids))


async def test_output_and_exit_code(told: Told) -> None:
    """Both outputs are channels, and an exit code other than 0 is a result."""
    plugin = process(
        it=python(
            """
            import sys
            print("to out")
            print("to err", file=sys.stderr)
            sys.exit(3)
            """
        )
    )

    ended = await run(plugin, told)

    assert told.said == {"out": "to out\n", "err": "to err\n"}
    assert told.kinds == {"text"}
    assert (ended.exit_code, ended.signal) == (3, None)
    assert (ended.out_bytes, ended.err_bytes, ended.dropped_bytes) == (7, 7, 0)


async def test_output_comes_while_it_runs(told: Told, tmp_path: Path) -> None:
    """What was said is there before the program ends."""
    flag = tmp_path / "flag"
    plugin = process(
        it=python(
            f"""
            import pathlib, time
            print("working")
            while not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.01)
            print("done")
            """
        )
    )
    running = asyncio.create_task(run(plugin, told))

    assert await told.line() == "working\n"
    flag.touch()

    assert (await running).exit_code == 0
    assert told.said["out"] == "working\ndone\n"


@pytest.mark.parametrize(("asked", "configured"), [(True, False), (None, True)])
async def test_an_exit_code_may_be_a_failure(
    told: Told, *, asked: bool | None, configured: bool
) -> None:
    """Where the caller, or the operator, says so."""
    plugin = process(it=python("raise SystemExit(3)", check=configured))

    with pytest.raises(TaskError, match=r"^it ended with exit code 3$") as caught:
        await run(plugin, told, check=asked)

    assert caught.value.detail == {"exit_code": 3, "signal": None}


async def test_a_signal_is_told_by_name(told: Told) -> None:
    """A program that crashes has no exit code."""
    plugin = process(it=python("import os; os.kill(os.getpid(), 11)"))

    ended = await run(plugin, told)

    assert (ended.exit_code, ended.signal) == (None, "SIGSEGV")
    with pytest.raises(TaskError, match=r"^it was ended by SIGSEGV$"):
        await run(plugin, told, check=True)


async def test_bytes_that_are_no_text_come_as_marks(told: Told) -> None:
    """Invalid UTF-8 is replaced; a character cut by a read is put together."""
    plugin = process(
        it=python(
            r"""
            import os, time
            os.write(1, b"a\xffb" + "数".encode()[:1])
            time.sleep(0.05)
            os.write(1, "数".encode()[1:] + b"\xe6")
            """,
            ansi=True,
        )
    )

    await run(plugin, told)

    assert told.said["out"] == "a\ufffdb数\ufffd"
    assert told.kinds == {"ansi"}


async def test_text_reaches_standard_input(told: Told) -> None:
    """All of it, also what does not fit a pipe, and then the end."""
    plugin = process(it=python("import sys; print(len(sys.stdin.read()))", stdin=True))

    await run(plugin, told, stdin="é" * 300_000)

    assert told.said["out"] == "300000\n"


async def test_input_need_not_be_read(told: Told) -> None:
    """A program that ends early is no error; without text it reads an end at once."""
    deaf = process(it=python("print('done')", stdin=True))
    reading = process(it=python("import sys; print(repr(sys.stdin.read()))"))

    assert (await run(deaf, told, stdin="x" * 1_000_000)).exit_code == 0
    await run(reading, told)

    assert told.said["out"] == "done\n''\n"


async def test_input_is_refused_where_it_is_not_meant(told: Told) -> None:
    """The operator has to allow it."""
    with pytest.raises(TaskError, match="takes no input"):
        await run(process(it=python("")), told, stdin="x")


FAMILY = """
    import os, signal, subprocess, sys, time
    inner = '''
    import signal, time
    {inner}
    print("ready", flush=True)
    time.sleep(600)
    '''
    child = subprocess.Popen([sys.executable, "-c", "\\n".join(
        line.strip() for line in inner.splitlines())], stdout=subprocess.PIPE)
    child.stdout.readline()
    {outer}
    print(os.getpid(), child.pid)
    time.sleep(600)
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


async def pids(told: Told) -> list[int]:
    """Wait until a program has said its process ids."""
    return [int(word) for word in (await told.line()).split()]


@pytest.mark.parametrize(
    ("outer", "inner"), [("pass", "pass"), (DEAF, "pass"), ("pass", DEAF), (DEAF, DEAF)]
)
async def test_a_cancel_ends_the_grandchildren_too(
    told: Told, outer: str, inner: str
) -> None:
    """Asked first; who does not listen is ended when the grace is over."""
    code = FAMILY.format(outer=outer, inner=inner)
    plugin = process(it=python(code, grace_s=0.3))
    running = asyncio.create_task(run(plugin, told))
    family = await pids(told)
    assert all(map(alive, family))

    start = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert time.monotonic() - start < 5
    assert await gone(*family)


async def test_a_program_may_clean_up_when_it_is_asked_to_end(
    told: Told, tmp_path: Path
) -> None:
    """It has the grace to do so, and may go on talking."""
    note = tmp_path / "note"
    plugin = process(
        it=python(
            f"""
            import pathlib, signal, sys, time
            def end(*_):
                print("x" * 200_000)
                pathlib.Path({str(note)!r}).write_text("clean")
                sys.exit(0)
            signal.signal(signal.SIGTERM, end)
            print("ready")
            time.sleep(600)
            """,
            grace_s=20,
        )
    )
    running = asyncio.create_task(run(plugin, told))
    await told.line()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert note.read_text() == "clean"


async def test_a_second_cancel_does_not_wait_for_the_grace(told: Told) -> None:
    """When the hub itself goes, so does the program, at once."""
    code = FAMILY.format(outer=DEAF, inner=DEAF)
    plugin = process(it=python(code, grace_s=60))
    running = asyncio.create_task(run(plugin, told))
    family = await pids(told)

    running.cancel()
    for _ in range(3):  # turns of the loop: the first cancel has arrived
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await gone(*family)


async def test_time_is_bounded(told: Told) -> None:
    """A program that takes too long is ended, and the task says so."""
    plugin = process(it=python("import time; time.sleep(600)", timeout_s=0.3))

    with pytest.raises(TaskError, match=r"longer than 0\.3 s") as caught:
        await run(plugin, told)

    assert caught.value.code == "too_slow"


async def test_what_a_program_leaves_behind_ends_with_it(told: Told) -> None:
    """A child in the background holds up neither the result nor the machine."""
    plugin = process(
        it=python(
            """
            import subprocess
            print(subprocess.Popen(["sleep", "600"]).pid)
            """
        )
    )

    ended = await run(plugin, told)

    assert ended.exit_code == 0
    assert await gone(int(told.said["out"]))


async def test_what_left_the_group_is_not_waited_for(told: Told) -> None:
    """A daemon of its own session keeps the pipes open, and the task ends anyway."""
    plugin = process(
        it=python(
            """
            import subprocess
            print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid)
            """
        )
    )

    ended = await run(plugin, told)
    os.kill(int(told.said["out"]), 9)

    assert ended.exit_code == 0


async def test_a_flood_is_read_and_dropped(told: Told) -> None:
    """What is over the limit costs no memory, and does not stop the program."""
    plugin = process(
        it=python(
            """
            import os
            block = b"x" * 65536
            for _ in range(1600): os.write(1, block)
            """,
            output_bytes=1000,
        )
    )

    ended = await run(plugin, told)

    assert len(told.said["out"]) == 1000
    assert ended.out_bytes == 1600 * 65536
    assert ended.dropped_bytes == ended.out_bytes - 1000


async def test_a_reader_that_waits_holds_the_program_up(told: Told) -> None:
    """Nothing is collected in memory while the hub has too much of it."""
    open_gate, asked = asyncio.Event(), asyncio.Event()
    real = told.text

    async def slow(channel: str, kind: str | None, data: str) -> None:
        asked.set()
        await open_gate.wait()
        await real(channel, kind, data)

    told.text = slow  # type: ignore[method-assign]  # a slow sink
    plugin = process(
        it=python(
            """
            import os, sys
            for n in range(100):
                os.write(1, b"x" * 65536)
                print(n, file=sys.stderr)
            """
        )
    )

    running = asyncio.create_task(run(plugin, told))
    await asked.wait()
    done, _ = await asyncio.wait({running}, timeout=0.2)
    assert not done
    open_gate.set()

    assert (await running).out_bytes == 100 * 65536


async def test_an_output_that_cannot_be_said_is_an_error(told: Told) -> None:
    """A fault of the hub's is not hidden behind the program's end."""

    async def broken(*_: object) -> None:
        raise RuntimeError("no room")

    told.text = broken  # type: ignore[method-assign,assignment]  # a broken sink

    with pytest.raises(RuntimeError, match="no room"):
        await run(process(it=python("print(1)")), told)
