"""Which hub is meant: addresses as people write them, tokens where they may stand."""

import io
from pathlib import Path

import pytest

from hub.cli.exits import CommandError, Exit
from hub.cli.target import target_of


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
    assert target_of({"url": url}, {}).address.root == f"{root}/"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hub",
        "ws://hub:port",
        "ws://[::1",
        "http://",
        "http://hub/?q=secret",
        "http://me:secret@hub",
        "http://a b",
        "http://hub/naïve",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """With a reason or an example."""
    with pytest.raises(CommandError, match="address") as error:
        target_of({"url": url}, {})

    assert error.value.exit_code == Exit.USAGE


def test_the_environment_is_the_default() -> None:
    """An option wins over TASKHUB_URL, and that over this machine's usual port."""
    environ = {"TASKHUB_URL": "ws://a:1", "TASKHUB_TOKEN": " secret\n"}

    assert target_of({}, {}).shown == "ws://127.0.0.1:8765"
    assert target_of({}, environ).shown == "ws://a:1"
    assert target_of({"url": "b:2"}, environ).shown == "ws://b:2"
    assert target_of({}, environ).address.token == "secret"
    assert target_of({"reconnect_for": 3.0}, {}).reconnect_for == 3.0


def test_a_token_never_shows_by_accident() -> None:
    """Not where a hub is written out."""
    target = target_of({}, {"TASKHUB_TOKEN": "secret"})

    assert "secret" not in repr(target)


def test_a_token_can_come_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or from standard input: never from an argument, which others could see."""
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("of-stdin"))

    environ = {"TASKHUB_TOKEN": "of-the-environment"}
    assert target_of({"token_file": str(file)}, environ).address.token == "of-the-file"
    assert target_of({"token_file": "-"}, environ).address.token == "of-stdin"


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
