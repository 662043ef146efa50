"""What classic plugins say about themselves."""

import asyncio
from typing import Any

import pytest

from hub.errors import InvalidParamsError, PluginRefusedError
from hub.plugin.classic import REMEMBERED, ClassicInfo
from hub.plugin.command import Defaults
from hub.plugin.contract import PluginBase
from hub.plugin.errors import TaskError


class Classic(PluginBase):
    """Answers with what it was asked."""

    name = "classic"

    def initialize(self, config: dict[str, Any]) -> bool:
        """Accept anything."""
        return True

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Echo, or fail on request."""
        if params.get("fail"):
            return {"success": False, "error": "as asked"}
        return {"success": True, "result": [command, params]}

    def get_info(self) -> dict[str, Any]:
        """Be replaced by the tests."""
        return {}

    def cleanup(self) -> None:
        """Do nothing."""

    def is_healthy(self) -> bool:
        """Say yes."""
        return True


class AsyncClassic(Classic):
    """The same with an `async def execute`."""

    async def execute(  # type: ignore[override]  # each of the five may be either
        self, command: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Echo a turn later."""
        await asyncio.sleep(0)
        return Classic.execute(self, command, params)


class Disguised(Classic):
    """A `def execute` would do; this one is async and returns from a `def`."""

    async def execute(  # type: ignore[override]  # as above
        self, command: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Answer nonsense."""
        return []  # type: ignore[return-value]  # that is the point


def info(said: object, kind: type[Classic] = Classic) -> ClassicInfo:
    """Return what is made of an answer of `get_info`."""
    return ClassicInfo(kind(), said, Defaults(ttl_s=60.0, timeout_s=30.0))


def test_names_and_dicts_are_commands() -> None:
    """With schema and options, in their order; the hub's defaults fill the rest."""
    said = info(
        {
            "version": 2.5,
            "description": "Old but good",
            "commands": [
                "plain",
                {
                    "name": "rich",
                    "description": "More",
                    "params": {"properties": {"city": {"type": "string"}}},
                    "ttl": True,
                    "timeout": 5,
                    "public": True,
                },
            ],
        }
    )

    assert (said.version, said.description) == ("2.5", "Old but good")
    assert list(said.commands) == ["plain", "rich"]
    plain, rich = said.commands.values()
    assert (plain.ttl, plain.timeout, plain.isolation) == (None, 30.0, "thread")
    assert plain.schema == {"title": "Plain", "type": "object"}
    assert (rich.ttl, rich.timeout, rich.public) == (60.0, 5.0, True)
    assert rich.description == "More"
    assert rich.schema["properties"]["city"]["title"] == "City"
    assert not rich.streaming


def test_params_are_checked_by_the_plugins_schema() -> None:
    """Where there is one; else any object is accepted."""
    said = info({"commands": ["any", {"name": "one", "params": {"required": ["a"]}}]})

    assert said.commands["any"].parse(b'{"x":1}').params == {"x": 1}
    with pytest.raises(InvalidParamsError) as caught:
        said.commands["one"].parse(b"{}")
    assert caught.value.detail == {"field": "a", "reason": "required, but missing"}


async def test_calls_go_through_execute() -> None:
    """A success gives the result, a failure is a TaskError."""
    plain = info({"commands": ["do"]}).commands["do"]
    later = info({"commands": ["do"]}, AsyncClassic).commands["do"]
    ctx: Any = None  # classic plugins use current_task()

    assert (plain.isolation, later.isolation) == ("thread", "async")
    assert plain.call(ctx, {"a": 1}) == ["do", {"a": 1}]
    assert await later.call(ctx, {"a": 1}) == ["do", {"a": 1}]
    with pytest.raises(TaskError, match="as asked"):
        plain.call(ctx, {"fail": True})
    with pytest.raises(TaskError, match="as asked"):
        await later.call(ctx, {"fail": True})


async def test_malformed_answers_are_failures() -> None:
    """With a text that says what was wrong, and a code of their own."""
    spec = info({"commands": ["do"]}, Disguised).commands["do"]

    with pytest.raises(
        TaskError, match=r"classic\.do answered list, not a dict"
    ) as error:
        await spec.call(None, {})  # type: ignore[arg-type]  # no context is looked at

    assert error.value.code == "malformed_answer"


@pytest.mark.parametrize("said", [{}, {"commands": []}, {"commands": None}])
def test_without_a_list_any_name_is_taken(said: dict[str, Any]) -> None:
    """A well-formed one, that is; the plugin shows no commands."""
    open_info = info(said)

    spec = open_info.find("whatever")

    assert spec is not None
    assert spec.name == "whatever"
    assert spec is open_info.find("whatever")
    assert open_info.find("What ever") is None
    assert open_info.commands == {}


def test_remembered_names_are_bounded() -> None:
    """A caller who invents names does not fill the memory; those in use stay."""
    open_info = info({})
    kept = open_info.find("kept")
    first = open_info.find("c0")
    for number in range(1, REMEMBERED - 1):
        open_info.find(f"c{number}")
    assert open_info.find("kept") is kept

    open_info.find("one_more")

    assert open_info.find("kept") is kept
    assert open_info.find("c0") is not first


def test_a_listed_plugin_takes_no_other_name() -> None:
    """What is not listed is not found."""
    assert info({"commands": ["do"]}).find("undo") is None


def test_options_that_are_not_served_are_said() -> None:
    """The command is listed as refused; the others work."""
    said = info({"commands": ["fine", {"name": "again", "retries": 3}]})

    assert said.commands["fine"].refused is None
    assert "retries" in str(said.commands["again"].refused)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "it returned NoneType, not a dict"),
        ({"commands": {"do": {}}}, "commands is dict, not a list"),
        ({"commands": [3]}, "each of commands is a name or a dict with a name"),
        (
            {"commands": [{"ttl": 3}]},
            "each of commands is a name or a dict with a name",
        ),
        ({"commands": ["do", "do"]}, "there are two commands named 'do'"),
        ({"commands": ["Do It"]}, "command 'Do It': name: 'Do It' does not match"),
        ({"commands": [{"name": "do", "tll": 3}]}, "command 'do' has no option 'tll'"),
        ({"commands": [{"name": "do", "ttl": "x"}]}, "command 'do': ttl: "),
        ({"commands": [{"name": "do", "params": []}]}, "command 'do': params is no"),
        (
            {"commands": [{"name": "do", "params": {"type": "text"}}]},
            "command 'do': params: ",
        ),
        (
            {"commands": [{"name": "do", "isolation": "async"}]},
            "isolation='async' does not fit a `def`",
        ),
    ],
)
def test_a_malformed_answer_keeps_the_plugin_out(said: object, reason: str) -> None:
    """The line is that of `get_info`."""
    with pytest.raises(PluginRefusedError) as caught:
        info(said)

    assert caught.value.reason.startswith("get_info(): ")
    assert reason in caught.value.reason
    assert caught.value.file == __file__
    assert caught.value.line == Classic.get_info.__code__.co_firstlineno
