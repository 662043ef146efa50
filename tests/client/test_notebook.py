"""A notebook's cell: renewed in place, plain text, no widgets."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from hub import AsyncHub
from hub.client.notebook import Cell, bar
from hub.events import Reset
from tests.client.test_show import chunk, progress


class Handle:
    """A cell's output, as IPython's display has it."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        """Renew it."""
        assert raw
        self.shown.append(bundle)

    @property
    def text(self) -> str:
        """What is seen now."""
        assert self.shown[-1].keys() == {"text/plain"}
        return self.shown[-1]["text/plain"]


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """Be in a notebook's kernel."""
    made = Handle()

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert display_id
        made.update(bundle, raw=raw)
        return made

    module: Any = ModuleType("IPython")  # it gets what the real one has
    module.get_ipython = lambda: SimpleNamespace(kernel=object())
    displays: Any = ModuleType("IPython.display")  # ditto
    displays.display = display
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", displays)
    return made


async def test_a_task_is_shown_in_its_cell(hub: AsyncHub, handle: Handle) -> None:
    """One output, renewed while the task runs; in the end how it ended."""
    task = await hub.execute("lab.count", n=30, pace_ms=5)

    response = await task.show()

    assert response.result == 30
    assert any("░" in bundle["text/plain"] for bundle in handle.shown)
    first, *rest = handle.text.splitlines()
    assert first.startswith("lab.count completed in ")
    assert rest == [str(n) for n in range(11, 31)]


def test_what_is_void_leaves_the_cell(handle: Handle) -> None:
    """A new attempt begins with an empty output."""
    cell = Cell("p.c")
    cell.take(chunk(data="old"))
    cell.take(Reset(task_id="t", seq=2, at=0, attempt=2, reason="retry"))
    cell.take(progress(0.5, "going"))
    cell.close()

    assert "old" not in handle.text
    assert "50% going" in handle.text


def test_a_bar_is_text() -> None:
    """Full where it is done, open where nothing is known."""
    assert bar(1.0) == "█" * 30 + " 100%"
    assert bar(0.0) == "░" * 30 + " 0%"
    assert bar(None) == "…"
