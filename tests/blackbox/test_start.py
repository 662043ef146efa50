"""Starting and stopping: where it listens, what it refuses, how it ends."""

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.blackbox.conftest import MakeHub


def test_the_first_line_says_where(make_hub: MakeHub) -> None:
    """By then it really listens: the first try connects."""
    hub = make_hub().start()
    assert hub.lines[0].startswith("taskhub ")
    assert hub.url == f"http://127.0.0.1:{hub.port}"
    with hub.client() as client:
        client.fence()
    hub.stop()


def test_ctrl_c_ends_it_with_work_and_watchers(make_hub: MakeHub, name: str) -> None:
    """Exit code 0, no traceback, sockets open and commands running or not."""
    hub = make_hub(environ={"TASKHUB__TIMING__GRACE_S": "0.5"}).start()
    with hub.client() as client:
        for command in ("walk", "polite"):
            params = {"name": name} | ({"n": 1} if command == "walk" else {})
            client.chunks(client.start("gate", command, params), 1)
        hub.stop()
        assert client.closed() in (4000, 1012, 1001)


def test_ctrl_c_does_not_wait_for_a_thread_that_will_not_stop(
    make_hub: MakeHub, name: str
) -> None:
    """Grace has an end: exit code 0 all the same, and the task is not forgotten."""
    environ = {"TASKHUB__TIMING__GRACE_S": "0.2"}
    hub = make_hub(environ=environ).start()
    with hub.client() as client:
        reader = client.start("gate", "stubborn", {"name": name})
        client.chunks(reader, 1)
        hub.stop()
    hub.start()
    with hub.client() as client:
        again = client.finish(client.watch(reader.task_id))
        assert again.output == ["began"]
        assert again.failure["code"] == "hub_restarted"


@pytest.mark.parametrize("command", ["borrowed", "pool", "thread", "deaf"])
def test_no_plugin_keeps_it_from_ending(make_hub: MakeHub, command: str) -> None:
    """Neither its threads nor its coroutines: exit code 0, and the end is told."""
    hub = make_hub(environ={"TASKHUB__TIMING__GRACE_S": "0.2"}).start()
    with hub.client() as client:
        reader = client.start("holdfast", command, {})
        client.chunks(reader, 1)
        hub.stop()
    hub.start()
    with hub.client() as client:
        again = client.finish(client.watch(reader.task_id))
        assert again.failure["code"] == "hub_restarted"


def test_work_cut_by_ctrl_c_is_told_after_the_restart(
    make_hub: MakeHub, name: str
) -> None:
    """Never silent: what could not end in time says why."""
    hub = make_hub(environ={"TASKHUB__TIMING__GRACE_S": "0.2"}).start()
    with hub.client() as client:
        reader = client.start("gate", "walk", {"name": name, "n": 1})
        client.chunks(reader, 1)
        done = client.run("stream", "count", {"n": 3})
        hub.stop()
    hub.start()
    with hub.client() as client:
        again = client.finish(client.watch(reader.task_id))
        assert again.failure["code"] == "hub_restarted"
        kept = client.finish(client.watch(done.task_id))
        assert kept.result == done.result


def test_sigterm_ends_it_cleanly(make_hub: MakeHub) -> None:
    """A service manager's word is as good as Ctrl-C."""
    hub = make_hub().start()
    with hub.client() as client:
        client.fence()
        os.kill(hub.pid, signal.SIGTERM)
        assert hub.ended() == 0
    hub.look_for_trouble()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_addresses_need_a_word(make_hub: MakeHub, host: str) -> None:
    """Off loopback without authentication it refuses, and says what to add."""
    hub = make_hub("--host", host).launch()
    assert hub.ended() != 0
    assert "--insecure" in hub.said()
    hub.look_for_trouble()


def test_insecure_is_allowed_when_said(make_hub: MakeHub) -> None:
    """With `--insecure` it starts, and warns."""
    hub = make_hub("--host", "0.0.0.0", "--insecure").start()
    with hub.client() as client:
        client.fence()
    assert "insecure" in hub.errors().lower()


def test_a_second_hub_on_the_data_is_refused(make_hub: MakeHub) -> None:
    """One hub per data folder: the second names the first one's pid."""
    first = make_hub().start()
    second = make_hub().launch()
    assert second.ended() != 0
    assert str(first.pid) in second.said()
    second.look_for_trouble()
    with first.client() as client:
        client.fence()


def test_the_data_is_free_after_the_end(make_hub: MakeHub) -> None:
    """However the first one ended, the next may have it."""
    first = make_hub().start()
    first.stop()
    second = make_hub().start()
    second.kill()
    third = make_hub().start()
    third.stop()


def test_a_taken_port_is_told(make_hub: MakeHub) -> None:
    """It exits, and names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        hub = make_hub("--port", str(port)).launch()
        assert hub.ended() != 0
        assert str(port) in hub.said()
        hub.look_for_trouble()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nprot = 1\n", ["server", "prot"]),
        ("[server]\nport = 'high'\n", ["port"]),
        ("[timing]\nheartbeat_s = -1\n", ["heartbeat_s"]),
        ("[nonsense]\n", ["nonsense"]),
        ("not toml", ["hub.toml"]),
    ],
)
def test_a_wrong_setting_is_named(
    make_hub: MakeHub, tmp_path: Path, text: str, words: list[str]
) -> None:
    """A typing error must not start another hub than one meant."""
    config = tmp_path / "hub.toml"
    config.write_text(text, encoding="utf-8")
    hub = make_hub("--config", str(config)).launch()
    assert hub.ended() != 0
    told = hub.said()
    assert not [word for word in words if word not in told], told
    hub.look_for_trouble()


def test_settings_come_from_a_file_and_the_environment(
    make_hub: MakeHub, tmp_path: Path
) -> None:
    """The environment overrides the file."""
    config = tmp_path / "hub.toml"
    config.write_text("[timing]\nheartbeat_s = 7.0\ngrace_s = 1.0\n", encoding="utf-8")
    hub = make_hub("--config", str(config)).start()
    with hub.client() as client:
        assert client.welcome["heartbeat_ms"] == 7000
    hub.stop()
    environ = {"TASKHUB__TIMING__HEARTBEAT_S": "9"}
    hub = make_hub("--config", str(config), environ=environ).start()
    with hub.client() as client:
        assert client.welcome["heartbeat_ms"] == 9000
