"""The page of the protocol is what the hub speaks."""

import json
import re
import types
from typing import Any  # what JSON decodes to

import msgspec
import pytest

from hub import errors, tasks
from hub.http.routes import ROUTES
from tests.blackbox.server import HubProcess
from tests.docs import pages
from tests.docs.conftest import MakeShell
from tests.docs.exchange import Exchange, is_ours
from tests.docs.tables import HUBS, OURS, wire_fields

PAGE = "docs/protocol.md"
BLOCKS = pages.blocks(PAGE)
EXAMPLES = [block for block in BLOCKS if block.language == "json"]
UNKNOWN = ("list",)
"""Types of frames that the page shows being refused."""


def chapters(text: str) -> dict[str, dict[str, str]]:
    """Return the sections of a page, by heading, by chapter."""
    found: dict[str, dict[str, str]] = {}
    for chapter in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = chapter.partition("\n")
        sections = re.split(r"^### ", rest, flags=re.MULTILINE)
        cut = [part.partition("\n") for part in sections[1:]]
        found[title] = {head.strip("`"): body for head, _, body in cut}
    return found


CHAPTERS = chapters(pages.read(PAGE))


def documented(text: str) -> list[str]:
    """Name the fields in the table of a section."""
    return [row[0].strip("`") for row in pages.rows(text)]


def examples() -> list[tuple[str, dict[str, Any]]]:
    """Return every frame of the page, with its place."""
    return [
        (block.place, frame)
        for block in EXAMPLES
        for value in [json.loads(block.text)]
        for frame in (value if isinstance(value, list) else [value])
    ]


def test_the_examples_are_what_a_hub_says(hub: HubProcess) -> None:
    """Sent to a real hub, each example brings the ones behind it.

    Each section is a connection of its own; tasks are known from one to the next.
    """
    exchange = Exchange(hub.port)
    section = ""
    for block in EXAMPLES:
        if block.section != section:
            section = block.section
            exchange.connect()
        if block.note != "sample":
            exchange.try_frames(block.text, block.place)
    exchange.close()


def test_each_example_is_a_frame() -> None:
    """It decodes into the struct of its type, and has no field that is not of it."""
    for place, frame in examples():
        kind = (OURS if is_ours(frame) else HUBS).get(frame["type"])
        if kind is None:
            assert frame["type"] in UNKNOWN, place
            continue
        known = {field.encode_name for field in msgspec.structs.fields(kind)}
        assert set(frame) - {"type"} <= known, place
        assert isinstance(msgspec.json.decode(json.dumps(frame), type=kind), kind)


@pytest.mark.parametrize(
    ("chapter", "structs"),
    [("Frames from the client", OURS), ("Frames from the hub", HUBS)],
)
def test_each_frame_has_its_table(
    chapter: str, structs: dict[str, type[msgspec.Struct]]
) -> None:
    """Every type has a section that names its fields, in their order, and no other."""
    sections = CHAPTERS[chapter]

    assert sections.keys() == structs.keys()
    for name, struct in structs.items():
        fields = wire_fields(struct)
        assert (documented(sections[name]) if fields else []) == fields, name


def test_the_response_has_its_tables() -> None:
    """`TaskResponse` and its metadata are documented field by field."""
    text = pages.section(PAGE, "## TaskResponse")

    assert documented(text) == wire_fields(tasks.TaskResponse)
    metadata = CHAPTERS["TaskResponse"]["metadata"]
    assert documented(metadata) == wire_fields(tasks.Metadata)


def test_each_error_has_its_row() -> None:
    """The table has every code of the wire, with its status and its verdict."""
    flag = {True: "yes", False: "no"}
    expected = []
    for error in set(errors.CODES.values()) | {errors.NotFoundError}:
        if error.__module__ == errors.__name__:
            refusal = not issubclass(error, errors.RunError)
            status = str(error.status) if refusal else ""
            expected.append([f"`{error.code}`", status, flag[error.retry], error.ran])

    rows = [row[:4] for row in pages.rows(pages.section(PAGE, "## Errors"))]

    assert sorted(rows) == sorted(expected)


