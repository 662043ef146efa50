"""The hub over HTTP: what else may answer there is told apart."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hub.cli.api import Api, NoHubError, RefusedError, exit_of
from hub.cli.exits import CommandError, Exit
from hub.cli.target import target_of
from hub.client.pace import Pace
from hub.client.shapes import CacheAnswer, PluginAnswer, PluginsAnswer, TaskAnswer
from tests.blackbox.server import HubProcess

Answering = Callable[..., Api]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Give a function that has a server answer with some bytes, or with none."""
    opened: list[socket.socket] = []

    def serve(answer: bytes | None, **more: Any) -> Api:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def accept() -> None:
            connection, _ = listener.accept()
            opened.append(connection)
            connection.recv(65_536)
            if answer is not None:
                connection.sendall(answer)
                connection.close()

        threading.Thread(target=accept, daemon=True).start()
        return api(f"http://127.0.0.1:{listener.getsockname()[1]}", **more)

    yield serve
    for each in opened:
        each.close()


# Any: arguments of `Api`.
def api(url: str, **more: Any) -> Api:
    """Make one with little patience."""
    return Api(target_of({"url": url}, {}), Pace(open_s=0.5, answer_s=0.5), **more)


def page(status: str, media: str = "text/html", body: str = "<p>Hello") -> bytes:
    """Return a page of some server."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_a_question_is_answered(hub: HubProcess) -> None:
    """With parameters, where they are given."""
    asked = api(hub.url)

    names = [
        each["name"]
        for each in asked.ask("GET", "plugins", kind=PluginsAnswer)["plugins"]
    ]
    cache = asked.ask("GET", "cache", kind=CacheAnswer, plugin="a b", command=None)

    assert "demo" in names
    assert cache["entries"] == []


@pytest.mark.parametrize(
    "answer",
    [
        page("200 OK"),
        page("404 Not Found"),
        page("302 Found"),
        page("200 OK", "application/json", "{"),
        page("200 OK", "application/json", "{}"),
        page("200 OK", "application/json", "[1]"),
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
def test_what_is_no_hub_is_said(answering: Answering, answer: bytes) -> None:
    """Exit code 5, and how to name the hub."""
    with pytest.raises(NoHubError, match="is no hub") as error:
        answering(answer).ask("GET", "plugins", kind=PluginsAnswer)

    assert "Name the hub with --url or TASKHUB_URL" in error.value.message
    assert error.value.exit_code == Exit.UNREACHABLE


def test_another_version_is_said(answering: Answering) -> None:
    """In one line with exit code 5: it is a hub, so no other one is to be named."""
    commands = '{"commands": [{"name": "echo", "description": ""}]'
    rest = '"name": "demo", "version": "1", "description": "", "source": "x"'
    more = '"file": "", "healthy": true, "statistics": {"calls": 0, "failures": 0'
    body = f'{commands}, {rest}, {more}, "total_ms": 0}}}}'
    with pytest.raises(NoHubError, match="another version") as error:
        answering(page("200 OK", "application/json", body)).ask(
            "GET", "plugins", "demo", kind=PluginAnswer
        )

    assert "schema" in error.value.message
    assert error.value.exit_code == Exit.UNREACHABLE


@pytest.mark.parametrize(
    "answer", [page("503 Service Unavailable"), page("502 Bad Gateway"), b"", None]
)
def test_what_does_not_answer_is_said(
    answering: Answering, answer: bytes | None
) -> None:
    """Exit code 5: a proxy without its hub, silence, a connection that is cut."""
    with pytest.raises(NoHubError) as error:
        answering(answer).ask("GET", "plugins", kind=PluginsAnswer)

    assert error.value.exit_code == Exit.UNREACHABLE


def test_who_has_to_log_in_is_told(answering: Answering) -> None:
    """Exit code 4, whether a hub says so or a proxy before it."""
    for status in ("401 Unauthorized", "403 Forbidden"):
        with pytest.raises(CommandError) as error:
            answering(page(status)).ask("GET", "plugins", kind=PluginsAnswer)
        assert error.value.exit_code == Exit.AUTH


def test_no_hub_names_the_address_and_the_way_out() -> None:
    """Where one was looked for, and how to start one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(NoHubError) as error:
        api(f"127.0.0.1:{port}").ask("GET", "plugins", kind=PluginsAnswer)

    assert f"No hub at ws://127.0.0.1:{port}: " in error.value.message
    assert "connection refused. Start one with `taskhub serve`" in error.value.message


def test_a_hub_that_is_silent_is_said_to_be(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    """Soon, and once; it is given its whole time, and no second one."""
    asked = answering(None, hush_s=0.05, patient=True)
    with pytest.raises(NoHubError, match="in time"):
        asked.ask("GET", "plugins", kind=PluginsAnswer)

    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert re.fullmatch(
        "The hub at http://.* does not answer yet. Ctrl-C stops.", said[0]
    )


def test_a_hub_that_answers_is_not_said_to_be_silent(
    answering: Answering, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has had its time."""
    nothing = '{"plugins":[],"refused":[]}'
    asked = answering(page("200 OK", "application/json", nothing))

    assert asked.ask("GET", "plugins", kind=PluginsAnswer) == json.loads(nothing)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "x" * 70])
def test_names_that_are_none(host: str) -> None:
    """Are said to be no hub."""
    with pytest.raises(NoHubError, match=host):
        api(f"http://{host}").ask("GET", "plugins", kind=PluginsAnswer)


def test_a_refusal_is_the_hubs_own_words(hub: HubProcess) -> None:
    """With its code."""
    with pytest.raises(RefusedError) as error:
        api(hub.url).ask("GET", "tasks", "nothing", kind=TaskAnswer)

    assert error.value.wire == "not_found"
    assert error.value.exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        ("unauthenticated", Exit.AUTH),
        ("forbidden", Exit.AUTH),
        ("unknown_command", Exit.USAGE),
        ("not_found", Exit.USAGE),
        ("key_conflict", Exit.USAGE),
        ("queue_full", Exit.FAILED),
        ("draining", Exit.FAILED),
        ("storage_full", Exit.FAILED),
        ("internal", Exit.FAILED),
    ],
)
def test_exit_codes_of_refusals(wire: str, code: Exit) -> None:
    """What may go well later is a failure, what never can is a mistake of the asker."""
    assert exit_of(wire) is code
