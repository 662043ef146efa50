"""The hub over HTTP: what else may answer there is told apart."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from hub.cli.api import Api, NoHubError, RefusedError, exit_of
from hub.cli.exits import CommandError, Exit
from hub.cli.target import Target
from tests.blackbox.server import HubProcess

Answering = Callable[..., str]
JSON = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Give a function that has a server answer each connection with some bytes."""
    opened: list[socket.socket] = []

    def serve(*answers: bytes | None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def accept() -> None:
            for answer in answers:
                connection, _ = listener.accept()
                opened.append(connection)
                connection.recv(65_536)
                if answer is not None:
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield serve
    for each in opened:
        each.close()


def page(status: str, media: str = "text/html", body: str = "<p>Hello") -> bytes:
    """Return a page of some server."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {media}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_a_connection_is_kept(hub: HubProcess) -> None:
    """Several questions go over one, with the token that was given."""
    with Api(Target(root=hub.url, token="unused")) as api:
        names = [each["name"] for each in api.ask("GET", "plugins")["plugins"]]
        first = api._connection.sock
        demo = api.ask("GET", "plugins", "demo")
        assert api._connection.sock is first

    assert "demo" in names
    assert demo["name"] == "demo"


def test_a_connection_that_was_closed_meanwhile_is_made_again(
    answering: Answering,
) -> None:
    """The question is asked once more; a first connection that breaks is an error."""
    good = (JSON + "2\r\n\r\n{}").encode()
    with Api(Target(root=answering(good, good))) as api:
        assert api.ask("GET", "cache") == {}
        assert api.ask("GET", "cache") == {}
    with Api(Target(root=answering(b""))) as api, pytest.raises(NoHubError):
        api.ask("GET", "cache")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page("200 OK"), "is no taskhub hub (200, text/html)"),
        (page("404 Not Found"), "is no taskhub hub (404, text/html)"),
        (page("404 Not Found", "application/json", "{}"), "(404, application/json)"),
        (page("302 Found"), "is no taskhub hub (302"),
        (page("503 Service Unavailable"), "no hub answers behind it (503)"),
        (page("502 Bad Gateway"), "no hub answers behind it (502)"),
        (page("200 OK", "application/json", "{"), "its JSON is broken"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "it does not speak HTTP"),
    ],
)
def test_what_is_no_hub_is_said(answering: Answering, answer: bytes, said: str) -> None:
    """Exit code 5, and what it is instead, as far as can be seen."""
    with Api(Target(root=answering(answer))) as api, pytest.raises(NoHubError) as error:
        api.ask("GET", "plugins")

    assert said in error.value.message
    assert error.value.exit_code == Exit.UNREACHABLE


def test_who_has_to_log_in_is_told(answering: Answering) -> None:
    """Exit code 4, whether a hub says so or a proxy before it."""
    for status in ("401 Unauthorized", "403 Forbidden"):
        root = answering(page(status))
        with Api(Target(root=root)) as api, pytest.raises(CommandError) as error:
            api.ask("GET", "plugins")
        assert error.value.exit_code == Exit.AUTH


def test_what_does_not_answer_is_not_waited_for(answering: Answering) -> None:
    """Longer than was said."""
    root = answering(None)

    with Api(Target(root=root), 0.1) as api, pytest.raises(NoHubError) as error:
        api.ask("GET", "plugins")

    assert "it does not answer" in error.value.message


def test_no_hub_names_the_address_and_the_way_out() -> None:
    """Where one was looked for, and how to start one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    root = f"http://127.0.0.1:{port}"

    with Api(Target(root=root)) as api, pytest.raises(NoHubError) as error:
        api.ask("GET", "plugins")

    assert error.value.message == (
        f"no hub at {root}: Connection refused; start one with `taskhub serve`, "
        "or name another one with --url or TASKHUB_URL"
    )


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a..b", "x" * 70])
def test_names_that_are_none(host: str) -> None:
    """Are said to be no hub."""
    with (
        Api(Target(root=f"http://{host}")) as api,
        pytest.raises(NoHubError, match=f"no hub at http://{host}: "),
    ):
        api.ask("GET", "plugins")


def test_tls_where_there_is_none(answering: Answering) -> None:
    """Is said as such."""
    root = answering(page("400 Bad Request")).replace("http:", "https:")

    with Api(Target(root=root)) as api, pytest.raises(NoHubError, match="TLS"):
        api.ask("GET", "plugins")


def test_a_refusal_is_the_hubs_own_words(hub: HubProcess) -> None:
    """With its code, and what it is about."""
    body = {"plugin": "demo", "command": "rows", "params": {"count": -1}}

    with Api(Target(root=hub.url)) as api, pytest.raises(RefusedError) as error:
        api.post("tasks", body=body)

    refused = error.value
    assert (refused.wire, refused.detail["field"]) == ("invalid_params", "count")
    assert refused.exit_code == Exit.USAGE


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