def test_each_route_has_its_row() -> None:
    """The table of routes is that of the hub; the page's own files aside."""
    real = {
        f"`{method} {getattr(route, 'path', '')}`"
        for route in ROUTES
        for method in getattr(route, "methods", None) or ()
        if method != "HEAD" and "{path:path}" not in getattr(route, "path", "")
    }

    assert {row[0] for row in pages.rows(pages.section(PAGE, "## HTTP"))} == real


def test_the_consoles_say_what_is_printed(make_shell: MakeShell) -> None:
    """Every command of every console works, in the page's order."""
    shell = make_shell()

    for block in BLOCKS:
        if block.language == "console":
            shell.try_block(block.text, block.place)


# The code for clients.


@pytest.fixture(name="client")
def _client() -> types.SimpleNamespace:
    """Load the page's code."""
    (code,) = (block for block in BLOCKS if block.language == "python")
    found: dict[str, Any] = {}
    exec(compile(code.text, code.place, "exec"), found)
    return types.SimpleNamespace(**found)


def chunk(seq: int) -> dict[str, Any]:
    """Make a chunk of a number."""
    return {"type": "chunk", "seq": seq, "data": seq}


def gap(first: int, last: int, attempt: int = 1) -> dict[str, Any]:
    """Make a gap."""
    return {"type": "gap", "from": first, "to": last, "attempt": attempt}


def test_the_code_reads_a_task(client: types.SimpleNamespace, hub: HubProcess) -> None:
    """Fed with what a hub says, it has all of the output, and the response."""
    task = client.Task()
    with hub.client() as watcher:
        reader = watcher.run("demo", "chunks", {"count": 50, "size": 10})
        ours = [f for f in watcher.frames if f.get("task_id") == reader.task_id]

    assert [task.take(frame) for frame in ours] == [False] * len(ours)

    assert len(task.output) == 50
    assert task.response["result"] == {"chunks": 50, "bytes": 500}
    assert task.last == 51


def test_the_code_drops_what_it_has(client: types.SimpleNamespace) -> None:
    """An entry that comes twice is applied once."""
    task = client.Task()

    again = [task.take(chunk(seq)) for seq in (1, 2, 1, 2, 3)]

    assert again == [False] * 5
    assert [each["data"] for each in task.output] == [1, 2, 3]


def test_the_code_asks_for_what_is_missing(client: types.SimpleNamespace) -> None:
    """A hole is asked for once; when it is still there, reading goes on behind it."""
    task = client.Task()
    task.take(chunk(1))

    assert task.take(chunk(3))
    assert task.last == 1
    assert not task.take(chunk(3))
    assert task.last == 3


def test_the_code_goes_over_gaps(client: types.SimpleNamespace) -> None:
    """A gap moves on; one of a higher attempt makes the output void."""
    task = client.Task()
    task.take(chunk(1))

    assert not task.take(gap(2, 4))
    assert (task.last, len(task.output)) == (4, 1)
    assert not task.take(gap(1, 3))
    assert task.take(gap(9, 12))
    assert not task.take(gap(5, 8, attempt=2))
    assert (task.last, task.attempt, task.output) == (8, 2, [])


def test_the_code_follows_resets(client: types.SimpleNamespace) -> None:
    """A reset voids the output, and news of the former attempt counts no more."""
    task = client.Task()
    task.take(chunk(1))

    task.take({"type": "reset", "seq": 2, "attempt": 2})
    task.take({"type": "progress", "attempt": 1})
    task.take(chunk(3))

    assert task.progress is None
    assert (task.attempt, [each["data"] for each in task.output]) == (2, [3])


def test_the_code_begins_again_where_it_is_told_to(
    client: types.SimpleNamespace,
) -> None:
    """`opened.from` below what was seen: the hub has another past."""
    task = client.Task()
    for seq in (1, 2, 3):
        task.take(chunk(seq))

    task.take({"type": "opened", "from": 3})
    assert len(task.output) == 3
    task.take({"type": "opened", "from": 0})
    assert (task.last, task.attempt, task.output) == (0, 1, [])


def test_the_code_takes_one_end(client: types.SimpleNamespace) -> None:
    """The result counts once, also where output went beyond it."""
    task = client.Task()
    for seq in (1, 2, 3):
        task.take(chunk(seq))

    task.take({"type": "result", "seq": 2, "response": "first"})
    task.take({"type": "result", "seq": 4, "response": "second"})
    task.take({"type": "progress", "attempt": 1})

    assert task.response == "first"
    assert task.progress is None
