"""The hub's counters and their names. Who counts is handed the object; nobody polls.

Rules: each figure is a plain attribute, so that counting costs one addition and needs
no lock on the loop's thread. Most only rise; ``sessions`` and ``watches`` are what is
open now. No exposition format is known here.
"""

from dataclasses import dataclass, field, fields


@dataclass(slots=True, kw_only=True, eq=False)
class Metrics:
    """What has happened in one hub process since it began."""

    accepted: int = 0
    """Tasks of any origin that got an id."""
    joined: int = 0
    """Accepted tasks that share a run that was under way."""
    cached: int = 0
    """Accepted tasks that were answered from the cache."""
    started: int = 0
    """Attempts begun."""
    completed: int = 0
    """Runs that ended well."""
    failed: int = 0
    """Runs that ended badly."""
    cancelled: int = 0
    """Runs that were cancelled."""
    sessions: int = 0
    """Connections open now."""
    watches: int = 0
    """Watches open now, on all connections."""
    frames_in: int = 0
    """Frames received."""
    frames_out: int = 0
    """Frames sent."""
    bytes_out: int = 0
    """Bytes of the messages sent."""
    refused: dict[str, int] = field(default_factory=dict)
    """Refused requests, by error code."""

    def refuse(self, code: str) -> None:
        """Count a refused request.

        Args:
            code: The code of the error, one of a fixed set, never a client's text:
                each code that comes up is kept for good.
        """
        self.refused[code] = self.refused.get(code, 0) + 1

    def snapshot(self) -> dict[str, int | dict[str, int]]:
        """Return the figures as they are now, by name; a copy, ready to encode."""
        taken: dict[str, int | dict[str, int]] = {
            each.name: getattr(self, each.name) for each in fields(self)
        }
        taken["refused"] = dict(self.refused)
        return taken
