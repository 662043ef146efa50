"""The house rules that no linter knows.

A rule that is broken names the file (and the line) that broke it.
"""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import click
import msgspec
import pytest

import hub
from hub import errors, events, settings
from hub.cli import main
from hub.protocol import frames

ROOT = Path(__file__).parent.parent
WALL = 400
VAGUE = {
    "base_utils",
    "common",
    "helper",
    "helpers",
    "manager",
    "misc",
    "util",
    "utils",
}
BINARY = {".ico", ".png", ".woff2"}


@cache
def project_files() -> list[Path]:
    """List what is in the project: tracked, or new and not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in sorted(set(listing.stdout.split("\0"))) if name)
    return [path for path in paths if path.is_file()]


def of_kind(*suffixes: str) -> list[Path]:
    """List the project's own files of some kinds: others' work is not measured."""
    return [
        path
        for path in project_files()
        if path.suffix in suffixes and "vendor" not in path.parts
    ]


def lines() -> Iterator[tuple[str, str]]:
    """Yield each line of each text file but the locks, with its place."""
    for path in project_files():
        if path.suffix in BINARY or path.match("requirements*.txt"):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield all functions of a module, methods too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@cache
def prose() -> str:
    """Return all that users can read: the README and docs/, decisions aside."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(page.read_text("utf-8") for page in pages)


def dotted(path: Path) -> str:
    """Name the module that a file is."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


# Files.


def test_no_file_passes_the_wall() -> None:
    """No Python or JavaScript file of ours is longer than 400 lines."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in of_kind(".py", ".js")
    }

    assert {name: size for name, size in lengths.items() if size > WALL} == {}


def test_no_module_has_a_vague_name() -> None:
    """A name says what is inside; one that takes anything soon holds everything."""
    named = [path for path in of_kind(".py", ".js") if path.stem in VAGUE]

    assert named == []


def test_each_module_opens_with_what_it_is_for() -> None:
    """Every module but an empty `__init__` opens with a docstring."""
    silent = [
        str(path.relative_to(ROOT))
        for path in of_kind(".py")
        if (tree := ast.parse(path.read_text("utf-8"))).body
        and not ast.get_docstring(tree)
    ]

    assert silent == []


def test_annotations_are_evaluated() -> None:
    """No module postpones annotations: what msgspec and mypy read is what is there."""
    postponed = re.compile(r"^from __future__ import .*annotations")

    assert [place for place, line in lines() if postponed.match(line)] == []


def test_each_exception_from_a_rule_says_why() -> None:
    """`type: ignore`, `noqa` and `no cover` carry a reason, behind or right above."""
    switch = re.compile(
        r"#\s*(?:type: ignore(?:\[[\w, -]*\])?|noqa(?:: ?[A-Z0-9, ]+)?|pragma: no \w+)"
    )
    bare = []
    for path in of_kind(".py"):
        above = ""
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if found := switch.search(line):
                before, after = line[: found.start()], line[found.end() :]
                reasons = switch.sub("", after).strip(" -:#.")
                explained = reasons or "#" in before or above.startswith("#")
                bare += [] if explained else [f"{path.relative_to(ROOT)}:{number}"]
            above = line.strip()

    assert bare == []


# Tests.


def test_each_test_states_a_promise() -> None:
    """Every test says in its docstring what users or authors can count on."""
    mute = [
        f"{path.relative_to(ROOT)}:{function.lineno}"
        for path in of_kind(".py")
        if path.name.startswith("test_")
        for function in functions(ast.parse(path.read_text("utf-8")))
        if function.name.startswith("test") and not ast.get_docstring(function)
    ]

    assert mute == []


def test_each_module_is_named_by_a_test() -> None:
    """Every module of the hub has a test file of its name, or one that imports it."""
    tests = [path for path in of_kind(".py") if ROOT / "tests" in path.parents]
    text = "\n".join(path.read_text("utf-8") for path in tests)
    names = {path.stem for path in tests}

    def is_tested(path: Path) -> bool:
        name = dotted(path)
        package, _, leaf = name.rpartition(".")
        imported = rf"\b{name}\b|from {package} import [^\n]*\b{leaf}\b"
        return f"test_{leaf}" in names or re.search(imported, text) is not None

    untested = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "hub").rglob("*.py")
        if path.stem not in {"__init__", "__main__"} and not is_tested(path)
    ]

    assert untested == []


def test_the_blackbox_shares_no_code_with_the_hub() -> None:
    """What is tested from outside is spoken to by an independent client."""
    insider = re.compile(r"^\s*(?:from|import) hub\b")
    sharing = [
        place
        for place, line in lines()
        if place.startswith("tests/blackbox/")
        and not place.startswith("tests/blackbox/plugins/")
        and insider.match(line)
    ]

    assert sharing == []


# The face and the release.


def test_the_face_is_what_it_says() -> None:
    """`hub.__all__` is sorted, and each name of it is there."""
    names = list(hub.__all__)

    assert sorted(names) == names
    assert [name for name in names if not hasattr(hub, name)] == []


