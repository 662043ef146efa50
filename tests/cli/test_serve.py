"""`taskhub serve`: options, settings, refusals, and what it prints."""

import gc
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from starlette.types import ASGIApp

from hub.cli import logs, main, serve
from hub.cli.serve import data_folder
from hub.cli.server import Server, server_of
from hub.engines.sqlite.folder import Lock
from hub.node import Node
from hub.settings import Settings, Store
from hub.version import VERSION

PLUGINS = str(Path(__file__).parent.parent / "http" / "plugins")


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Keep the process, its environment and its folders out of it."""
    for name in list(os.environ):
        if name.startswith("TASKHUB__"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    filters = logging.getLogger("uvicorn.error").filters[:]
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    root.handlers[:], root.level = before
    logging.getLogger("uvicorn.error").filters[:] = filters
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


class Started:
    """What was started, as it stood when it could be reached."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    @property
    def settings(self) -> Settings:
        """What it was started with."""
        return self.nodes[0].settings


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Let the server stop as soon as it listens."""
    found = Started()

    def stopping(node: Node, app: ASGIApp, listening: Callable[[], None]) -> Server:
        def reached() -> None:
            listening()
            found.nodes.append(node)
            server.should_exit = True

        server = server_of(node, app, reached)
        return server

    monkeypatch.setattr(serve, "server_of", stopping)
    return found


def run(*arguments: str) -> Result:
    """Run `taskhub serve` on a free port."""
    return CliRunner().invoke(main, ["serve", "--port", "0", *arguments])


@pytest.mark.usefixtures("started")
def test_it_says_where_it_is_and_what_it_offers(tmp_path: Path) -> None:
    """The address first, then a line for each plugin, refused ones too; exit code 0."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "broken.py").write_text("\nraise RuntimeError('no')\n", "utf-8")
    result = run("--engine", "memory", "--plugins", PLUGINS, "--plugins", str(folder))
    first, *rest = result.stdout.splitlines()

    assert result.exit_code == 0
    assert re.fullmatch(rf"taskhub {VERSION} on http://127\.0\.0\.1:\d+", first)
    assert "  lab 1.5 (folder): add, wait, fail, count, large, cached" in rest
    assert any(line.startswith("  weather ") and "(bundled)" in line for line in rest)
    broken = next(line for line in rest if line.startswith("  broken "))
    assert broken == f"  broken ({folder / 'broken.py'}:2): refused: RuntimeError: no"


def test_the_port_is_that_of_the_socket(started: Started) -> None:
    """The first line is true: port 0 has become a real one."""
    result = run("--engine", "memory")

    assert started.settings.server.port == 0
    assert not result.stdout.splitlines()[0].endswith(":0")


def test_options_are_settings(started: Started, tmp_path: Path) -> None:
    """Each of them."""
    run(
        *("--host", "localhost", "--data", str(tmp_path / "d"), "--engine", "sqlite"),
        *("--plugins", PLUGINS, "--insecure"),
    )
    settings = started.settings

    assert (settings.server.host, settings.server.insecure) == ("localhost", True)
    assert (settings.store.engine, settings.store.data) == ("sqlite", f"{tmp_path}/d")
    assert settings.plugins.paths == (PLUGINS,)
    assert (tmp_path / "d").is_dir()


def test_options_win_over_the_environment_and_that_over_the_file(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And folders of options come before those of the file."""
    config = tmp_path / "hub.toml"
    config.write_text(
        'locale = "zh-CN"\n[store]\nengine = "sqlite"\n'
        f'[limits]\nqueued = 5\nasync_runs = 5\n[plugins]\npaths = ["{tmp_path}"]\n',
        "utf-8",
    )
    monkeypatch.setenv("TASKHUB__LIMITS__QUEUED", "6")
    monkeypatch.setenv("TASKHUB__STORE__ENGINE", "sqlite")
    result = run(*("--config", str(config), "--engine", "memory", "--plugins", PLUGINS))
    settings = started.settings

    assert result.exit_code == 0
    assert (settings.store.engine, settings.locale) == ("memory", "zh-CN")
    assert (settings.limits.queued, settings.limits.async_runs) == (6, 5)
    assert settings.plugins.paths == (PLUGINS, str(tmp_path))


def test_flags_that_are_not_given_leave_the_file_alone(
    started: Started, tmp_path: Path
) -> None:
    """No `--strict` is not `strict = false`."""
    config = tmp_path / "hub.toml"
    config.write_text("[plugins]\nstrict = true\n[server]\ninsecure = true\n", "utf-8")
    run("--config", str(config), "--engine", "memory")

    assert started.settings.plugins.strict
    assert started.settings.server.insecure


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "65536"], "65536 is not in the range"),
        (["--port", "-1"], "-1 is not in the range"),
        (["--port", "http"], "is not a valid integer"),
        (["--engine", "redis"], "'redis' is not one of 'sqlite', 'memory'"),
        (["--plugins", "missing"], "'missing' does not exist"),
        (["--config", "missing.toml"], "'missing.toml' does not exist"),
        (["--nothing"], "No such option"),
        (["--host", ""], "server.host"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: list[str], said: str) -> None:
    """Exit code 2, and which one it is."""
    result = run(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_a_wrong_setting_names_file_and_key(tmp_path: Path) -> None:
    """And what was expected; texts are not repeated, as they may be secrets."""
    config = tmp_path / "hub.toml"
    config.write_text('[server]\nport = "s3cret"\n', "utf-8")
    result = CliRunner().invoke(main, ["serve", "--config", str(config)])

    assert result.exit_code == 2
    assert f"Error: {config}: server.port: expected a whole number" in result.stderr
    assert "s3cret" not in result.stderr


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file's key is."""
    monkeypatch.setenv("TASKHUB__LIMITS__QUEUD", "5")
    result = run()

    assert result.exit_code == 2
    assert "TASKHUB__LIMITS__QUEUD" in result.stderr
    assert "did you mean limits.queued?" in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "hub.example"])
