"""Which hub is meant: addresses as people write them, tokens where they may stand."""

import io
from pathlib import Path

import pytest

from hub.cli.exits import CommandError, Exit
from hub.cli.target import Target, root_of, target_of


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("ws://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("ws://127.0.0.1:8765/ws", "http://127.0.0.1:8765"),
        ("wss://hub.example/team/ws/", "https://hub.example/team"),
        ("https://hub.example/", "https://hub.example"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("localhost:9000", "http://localhost:9000"),
    ],
)
def test_addresses_are_understood(url: str, root: str) -> None:
    """With each scheme or none, on a sub-path, with the WebSocket's path or without."""
    assert root_of(url) == root


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://hub", "ftp: is not one of ws, wss, http, https"),
        ("ws://hub:port", "Port could not be cast"),
        ("ws://[::1", "Invalid IPv6"),
        ("http://", "it names no host"),
        ("http://a b", "it has characters that no address has"),
        ("http://hub/naïve", "it has characters that no address has"),
        ("http://hub/?token=secret", "it has a query or fragment"),
        ("http://me:secret@hub", "the address cannot be a hub: a user or password"),
    ],
)
def test_what_is_no_address_is_refused(url: str, said: str) -> None:
    """With a reason and an example, and without repeating a password."""
    with pytest.raises(CommandError, match="write it like ws://") as error:
        root_of(url)

    assert said in error.value.message
    assert "me:secret" not in error.value.message
    assert error.value.exit_code == Exit.USAGE


def test_the_environment_is_the_default() -> None:
    """An option wins over TASKHUB_URL, and that over this machine's usual port."""
    environ = {"TASKHUB_URL": "ws://a:1", "TASKHUB_TOKEN": " secret\n"}

    assert target_of({}, {}).root == "http://127.0.0.1:8765"
    assert target_of({}, environ).root == "http://a:1"
    assert target_of({"url": "b:2"}, environ).root == "http://b:2"
    assert target_of({}, environ).token == "secret"
    assert target_of({"reconnect_for": 3.0}, {}).reconnect_for == 3.0


def test_sockets_are_at_the_same_place() -> None:
    """With TLS where HTTP has it; and a token never shows by accident."""
    assert Target(root="https://a/b", token="secret").socket == "wss://a/b"
    assert "secret" not in repr(Target(root="https://a/b", token="secret"))


def test_a_token_can_come_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or from standard input: never from an argument, which others could see."""
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("of-stdin"))

    environ = {"TASKHUB_TOKEN": "of-the-environment"}
    assert target_of({"token_file": str(file)}, environ).token == "of-the-file"
    assert target_of({"token_file": "-"}, environ).token == "of-stdin"


@pytest.mark.parametrize("data", [b"", b"two\nlines", "naïve".encode(), b"\xff", None])
def test_what_is_no_token_is_refused(tmp_path: Path, data: bytes | None) -> None:
    """Empty, of several lines, no ASCII, no text, no file: and it is not repeated."""
    file = tmp_path / "token"
    if data is not None:
        file.write_bytes(data)

    with pytest.raises(CommandError) as error:
        target_of({"token_file": str(file)}, {})

    assert "token" in error.value.message
    assert "two" not in error.value.message


def test_a_closed_standard_input_holds_no_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That is said, and no traceback."""
    monkeypatch.setattr("sys.stdin", None)

    with pytest.raises(CommandError, match="standard input is closed"):
        target_of({"token_file": "-"}, {})
