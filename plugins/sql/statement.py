"""What a statement reads, told from its syntax tree before anything runs.

The engine is confined anyway. This refuses by name what it would refuse in words of
its own, and leaves no function to a query that takes a path.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from hub import TaskError

TABLE_FUNCTIONS: Final = frozenset(
    {
        "generate_series",
        "json_each",
        "json_tree",
        "range",
        "repeat",
        "repeat_row",
        "unnest",
    }
)
"""Functions in FROM that make rows of nothing but their arguments."""

FORBIDDEN: Final = frozenset({"current_setting", "getenv", "which_secret"})
"""Functions that tell about the machine."""

HIDDEN: Final = ("duckdb_", "pg_", "pragma_")
"""How the names of tables begin that tell about the engine and the machine."""

MOST_TABLES: Final = 100
"""Tables and subqueries in one statement: the time to plan grows much faster."""
MOST_STEPS: Final = 50
"""Names with dots between that lead to a column; for the same reason."""
FROM_WHAT: Final = frozenset({"BASE_TABLE", "SUBQUERY", "TABLE_FUNCTION"})

Name = tuple[str, str]
"""Schema (which may be empty) and table."""

# Any: a JSON document.
Node = Mapping[str, Any]


def names_in(tree: bytes) -> list[Name]:
    """Return the tables that a statement names, each once, in order.

    Args:
        tree: What `json_serialize_sql` returned.

    Raises:
        TaskError: It is not one SELECT, or calls what it must not.
    """
    try:
        document = msgspec.json.decode(tree)
    except RecursionError:
        raise _too_much("it is nested too deeply") from None
    if document["error"]:
        raise _refusal(document)
    statements = document["statements"]
    if len(statements) != 1:
        raise _not_one(len(statements))
    found: dict[Name, None] = {}
    tables = 0
    for node in _nodes(statements[0]):
        _check(node)
        kind = _kind(node)
        tables += kind in FROM_WHAT
        if tables > MOST_TABLES:
            raise _too_much(f"it reads more than {MOST_TABLES} tables")
        if kind == "BASE_TABLE":
            _check_table(node["table_name"])
            found[node.get("schema_name", ""), node["table_name"]] = None
    return list(found)


def _kind(node: Node) -> str:
    """Return what a node says that it is; empty where its `type` is something else.

    That of a constant is a node in its turn, such as the size of a sample.
    """
    kind = node.get("type")
    return kind if isinstance(kind, str) else ""


def _refusal(document: Node) -> TaskError:
    """Say why a text is no SELECT."""
    if document["error_type"] == "not implemented":
        return TaskError(
            "Only SELECT runs here: nothing can be written, set or loaded",
            code="not_a_select",
        )
    said = str(document["error_message"])
    return TaskError(f"This is no SQL: {said}", code="bad_sql")


def _too_much(why: str) -> TaskError:
    """Refuse a statement that would take long to plan, which nothing interrupts."""
    return TaskError(f"This statement is too much: {why}", code="bad_sql")


def _not_one(count: int) -> TaskError:
    said = "There is no statement" if count == 0 else f"These are {count} statements"
    return TaskError(f"{said}; give one SELECT", code="not_one_statement")


def _nodes(root: object) -> Iterator[Node]:
    """Yield all nodes of a tree, without recursion: it may be deep."""
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            # In the order of the text, for who reads the errors.
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _check_table(name: str) -> None:
    """Refuse a table of the engine's own.

    Raises:
        TaskError: It is one.
    """
    if name.lower().startswith(HIDDEN):
        raise TaskError(f"The table {name} is not allowed", code="not_allowed")


def _check(node: Node) -> None:
    """Refuse a function that reads files, or tells about the machine.

    Raises:
        TaskError: It is one.
    """
    if _kind(node) == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in TABLE_FUNCTIONS:
            raise TaskError(
                f"The function {name} cannot stand in FROM here; a file is a table: "
                "FROM 'data/sales.csv'",
                code="not_allowed",
            )
    elif len(node.get("column_names") or ()) > MOST_STEPS:
        raise _too_much("a column has too many names")
    elif node.get("class") == "FUNCTION":
        name = str(node.get("function_name", "")).lower()
        if name in FORBIDDEN:
            raise TaskError(f"The function {name} is not allowed", code="not_allowed")
