"""The client's whole rule, case by case: frames in, effects out, in a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.blackbox.server import HubProcess

pytestmark = pytest.mark.needs("chromium")

# Frames are the wire's own: JSON of any form.
Frame = dict[str, Any]

# Frames go to one cursor; "watch" stands for sending what the cursor asks for.
PLAY = """async (frames) => {
  const { Cursor } = await import(new URL("js/protocol.js", document.baseURI).href);
  const cursor = new Cursor();
  const effects = [];
  for (const frame of frames) {
    if (frame === "watch") { effects.push(cursor.resume()); continue; }
    for (const effect of cursor.receive(frame)) {
      const { frame: about, ...rest } = effect;
      effects.push(about?.seq === undefined ? rest : { ...rest, seq: about.seq });
    }
  }
  return [effects, cursor.last, cursor.attempt];
}"""

CALL = """async ([module, name, args]) => {
  const loaded = await import(new URL(`js/${module}.js`, document.baseURI).href);
  return loaded[name](...args);
}"""

WATCH = "watch"


def chunk(seq: int) -> Frame:
    """Make a chunk."""
    return {"type": "chunk", "seq": seq, "channel": "out", "data": seq}


def opened(after: int = 0, attempt: int = 1) -> Frame:
    """Make the first frame of a watch."""
    return {"type": "opened", "from": after, "attempt": attempt}


def reset(seq: int, attempt: int) -> Frame:
    """Make the start of another attempt."""
    return {"type": "reset", "seq": seq, "attempt": attempt}


def result(seq: int) -> Frame:
    """Make the end."""
    return {"type": "result", "seq": seq, "response": {}}


def progress(attempt: int = 1) -> Frame:
    """Make a progress frame."""
    return {"type": "progress", "attempt": attempt}


def gap(first: int, last: int, why: str = "trimmed", attempt: int = 1) -> Frame:
    """Make a gap."""
    return {"type": "gap", "from": first, "to": last, "why": why, "attempt": attempt}


@pytest.fixture(scope="module")
def page(browser: Browser, hub: HubProcess) -> Iterator[Page]:
    """Open the page once: pure functions leave nothing behind."""
    context = browser.new_context(locale="en-US")
    opened = context.new_page()
    opened.goto(hub.url)
    yield opened
    context.close()


OPENED: Frame = {"do": "opened"}
FORGET: Frame = {"do": "forget"}
ASK: Frame = {"do": "watch"}


def applied(*numbers: int) -> list[Frame]:
    """Make the effects of chunks that were shown."""
    return [{"do": "chunk", "seq": seq} for seq in numbers]


def shown(first: int, last: int, why: str = "trimmed") -> Frame:
    """Make the effect of a gap that people see."""
    return {"do": "gap", "from": first, "to": last, "why": why}


END: Frame = {"do": "end"}

CASES: dict[str, tuple[list[Any], list[Frame], int, int]] = {
    "in order": (
        [opened(), chunk(1), chunk(2), result(3)],
        [OPENED, *applied(1, 2), {**END, "seq": 3}],
        3,
        1,
    ),
    "twice is once": (
        [opened(), chunk(1), chunk(1), chunk(2), chunk(1)],
        [OPENED, *applied(1, 2)],
        2,
        1,
    ),
    "a hole is asked for, once": (
        [opened(), chunk(1), chunk(3), WATCH, chunk(4), opened(1), chunk(2), chunk(3)],
        [OPENED, *applied(1), ASK, {"from": 1, "attempt": 1}, OPENED, *applied(2, 3)],
        3,
        1,
    ),
    "the same hole again is a gap": (
        [opened(), chunk(1), chunk(3), WATCH, opened(1), chunk(4)],
        [
            OPENED,
            *applied(1),
            ASK,
            {"from": 1, "attempt": 1},
            OPENED,
            shown(2, 3, "lost"),
            *applied(4),
        ],
        4,
        1,
    ),
    "another attempt voids the output": (
        [opened(), chunk(1), reset(2, 2), progress(1), progress(2), chunk(3)],
        [OPENED, *applied(1), FORGET, {"do": "progress"}, *applied(3)],
        3,
        2,
    ),
    "a gap of a higher attempt is a reset": (
        [opened(), chunk(1), gap(2, 4, "void", 2), chunk(5)],
        [OPENED, *applied(1), FORGET, *applied(5)],
        5,
        2,
    ),
    "what people miss is shown": (
        [opened(), gap(1, 5), chunk(6)],
        [OPENED, shown(1, 5), *applied(6)],
        6,
        1,
    ),
    "what was skipped is not": (
        [opened(), gap(1, 5, "skipped"), result(6)],
        [OPENED, {**END, "seq": 6}],
        6,
        1,
    ),
    "an old gap is dropped": (
        [opened(), chunk(1), chunk(2), gap(1, 2), chunk(3)],
        [OPENED, *applied(1, 2, 3)],
        3,
        1,
    ),
    "a gap after a hole asks": (
        [opened(), gap(3, 5), WATCH, opened(), chunk(1)],
        [OPENED, ASK, {"from": 0}, OPENED, *applied(1)],
        1,
        1,
    ),
    "a store that lost its last moments": (
        [opened(), chunk(1), chunk(2), WATCH, opened(1), chunk(2)],
        [
            OPENED,
            *applied(1, 2),
            {"from": 2, "attempt": 1},
            FORGET,
            OPENED,
            *applied(2),
        ],
        2,
        1,
    ),
    "opened and progress set no attempt": (
        [opened(0, 3), progress(3), chunk(1)],
        [OPENED, {"do": "progress"}, *applied(1)],
        1,
        1,
    ),
    "nothing after the end": (
        [opened(), result(1), progress(), chunk(2), result(1), opened()],
        [OPENED, {**END, "seq": 1}],
        1,
        1,
    ),
    "an end beyond a hole is asked for": (
        [opened(), result(3), WATCH, opened(), result(3)],
        [
            OPENED,
            ASK,
            {"from": 0},
            OPENED,
            shown(1, 2, "lost"),
            {**END, "seq": 3},
        ],
        3,
        1,
    ),
    "an unknown numbered frame has its number": (
        [opened(), {"type": "novelty", "seq": 1}, chunk(2), {"type": "more news"}],
        [OPENED, *applied(2)],
        2,
        1,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_cursor_follows_the_rule(page: Page, case: str) -> None:
    """Whatever order frames come in, the output is the log's, or says what is not."""
    frames, effects, last, attempt = CASES[case]

    assert page.evaluate(PLAY, frames) == [effects, last, attempt]


