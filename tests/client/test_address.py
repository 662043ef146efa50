"""Where the hub is."""

import pytest

from hub.client.address import resolve
from hub.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "socket", "root"),
    [
        (None, "ws://127.0.0.1:8765/ws", "http://127.0.0.1:8765/"),
        ("ws://hub:1/", "ws://hub:1/ws", "http://hub:1/"),
        ("ws://hub:1/ws", "ws://hub:1/ws", "http://hub:1/"),
        ("http://hub", "ws://hub/ws", "http://hub/"),
        (
            "https://hub/below/here",
            "wss://hub/below/here/ws",
            "https://hub/below/here/",
        ),
        ("wss://[::1]:1/a/ws", "wss://[::1]:1/a/ws", "https://[::1]:1/a/"),
    ],
)
def test_an_address_is_read_as_it_is_said(
    url: str | None, socket: str, root: str
) -> None:
    """Any of four schemes, `/ws` or not, a sub-path kept."""
    found = resolve(url, None, {})

    assert (found.socket, found.root, found.token) == (socket, root, None)


def test_the_environment_has_what_is_not_said() -> None:
    """TASKHUB_URL and TASKHUB_TOKEN; what is said comes first."""
    environ = {"TASKHUB_URL": "http://there:2", "TASKHUB_TOKEN": "secret"}

    there = resolve(None, None, environ)
    assert (there.root, there.token) == ("http://there:2/", "secret")
    here = resolve("ws://here:1", "mine", environ)
    assert (here.root, here.token) == ("http://here:1/", "mine")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "127.0.0.1:8765",
            "hub",
            "ftp://hub",
            "ws://",
            "ws://hub:port",
            "ws://hub:70000",
        ),
        *("ws://hub/?token=x", "ws://user:secret@hub", "ws://hub/#x", "ws://[::1"),
    ],
)
def test_what_is_no_address_is_said(url: str) -> None:
    """At once, before anything is sent; a password is not repeated."""
    with pytest.raises(ConfigError) as caught:
        resolve(url, None, {})
    assert "secret" not in str(caught.value)
