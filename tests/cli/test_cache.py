"""`taskhub cache`: answers that are kept, and how to forget them."""

import json
from collections.abc import Callable

from click.testing import Result

Call = Callable[..., Result]


def test_answers_are_listed_and_cleared(call: Call) -> None:
    """With size, age and what is left; all, or those of a command."""
    call("cache", "clear")
    for n in ("1", "2"):
        call("run", "-q", "shapes.kept", "--n", n)

    table = call("cache").stdout.splitlines()
    entries = call("cache", "list", "--output", "ndjson").stdout.splitlines()
    whole = json.loads(call("cache", "--output", "json", "--plugin", "demo").stdout)
    some = call("cache", "clear", "--command", "other", "--output", "ndjson").stdout
    cleared = call("cache", "clear", "--plugin", "shapes", "--command", "kept").stdout
    after = call("cache").stdout

    assert table[0].split() == ["ENTRY", "BYTES", "AGE", "EXPIRES", "IN"]
    assert len(table) == 5
    assert "2 entries" in table[-1]
    assert {json.loads(entry)["command"] for entry in entries} == {"kept"}
    assert whole["entries"] == []
    assert json.loads(some) == {"cleared": 0}
    assert cleared == "2 cleared\n"
    assert after.startswith("0 entries")
