"""The programs that an operator lists, and the command lines that callers make."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub import TaskError
from hub.errors import PluginRefusedError
from plugins.process.main import Process
from plugins.process.programs import Parameter, Program
from tests.plugins_bundled.programs import Told, process, python, run


@pytest.fixture
async def told() -> Told:
    """What the program says."""
    return Told()


def echo(*argv: str, **parameters: dict[str, Any]) -> Process:
    """Make a plugin whose program prints its arguments."""
    code = "import sys; print(sys.argv[1:])"
    return process(
        it={"argv": [sys.executable, "-c", code, *argv], "parameters": parameters}
    )


async def test_values_fill_the_command_line(told: Told) -> None:
    """Each argument stays one, whatever it holds; numbers are values, too."""
    plugin = echo(
        "--days={days}",
        "{name}",
        "{mode}",
        days={"pattern": r"\d+"},
        name={"pattern": ".+"},
        mode={"choices": ["fast", "safe"], "default": "safe"},
    )

    await run(plugin, told, values={"days": 7, "name": "a b; $(reboot) {days} *"})

    assert told.said["out"] == ("['--days=7', 'a b; $(reboot) {days} *', 'safe']\n")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "name: it has to be given"),
        ({"name": "B"}, r"name: it does not fit \[a-z-\]\+"),
        ({"name": "b\n"}, "name: it does not fit"),
        ({"name": "b\0"}, "name: it does not fit"),
        ({"name": "-rf"}, "name: it must not begin with a dash"),
        ({"name": "b", "mode": "slow"}, "mode: it is none of: fast, safe"),
        ({"name": "b", "other": "x"}, "other: there is no such value; there are: mode"),
    ],
)
async def test_values_are_bounded(
    told: Told, values: dict[str, str | int], said: str
) -> None:
    """What the operator did not mean reaches no program."""
    plugin = echo(
        "{name}",
        "{mode}",
        name={"pattern": "[a-z-]+"},
        mode={"choices": ["fast", "safe"], "default": "safe"},
    )

    with pytest.raises(TaskError, match=said) as caught:
        await run(plugin, told, values=values)

    assert caught.value.code == "bad_value"
    assert told.said["out"] == ""


async def test_dashes_are_for_who_asks_for_them(told: Told) -> None:
    """Within an argument, or where the operator says so, a dash is a letter."""
    plugin = echo(
        "--name={name}",
        "{flags}",
        name={"pattern": ".*"},
        flags={"pattern": "-[vq]", "dashes": True},
    )

    await run(plugin, told, values={"name": "-x", "flags": "-v"})

    assert told.said["out"] == "['--name=-x', '-v']\n"


async def test_only_listed_variables_are_inherited(
    told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And it runs in the folder of the operator's choice."""
    monkeypatch.setenv("SECRET", "hush")
    monkeypatch.setenv("KEPT", "yes")
    plugin = process(
        it=python(
            "import os; print(sorted(os.environ), os.getcwd())",
            inherit=["KEPT"],
            environment={"OWN": "1"},
            cwd=str(tmp_path),
        )
    )

    await run(plugin, told)

    assert "SECRET" not in told.said["out"]
    assert "'KEPT', " in told.said["out"]
    assert "'OWN'" in told.said["out"]
    assert str(tmp_path) in told.said["out"]


# What is wrong.


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"argv": ["no-such-program"]}, "missing_program"),
        ({"argv": ["/no/such/program"]}, "missing_program"),
        ({"argv": ["sleep", "1"], "cwd": "/no/such/folder"}, "not_started"),
        ({"argv": ["sleep", "x\0"]}, "not_started"),
    ],
)
async def test_a_program_that_cannot_start_says_why(
    told: Told, table: dict[str, Any], code: str
) -> None:
    """By its name, at the call."""
    with pytest.raises(TaskError, match=table["argv"][0]) as caught:
        await run(process(it=table), told)

    assert caught.value.code == code


async def test_a_missing_program_is_known_at_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, the plugin is not healthy, and the list says so; others run."""
    plugin = process(it={"argv": ["no-such-program"]}, other={"argv": ["sleep", "0"]})

    await plugin.start()

    assert caplog.messages == ["program it: no-such-program is not there"]
    assert not await plugin.healthy()
    told = Told()
    listed = plugin.programs(told.context())
    assert {each.name: each.available for each in listed} == {
        "it": False,
        "other": True,
    }
    assert (await plugin.run(told.context(), "other")).exit_code == 0


async def test_the_list_says_what_a_program_takes() -> None:
    """Values with their bounds, so that a caller can fill them in."""
    plugin = process(
        it={
            "argv": ["echo", "{word}"],
            "description": "Says a word.",
            "parameters": {"word": {"choices": ["a", "b"], "default": "a"}},
        }
    )

    (listed,) = plugin.programs(Told().context())

    assert msgspec.to_builtins(listed) == {
        "name": "it",
        "description": "Says a word.",
        "available": True,
        "values": {"word": {"choices": ["a", "b"], "default": "a"}},
        "stdin": False,
    }


async def test_only_what_is_listed_runs(told: Told) -> None:
    """A program that nobody listed is none, whatever is on the disk."""
    with pytest.raises(TaskError, match="There is no program “sh”; there are: it"):
        await process(it=python("")).run(told.context(), "sh")


async def test_without_programs_the_lines_to_write_are_told(told: Told) -> None:
    """The error is the configuration to paste."""
    with pytest.raises(TaskError, match=r"\[plugin\.process\.programs\.uptime\]"):
        await process().run(told.context(), "it")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "missing required field `argv`"),
        ({"argv": []}, "length >= 1"),
        ({"argv": [""]}, "begin with a program"),
        (
            {"argv": ["{a}"], "parameters": {"a": {"pattern": "x"}}},
            "begin with a program",
        ),
        ({"argv": ["a", "{b}"]}, "do not agree about: b"),
        ({"argv": ["a"], "parameters": {"b": {"pattern": "x"}}}, "agree about: b"),
        ({"argv": ["a", "{b}"], "parameters": {"b": {}}}, "either pattern or choices"),
        ({"argv": ["a", "{b}"], "parameters": {"b": {"pattern": "("}}}, "pattern '('"),
        (
            {
                "argv": ["a", "{b}"],
                "parameters": {"b": {"choices": ["x"], "default": "y"}},
            },
            "its default does not fit",
        ),
        ({"argv": ["a"], "shell": True}, "unknown field `shell`"),
    ],
)
def test_a_wrong_table_keeps_the_plugin_out(table: dict[str, Any], said: str) -> None:
    """The reason names what is wrong."""
    with pytest.raises(PluginRefusedError) as caught:
        process(it=table)

    assert said in str(caught.value)


def test_defaults_are_what_the_page_says() -> None:
    """Without a word of the operator's: bounded in time, output and environment."""
    program = Program(argv=["true"])

    assert (program.timeout_s, program.grace_s) == (300.0, 1.5)
    assert program.output_bytes == 16 * 1024 * 1024
    assert "PATH" in program.inherit
    assert Parameter(pattern="x").fits("x")
