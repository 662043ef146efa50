"""`taskhub run`: params by flags, the result on standard output, exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.blackbox.server import HubProcess

Call = Callable[..., Result]


def test_flags_are_the_commands_params(call: Call) -> None:
    """Each in its own way to write it; what is not given is the hub's default."""
    result = call(
        "run",
        *("shapes.take", "--name", "Ada", "--size", "large", "--count", "3"),
        *("--share", "0.5", "--tags", "a", "--tags", "b", "--sums", "[1, 2]"),
        *("--sums", "3", "--place", '{"city": "Bonn"}', "--dry-run"),
        *("--either", "five", "--anything", "[null]"),
    )

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "name": "Ada",
        "size": "large",
        "count": 3,
        "share": 0.5,
        "tags": ["a", "b"],
        "sums": [1, 2, 3],
        "place": {"city": "Bonn", "zip": None},
        "dry_run": True,
        "either": "five",
        "anything": [None],
    }


def test_values_come_from_files_and_standard_input(call: Call, tmp_path: Path) -> None:
    """`@file` and `-`, as they are; a text that begins with @ is written @@."""
    file = tmp_path / "name.txt"
    file.write_text("Ada\n")

    result = call(
        "run",
        *("shapes.take", "--name", f"@{file}", "--tags", "@@home", "--anything", "-"),
        stdin='{"from": "stdin"}',
    )

    found = json.loads(result.stdout)
    assert found["name"] == "Ada\n"
    assert found["tags"] == ["@home"]
    assert found["anything"] == {"from": "stdin"}


def test_all_params_at_once(call: Call) -> None:
    """`--json` takes them as an object; flags win over it."""
    whole = json.dumps({"name": "Ada", "count": 2, "share": None})

    behind = call("run", "shapes.take", "--json", whole, "--count", "5")
    before = call("run", "--json", whole, "shapes.take", "--count", "5")

    found = json.loads(behind.stdout)
    assert (found["name"], found["count"], found["share"]) == ("Ada", 5, None)
    assert before.stdout == behind.stdout


def test_a_text_is_printed_as_it_is(call: Call) -> None:
    """Not as JSON, so that a shell can use it; nothing at all is nothing."""
    assert call("run", "-q", "demo.echo", "--value", "hello").stdout == "hello\n"
    assert call("run", "-q", "demo.echo", "--value", "null").stdout == ""


def test_all_but_the_result_is_on_standard_error(call: Call) -> None:
    """So that pipes work; `--quiet` leaves it out."""
    told = call("run", "shapes.say")
    quiet = call("run", "shapes.say", "--quiet")

    assert told.stdout == quiet.stdout
    assert "careful" in told.stderr
    assert quiet.stderr == ""


def test_the_forms_of_output(call: Call) -> None:
    """`json` is the whole response, `ndjson` everything that happens, line by line."""
    response = json.loads(call("run", "--output", "json", "shapes.kept").stdout)
    lines = call("run", "shapes.say", "--output", "ndjson").stdout.splitlines()

    assert (response["status"], response["result"]) == ("completed", 0)
    frames = [json.loads(line) for line in lines]
    assert frames[0]["type"] == "opened"
    assert frames[-1]["response"]["status"] == "completed"
    chunks = [frame for frame in frames if frame["type"] == "chunk"]
    assert [chunk["seq"] for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert chunks[0]["data"] == {
        "level": "warning",
        "logger": None,
        "message": "careful",
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["demo.echo"], 0),
        (["demo.failure"], 1),
        (["demo.failure", "--how", "exception", "--message", "on purpose"], 1),
        (["demo.sleep", "--seconds", "60", "--deadline", "50ms"], 1),
        (["demo.rows", "--count", "-1"], 2),
        (["demo.fly"], 2),
    ],
)
def test_exit_codes(call: Call, arguments: list[str], code: int) -> None:
    """0 for a result, 1 for a task that failed, 2 for what was asked wrongly."""
    result = call("run", *arguments)

    assert result.exit_code == code
    assert ("Error: " in result.stderr) is (code != 0)


