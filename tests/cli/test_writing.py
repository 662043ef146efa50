"""Writing: all of a text, or an error, whatever Python makes of the stream."""

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from click.testing import Result

from hub.cli.writing import write
from tests.cli.full import files_of_at_most
from tests.cli.programs import Program

Start = Callable[..., Program]
Call = Callable[..., Result]

TEXT = "0123456789" * 50_000
KINDS = pytest.mark.parametrize("buffered", [True, False])


def stream_to(descriptor: int, *, buffered: bool) -> io.TextIOWrapper:
    """Return standard output as Python makes it, with and without PYTHONUNBUFFERED."""
    size: Literal[-1, 0] = -1 if buffered else 0
    raw = os.fdopen(descriptor, "wb", size)
    return io.TextIOWrapper(raw, "utf-8", write_through=True)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Make a pipe whose writing end does not block."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    yield reading, writing
    os.close(reading)


def reader_of(descriptor: int, size: int) -> tuple[threading.Thread, bytearray]:
    """Read so many bytes in a thread."""
    got = bytearray()

    def read() -> None:
        while len(got) < size:
            got.extend(os.read(descriptor, 4096))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread, got


@KINDS
def test_a_pipe_that_does_not_block(pipe: tuple[int, int], *, buffered: bool) -> None:
    """Gets all of it, as its reader takes it, behind what was written before."""
    with ExitStack() as stack:
        stream = stack.enter_context(stream_to(pipe[1], buffered=buffered))
        stream.write("before\n")
        thread, got = reader_of(pipe[0], len(TEXT) + 7)
        write(stream, TEXT)
        thread.join(20)

    assert got.decode() == "before\n" + TEXT


def test_what_a_buffer_still_holds_goes_first(pipe: tuple[int, int]) -> None:
    """A pipe that is full takes neither; it is waited for, for both."""
    with io.TextIOWrapper(os.fdopen(pipe[1], "wb"), "utf-8") as stream:
        filled = os.write(pipe[1], b"x" * 1024 * 1024)
        stream.write("before")
        with pytest.raises(BlockingIOError):
            stream.flush()
        thread, got = reader_of(pipe[0], filled + 11)
        write(stream, "after")
        thread.join(20)

    assert got.endswith(b"xbeforeafter")


@KINDS
def test_a_disk_that_is_full_in_the_middle(tmp_path: Path, *, buffered: bool) -> None:
    """Is an error, not a shorter text."""
    file = os.open(tmp_path / "file", os.O_CREAT | os.O_WRONLY)
    with (
        stream_to(file, buffered=buffered) as stream,
        files_of_at_most(65_536),
        pytest.raises(OSError, match="File too large"),
    ):
        write(stream, TEXT)

    assert (tmp_path / "file").stat().st_size == 65_536


def test_a_stream_without_a_file() -> None:
    """Is written to as it is, be it one of bytes inside or of text alone."""
    inner = io.BytesIO()
    stream = io.TextIOWrapper(inner, "ascii")
    write(stream, "\xe9")
    text = io.StringIO()
    write(text, "\xe9")

    assert inner.getvalue() == b"\\xe9"
    assert text.getvalue() == "\xe9"


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", [("run", "-q"), ("run", "--output", "json"), ("watch", "-q")]
)
def test_a_disk_that_fills_up_is_said(
    program: Start, call: Call, tmp_path: Path, arguments: list[str], unbuffered: str
) -> None:
    """A result is written whole, or it is an error: never a part of it as if whole."""
    what: tuple[str, ...] = ("demo.echo", "--value", "@" + str(tmp_path / "value"))
    (tmp_path / "value").write_text("x" * 200_000)
    if arguments[0] == "watch":
        what = (call("run", "--detach", *what).stdout.strip(),)
    with (tmp_path / "out").open("wb") as out, files_of_at_most(65_536):
        env = {"PYTHONUNBUFFERED": unbuffered}
        process = program(*arguments, *what, stdout=out, env=env)
    code, _, err = process.ended()

    assert code == 1
    assert "Error: cannot write to standard output: File too large" in err


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_hub_that_cannot_greet_serves_all_the_same(
    program: Start, tmp_path: Path
) -> None:
    """It says so on standard error."""
    serve = ("serve", "--port", "0", "--data", str(tmp_path / "data"))
    with Path("/dev/full").open("wb") as full:
        process = program(*serve, stdout=full)
    process.wait_line("Error: cannot write to standard output")
    process.interrupt()

    assert process.ended()[0] == 0
