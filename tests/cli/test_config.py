"""`taskhub config show`: what a hub would be told, and by whom."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hub.cli import main
from hub.cli.config import HIDDEN, shown_values
from hub.settings import KEYS, Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a file of settings."""
    path = tmp_path / "hub.toml"
    path.write_text("[server]\nport = 9000\n[plugin.weather]\nkey = 'hush'\ndays = 3\n")
    return path


def show(*arguments: str, **environ: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(main, ["config", "show", *arguments], env=environ)


def test_every_setting_is_a_line() -> None:
    """As TOML with dotted keys would have it; the data folder is the real one."""
    result = show(XDG_DATA_HOME="/somewhere")

    lines = result.stdout.splitlines()
    assert {line.partition(" = ")[0] for line in lines} == set(KEYS)
    assert "server.port = 8765" in lines
    assert 'store.data = "/somewhere/taskhub"' in lines


def test_each_value_says_where_it_is_from(file: Path) -> None:
    """Defaults, file, environment, command line: the latest wins."""
    result = show(
        *("--origin", "--output", "json", "--config", str(file)),
        *("--engine", "memory", "--plugins", "."),
        TASKHUB__TIMING__GRACE_S="5",
        TASKHUB__SERVER__HOST="::1",
    )

    rows = {
        row["key"]: (row["value"], row["origin"]) for row in json.loads(result.stdout)
    }
    assert rows["server.port"] == (9000, str(file))
    assert rows["server.host"] == ("::1", "TASKHUB__SERVER__HOST")
    assert rows["timing.grace_s"] == (5.0, "TASKHUB__TIMING__GRACE_S")
    assert rows["store.engine"] == ("memory", "command line")
    assert rows["plugins.paths"] == (["."], "command line")
    assert rows["locale"] == ("en", "default")


def test_secrets_are_not_shown(file: Path) -> None:
    """Texts of plugins' settings may be some; their numbers are none."""
    text = show("--origin", "--config", str(file)).stdout
    lines = show("--output", "ndjson", "--config", str(file)).stdout

    assert "hush" not in text + lines
    assert f'plugin.weather.key = "{HIDDEN}"' in text
    assert "plugin.weather.days = 3" in text
    (port,) = [line for line in text.splitlines() if line.startswith("server.port")]
    assert port.endswith(f"# {file}")


def test_what_is_wrong_is_said_as_at_the_start() -> None:
    """Exit code 2, with source, key and what was expected."""
    result = show(TASKHUB__SERVER__PROT="9")

    assert result.exit_code == 2
    assert "TASKHUB__SERVER__PROT: server.prot" in result.stderr
    assert "did you mean server.port?" in result.stderr


def test_all_values_are_there_to_be_shown() -> None:
    """One for each key, and none of a plugin that was not configured."""
    assert set(shown_values(Settings())) == set(KEYS)