def test_why_a_task_failed_is_one_line(call: Call) -> None:
    """With its code, the plugin's own, and the task's id."""
    result = call("run", "-q", "demo.failure", "--message", "out of\npaper", "--retry")

    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: demo.failure failed: out of paper (plugin_error, ")
    assert "asked_for; task " in line
    assert line.endswith("; trying again may help")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shapes.take"], "Missing option '--name'"),
        (["shapes.take", "--nmae", "x"], "Did you mean"),
        (["shapes.take", "--size", "huge"], "'huge' is not one of 'small', 'large'."),
        (["shapes.take", "--count", "10"], "10 is not in the range 1<=x<10."),
        (["shapes.take", "--count", "ten"], "'ten' is not a valid integer."),
        (["shapes.take", "--share", "half"], "'half' is not a valid number."),
        (["shapes.take", "--place", "Bonn"], "is not JSON"),
        (["shapes.take", "--name", "@/none"], "cannot read /none"),
        (["shapes.take", "Ada"], "params are given by name, such as --name Ada"),
        (["shapes.say", "Ada"], "shapes.say takes no params, and was given Ada"),
        (["shapes.take", "--json", "[]"], "it is not a JSON object"),
        (["shapes.take", "--json", "{"], "it is not JSON"),
        (["shapes.take", "--json", "@/none"], "'--json': cannot read /none"),
        (["demo.echo", "--url", "x"], "--url has to stand before the command"),
        (["demo.echo", "--deadline", "soon"], "no time such as 90, 1.5s, 10m or 2h"),
        (["demo.failure", "--code", "A B"], "Invalid value for '--code': expected"),
        (["demo.rwos"], "did you mean demo.rows"),
        (["rows"], "did you mean demo.rows?"),
        (["dmeo.rows"], "there is no plugin dmeo; did you mean demo.rows"),
        (["zzz.zzz"], "`taskhub plugins` lists what there is"),
        (["wrecked.all"], "the plugin wrecked was refused"),
    ],
)
def test_what_is_wrong_is_named(call: Call, arguments: list[str], said: str) -> None:
    """And what would be right, where that can be guessed. Nothing has run."""
    result = call("run", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_no_hub_may_be_an_option_at_the_wrong_place(call: Call) -> None:
    """What stands behind the name cannot say where to look."""
    nowhere = ("--reconnect-for", "0", "--url", "http://127.0.0.1:1")

    result = call("run", *nowhere, "demo.echo", "--url", "x")

    assert result.exit_code == 5
    assert "(--url has to stand before demo.echo)" in result.stderr
    assert "has to stand" not in call("run", *nowhere, "demo.echo").stderr


def test_a_command_may_have_params_called_as_our_options(call: Call) -> None:
    """Behind its name they are the command's; ours stand before it."""
    ours = call(
        "run", "--output", "json", "shapes.fetch", "--url", "a", "--output", "b"
    )
    helped = call("run", "shapes.fetch", "--help")

    assert json.loads(ours.stdout)["result"] == ["a", "b"]
    assert helped.stdout.count("--output") == 1


def test_commands_without_a_schema_take_any_flag(call: Call) -> None:
    """JSON where it reads as that, else text; a flag alone is true."""
    result = call(
        "run",
        *("loose.anything", "--city", "Bonn", "--days=3", "--deep-dive", "--x", "[1]"),
    )

    found = json.loads(result.stdout)
    assert found["command"] == "anything"
    assert found["params"] == {"city": "Bonn", "days": 3, "deep_dive": True, "x": [1]}
    assert "has no name" in call("run", "loose.anything", "Bonn").stderr


def test_help_is_made_from_the_schema(call: Call) -> None:
    """Types, choices, defaults and bounds; required ones say so."""
    text = " ".join(call("run", "shapes.take", "--help").stdout.split())

    assert "Give back what was taken." in text
    assert "--name TEXT [required]" in text
    assert "--size [small|large] [default: small]" in text
    assert "--count INTEGER How many. [default: 1; 1<=x<10]" in text
    assert "--dry-run/--no-dry-run [default: false]" in text
    assert "--tags TEXT [default: []; repeatable]" in text
    assert "--place JSON A place on a map. [default: null]" in text
    assert "--either TEXT [default: 0]" in text
    assert "--anything VALUE [default: null]" in text
    assert "--deadline TIME" in text


def test_a_detached_task_is_only_started(call: Call, hub: HubProcess) -> None:
    """Its id is printed, and it runs; a key finds it again."""
    wait = ("shapes.wait", "--detach", "--key", "bus", "--deadline", "1h")
    first, again = call("run", *wait), call("run", *wait)
    whole = call("run", "--output", "json", "--detach", "demo.echo")

    task_id = first.stdout.strip()
    assert again.stdout == first.stdout
    assert json.loads(whole.stdout)["metadata"]["command"] == "echo"
    with hub.http() as http:
        task = http.delete(f"/api/v1/tasks/{task_id}").json()
    assert task["metadata"]["command"] == "wait"


def test_results_larger_than_a_frame_are_whole(call: Call) -> None:
    """They are fetched beside the stream; a request that is too large is refused."""
    large = call("run", "-q", "shapes.large")
    refused = call("run", "-q", "demo.echo", "--value", "-", stdin="x" * 300_000)

    assert len(large.stdout) == 400_001
    assert refused.exit_code == 2
    assert "the hub takes 262,144" in refused.stderr


def test_how_it_is_to_be_run(call: Call) -> None:
    """Answers that are kept are used, refreshed, or neither."""
    origins = [
        json.loads(call("run", "--output", "json", *each).stdout)["metadata"]["origin"]
        for each in (
            ["shapes.kept", "--n", "7"],
            ["shapes.kept", "--n", "7"],
            ["shapes.kept", "--n", "7", "--cache", "refresh"],
        )
    ]

    assert origins == ["new", "cached", "new"]
