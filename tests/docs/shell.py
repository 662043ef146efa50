r"""A terminal for the pages' blocks, and a comparison of what it says.

In a block `console`, lines with `$ ` are typed into one shell, a last backslash going
on in the next line; lines with `> ` are typed into what the shell runs; all other
lines are output. In what is expected, `…` stands for anything within its line, and on
a line of its own for any number of lines.
"""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ADDRESS = "127.0.0.1:8765"
"""The hub's address on every page."""
CONTROL = re.compile(r"\x1b(?:[78]|\[[0-9;?]*[A-Za-z])|\r")
PING = '"type":"ping"'
PATIENCE = 10
"""After so many signs of life of a silent hub nothing is waited for any more."""
FRAMES = re.compile(r"< (\[.*\])")


class Step(NamedTuple):
    """One command of a block.

    Attributes:
        command: What the shell is given.
        typed: What the command is given.
        output: What it is expected to say.
    """

    command: str
    typed: list[str]
    output: list[str]


def steps(text: str) -> list[Step]:
    """Cut a block `console` into its commands."""
    found: list[Step] = []
    goes_on = False
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append(Step(line[2:], [], []))
        elif goes_on:
            found[-1] = found[-1]._replace(command=f"{found[-1].command}\n{line}")
        elif line.startswith("> "):
            found[-1].typed.append(line[2:])
        else:
            found[-1].output.append(line)
        goes_on = line.endswith("\\")
    return found


def pattern(expected: list[str]) -> str:
    """Return the regular expression of expected lines."""
    made = ""
    for line in expected:
        if line == "…":
            made += r"(?:.*\n)*?"
        else:
            made += ".*?".join(map(re.escape, line.split("…"))) + r"\n"
    return made


class Shell:
    """One bash, kept for all blocks of a page, so that variables stay.

    Args:
        folder: Where it works.
        replaced: What stands in for words of the pages, such as the hub's address.
    """

    def __init__(self, folder: Path, replaced: Mapping[str, str]) -> None:
        self._replaced = {**replaced, ".venv/bin/python": sys.executable}
        ours = str(Path(sys.executable).parent)
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TASKHUB")},
            "PATH": f"{ours}{os.pathsep}{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "no_proxy": "127.0.0.1",
            "TASKHUB_URL": f"ws://{replaced.get(ADDRESS, ADDRESS)}",
        }
        self._folder = folder
        self._bash = self._start("bash", "--noprofile", "--norc")

    def close(self) -> None:
        """End the shell."""
        self._bash.communicate("exit\n", timeout=10)

    def try_block(self, text: str, place: str) -> None:
        """Run a block `console`, and compare what it says."""
        for step in steps(text):
            if step.typed:
                self.converse(step, place)
            else:
                status, said = self.run(step.command)
                told = f"{place}: {step.command}\nsaid ({status}):\n{said}"
                # A refusal is an example, too, where the page shows it.
                assert status == 0 or step.output, told
                expected = pattern([self._own(line) for line in step.output])
                assert re.fullmatch(expected, said), told

    def run(self, command: str) -> tuple[int, str]:
        """Run a command to its end; return its status and what it said."""
        end = uuid.uuid4().hex
        stdin, stdout = self._bash.stdin, self._bash.stdout
        assert stdin is not None
        assert stdout is not None
        text = self._own(command)
        stdin.write(f"{{ {text}\n}} 2>&1 < /dev/null\nprintf '\\n%s %d\\n' {end} $?\n")
        stdin.flush()
        said = ""
        for line in stdout:
            if line.startswith(end):
                said = said.removesuffix("\n")
                if said and not said.endswith("\n"):
                    said += "\n"
                return int(line.split()[1]), said
            said += line
        raise AssertionError(f"the shell has ended: {said}")

    def converse(self, step: Step, place: str) -> None:
        """Type lines into a command until it has said what is expected."""
        process = self._start("bash", "-c", self._own(step.command))
        assert process.stdin is not None
        expected = [
            re.compile(pattern([line]).removesuffix(r"\n")) for line in step.output
        ]
        with process:
            for line in step.typed:
                process.stdin.write(f"{line}\n")
            process.stdin.flush()
            said: list[str] = []
            for line in self._said(process):
                said.append(line)
                if expected and expected[0].fullmatch(line):
                    expected.pop(0)
                if not expected or sum(PING in each for each in said) == PATIENCE:
                    break
            process.stdin.close()
            for _ in self._said(process):
                continue
        told = "\n".join([f"{place}: {step.output[-len(expected) :]} of", *said])
        assert not expected, told
        assert process.returncode == 0, told

    @staticmethod
    def _said(process: subprocess.Popen[str]) -> Iterator[str]:
        """Yield the lines of a WebSocket console, an array's frames each for itself."""
        assert process.stdout is not None
        for line in process.stdout:
            text = CONTROL.sub("", line).removesuffix("\n").removeprefix("> ")
            if found := FRAMES.match(text):
                for frame in json.loads(found[1]):
                    made = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
                    yield f"< {made}"
            else:
                yield text

    def _own(self, text: str) -> str:
        """Put what is really there in place of what the page says."""
        for said, real in self._replaced.items():
            text = text.replace(said, real)
        return text

    def _start(self, *command: str) -> subprocess.Popen[str]:
        """Start a program with pipes."""
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