def test_beyond_loopback_it_does_not_start(host: str) -> None:
    """Without authentication anybody could run commands; it says what to do."""
    result = run("--host", host)

    assert result.exit_code == 2
    assert f"refused to listen on {host}" in result.stderr
    assert "--insecure" in result.stderr


@pytest.mark.usefixtures("started")
def test_who_insists_is_warned() -> None:
    """`--insecure` starts, and a banner says what that means."""
    result = run("--host", "0.0.0.0", "--insecure", "--engine", "memory")

    assert result.exit_code == 0
    assert "INSECURE: anyone who reaches 0.0.0.0 may run every command" in result.stderr


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_loopback_needs_nothing(host: str) -> None:
    """Whatever it is called."""
    result = run("--host", host, "--engine", "memory")

    assert result.exit_code == 0
    assert "INSECURE" not in result.stderr


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.2", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, own: bool) -> None:
    """By address, or by the one name that is always it."""
    assert serve._is_loopback(host) is own


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """With the address, and how to choose another; nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["serve", "--port", port])

    assert result.exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in result.stderr
    assert not (tmp_path / "xdg").exists()


def test_a_strict_hub_does_not_start_with_a_broken_plugin(tmp_path: Path) -> None:
    """Exit code 2, file, line and reason."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "broken.py").write_text("import nothing_like_it\n", "utf-8")
    result = run("--engine", "memory", "--strict", "--plugins", str(folder))

    assert result.exit_code == 2
    assert f"{folder / 'broken.py'}:1: " in result.stderr
    assert "nothing_like_it" in result.stderr
    assert result.stdout == ""


def test_a_folder_that_is_taken_is_said(tmp_path: Path) -> None:
    """With the process that has it."""
    lock = Lock(tmp_path / "data")
    try:
        result = run("--data", str(tmp_path / "data"))
    finally:
        lock.release()

    assert result.exit_code == 2
    assert f"pid {os.getpid()}" in result.stderr


@pytest.mark.parametrize(
    ("data", "environ", "folder"),
    [
        ("chosen", {"XDG_DATA_HOME": "/x"}, Path("chosen")),
        (None, {"XDG_DATA_HOME": "/x"}, Path("/x/taskhub")),
        (None, {"XDG_DATA_HOME": ""}, Path.home() / ".local/share/taskhub"),
        (None, {}, Path.home() / ".local/share/taskhub"),
    ],
)
def test_data_has_its_usual_place(
    data: str | None, environ: dict[str, str], folder: Path
) -> None:
    """As the platform has it, unless it was chosen."""
    settings = Settings(store=Store(data=data))

    assert data_folder(settings, environ) == folder


class Six:
    """A listener on IPv6."""

    @staticmethod
    def getsockname() -> tuple[str, int, int, int]:
        """Name it."""
        return ("::1", 8765, 0, 0)


def test_an_address_of_ipv6_is_written_as_an_url(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In brackets."""
    serve._announce(Node(Settings(), Path("unused")), Six())  # type: ignore[arg-type]  # all that is asked for

    assert capsys.readouterr().out == f"taskhub {VERSION} on http://[::1]:8765\n"


def test_reload_makes_the_plugins_watched(started: Started) -> None:
    """And nothing else does."""
    assert run("--engine", "memory", "--reload", "--plugins", PLUGINS).exit_code == 0
    run("--engine", "memory")
    watched, plain = started.nodes

    assert watched.registry.finder.watchful
    assert not plain.registry.finder.watchful


@pytest.mark.parametrize("missing", ["watchfiles", "another"])
def test_reload_names_what_it_needs(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without watchfiles it says what to type, and starts nothing."""

    class Absent(MetaPathFinder):
        """Finds that a module is not there."""

        def find_spec(self, fullname: str, *_: object) -> None:
            """Fail for one name."""
            if fullname == "hub.cli.reload":
                raise ModuleNotFoundError(f"no {missing}", name=missing)

    monkeypatch.delitem(sys.modules, "hub.cli.reload", raising=False)
    monkeypatch.delattr("hub.cli.reload", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    result = run("--engine", "memory", "--reload")

    if missing == "watchfiles":
        assert result.exit_code == 2
        assert "pip install 'taskhub[dev]'" in result.stderr
    else:
        assert isinstance(result.exception, ModuleNotFoundError)


def test_a_thread_that_is_about_to_end_is_given_a_moment() -> None:
    """Only one that goes on would hold the process up."""
    ending = threading.Timer(0.02, lambda: None)
    ending.start()
    assert not serve._held_up()

    release = threading.Event()
    stuck = threading.Thread(target=release.wait, args=(10,))
    stuck.start()
    assert serve._held_up()
    release.set()
    stuck.join()