def test_close_codes_carry_the_verdict(page: Page) -> None:
    """The page comes back after 4000 to 4499 and stops at 4500 and above."""
    verdict = {
        code: page.evaluate(CALL, ["protocol", "mayReconnect", [code]])
        for code in (1000, 1001, 1006, 1009, 1012, 4000, 4004, 4499, 4500, 4503, 4999)
    }

    stops = {code for code, may in verdict.items() if not may}
    assert stops == {1009, 4500, 4503, 4999}


def test_waits_grow_and_are_spread(page: Page) -> None:
    """Clients that lost one hub together come back apart: full jitter, up to 15 s."""

    def wait(failures: int, chance: float) -> Any:  # whatever the page returns
        return page.evaluate(CALL, ["protocol", "backoff", [failures, chance]])

    assert [wait(n, 0) for n in (1, 5, 50)] == [0, 0, 0]
    assert [wait(n, 0.5) for n in (1, 2, 3, 50)] == [500, 1000, 2000, 7500]


def test_a_schema_becomes_a_form(page: Page) -> None:
    """Fields come in declared order, by kind; what no field fits takes JSON."""
    schema = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "title": "Name"},
            "many": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "unit": {"enum": ["°C", "°F"], "type": "string", "default": "°C"},
            "deep": {"$ref": "#/$defs/Deep"},
            "sure": {"type": "boolean"},
        },
        "$defs": {"Deep": {"type": "object", "properties": {}}},
    }
    fields = page.evaluate(CALL, ["schema", "fieldsOf", [schema]])

    assert [(field["name"], field["kind"]) for field in fields] == [
        ("name", "string"),
        ("many", "integer"),
        ("unit", "enum"),
        ("deep", "json"),
        ("sure", "boolean"),
    ]
    assert [field["nullable"] for field in fields] == [False, True, False, False, False]
    assert page.evaluate(CALL, ["schema", "fieldsOf", [None]]) is None
    expect(page.locator(".pill")).to_be_visible()
