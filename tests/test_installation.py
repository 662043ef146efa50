"""An installed taskhub, as users have it: a venv, an empty folder, an empty HOME."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from hub.version import VERSION
from tests.blackbox.client import Client
from tests.test_packaging import ROOT, build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

END_S = 30.0


class Installed:
    """A venv with the wheel, and a place to be."""

    def __init__(self, base: Path) -> None:
        self.home = base / "home"
        self.here = base / "here"
        self.bin = base / "venv" / "bin"
        self.home.mkdir()
        self.here.mkdir()

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of whoever runs the tests."""
        return {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.home)}

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the venv to its good end, and return its output."""
        ran = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.here,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=END_S * 2,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    @contextmanager
    def serving(self, *arguments: str) -> Iterator[int]:
        """Serve on a free port, and end it as Ctrl-C does."""
        command = [str(self.bin / "taskhub"), "serve", "--port", "0", *arguments]
        with (
            (self.home / "hub.log").open("ab") as log,
            subprocess.Popen(
                command,
                cwd=self.here,
                env=self.environ,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process,
        ):
            try:
                assert process.stdout
                first = process.stdout.readline()
                found = re.search(r" on http://127\.0\.0\.1:(\d+)$", first.strip())
                assert found, first + (self.home / "hub.log").read_text()
                yield int(found[1])
                process.send_signal(signal.SIGINT)
                assert process.wait(END_S) == 0
            finally:
                process.kill()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel and its extra `dev`; what it needs comes from the lock."""
    base = tmp_path_factory.mktemp("installed")
    made = Installed(base)
    wheel = build("wheel", base / "dist")
    subprocess.run([sys.executable, "-m", "venv", base / "venv"], check=True)
    pip = [str(made.bin / "python"), "-m", "pip", "install", "--quiet"]
    lock = ["--require-hashes", "-r", str(ROOT / "requirements.txt")]
    for what in (lock, [f"{wheel}[dev]"]):
        # Where packages come from is told by the surroundings.
        subprocess.run([*pip, *what], cwd=made.here, env=dict(os.environ), check=True)
    subprocess.run([made.bin / "python", "-m", "pip", "check"], check=True)
    return made


def test_the_program_is_there(installed: Installed) -> None:
    """With its version, and help."""
    assert installed.run("taskhub", "--version") == f"taskhub, version {VERSION}\n"
    assert "serve" in installed.run("taskhub", "--help")


def test_it_serves_page_and_plugins(installed: Installed) -> None:
    """From its own folder; data goes where it belongs, and nothing else is written."""
    with installed.serving() as port, Client(port) as client:
        page = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        assert (page.status_code, "<title>" in page.text) == (200, True)
        reader = client.run("demo", "countdown", {"seconds": 1})
        assert reader.response["status"] == "completed"
        listed = httpx.get(f"http://127.0.0.1:{port}/api/v1/plugins", trust_env=False)
        assert listed.json()["refused"] == []
        assert {"demo", "weather"} <= {
            each["name"] for each in listed.json()["plugins"]
        }

    assert (installed.home / ".local" / "share" / "taskhub").is_dir()
    assert list(installed.here.iterdir()) == []


def test_a_plugin_is_begun_tested_and_reloaded(installed: Installed) -> None:
    """As who writes one does it, with nothing but the extra `dev`."""
    installed.run("taskhub", "new", "plugin", "greeter")
    assert "3 passed" in installed.run("python", "-m", "pytest", "-W", "error")

    data = ("--data", str(installed.home / "other"))
    with (
        installed.serving("--reload", "--plugins", ".", *data) as port,
        Client(port) as client,
    ):
        assert client.run("greeter", "hello", {"name": "Ada"}).value == "Hello, Ada!"
        path = installed.here / "greeter.py"
        path.write_text(path.read_text().replace("Hello", "Bye"))
        end = time.monotonic() + END_S
        while client.run("greeter", "hello").value != "Bye, world!":
            assert time.monotonic() < end, (installed.home / "hub.log").read_text()
            time.sleep(0.05)
