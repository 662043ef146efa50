"""The page for plugin authors is true."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from hub.plugin.command import CommandOptions, not_served, options_of
from hub.plugin.context import TaskContext
from hub.plugin.direct import run_directly
from hub.registry import Registry, Sources

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
async def test_each_example_is_a_plugin_that_runs(tmp_path: Path, number: int) -> None:
    """It loads without complaint, and its commands run with their defaults."""
    (tmp_path / "example.py").write_text(BLOCKS[number], "utf-8")
    registry = Registry(Sources(folders=(tmp_path,), entry_points=lambda: ()))

    await registry.load()

    assert registry.refused() == []
    (report,) = registry.plugins()
    assert report.commands
    for command in report.commands:
        spec = registry.lookup("example", command.name)
        if not spec.schema.get("required"):
            await run_directly(spec, spec.parse(b"{}").params)
    await registry.check_health()
    assert registry.plugins()[0].healthy
    await registry.close()


def test_the_page_has_examples() -> None:
    """Typed, streaming, configured, failing and classic ones."""
    assert len(BLOCKS) >= 6


async def test_the_last_sentence_is_true() -> None:
    """The first example runs without a hub as the page says."""
    namespace: dict[str, Any] = {"__name__": "example"}  # Any: what a module holds
    exec(compile(BLOCKS[0], "docs/plugins.md", "exec"), namespace)

    answer = await namespace["Greeter"]().execute("hello", {"name": "Ada"})

    assert answer == {"success": True, "result": "Hello, Ada!"}


def test_every_option_is_in_the_table() -> None:
    """In the order of the decorator, and no other."""
    table = PAGE.partition("### Options of `@command`")[2].partition("###")[0]
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)

    assert tuple(documented) == CommandOptions.__struct_fields__


def test_what_is_not_served_is_said() -> None:
    """Each option that gets a command refused is named as one."""
    asked: list[dict[str, object]] = [
        {"retries": 1},
        {"retry_on": (OSError,)},
        {"keep": "tail"},
    ]
    sentence = next(line for line in PAGE.splitlines() if "listed as refused" in line)

    for options in asked:
        assert not_served(options_of(options, "x")) is not None
        assert next(iter(options)) in sentence
    assert get_args(CommandOptions.__annotations__["keep"]) == ("all", "tail")


def test_every_verb_of_the_context_is_in_the_table() -> None:
    """Methods and attributes alike."""
    table = PAGE.partition("## The context")[2].partition("##")[0]
    public = {name for name in dir(TaskContext) if not name.startswith("_")}
    public -= {"result_value", "log_record"}  # the hub's side of `result` and `log`

    assert [name for name in sorted(public) if f"ctx.{name}" not in table] == []
