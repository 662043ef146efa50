"""The log: lines for people, JSON for machines, nothing that harms either."""

import io
import logging
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hub.cli import logs
from hub.cli.logs import TRACE_CHARACTERS, JsonFormatter, PlainFormatter


def record(message: str, *arguments: object, **options: Any) -> logging.LogRecord:
    """Return a record of the hub."""
    return logging.LogRecord(
        options.pop("name", "hub.worker"),
        options.pop("level", logging.WARNING),
        __file__,
        1,
        message,
        arguments,
        options.pop("error", None),
    )


def failure(text: str) -> Any:  # as `sys.exc_info` returns it
    """Return what an exception looks like to a record."""
    try:
        raise ValueError(text)
    except ValueError:
        return sys.exc_info()


def test_lines_for_people() -> None:
    """Level, logger and message on one line, whatever the message is."""
    line = PlainFormatter().format(record("task %s:\nfailed", "t1"))

    assert line == "warning: hub.worker: task t1:\\nfailed"


def test_tracebacks_for_people() -> None:
    """Below the line, as they are, control characters aside."""
    text = PlainFormatter().format(record("oops", error=failure("\x1b[2J")))

    first, *rest = text.splitlines()
    assert first == "warning: hub.worker: oops"
    assert rest[0].startswith("Traceback")
    assert rest[-1] == "ValueError: \\x1b[2J"


def test_lines_for_machines() -> None:
    """One object a record, with the time in RFC 3339."""
    line = JsonFormatter().format(record("task %s:\nfailed\x1b", "t1"))
    fields = msgspec.json.decode(line)

    assert "\n" not in line
    assert fields.pop("time").endswith("Z")
    assert fields == {
        "level": "warning",
        "logger": "hub.worker",
        "message": "task t1:\nfailed\\x1b",
    }


def test_tracebacks_for_machines() -> None:
    """As a field; a long one is cut."""
    line = JsonFormatter().format(record("oops", error=failure("x" * 50_000)))
    fields = msgspec.json.decode(line)

    assert fields["exception"].startswith("Traceback")
    assert len(fields["exception"]) <= TRACE_CHARACTERS


def test_a_traceback_with_a_lone_surrogate_is_logged() -> None:
    """As a file name may bring it; the record is not lost."""
    for formatter in (JsonFormatter(), PlainFormatter()):
        text = formatter.format(record("oops \udcff", error=failure("no \udcff")))
        assert "ValueError: no" in text
        text.encode()


class Terminal(io.StringIO):
    """A stream to a person."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture
def _root() -> Iterator[None]:
    """Give the loggers back as they were."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    names = {name: logging.getLogger(name).level for name in logs.QUIET}
    filters = logging.getLogger("uvicorn.error").filters[:]
    yield
    root.handlers[:], root.level = before
    logging.getLogger("uvicorn.error").filters[:] = filters
    for name, level in names.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_root")
@pytest.mark.parametrize(
    ("stream", "plain"), [(Terminal(), True), (io.StringIO(), False)]
)
def test_the_reader_decides_about_the_form(stream: io.StringIO, plain: bool) -> None:
    """Plain on a terminal, JSON elsewhere; from `info` on."""
    logs.configure(stream)
    logger = logging.getLogger("somebody.else")
    logger.debug("not shown")
    logger.info("shown")
    lines = stream.getvalue().splitlines()

    assert len(lines) == 1
    assert lines[0].startswith("info: somebody.else:" if plain else "{")


@pytest.mark.usefixtures("_root")
def test_libraries_that_say_too_much_are_quiet() -> None:
    """Whole URLs of a plugin's client, and every connection, are not logged."""
    stream = io.StringIO()
    logs.configure(stream)
    for name in ("httpx", "uvicorn.error", "websockets"):
        logging.getLogger(name).info("GET https://api.example/?key=secret")
    assert stream.getvalue() == ""
    logging.getLogger("uvicorn.error").warning("something is wrong")

    assert "something is wrong" in stream.getvalue()


@pytest.mark.usefixtures("_root")
def test_a_peers_bad_bytes_are_not_logged() -> None:
    """Anybody could fill the log with them."""
    stream = io.StringIO()
    logs.configure(stream)
    logging.getLogger("uvicorn.error").error(
        "Invalid UTF-8 sequence received from client.", exc_info=failure("x")
    )

    assert stream.getvalue() == ""


@pytest.mark.usefixtures("_root")
def test_standard_error_is_where_the_log_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Standard output is for what the program has to say."""
    logs.configure()
    logging.getLogger("hub").warning("a word")
    captured = capsys.readouterr()

    assert captured.out == ""
    assert msgspec.json.decode(captured.err)["message"] == "a word"
