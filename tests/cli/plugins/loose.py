"""A plugin in the classic style, which takes any command with any params."""

from typing import Any

from hub import PluginBase

# Any throughout: what came is JSON, and goes back as it is.


class Loose(PluginBase):
    """Gives back what it is told to do."""

    async def initialize(self, config: dict[str, Any]) -> bool:
        """Need nothing."""
        return True

    async def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Repeat the request."""
        return {"success": True, "result": {"command": command, "params": params}}

    def get_info(self) -> dict[str, Any]:
        """List no commands."""
        return {"name": "loose", "version": "1.0", "description": "Takes anything."}

    async def cleanup(self) -> None:
        """Hold nothing."""

    async def is_healthy(self) -> bool:
        """Be well."""
        return True
