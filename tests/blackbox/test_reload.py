"""Reloading from outside: sockets stay open, tasks end on the code they began with."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.conftest import MakeHub
from tests.blackbox.server import HubProcess

WAIT_S = 10.0
PLUGIN = """from hub import Plugin, command
import asyncio
from pathlib import Path

GATE = Path(__file__).parent / "gate"


class Lab(Plugin):
    version = "1"

    async def stop(self):
        (GATE.parent / "stopped").write_text("N")

    @command(ttl=300)
    async def cached(self, ctx, {parameter}: int = 0) -> str:
        return "N"

    @command(join=True)
    async def gated(self, ctx, {parameter}: int = 0) -> str:
        await ctx.chunk("N begins")
        while not GATE.exists():
            await asyncio.sleep(0.01)
        return "N"
"""


def write(folder: Path, number: int, parameter: str = "n", tail: str = "") -> None:
    """Save the plugin's next edition; its `version` stays the same."""
    source = PLUGIN.replace("{parameter}", parameter).replace("N", str(number))
    folder.mkdir(exist_ok=True)
    (folder / "lab.py").write_text(source + tail, "utf-8")


def listed(hub: HubProcess, holds: Callable[[dict[str, object]], object]) -> None:
    """Wait until the listing of plugins says something."""
    end = time.monotonic() + WAIT_S
    with hub.http() as http:
        while not holds(answer := http.get("/api/v1/plugins").json()):
            assert time.monotonic() < end, answer
            time.sleep(0.02)


def logged(hub: HubProcess, count: int) -> None:
    """Wait until so many reloads are in the log."""
    end = time.monotonic() + WAIT_S
    while hub.errors().count("plugin lab was reloaded") < count:
        assert time.monotonic() < end, hub.errors()
        time.sleep(0.02)


def test_running_tasks_end_on_the_old_code(make_hub: MakeHub, tmp_path: Path) -> None:
    """On one open socket, where the new code answers by then; nobody joins them."""
    folder = tmp_path / "broken"
    write(folder, 1)
    hub = make_hub("--reload", plugins=[folder]).start()
    with hub.client() as client:
        old = client.start("lab", "gated")
        client.chunks(old, 1)

        write(folder, 2)
        logged(hub, 1)
        new = client.start("lab", "gated")
        client.chunks(new, 1)
        assert (old.output, new.output) == (["1 begins"], ["2 begins"])
        assert new.origin == "new"
        assert not (folder / "stopped").exists()

        (folder / "gate").touch()
        assert (client.finish(old).value, client.finish(new).value) == ("1", "2")
        listed(hub, lambda _: (folder / "stopped").exists())
        assert (folder / "stopped").read_text() == "1"
        assert client.count("welcome") == 1
    hub.stop()


def test_a_broken_save_is_shown_and_mended(make_hub: MakeHub, tmp_path: Path) -> None:
    """The code from before serves meanwhile; its cached answers die with it."""
    folder = tmp_path / "broken"
    write(folder, 1)
    hub = make_hub("--reload", plugins=[folder]).start()
    with hub.client() as client:
        origins = [client.run("lab", "cached").origin for _ in range(2)]
        assert origins == ["new", "cached"]

        write(folder, 2)
        logged(hub, 1)
        fresh = client.run("lab", "cached")
        assert (fresh.value, fresh.origin) == ("2", "new")

        write(folder, 3, tail="\n    def broken(:\n")
        listed(hub, lambda found: found["refused"])
        with hub.http() as http:
            (refusal,) = http.get("/api/v1/plugins").json()["refused"]
        assert refusal["file"] == str(folder / "lab.py")
        assert refusal["line"] == len((folder / "lab.py").read_text().splitlines())
        assert "SyntaxError" in refusal["reason"] or "Indentation" in refusal["reason"]
        assert client.run("lab", "cached").value == "2"

        write(folder, 4)
        listed(hub, lambda found: not found["refused"])
        assert client.run("lab", "cached").value == "4"
    hub.stop()


def test_waiting_runs_take_the_new_code(make_hub: MakeHub, tmp_path: Path) -> None:
    """Their params are checked again; what does not fit fails and says which field."""
    folder = tmp_path / "broken"
    write(folder, 1)
    environ = {"TASKHUB__LIMITS__ASYNC_RUNS": "1"}
    hub = make_hub("--reload", plugins=[folder], environ=environ).start()
    with hub.client() as client:
        running = client.start("lab", "gated")
        client.chunks(running, 1)
        fitting = client.start("lab", "cached", {"n": 0})
        bad = client.start("lab", "gated", {"n": 5})

        write(folder, 2, parameter="m")
        logged(hub, 1)
        plain = client.start("lab", "cached", {"m": 1})
        (folder / "gate").touch()

        assert client.finish(running).value == "1"
        assert client.finish(plain).value == "2"
        for reader in (fitting, bad):
            failure = client.finish(reader).failure
            assert (failure["code"], failure["ran"]) == ("invalid_params", "no")
            assert failure["detail"]["field"] == "n"
    hub.stop()


def test_a_plugin_that_leaves_is_unknown(make_hub: MakeHub, tmp_path: Path) -> None:
    """To new requests and to what waits; what runs ends as usual."""
    folder = tmp_path / "broken"
    write(folder, 1)
    environ = {"TASKHUB__LIMITS__ASYNC_RUNS": "1"}
    hub = make_hub("--reload", plugins=[folder], environ=environ).start()
    with hub.client() as client:
        running = client.start("lab", "gated")
        client.chunks(running, 1)
        waiting = client.start("lab", "cached")

        (folder / "lab.py").unlink()
        listed(hub, lambda found: "'lab'" not in str(found))
        answer = client.refused("execute", plugin="lab", command="cached")
        assert answer["code"] == "unknown_command"
        (folder / "gate").touch()

        assert client.finish(running).value == "1"
        failed = client.finish(waiting)
        assert failed.failure["code"] == "unknown_command"
        assert failed.response["error"] == "There is no plugin 'lab'."
    hub.stop()


def test_commands_in_processes_are_reloaded(make_hub: MakeHub, tmp_path: Path) -> None:
    """Processes that were kept ready with the old code are not used any more."""
    folder = tmp_path / "broken"
    write(folder, 1)
    path = folder / "lab.py"
    apart = """
    @command(isolation="process")
    def apart(self, ctx) -> int:
        return 1
"""
    path.write_text(path.read_text() + apart)
    hub = make_hub("--reload", plugins=[folder]).start()
    with hub.client() as client:
        assert client.run("lab", "apart").value == 1

        path.write_text(path.read_text().replace("return 1", "return 2"))
        logged(hub, 1)
        assert [client.run("lab", "apart").value for _ in range(2)] == [2, 2]
    hub.stop()


@pytest.mark.usefixtures("unmeasured")
def test_an_import_that_never_ends_stops_nothing(
    make_hub: MakeHub, tmp_path: Path
) -> None:
    """Neither a socket nor the old code, nor the hub's own end."""
    folder = tmp_path / "endless"
    write(folder, 1)
    hub = make_hub("--reload", plugins=[folder]).start()
    with hub.client() as client:
        write(folder, 2, tail="open(GATE.parent / 'begun', 'w')\nwhile True: pass\n")
        end = time.monotonic() + WAIT_S
        while not (folder / "begun").exists():
            assert time.monotonic() < end, hub.errors()
            time.sleep(0.02)

        begun = time.monotonic()
        assert client.run("lab", "cached").value == "1"
        assert time.monotonic() - begun < WAIT_S / 2
    begun = time.monotonic()
    hub.stop()
    assert time.monotonic() - begun < WAIT_S