def test_version_and_changelog_agree() -> None:
    """The version installed, declared and newest in the changelog is one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    newest = re.search(
        r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )

    assert newest
    assert {project["version"]} == {newest[1], metadata.version("taskhub")}


# The documents.


def sections() -> Iterator[tuple[str, type[msgspec.Struct]]]:
    """Yield the settings' sections that have keys of their own."""
    for field in msgspec.structs.fields(settings.Settings):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield field.name, field.type


def error_codes(root: type[errors.HubError]) -> Iterator[str]:
    """Yield the codes of an error's tree."""
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child.code
            yield from error_codes(child)


def frame_types() -> Iterator[str]:
    """Yield the tags of all frames."""
    for value in [*vars(events).values(), *vars(frames).values()]:
        if isinstance(value, type) and issubclass(value, msgspec.Struct):
            tag = value.__struct_config__.tag
            # The classes that frames derive from have their own names as tags.
            if isinstance(tag, str) and tag.islower():
                yield tag


def test_each_setting_is_documented() -> None:
    """Every key of every section is named in the documents, as `section.key`."""
    keys = {
        f"{section}.{field.name}"
        for section, struct in sections()
        for field in msgspec.structs.fields(struct)
    }

    assert keys
    assert set() == {key for key in keys if f"`{key}`" not in prose()}


def test_each_frame_is_documented() -> None:
    """Every frame that the hub takes or sends is named in the documents."""
    types = set(frame_types())

    assert types
    assert set() == {name for name in types if f"`{name}`" not in prose()}


def test_each_error_code_is_documented() -> None:
    """Every code that a client can meet is named in the documents."""
    codes = set(error_codes(errors.HubError))

    assert codes
    assert set() == {code for code in codes if f"`{code}`" not in prose()}


def terminal() -> Iterator[tuple[str, click.Command]]:
    """Yield the commands of `taskhub`."""
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command
        yield name, command


def test_each_command_of_the_terminal_is_documented() -> None:
    """Every command, and every option of it, is named in the documents."""
    missing = set()
    for name, command in terminal():
        wanted = {f"taskhub {name}"}
        for parameter in command.params:
            wanted |= {option for option in parameter.opts if option.startswith("--")}
        missing |= {word for word in wanted if word not in prose()}

    assert missing == set()


def test_links_lead_somewhere() -> None:
    """Each relative link of a page, and each page that a file names, is there."""
    pages = {path.name for path in project_files() if path.suffix == ".md"}
    link = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
    mention = re.compile(r"([\w-]+\.md)\b")
    broken = []
    for place, line in lines():
        file = ROOT / place.rpartition(":")[0]
        broken += [
            f"{place}: {target}"
            for target in (link.findall(line) if file.suffix == ".md" else [])
            if not (file.parent / target).exists()
        ]
        broken += [
            f"{place}: {page}" for page in mention.findall(line) if page not in pages
        ]

    assert broken == []


@pytest.mark.parametrize("unit", ["deploy/Dockerfile", "deploy/taskhub.service"])
def test_deployments_fit_the_command(unit: str) -> None:
    """The container and the service start the hub with options that it has."""
    text = (ROOT / unit).read_text()
    start = re.search(
        r"^(?:ExecStart=.*taskhub serve|CMD \[\"serve\").*$", text, re.MULTILINE
    )

    assert start
    serve = dict(terminal())["serve"]
    options = {option for parameter in serve.params for option in parameter.opts}
    assert set() == set(re.findall(r"--[a-z]+", start[0])) - options


# What must not be in any file.


def test_no_package_source_is_named() -> None:
    """Where packages come from is the machine's affair: no file names a source."""
    # In pieces, or this file would name them.
    hosts = [
        "pypi" + ".org",
        "python" + "hosted",
        "registry" + ".npmjs",
        "yarn" + "pkg",
    ]
    hosts += ["deb." + "debian", "docker" + ".io", "gh" + "cr.io", "qua" + "y.io"]
    options = ["(?<!no-emit-)(?:extra-)?index" + "-url", "(?<!no-emit-)find" + "-links"]
    pattern = re.compile("|".join([*map(re.escape, hosts), *options]))
    named = [place for place, line in lines() if pattern.search(line)]
    for lock in ROOT.glob("requirements*.txt"):
        named += (
            [lock.name] if re.search("://|^-", lock.read_text(), re.MULTILINE) else []
        )

    assert named == []


def test_no_path_of_a_machine_is_named() -> None:
    """A checkout works anywhere: no file names the folder where one was made."""
    # The last is this very checkout's folder, unless that is a throw-away place.
    folders = ["/home/", "/Users/", "/root/", "/workspace/"]
    parent = f"{ROOT.parent}/"
    folders += [] if parent.startswith(("/tmp/", "/var/", "/private/")) else [parent]
    named = [
        f"{place}: {folder}"
        for place, line in lines()
        for folder in folders
        if folder in line and not place.startswith("tests/test_house.py")
    ]

    assert named == []
