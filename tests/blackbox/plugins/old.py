"""A plugin by the classic contract, in plain `def`: it runs in threads."""

from typing import Any

from hub import PluginBase, current_task

# Any: the classic contract speaks of plain dicts.
Table = dict[str, Any]


class Old(PluginBase):
    """The classic way."""

    def initialize(self, config: Table) -> bool:
        """Keep the configuration."""
        self.config = config
        return True

    def execute(self, command: str, params: Table) -> Table:
        """Run a command."""
        if command == "chat":
            task = current_task()
            task.progress(0.5, "half")
            # The same method; in a thread nothing is awaited.
            task.chunk("said")  # type: ignore[unused-awaitable]
            return {"success": True, "result": "chatted"}
        if command == "raises":
            raise ValueError("classic on purpose")
        answers: dict[str, object] = {
            "add": {
                "success": True,
                "result": {"sum": params.get("a", 0) + params.get("b", 0)},
            },
            "fails": {"success": False, "error": "no such city"},
            "garbage": "not a dict",
            "brief": {"success": True},
            "mistyped": {"success": "yes", "result": 1},
            "empty": {},
            "none": None,
        }
        # Garbage is the point.
        return answers[command]  # type: ignore[return-value]

    def get_info(self) -> Table:
        """List the commands, as names and as dicts."""
        schema = {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a"],
        }
        return {
            "name": "old",
            "version": "0.9",
            "description": "The classic way.",
            "commands": [
                {"name": "add", "description": "Add.", "params": schema},
                "chat",
                "raises",
                "fails",
                "garbage",
                "brief",
                "mistyped",
                "empty",
                {"name": "none"},
            ],
        }

    def cleanup(self) -> None:
        """Have nothing to clean."""

    def is_healthy(self) -> bool:
        """Always be well."""
        return True
