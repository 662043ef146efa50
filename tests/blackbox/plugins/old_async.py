"""A plugin by the classic contract, in `async def`, that takes any command."""

from typing import Any

from hub import PluginBase, current_task

# Any: the classic contract speaks of plain dicts.
Table = dict[str, Any]


class OldAsync(PluginBase):
    """The classic way, awaited."""

    async def initialize(self, config: Table) -> bool:
        """Need nothing."""
        return True

    async def execute(self, command: str, params: Table) -> Table:
        """Say what came."""
        await current_task().chunk(command)
        if command == "raises":
            raise ValueError("awaited on purpose")
        return {"success": True, "result": {"command": command, "params": params}}

    async def get_info(self) -> Table:
        """List no commands: any name will do."""
        return {
            "name": "old_async",
            "version": "0.1",
            "description": "",
            "commands": [],
        }

    async def cleanup(self) -> None:
        """Have nothing to clean."""

    async def is_healthy(self) -> bool:
        """Always be well."""
        return True
