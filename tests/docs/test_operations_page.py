"""The page for operators is what a hub does."""

import json
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from hub.protocol.frames import Goaway
from hub.settings import Settings
from tests.blackbox.server import HubProcess
from tests.docs import pages
from tests.docs.conftest import MakeShell

PAGE = "docs/operations.md"
BLOCKS = pages.blocks(PAGE)
FOLDER = "/var/lib/taskhub"
"""The data folder on the page."""
UNITS = {"": 1, "s": 1, "KiB": 1024, "MiB": 1024**2}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[HubProcess]:
    """Start a hub that a test may stop, and make sure that it has stopped."""
    started = HubProcess(tmp_path / "data", plugins=[]).start()
    yield started
    if started.running:
        started.stop()


def test_the_consoles_say_what_is_printed(
    hub: HubProcess, make_shell: MakeShell, tmp_path: Path
) -> None:
    """Each command does as it says; the backup that one makes can be started with."""
    with hub.http() as http:
        body = {"plugin": "demo", "command": "echo", "params": {"value": "kept"}}
        told = http.post("/api/v1/tasks", json=body, headers={"Prefer": "wait=10"})
        task = told.json()["task_id"]
    shell = make_shell({FOLDER: str(hub.data)})

    for block in BLOCKS:
        if block.language == "console":
            shell.try_block(block.text, block.place)

    folder = tmp_path / "restored"
    folder.mkdir()
    (tmp_path / "backup.db").rename(folder / "taskhub.db")
    restored = HubProcess(folder, plugins=[]).start()
    with restored.http() as http:
        assert http.get(f"/api/v1/tasks/{task}").json()["result"] == "kept"
    restored.stop()


def test_the_start_for_production_has_options_of_the_command() -> None:
    """The line to start with is understood; `--help` keeps it from starting."""
    (block,) = (each for each in BLOCKS if each.language == "sh")
    page = pages.read("docs/command-line.md")

    options = re.findall(r"--\w+", block.text)
    assert block.text.startswith("taskhub serve ")
    assert [option for option in options if f"`{option}" not in page] == []


def test_the_folder_holds_what_is_listed(hub: HubProcess) -> None:
    """The files of the table, and no other, for nobody but their owner."""
    rows = pages.rows(pages.section(PAGE, "## The data folder"))
    listed = {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}

    assert {path.name for path in hub.data.iterdir()} == listed
    assert hub.data.stat().st_mode & 0o077 == 0
    lock = (hub.data / "taskhub.lock").read_text("ascii")
    assert lock.strip() == str(hub.pid)


def test_a_stop_is_gentle_to_clients(own: HubProcess) -> None:
    """SIGTERM: running tasks end, clients are told and closed 4000, exit code 0.

    After the next start the task is there, ended, in the same store.
    """
    with own.client() as client:
        store = client.welcome["hub"]
        task = client.start("demo", "countdown", {"seconds": 600})
        os.kill(own.pid, signal.SIGTERM)
        code = client.closed()
        told = [frame for frame in client.frames if frame["type"] == "goaway"]
    assert own.ended() == 0
    assert code == 4000
    (goodbye,) = told
    assert msgspec.convert({**goodbye}, Goaway).drain_ms == 0

    own.start()
    with own.client() as client, own.http() as http:
        assert client.welcome["hub"] == store
        again = http.get(f"/api/v1/tasks/{task.task_id}").json()
    failure = again["metadata"]["failure"]
    assert (failure["code"], failure["ran"]) == ("hub_restarted", "maybe")


def test_the_log_is_as_shown(own: HubProcess) -> None:
    """A line per record, JSON with the fields of the example; no params in it."""
    (example,) = (json.loads(b.text) for b in BLOCKS if b.language == "json")
    with own.http() as http:
        body = {"how": "exception", "message": "on purpose"}
        http.post("/api/v1/plugins/demo/failure", json=body)
    own.stop()

    lines = [json.loads(line) for line in own.log.read_text("utf-8").splitlines()]

    (line,) = (each for each in lines if each["logger"] == "hub.runner")
    assert line.keys() == example.keys()
    assert re.fullmatch(r"task \w+: the command raised", line["message"])


def test_only_a_near_proxy_says_how_visitors_came(hub: HubProcess) -> None:
    """With `X-Forwarded-Proto` from this machine the own origin is one of https."""
    origin = {"Origin": f"https://127.0.0.1:{hub.port}"}
    with hub.http(**origin) as http:
        path = "/api/v1/plugins/demo/echo"
        refused = http.post(path)
        taken = http.post(path, headers={"X-Forwarded-Proto": "https"})
        foreign = http.get("/", headers={"Host": "hub.example"})

    assert refused.status_code == httpx.codes.FORBIDDEN
    assert taken.status_code == httpx.codes.OK
    assert foreign.status_code == httpx.codes.FORBIDDEN
    for answer in (refused, foreign):
        said = answer.json()["detail"].partition(";")[0]
        assert f"`{said}`" in pages.read(PAGE)


def test_the_limits_are_the_settings() -> None:
    """Each limit of the table is a setting with that default."""
    settings = Settings()
    for what, default, setting, _ in pages.rows(pages.section(PAGE, "## Limits")):
        section, _, key = setting.strip("`").partition(".")
        number, _, unit = default.partition(" ")
        size = int(number.replace(",", "")) * UNITS[unit]
        assert getattr(getattr(settings, section), key) == size, what


def test_a_newer_file_is_refused(make_shell: MakeShell, tmp_path: Path) -> None:
    """An older taskhub leaves a newer one's database alone, with exit code 2."""
    folder = tmp_path / "newer"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "taskhub.db")) as database:
        database.execute("PRAGMA user_version = 99")

    status, said = make_shell().run(f"taskhub serve --port 0 --data {folder}")

    assert status == 2
    assert "newer" in said
